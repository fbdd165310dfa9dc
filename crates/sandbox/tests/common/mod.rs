//! A small world to make sandboxes in: a root made of this machine's own programs, an input, an output
//! and a home, for root and for an ordinary user.
#![allow(dead_code, reason = "each test file uses its part of this")]
#![allow(clippy::disallowed_methods, reason = "tests start programs")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Who makes the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Root, if the tests run as root.
    Root,
    /// Somebody without rights: an id that nothing else uses, if the tests run as root.
    User,
}

pub(crate) const USER: u32 = 12_345;

/// Runs a test as everybody that this process can be.
pub(crate) fn as_everybody(test: impl Fn(&World)) {
    let all: &[Who] = if is_root() { &[Who::Root, Who::User] } else { &[Who::User] };
    for who in all {
        test(&World::new(*who));
    }
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub(crate) struct World {
    pub(crate) who: Who,
    folder: TempDir,
}

impl World {
    pub(crate) fn new(who: Who) -> World {
        let folder = tempfile::tempdir().unwrap();
        let world = World { who, folder };
        fs::set_permissions(world.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // Not fs::copy: a descriptor open for writing could be caught by the fork of another test.
        let cp = Command::new("cp").arg(env!("CARGO_BIN_EXE_akbuild-sandbox-probe")).arg(world.path("probe")).status();
        assert!(cp.unwrap().success());
        for name in ["root/usr", "root/etc", "root/home", "root/opt/tool", "input/sub", "out", "home"] {
            fs::create_dir_all(world.path(name)).unwrap();
        }
        for name in ["bin", "sbin", "lib", "lib64"] {
            if let Ok(target) = fs::read_link(Path::new("/").join(name)) {
                symlink(target, world.path("root").join(name)).unwrap();
            }
        }
        for (name, text) in [
            ("root/etc/passwd", "build:x:1000:1000::/build:/bin/sh\n"),
            ("root/opt/tool/file", "tool\n"),
            ("input/file", "input\n"),
            ("input/sub/file", "sub\n"),
            ("home/secret", "secret\n"),
        ] {
            fs::write(world.path(name), text).unwrap();
        }
        world.hand_over();
        world
    }

    /// Gives the writable folder to whom the sandbox needs it to belong.
    fn hand_over(&self) {
        if !is_root() {
            return;
        }
        let (uid, gid) = akbuild_sandbox::build_owner();
        match self.who {
            Who::Root => chown(self.path("out"), Some(uid), Some(gid)).unwrap(),
            Who::User => {
                let all =
                    Command::new("chown").arg("-R").arg(format!("{USER}:{USER}")).arg(self.folder.path()).status();
                assert!(all.unwrap().success());
            }
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The probe, as `who`.
    pub(crate) fn program(&self) -> Command {
        let mut command = Command::new(self.path("probe"));
        command.stdin(Stdio::null()).current_dir("/");
        self.become_who(&mut command);
        command
    }

    /// The probe with the usual mounts: programs, an input, the output, and the probe itself.
    pub(crate) fn sandbox(&self, options: &[&str]) -> Command {
        let mut command = self.program();
        command.arg("--root").arg(self.path("root"));
        for (kind, at, from) in [("--ro", "/usr", PathBuf::from("/usr")), ("--ro", "/input", self.path("input"))] {
            command.arg(kind).arg(at).arg(from);
        }
        command.arg("--rw").arg("/build/out").arg(self.path("out"));
        command.arg("--ro").arg("/probe").arg(self.path("probe"));
        command.args(options).arg("--");
        command
    }

    /// The same command, started through another one.
    pub(crate) fn through(&self, outer: &[&str], command: &Command) -> Command {
        let (program, arguments) = (outer[0], &outer[1..]);
        let mut outer = Command::new(program);
        outer.args(arguments).arg(command.get_program()).args(command.get_args());
        outer.stdin(Stdio::null()).current_dir("/");
        self.become_who(&mut outer);
        outer
    }

    fn become_who(&self, command: &mut Command) {
        if self.who == Who::User && is_root() {
            command.uid(USER).gid(USER);
        }
    }

    /// Runs a shell script in the sandbox, and gives what comes of it.
    pub(crate) fn run(&self, script: &str) -> String {
        self.run_with(&[], script)
    }

    pub(crate) fn run_with(&self, options: &[&str], script: &str) -> String {
        text(self.sandbox(options).args(["/bin/sh", "-c", &format!("exec 2>&1; {script}")]).output().unwrap())
    }
}

/// Standard output, then standard error.
pub(crate) fn text(output: Output) -> String {
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}
