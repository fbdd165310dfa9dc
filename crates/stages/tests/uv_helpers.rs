//! The programs that settle and check an environment, on small environments that these tests make.
#![allow(clippy::disallowed_methods, reason = "the programs are run on trees that the tests make")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An environment at `env`, and the folder of helpers beside it.
struct Environment {
    dir: tempfile::TempDir,
    selected: Vec<String>,
    installed: Vec<String>,
}

/// Whether the machine has an interpreter; in CI it must.
fn python() -> bool {
    let found = Command::new("python3").arg("-c").arg("import hashlib; hashlib.file_digest").output();
    let has = found.is_ok_and(|output| output.status.success());
    assert!(has || std::env::var_os("CI").is_none(), "CI has to have `python3`");
    has
}

impl Environment {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let new = Self { dir, selected: Vec::new(), installed: Vec::new() };
        fs::create_dir_all(new.site()).unwrap();
        fs::create_dir_all(new.out().join("bin")).unwrap();
        fs::create_dir_all(new.dir.path().join("helpers")).unwrap();
        new.write("bin/python", "");
        new
    }

    fn out(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join("env")
    }

    fn site(&self) -> PathBuf {
        self.out().join("lib/python3.14/site-packages")
    }

    /// Writes a file of the environment.
    fn write(&self, path: &str, text: &str) {
        let path = self.out().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Installs a package with these files, relative to site-packages; `more` is added to its entry in the selection.
    fn package(&mut self, name: &str, files: &[(&str, &str)], more: &str) {
        let mut record = String::new();
        let info = format!("{name}-1.0.dist-info");
        for (path, text) in files {
            self.write(&format!("lib/python3.14/site-packages/{path}"), text);
            let quoted = if path.contains(',') { format!("\"{path}\"") } else { (*path).to_owned() };
            record.push_str(&format!("{quoted},sha256=x,{}\n", text.len()));
        }
        record.push_str(&format!("{info}/RECORD,,\n"));
        self.write(&format!("lib/python3.14/site-packages/{info}/RECORD"), &record);
        self.selected.push(format!(r#"{{"name": "{name}", "version": "1.0", "certain": true{more}}}"#));
        self.installed.push(format!(r#"{{"name": "{name}", "version": "1.0"}}"#));
    }

    /// Runs a helper; whether it succeeded, and its errors without the folder's name.
    fn run(&self, name: &str, text: &str) -> (bool, String) {
        let helpers = self.dir.path().join("helpers");
        let list = |all: &[String]| format!("[{}]", all.join(", "));
        fs::write(helpers.join("selected.json"), list(&self.selected)).unwrap();
        fs::write(helpers.join("installed.json"), list(&self.installed)).unwrap();
        fs::write(helpers.join(name), text).unwrap();
        let output = Command::new("python3").arg(helpers.join(name)).env("out", self.out()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.success(), said.replace(self.out().to_str().unwrap(), "ENV"))
    }

    fn verify(&self) -> String {
        let (ok, said) = self.run("verify.py", include_str!("../src/verify.py"));
        assert_eq!(ok, said.is_empty(), "{said}");
        said
    }
}

fn read(site: &Path, path: &str) -> String {
    fs::read_to_string(site.join(path)).unwrap()
}

#[test]
fn notes_of_times_and_of_folders_of_the_run_are_removed_with_their_lines() {
    if !python() {
        return;
    }
    let mut env = Environment::new();
    let note = r#"{"url":"file:///build/vendor/a-1.0.tar.gz","archive_info":{}}"#;
    let files = [("a.py", ""), ("a-1.0.dist-info/uv_cache.json", "{}"), ("a-1.0.dist-info/direct_url.json", note)];
    env.package("a", &files, "");
    let digest = "0a".repeat(32);
    let note = format!(r#"{{"url":"http://127.0.0.1:4873/pypi/files/{digest}/b.zip","subdirectory":"s"}}"#);
    let more = format!(r#", "url": "https://files.invalid/b.zip", "sha256": "{digest}""#);
    env.package("b", &[("b,c.py", ""), ("b-1.0.dist-info/direct_url.json", &note)], &more);
    let git = r#"{"url":"https://forge.invalid/c","vcs_info":{"vcs":"git"}}"#;
    env.package("c", &[("c-1.0.dist-info/direct_url.json", git)], "");
    let (ok, said) = env.run("settle.py", include_str!("../src/settle.py"));
    assert!(ok, "{said}");
    let site = env.site();
    assert_eq!(read(&site, "a-1.0.dist-info/RECORD"), "a.py,sha256=x,0\na-1.0.dist-info/RECORD,,\n");
    assert!(!site.join("a-1.0.dist-info/uv_cache.json").exists());
    assert!(!site.join("a-1.0.dist-info/direct_url.json").exists());
    let settled = r#"{"url":"https://files.invalid/b.zip","subdirectory":"s"}"#;
    assert_eq!(read(&site, "b-1.0.dist-info/direct_url.json"), settled);
    let record = read(&site, "b-1.0.dist-info/RECORD");
    assert!(record.contains(&format!(",{}\n", settled.len())) && !record.contains("json,sha256=x"), "{record}");
    assert!(record.starts_with("\"b,c.py\",sha256=x,0\n"), "a name with a comma stays quoted: {record}");
    assert_eq!(read(&site, "c-1.0.dist-info/direct_url.json"), git);
}

#[test]
fn an_environment_that_is_right_passes() {
    if !python() {
        return;
    }
    let mut env = Environment::new();
    let entry = ("a-1.0.dist-info/entry_points.txt", "[console_scripts]\nrun-a = a:main\nlong-a = a:main\n");
    env.package("a", &[("a.py", ""), entry, ("a.pth", "import a\nelsewhere\n")], r#", "folder": "lib""#);
    let out = env.out();
    env.write("bin/run-a", &format!("#!{}/bin/python\n", out.display()));
    env.write("bin/long-a", &format!("#!/bin/sh\n'''exec' '{}/bin/python' \"$0\" \"$@\"\n' '''\n", out.display()));
    env.write("bin/other", "#!/usr/bin/env bash\n");
    env.selected.push(r#"{"name": "b", "version": "1.0", "certain": false}"#.into());
    assert_eq!(env.verify(), "");
    // A wheel may list a file that it does not have.
    let record = "lib/python3.14/site-packages/a-1.0.dist-info/RECORD";
    env.write(record, "a.py,,\nnever.py,,\n");
    env.write(".uv-cache/archive-v0/x/a-1.0.dist-info/RECORD", "");
    assert_eq!(env.verify(), "");
}

#[test]
fn an_environment_that_is_not_what_was_promised_fails() {
    if !python() {
        return;
    }
    let mut env = Environment::new();
    env.package("empty", &[("empty-1.0.dist-info/METADATA", "")], r#", "folder": "lib""#);
    env.package("old", &[("old.py", "")], "");
    env.installed[1] = r#"{"name": "old", "version": "0.9"}"#.into();
    env.package("lost", &[("lost/a.py", ""), ("lost/b.py", "")], "");
    fs::remove_file(env.site().join("lost/b.py")).unwrap();
    let entry = ("script-1.0.dist-info/entry_points.txt", "[console_scripts]\nhere = s:main\ngone = s:main\n");
    env.package("script", &[("s.py", ""), entry], "");
    env.write("bin/here", "#!/usr/bin/python3\n");
    env.write("bin/built", "#!/build/.venv/bin/python\n");
    env.write("lib/python3.14/site-packages/_link.pth", "/build/lib/src\n");
    env.write("lib/python3.14/site-packages/__editable___x_finder.py", "");
    env.selected.push(r#"{"name": "absent", "version": "1.0", "certain": true}"#.into());
    insta::assert_snapshot!(env.verify(), @r"
    error: the environment is not what `uv.lock` describes
      empty has no files: it is a local package in the folder `lib`, and was built from what the stage sees of it; add its files to `include` of the stage
      old is installed in version 0.9, and the lock has 1.0
      absent is not installed, and the lock selects it
      lost lacks 1 of the files that it lists, such as lost/b.py
      _link.pth leads to /build/lib/src, a folder of the build
      __editable___x_finder.py leads to a folder of the build: a package is installed as editable
      script has the command `gone`, and bin/gone does not exist
      bin/built starts /build/.venv/bin/python, which is not in the environment
      bin/here starts /usr/bin/python3, which is not in the environment
    ");
}
