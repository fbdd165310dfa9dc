//! `--toolchain host`: stages that run with the programs of the machine that runs the tests.

#![allow(clippy::disallowed_methods, reason = "these tests start the program itself")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A project without a lock whose one sysroot asks for these programs, and a stage `last` with this script.
struct Project {
    folder: TempDir,
}

impl Project {
    fn new(host: &str, script: &str) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        let recipe = format!(
            r#"[project]
name = "tiny"
version = "1.0.0"
prefix = "/opt/tiny"
targets = ["last"]

[debian]
suites = ["sid"]

[sysroots.build]
packages = ["tools"]
{host}

[stages.last]
kind = "run"
out = "/opt/tiny"
script = '''
{script}
'''
checks = [{{ elf = "build" }}, {{ run = "test -d {{prefix}}", sysroot = "build" }}]
"#
        );
        fs::write(project.path("akbuild.toml"), recipe).unwrap();
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn confined(&self, command: &mut Command) -> (bool, String) {
        command.current_dir(self.folder.path()).env_clear().env("PATH", "/mnt/tools/bin:/usr/bin:/bin");
        command.env("AKBUILD_HOME", self.path("store")).env("HOME", self.path("home")).stdin(Stdio::null());
        let output = command.env("AKBUILD_ETC", self.path("etc")).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    }

    fn run(&self, args: &[&str]) -> (bool, String) {
        self.confined(Command::new(env!("CARGO_BIN_EXE_akbuild")).args(args))
    }

    /// Runs a shell script that has the program as `$1`, with an empty `/mnt` of its own.
    fn script(&self, script: &str) -> (bool, String) {
        let script = format!("mount -t tmpfs tmpfs /mnt\n{script}");
        let arguments = ["--user", "--map-root-user", "--mount", "bash", "-euc", &script, "bash"];
        self.confined(Command::new("unshare").args(arguments).arg(env!("CARGO_BIN_EXE_akbuild")))
    }
}

#[test]
fn a_stage_runs_with_the_machines_programs_and_sees_nothing_else_of_it() {
    let script = r#"
for folder in /home /root /var/tmp /mnt /srv; do [ -z "$(ls -A $folder)" ]; done
[ ! -e /etc/shadow ]
if touch /usr/akbuild-was-here || touch /etc/akbuild-was-here; then exit 1; fi
grep -q '^build:' /etc/passwd
grep -q '^host.bash ' /etc/akbuild-host
cp "$(command -v ls)" "$out/ls"
"#;
    let project = Project::new("host = [\"bash >= 3\", \"cp\", \"grep\"]", script);
    let (ok, text) = project.run(&["--toolchain", "host", "all"]);
    assert!(ok, "{text}");
    assert!(text.contains("warning: stages run with this machine's own programs"), "{text}");
    let copied = project.path("result/ls");
    assert!(fs::read(copied).unwrap().starts_with(b"\x7fELF"));
    let (ok, text) = project.run(&["--toolchain", "host", "plan"]);
    assert!(ok && text.ends_with("nothing to do\n"), "{text}");
}

#[test]
fn another_program_of_the_same_name_runs_the_stage_again() {
    let project = Project::new("host = [\"cp\", \"greet >= 1.2\"]", "greet > \"$out/text\"");
    let program = "mkdir -p /mnt/tools/bin; printf '#!/bin/sh\\necho greet 1.2' > /mnt/tools/bin/greet; \
        chmod +x /mnt/tools/bin/greet";
    let (ok, text) = project.script(&format!(
        "{program}; \"$1\" --toolchain host all; \"$1\" --toolchain host plan >&2; echo '# other' >> /mnt/tools/bin/greet; \
         \"$1\" --toolchain host plan; \"$1\" --toolchain host why last"
    ));
    assert!(ok, "{text}");
    assert_eq!(fs::read_to_string(project.path("result/text")).unwrap(), "greet 1.2\n");
    assert!(
        text.contains("nothing to do\n") && text.contains("`last` would run because `greet` of this machine changed\n"),
        "{text}"
    );
}

#[test]
fn programs_that_are_not_there_are_one_error() {
    let project = Project::new("host = [\"bash >= 999\", \"no-such-program\"]", "true");
    let (ok, text) = project.run(&["--toolchain", "host", "all"]);
    assert!(!ok && text.contains("this machine lacks 2 programs"), "{text}");
    assert!(text.contains("\n  no-such-program (for sysroot `build`): not on the PATH\n"), "{text}");
}

#[test]
fn a_sysroot_must_name_its_programs() {
    let project = Project::new("", "true");
    let (ok, text) = project.run(&["--toolchain", "host", "all"]);
    assert!(!ok);
    insta::assert_snapshot!(text, @r#"
    error: `--toolchain host` is asked for, and the recipe does not say which programs of this machine to take for
      sysroot `build` (akbuild.toml:10)
      help: give each a list such as `host = ["bash", "gcc"]`, or leave out `--toolchain host`
    "#);
}
