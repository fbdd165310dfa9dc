//! A world for one test: a project, a home, a mirror, and the real program with a cleared environment.

use std::fmt;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::archive::archive;
use crate::server::{Reply, Server};
use crate::text::normal;

/// An id that nothing else uses.
const USER: u32 = 23_456;

/// What every recipe of these tests begins with.
const HEAD: &str = r#"[project]
name = "tiny"
version = "1.0.0"
prefix = "/opt/tiny"
targets = ["last"]

[sources.app]
path = "app"

[debian]
suites = ["sid"]
keyrings = ["archive.gpg"]

[sysroots.build]
packages = ["tools"]
essential = false
"#;

pub(crate) struct World {
    pub(crate) server: Server,
    folder: TempDir,
    program: PathBuf,
    user: Option<u32>,
}

impl World {
    /// A project with these stages (and whatever else a recipe may have), and no lock.
    pub(crate) fn unlocked(stages: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        let world = World { server: Server::new(), folder, program: env!("CARGO_BIN_EXE_akbuild").into(), user: None };
        fs::create_dir_all(world.path("project/app")).unwrap();
        for (path, bytes) in &archive().files {
            world.server.put(&format!("/debian/{path}"), Reply::File(bytes.clone()));
        }
        fs::write(world.path("project/archive.gpg"), &archive().keyring).unwrap();
        world.mirrors(&["/debian/"]);
        world.recipe(stages);
        world
    }

    /// The same, locked.
    pub(crate) fn new(stages: &str) -> World {
        let world = World::unlocked(stages);
        world.lock();
        world
    }

    /// A world whose files belong to an ordinary user, who runs the program.
    pub(crate) fn of_user(stages: &str) -> World {
        // The folder of the build may be closed to others.
        let mut world = World::unlocked(stages).with_program();
        if is_root() {
            world.user = Some(USER);
            let owner = format!("{USER}:{USER}");
            assert!(Command::new("chown").arg("-R").arg(owner).arg(world.folder.path()).status().unwrap().success());
        }
        world
    }

    /// The same with a program of its own, by which its processes can be told from others.
    pub(crate) fn with_program(mut self) -> World {
        // Not `fs::copy`: a descriptor that is open for writing could be inherited by a child of another test,
        // and the file then not be executed.
        let program = self.path("akbuild");
        assert!(Command::new("cp").arg(&self.program).arg(&program).status().unwrap().success());
        self.program = program;
        self
    }

    /// Writes the lock.
    pub(crate) fn lock(&self) {
        let _ = self.run(&["lock"]).ok();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Writes another recipe: the usual head, and then this, with the server's address for `SERVER`.
    pub(crate) fn recipe(&self, stages: &str) {
        self.write("akbuild.toml", &format!("{HEAD}\n{stages}").replace("SERVER", &self.server.url("")));
    }

    /// Writes an overlay with these Debian mirrors, which are folders of the server.
    pub(crate) fn mirrors(&self, debian: &[&str]) {
        let list = |paths: &[&str]| paths.iter().map(|path| self.server.url(path)).collect::<Vec<_>>();
        let (debian, other) = (list(debian), list(&["/none/"]));
        let registries = format!("npm = {other:?}\npython = {other:?}\ngo = {other:?}\ndebian = {debian:?}\n");
        self.write("akbuild.local.toml", &format!("[registries]\n{registries}"));
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path("project").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }

    /// Reads a file of the project.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path("project").join(name)).unwrap()
    }

    /// Changes the only place of a file of the project that reads so.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {text}");
        self.write(name, &text.replace(from, to));
    }

    /// The program, in the project's folder, without a terminal and with hardly any environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args);
        self.confine(&mut command);
        command
    }

    /// The program, started by a shell script that has it and its arguments as `"$@"`, with namespaces of its own.
    pub(crate) fn inside(&self, script: &str, args: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "--mount", "bash", "-euc", script, "bash"])
            .arg(&self.program)
            .args(args);
        self.confine(&mut command);
        command
    }

    /// The program in a session of its own, whose controlling terminal is its standard input.
    pub(crate) fn in_session(&self, args: &[&str]) -> Command {
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(&self.program).args(args);
        self.confine(&mut command);
        command
    }

    fn confine(&self, command: &mut Command) {
        command.current_dir(self.path("project")).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("AKBUILD_HOME", self.home()).env("HOME", self.path("nobody")).env("AKBUILD_ETC", self.path("etc"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.end(self.start(args))
    }

    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    /// Waits for it.
    pub(crate) fn end(&self, child: Child) -> Ran {
        let output = child.wait_with_output().unwrap();
        let names = [
            (self.path("project").display().to_string(), "[PROJECT]"),
            (self.home().display().to_string(), "[HOME]"),
            (self.folder.path().display().to_string(), "[WORLD]"),
            (self.server.url(""), "[SERVER]"),
        ];
        let text = |bytes| String::from_utf8(bytes).expect("what it writes is UTF-8");
        let (out, err) = (text(output.stdout), text(output.stderr));
        let shown = format!("{}--- {}\n{}", normal(&out, &names), exit(output.status), normal(&err, &names));
        Ran { code: output.status.code(), out, err, shown }
    }

    /// What is in a folder of the home.
    pub(crate) fn bucket(&self, name: &str) -> Vec<String> {
        names(&self.home().join(name))
    }

    /// What the first stage in `./result` has in a file.
    pub(crate) fn result(&self, name: &str) -> String {
        self.read(&format!("result/{name}"))
    }
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn exit(status: std::process::ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit {code}"))
}

/// What came of a run. Shown as its standard output, the exit code, and standard error.
#[must_use]
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    shown: String,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Ran {
    /// Asserts success.
    pub(crate) fn ok(self) -> Ran {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self
    }

    /// Asserts that the user or a stage failed.
    pub(crate) fn failed(self) -> Ran {
        assert_eq!(self.code, Some(1), "{}\n{}", self.out, self.err);
        self
    }

    /// The events of a run with `--json`.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// `stage status` of each stage, sorted, of a run with `--json`.
    pub(crate) fn stages(&self) -> String {
        let finished = self.events().into_iter().filter(|e| e["reason"] == "stage-finished");
        let mut stages: Vec<String> =
            finished.map(|e| format!("{} {}", text(&e["stage"]), text(&e["status"]))).collect();
        stages.sort();
        stages.join(", ")
    }
}

/// A JSON string.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string"))
}
