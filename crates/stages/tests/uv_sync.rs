//! What a `uv-sync` stage sees of its source, and which variables a recipe may set for uv.

use std::path::Path;

use akbuild_recipe::plan::{Exec, LockReference, Plan, Step};
use akbuild_recipe::{Local, Lock, Overlay, RecipeErrors, read, resolve};
use akbuild_stages::StageKinds;

const RECIPE: &str = r#"[project]
name = "mini"
version = "1.2.0"
prefix = "/opt/{name}"
targets = ["deps"]

[sources.app]
path = "."

[debian]
suites = ["forky"]

[sysroots.build]
packages = ["bash"]

[tools.uv]
python = "uv==0.9.18"

[stages.deps]
kind = "uv-sync"
source = "app"
venv = "/opt/mini/venv"
python = "3.14"
"#;

const LOCK: &str = r#"version = 1

tools = [
  { name = "uv", python = "uv==0.9.18", file = "uv-0.9.18.whl", digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
]
"#;

fn plan(options: &str) -> Result<Plan, RecipeErrors> {
    let written = read(&format!("{RECIPE}{options}\n"), "akbuild.toml")?;
    let (lock, local) = (Lock::parse(LOCK, "akbuild.lock").unwrap(), Local { host: true, ..Local::default() });
    resolve(&written, &Overlay::default(), &lock, &local, &StageKinds, Path::new("/project"))
        .map(|draft| draft.with_sysroots(Vec::new()))
}

fn exec(options: &str) -> Exec {
    let plan = plan(options).unwrap_or_else(|error| panic!("{error}"));
    match &plan.stages[0].step {
        Step::Exec(exec) => (**exec).clone(),
        _ => unreachable!("uv-sync runs a script"),
    }
}

#[test]
fn settings_files_of_the_folder_and_above_are_seen() {
    let include = |options| exec(options).copies[0].subset.include.clone();
    assert_eq!(include(""), ["uv.lock", "{pyproject.toml,uv.toml}", "**/pyproject.toml"]);
    let expected = ["a/b/uv.lock", "{a/b/pyproject.toml,a/b/uv.toml,a/uv.toml,uv.toml}", "a/b/**/pyproject.toml"];
    assert_eq!(include("folder = \"a/b\""), expected);
    assert_eq!(include("include = [\"x\"]"), ["x"]);
}

#[test]
fn uv_reads_the_configuration_that_akbuild_writes() {
    let exec = exec("extras = [\"b\", \"a\"]\ngroups = [\"g\"]\nenv = { UV_NO_BINARY_PACKAGE = \"idna\" }");
    assert_eq!(exec.env["UV_CONFIG_FILE"], "/build/.akbuild/uv.toml");
    assert_eq!(exec.env["UV_NO_BINARY_PACKAGE"], "idna");
    assert!(matches!(&exec.locks[0], LockReference::Uv(lock) if lock.helpers == "/build/.akbuild"));
    insta::assert_snapshot!(exec.script, @r#"
    UV_CACHE_DIR=/tmp/uv /opt/akbuild/tools/uv/bin/uv venv --quiet "$out"
    /opt/akbuild/tools/uv/bin/uv sync --frozen --no-install-project --no-install-workspace --no-editable --no-dev --extra a --extra b --group g
    /opt/akbuild/tools/uv/bin/uv pip list --format json --python "$out" > /build/.akbuild/installed.json
    "$out"/bin/python /build/.akbuild/settle.py
    "$out"/bin/python /build/.akbuild/verify.py
    rm -rf "$out"/.uv-cache "$out"/.lock "$out"/.gitignore "$out"/CACHEDIR.TAG
    find "$out" -type d -name __pycache__ -prune -exec rm -rf '{}' +
    "#);
}

#[test]
fn a_variable_that_contradicts_the_stage_is_refused_at_its_place() {
    let complaint = |options| plan(options).expect_err("the recipe is sound").to_string();
    insta::assert_snapshot!(complaint("env = { CFLAGS = \"-O1\", UV_INDEX_URL = \"https://index.invalid\" }"), @r#"
    error: `UV_INDEX_URL` cannot be set for uv in a stage
      --> akbuild.toml:24:25
       |
    24 | env = { CFLAGS = "-O1", UV_INDEX_URL = "https://index.invalid" }
       |                         ^^^^^^^^^^^^
       = help: packages come from the registry of the stage; where akbuild downloads them from is configured in the overlay
    "#);
    insta::assert_snapshot!(complaint("env = { UV_FUTURE = \"1\" }"), @r#"
    error: `UV_FUTURE` cannot be set for uv in a stage
      --> akbuild.toml:24:9
       |
    24 | env = { UV_FUTURE = "1" }
       |         ^^^^^^^^^
       = help: akbuild does not know this variable of uv; remove it
    "#);
}
