//! `uv-sync`: the virtual environment that a `uv.lock` means, at the place where it will live.
//!
//! Wheels are unpacked and source distributions compiled by uv itself, against the sysroot.
//! Project and workspace members are left out: they are laid over it by a `tree` stage. Other packages of the source
//! are installed as any package is, not as links to their folders.

use std::collections::BTreeMap;

use akbuild_recipe::plan::{
    Copy, Exec, GIT, LockFile, LockReference, REGISTRY, SourceId, Step, TOOLS, TreeRef, UvLock, View, WORK, WrittenFile,
};
use akbuild_recipe::{Fields, RecipeError};

use crate::script::{below, in_work, quote};
use crate::{checks, uv_variables};

/// Where the stage's own small programs are.
const HELPERS: &str = "/build/.akbuild";

/// Options: `source`, `folder` (of `uv.lock`), `include`/`exclude` (what uv must see: by default the lock,
/// every `pyproject.toml`, and `uv.toml` in `folder` and above), `venv` (absolute), `python` (`3.14`), `extras`, `groups`, `git`
/// (list of `{ package, url, source }`: git dependencies and the source that stands for each), `uv` (a tool,
/// default `uv`), `sysroot` (default `build`), `env`, `checks`.
pub(crate) fn step(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let source = fields.source("source")?;
    let folder = fields.folder("folder")?;
    let home = in_work(&folder);
    let lock = below(&folder, "uv.lock");
    let subset = fields.subset_or(&[&lock, &settings_files(&folder), &below(&folder, "**/pyproject.toml")])?;
    let venv = fields.opt_absolute("venv")?.ok_or_else(|| fields.missing("venv"))?;
    let python = fields.string("python")?;
    let (extras, groups) = (sorted(fields.strings("extras")?), sorted(fields.strings("groups")?));
    let uv = fields.tool_or("uv", "uv")?;
    let dependencies = git_dependencies(fields)?;
    let script = script(&extras, &groups, &format!("{TOOLS}/{uv}/bin/uv"));
    let mut env = env(&venv, &python, &dependencies);
    env.extend(variables(fields)?);
    let mut git: Vec<SourceId> = dependencies.iter().map(|d| d.source.clone()).collect();
    git.sort();
    git.dedup();
    let replaced = dependencies.into_iter().map(|d| (d.package, d.source)).collect();
    let uv_lock = UvLock {
        file: LockFile { source: source.clone(), path: lock },
        at: format!("{home}/uv.lock"),
        helpers: HELPERS.into(),
        extras,
        groups,
        python,
        git: replaced,
    };
    Ok(Step::Exec(Box::new(Exec {
        sysroot: fields.sysroot_or("sysroot", "build")?,
        tools: vec![uv],
        git,
        copies: vec![Copy { from: TreeRef::Source(source), subset, to: WORK.into(), view: View::Whole }],
        mounts: Vec::new(),
        files: vec![
            compiler("cc"),
            compiler("c++"),
            helper("settle.py", include_str!("settle.py")),
            helper("verify.py", include_str!("verify.py")),
        ],
        script,
        env,
        cwd: home,
        checks: checks::read(fields, &venv)?,
        out: venv,
        locks: vec![LockReference::Uv(uv_lock)],
    })))
}

/// uv builds in folders with random names, and compilers put names of folders into what they make:
/// into debug information, and where a source says `__FILE__`.
fn compiler(name: &str) -> WrittenFile {
    WrittenFile {
        path: format!("{HELPERS}/{name}"),
        text: format!("#!/bin/sh\nexec /usr/bin/{name} \"$@\" -g0 \"-ffile-prefix-map=$PWD=.\"\n"),
        executable: true,
    }
}

/// A program of akbuild's own, which runs with the environment's interpreter.
fn helper(name: &str, text: &str) -> WrittenFile {
    WrittenFile { path: format!("{HELPERS}/{name}"), text: text.into(), executable: false }
}

/// The files that settings of uv are in: `pyproject.toml` in a folder, and `uv.toml` in it and in every folder above. One
/// pattern, of which the first file is always there.
fn settings_files(folder: &str) -> String {
    let mut paths = vec![below(folder, "pyproject.toml")];
    let mut at = folder.trim_matches('/');
    loop {
        paths.push(below(at, "uv.toml"));
        if matches!(at, "" | ".") {
            return format!("{{{}}}", paths.join(","));
        }
        at = at.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
}

/// The stage's own variables.
fn variables(fields: &mut Fields<'_>) -> Result<BTreeMap<String, String>, RecipeError> {
    let variables = fields.variables("env")?;
    for name in variables.keys() {
        if let Some(help) = uv_variables::refusal(name) {
            let message = format!("`{name}` cannot be set for uv in a stage");
            return Err(fields.variable_error("env", name, message, help));
        }
    }
    Ok(variables)
}

struct GitDependency {
    package: String,
    url: String,
    source: SourceId,
}

fn git_dependencies(fields: &mut Fields<'_>) -> Result<Vec<GitDependency>, RecipeError> {
    let read = |mut table: Fields<'_>| {
        let dependency = GitDependency {
            package: table.string("package")?,
            url: table.string("url")?,
            source: table.source("source")?,
        };
        table.finish()?;
        Ok(dependency)
    };
    fields.tables("git")?.into_iter().map(read).collect()
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}

/// The cache lies in the output while uv runs, so that installing is linking; it is removed with
/// everything that would differ from run to run, once the environment has been checked. The environment is made before, since uv does not
/// take a folder that has something in it for one.
fn script(extras: &[String], groups: &[String], uv: &str) -> String {
    let mut sync = format!("{} sync --frozen --no-install-project --no-install-workspace --no-editable", quote(uv));
    // For uv, `--no-dev` counts for more than `--group dev`.
    if !groups.iter().any(|group| group.eq_ignore_ascii_case("dev")) {
        sync.push_str(" --no-dev");
    }
    for (flag, names) in [("--extra", extras), ("--group", groups)] {
        for name in names {
            sync.push_str(&format!(" {flag} {}", quote(name)));
        }
    }
    let uv = quote(uv);
    format!(
        "UV_CACHE_DIR=/tmp/uv {uv} venv --quiet \"$out\"\n\
         {sync}\n\
         {uv} pip list --format json --python \"$out\" > {HELPERS}/installed.json\n\
         \"$out\"/bin/python {HELPERS}/settle.py\n\
         \"$out\"/bin/python {HELPERS}/verify.py\n\
         rm -rf \"$out\"/.uv-cache \"$out\"/.lock \"$out\"/.gitignore \"$out\"/CACHEDIR.TAG\n\
         find \"$out\" -type d -name __pycache__ -prune -exec rm -rf '{{}}' +\n"
    )
}

fn env(venv: &str, python: &str, git: &[GitDependency]) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    let mut set = |name: &str, value: String| env.insert(name.to_owned(), value);
    set("CC", format!("{HELPERS}/cc"));
    set("CXX", format!("{HELPERS}/c++"));
    set("PYTHONDONTWRITEBYTECODE", "1".into());
    set("PYTHONHASHSEED", "0".into());
    set("UV_CACHE_DIR", format!("{venv}/.uv-cache"));
    set("UV_CONFIG_FILE", format!("{HELPERS}/uv.toml"));
    set("UV_DEFAULT_INDEX", format!("{REGISTRY}/pypi/simple"));
    set("UV_LINK_MODE", "hardlink".into());
    set("UV_NO_PROGRESS", "1".into());
    set("UV_PROJECT_ENVIRONMENT", venv.into());
    set("UV_PYTHON", format!("/usr/bin/python{python}"));
    set("UV_PYTHON_DOWNLOADS", "never".into());
    let mut config = vec![("safe.directory".to_owned(), "*".to_owned())];
    config.extend(git.iter().map(|d| (format!("url.file://{GIT}/{}.git.insteadOf", d.source), d.url.clone())));
    set("GIT_CONFIG_COUNT", config.len().to_string());
    for (i, (key, value)) in config.into_iter().enumerate() {
        set(&format!("GIT_CONFIG_KEY_{i}"), key);
        set(&format!("GIT_CONFIG_VALUE_{i}"), value);
    }
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_dev_is_left_out_unless_it_is_asked_for() {
        let sync = |groups: &[&str]| {
            let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
            script(&[], &groups, "uv").lines().nth(1).unwrap_or_default().to_owned()
        };
        insta::assert_snapshot!(sync(&["prod"]), @"uv sync --frozen --no-install-project --no-install-workspace --no-editable --no-dev --group prod");
        insta::assert_snapshot!(sync(&["Dev"]), @"uv sync --frozen --no-install-project --no-install-workspace --no-editable --group Dev");
    }
}
