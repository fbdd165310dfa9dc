//! Programs that the real `go` makes, read and compared with what `go version -m` says. Modules come from a folder in the
//! form of a proxy, made here; nothing outside is asked. Without `go` on the search path there is nothing to run; in CI
//! that is a failure.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use akbuild_attest::go::{GoBinary, GoError, GoModule, binary};
use data_encoding::BASE64;
use tempfile::TempDir;

const MAIN: &str = "package main\n\nimport (\n\t\"example.org/dep\"\n\t\"example.org/local\"\n\t\"example.org/old\"\n)\n\n\
     func main() { println(dep.Name, old.Name, local.Name) }\n";
const GO_MOD: &str = "module example.org/app\n\ngo 1.21\n\nrequire (\n\texample.org/dep v1.0.0\n\texample.org/local v0.0.0\n\
     \texample.org/old v2.0.0+incompatible\n)\n\nreplace example.org/local => ./local\n\nreplace example.org/dep => example.org/fork v1.1.0\n";

/// A module of one's own and a proxy with those it needs.
struct World {
    dir: TempDir,
    go: PathBuf,
}

impl World {
    fn new() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let go = std::env::split_paths(&path).map(|dir| dir.join("go")).find(|file| file.is_file());
        assert!(go.is_some() || std::env::var_os("CI").is_none(), "CI has to have `go`");
        let world = Self { dir: TempDir::new().unwrap(), go: go? };
        world.publish(
            "example.org/fork",
            "v1.1.0",
            "module example.org/fork\n",
            "package dep\n\nconst Name = \"fork\"\n",
        );
        world.publish(
            "example.org/old",
            "v2.0.0+incompatible",
            "module example.org/old\n",
            "package old\n\nconst Name = \"old\"\n",
        );
        world.write("app/main.go", MAIN);
        world.write("app/go.mod", GO_MOD);
        world.write("app/local/go.mod", "module example.org/local\n");
        world.write("app/local/local.go", "package local\n\nconst Name = \"local\"\n");
        Some(world)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn publish(&self, module: &str, version: &str, go_mod: &str, code: &str) {
        let versions = format!("proxy/{module}/@v");
        self.write(&format!("{versions}/{version}.info"), &format!("{{\"Version\": \"{version}\"}}"));
        self.write(&format!("{versions}/{version}.mod"), go_mod);
        let file = fs::File::create(self.dir.path().join(format!("{versions}/{version}.zip"))).unwrap();
        let mut zip = zip::ZipWriter::new(file);
        // What has `+incompatible` has no go.mod.
        for (name, text) in [("go.mod", go_mod), ("code.go", code)].iter().skip(usize::from(version.contains('+'))) {
            let options = zip::write::SimpleFileOptions::default();
            zip.start_file(format!("{module}@{version}/{name}"), options).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
    }

    fn go(&self, args: &[&str]) -> String {
        let (app, home) = (self.dir.path().join("app"), self.dir.path().join("home"));
        let mut command = Command::new(&self.go);
        command.current_dir(app).args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", &home).env("GOFLAGS", "-modcacherw").env("GOSUMDB", "off").env("GOTOOLCHAIN", "local");
        command.env("GOPROXY", format!("file://{}", self.dir.path().join("proxy").display())).env("CGO_ENABLED", "0");
        let output = command.output().unwrap();
        assert!(output.status.success(), "go {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn read(&self, program: &str) -> Vec<u8> {
        fs::read(self.dir.path().join("app").join(program)).unwrap()
    }
}

/// As `go version -m` writes it.
fn written(binary: &GoBinary) -> Vec<String> {
    let mut lines = vec![format!("path\t{}", binary.path.as_deref().unwrap_or_default())];
    let main = binary.main.iter().map(|module| ("mod", module));
    for (word, module) in main.chain(binary.deps.iter().map(|module| ("dep", module))) {
        lines.push(line(word, module));
        lines.extend(module.replaced_by.iter().map(|module| line("=>", module)));
    }
    lines
}

fn line(word: &str, module: &GoModule) -> String {
    let sum = module.sum.map(|sum| format!("h1:{}", BASE64.encode(sum.as_bytes()))).unwrap_or_default();
    format!("{word}\t{}\t{}\t{sum}", module.path, module.version).trim_end().to_owned()
}

/// Compares with `go version -m`; the modules that are inside.
fn agrees(world: &World, program: &str) -> GoBinary {
    let found = binary(&world.read(program)).unwrap();
    let said = world.go(&["version", "-m", program]);
    let mut said = said.lines().map(|line| line.trim());
    assert_eq!(said.next(), Some(format!("{program}: {}", found.go).as_str()));
    let said: Vec<&str> = said.filter(|line| !line.is_empty() && !line.starts_with("build\t")).collect();
    assert_eq!(written(&found), said);
    found
}

#[test]
fn what_is_read_is_what_go_says() {
    let Some(world) = World::new() else { return };
    world.go(&["mod", "tidy"]);
    world.go(&["build", "-o", "program", "."]);
    let found = agrees(&world, "program");
    let sums: Vec<bool> = found.deps.iter().map(|dep| dep.effective().sum.is_some()).collect();
    let names: Vec<&str> = found.deps.iter().map(|dep| dep.effective().path.as_str()).collect();
    assert_eq!((names, sums), (vec!["example.org/fork", "./local", "example.org/old"], vec![true, false, true]));

    world.go(&["build", "-ldflags=-s -w", "-o", "stripped", "."]);
    assert_eq!(agrees(&world, "stripped").deps, found.deps);

    // Who takes modules from a vendor folder does not know their hashes.
    world.go(&["mod", "vendor"]);
    world.go(&["build", "-mod=vendor", "-o", "vendored", "."]);
    let vendored = agrees(&world, "vendored");
    assert!(vendored.deps.iter().all(|dep| dep.effective().sum.is_none()));
    assert_eq!(vendored.deps.len(), 3);

    let program = world.read("program");
    without_section_headers(&program, &found);
    cut(&program, &found);
    damaged(program);
}

/// The segment with data is where the information is too.
fn without_section_headers(program: &[u8], found: &GoBinary) {
    let mut elf = program.to_vec();
    elf[40..48].fill(0); // e_shoff
    elf[60..64].fill(0); // e_shnum, e_shstrndx
    assert_eq!(binary(&elf).as_ref(), Ok(found));
}

/// Whatever is missing at the end, it is an error or the whole.
fn cut(program: &[u8], found: &GoBinary) {
    for end in (0..600).chain((0..program.len()).step_by(9973)) {
        match binary(&program[..end]) {
            Ok(cut) => assert_eq!(&cut, found),
            Err(GoError::Elf | GoError::NoBuildInfo | GoError::Damaged { .. }) => {}
            Err(other) => panic!("{end}: {other}"),
        }
    }
}

/// One byte of the headers changed: whatever is said, nothing breaks.
fn damaged(mut program: Vec<u8>) {
    for at in 0..64 + 56 * 8 {
        for value in [0, 0x7f, 0xff] {
            let kept = std::mem::replace(&mut program[at], value);
            let _ = binary(&program);
            program[at] = kept;
        }
    }
}
