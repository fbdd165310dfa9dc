//! The npm kinds: options that are refused, and the small program that checks what npm did, run by the machine's Node.
#![allow(clippy::disallowed_methods, reason = "the machine's own Node is what is tested with")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use akbuild_recipe::plan::{Exec, Step};

use common::plan;

const RECIPE: &str = r#"[project]
name = "mini"
version = "1.2.0"
prefix = "/opt/{name}"
targets = ["web"]

[sources.app]
path = "."

[debian]
suites = ["forky"]

[sysroots.build]
packages = ["bash"]

[stages.deps]
kind = "npm-ci"
source = "app"
folder = "web"
env = { NODE_ENV = "production" }

[stages.web]
kind = "npm-run"
source = "app"
folder = "web"
deps = "deps"
run = ["build", "build:it's"]
outputs = ["dist"]
"#;

fn exec(stage: &str) -> Exec {
    let plan = plan(RECIPE).unwrap();
    let stage = plan.stages.iter().find(|s| s.id.as_str() == stage).unwrap();
    let Step::Exec(exec) = &stage.step else { panic!("not a script") };
    (**exec).clone()
}

#[test]
fn scripts_of_the_kinds() {
    insta::assert_snapshot!(exec("deps").script, @r#"
    cd web
    if [ -e npm-shrinkwrap.json ]; then cp npm-shrinkwrap.json package-lock.json; fi
    host=$(node /tmp/akbuild-npm.cjs hosts)
    npm_config_replace_registry_host="$host" npm ci --ignore-scripts
    node /tmp/akbuild-npm.cjs installed
    cd /build
    find . -name node_modules -prune -o '(' -type f -o -type l ')' -exec rm -f '{}' +
    find . -mindepth 1 -name node_modules -prune -o -type d -print | sort -r | xargs -r -d '\n' rmdir --ignore-fail-on-non-empty 2>/dev/null
    find . -path '*/node_modules/.package-lock.json' -exec rm -f '{}' +
    "#);
    insta::assert_snapshot!(exec("web").script, @r#"
    node /tmp/akbuild-npm.cjs prepare /build build 'build:it'\''s'
    npm run build || node /tmp/akbuild-npm.cjs failed /build $?
    npm run 'build:it'\''s' || node /tmp/akbuild-npm.cjs failed /build $?
    node /tmp/akbuild-npm.cjs outputs 'build
    build:it'\''s' dist
    mkdir -p "$(dirname "$out"/dist)"
    cp -a dist "$out"/dist
    "#);
}

#[test]
fn settings_that_npm_ci_decides_are_refused() {
    let with = |variable: &str| {
        let recipe = RECIPE.replace("NODE_ENV = \"production\"", &format!("\"{variable}\" = \"x\""));
        plan(&recipe).expect_err("the recipe is sound").to_string()
    };
    insta::assert_snapshot!(with("NPM_CONFIG_registry"), @r#"
    error: `NPM_CONFIG_registry` sets `registry` of npm, which the kind `npm-ci` decides
      --> akbuild.toml:20:7
       |
    20 | env = { "NPM_CONFIG_registry" = "x" }
       |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = help: leave it out: packages come from the loopback registry, which has what the lock names
    "#);
    assert!(with("npm_config_@s:registry").contains("`@s:registry` of npm"));
}

/// A folder with these files, and the small program beside them; `None` where the machine has no Node.
struct Project(tempfile::TempDir);

impl Project {
    fn new(files: &[(&str, &str)]) -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let found = std::env::split_paths(&path).any(|dir| dir.join("node").is_file() && dir.join("npm").is_file());
        assert!(found || std::env::var_os("CI").is_none(), "CI has to have Node and npm");
        let project = Self(tempfile::tempdir().unwrap());
        std::fs::write(project.0.path().join("akbuild-npm.cjs"), &exec("web").files[0].text).unwrap();
        std::fs::create_dir(project.work()).unwrap();
        files.iter().for_each(|(path, text)| project.write(path, text));
        found.then_some(project)
    }

    fn work(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap().join("work")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.work().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn link(&self, target: &str, path: &str) {
        let path = self.work().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    /// Runs a command of the small program; its exit code and output.
    fn run(&self, words: &[&str]) -> String {
        let work = self.work();
        let words = words.iter().map(|word| if *word == "WORK" { work.to_str().unwrap() } else { word });
        let mut node = Command::new("node");
        let node =
            node.arg(self.0.path().join("akbuild-npm.cjs")).args(words).current_dir(&work).env("TMPDIR", self.0.path());
        let output = node.env_remove("NODE_ENV").output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        format!("exit {}\n{}", output.status.code().unwrap(), String::from_utf8_lossy(&text).trim_end())
    }

    fn mode(&self, path: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(self.work().join(Path::new(path))).unwrap().permissions().mode() & 0o777
    }
}

const MANIFEST: (&str, &str) = (
    "package.json",
    "\u{feff}{\"scripts\": {\"build\": \"make it\", \"build:sfe\": \"make sfe\", \"test\": \"exit 1\"}}",
);

#[test]
fn a_script_that_is_not_there_is_named_before_any_runs() {
    let Some(project) = Project::new(&[MANIFEST]) else { return };
    assert_eq!(project.run(&["prepare", "WORK", "build", "env", "restart"]), "exit 0\n");
    insta::assert_snapshot!(project.run(&["prepare", "WORK", "build", "biuld:sfe", "start"]), @"
    exit 1
    error: package.json has no script `biuld:sfe`, `start`
      it has build, build:sfe, test
      help: correct `run` of the stage; the nearest is `build:sfe`
    ");
    project.write("package.json", "{}");
    insta::assert_snapshot!(project.run(&["prepare", "WORK", "build"]), @"
    exit 1
    error: package.json has no script `build`
      it has no scripts
      help: see `folder` of the stage
    ");
    project.write(".npmrc", "workspaces=true");
    assert_eq!(project.run(&["prepare", "WORK", "build"]), "exit 0\n");
}

#[test]
fn programs_of_workspaces_can_be_run_as_after_npm_ci() {
    let Some(project) = Project::new(&[MANIFEST, ("tool/cli.js", "#!/usr/bin/env node\r\nx\r\n")]) else { return };
    project.link("../tool", "node_modules/tool");
    project.link("../tool/cli.js", "node_modules/.bin/tool");
    project.link("../gone/cli.js", "node_modules/.bin/gone");
    assert_eq!(project.run(&["prepare", "WORK", "build"]), "exit 0\n");
    assert_eq!(project.mode("tool/cli.js"), 0o755);
    assert_eq!(std::fs::read_to_string(project.work().join("tool/cli.js")).unwrap(), "#!/usr/bin/env node\nx\r\n");
}

#[test]
fn an_output_that_is_missing_or_empty_names_the_option_and_the_scripts() {
    let Some(project) = Project::new(&[MANIFEST, ("src/a", "")]) else { return };
    project.run(&["prepare", "WORK", "build"]);
    project.write("build/app.js", "");
    insta::assert_snapshot!(project.run(&["outputs", "build\nbuild:sfe", "build", "dist/app"]), @"
    exit 1
    error: `outputs` of the stage names `dist/app`, which does not exist after the scripts ran
      script `build`: make it
      script `build:sfe`: make sfe
      written in `.`: build
      found in `.`: build, package.json, src
      help: correct `outputs`, or have a script write there
    ");
    std::fs::create_dir(project.work().join("dist")).unwrap();
    insta::assert_snapshot!(project.run(&["outputs", "build", "dist"]), @"
    exit 1
    error: `outputs` of the stage names `dist`, which is an empty folder after the scripts ran
      script `build`: make it
      written in `.`: build, dist
      found in `.`: build, dist, package.json, src
      help: correct `outputs`, or have a script write there
    ");
    assert_eq!(project.run(&["outputs", "build", "build", "build/app.js"]), "exit 0\n");
}

#[test]
fn a_failed_script_names_linked_packages_that_are_not_seen() {
    let Some(project) = Project::new(&[MANIFEST, ("here/package.json", "{}")]) else { return };
    assert_eq!(project.run(&["failed", "WORK", "2"]), "exit 2\n");
    project.link("../here", "node_modules/here");
    project.link("../../packages/gone", "node_modules/@s/gone");
    insta::assert_snapshot!(project.run(&["failed", "WORK", "2"]), @"
    exit 2
    note: the stage does not see these linked packages:
      node_modules/@s/gone leads to ../../packages/gone
      help: if the script needs them, name their folders in `include` of the stage
    ");
}

const LOCK: &str = r#"{"packages": {"": {}, "node_modules/a": {}, "node_modules/b/node_modules/c": {}, "node_modules/d": {"dev": true},
    "node_modules/e": {"optional": true}, "node_modules/f": {"link": true}}}"#;

#[test]
fn what_npm_left_out_is_an_error() {
    let Some(project) = Project::new(&[("package-lock.json", LOCK), ("node_modules/a/x", "")]) else { return };
    insta::assert_snapshot!(project.run(&["installed"]), @"
    exit 1
    error: npm did not install 3 packages of package-lock.json: node_modules/b/node_modules/c, node_modules/d, node_modules/f
      help: write the lock again with `npm install --package-lock-only`, with the version of npm that the sysroot has
    ");
    project.write("node_modules/b/node_modules/c/x", "");
    project.link("../f", "node_modules/f");
    insta::assert_snapshot!(project.run(&["installed"]), @"
    exit 1
    error: npm did not install a package of package-lock.json: node_modules/d
      help: write the lock again with `npm install --package-lock-only`, with the version of npm that the sysroot has
    ");
    project.write(".npmrc", "omit=dev");
    assert_eq!(project.run(&["installed"]), "exit 0\n");
    project.link("../a/gone.js", "node_modules/.bin/a");
    insta::assert_snapshot!(project.run(&["installed"]), @"
    exit 1
    error: a program in node_modules/.bin cannot be found
      node_modules/.bin/a leads to ../a/gone.js
      help: see whether `include` of the stage has these files
    ");
}

#[test]
fn nothing_installed_is_an_error() {
    let Some(project) = Project::new(&[("package-lock.json", LOCK)]) else { return };
    insta::assert_snapshot!(project.run(&["installed"]), @"
    exit 1
    error: npm installed none of the 5 packages of package-lock.json
      help: see `omit`, `os` and `cpu` in .npmrc and in the lock; without packages, leave out this stage
    ");
    project.write("package-lock.json", "\u{feff}{\"packages\": {\"\": {}}}");
    insta::assert_snapshot!(project.run(&["installed"]), @"
    exit 1
    error: package-lock.json names no package, so there is nothing to install
      help: leave out this stage
    ");
}

#[test]
fn tarballs_of_the_source_beside_addresses_of_one_host() {
    let Some(project) = Project::new(&[]) else { return };
    let hosts = |resolved: &[&str]| {
        let entry = |(at, url): (usize, &&str)| format!("\"node_modules/{at}\": {{\"resolved\": \"{url}\"}}");
        let entries: Vec<String> = resolved.iter().enumerate().map(entry).collect();
        project.write("package-lock.json", &format!("{{\"packages\": {{{}}}}}", entries.join(", ")));
        project.run(&["hosts"])
    };
    assert_eq!(hosts(&["https://a.invalid/x", "http://127.0.0.1:4873/npm/-/files/00/a.tgz"]), "exit 0\nalways");
    assert_eq!(hosts(&["file:a.tgz", "http://127.0.0.1:4873/npm/-/files/00/a.tgz"]), "exit 0\nnever");
    assert_eq!(hosts(&["file:a.tgz", "https://a.invalid/x"]), "exit 0\na.invalid");
    insta::assert_snapshot!(hosts(&["file:a.tgz", "https://a.invalid/x", "https://b.invalid/x"]), @"
    exit 1
    error: package-lock.json has tarballs of the source together with addresses on several hosts: a.invalid, b.invalid
      help: put those tarballs into the source too, or publish them on one host
    ");
}
