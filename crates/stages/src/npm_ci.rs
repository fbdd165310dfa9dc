//! `npm-ci`: every `node_modules` folder that a `package-lock.json` means, without running any package's scripts.
//!
//! The output holds each `node_modules` where it lies relative to the source's root, workspaces' own
//! ones included, and nothing else. It is mounted, never copied, by `npm-run`.

use std::collections::BTreeMap;

use akbuild_names::{BUILD_ARCHITECTURE, Ecosystem};
use akbuild_recipe::plan::{Copy, Exec, LockFile, LockReference, REGISTRY, Step, TreeRef, View, WORK};
use akbuild_recipe::{Fields, RecipeError};

use crate::npm;
use crate::npm::HELPER;
use crate::script::{below, quote};

/// Options: `source`, `folder` (of `package-lock.json`; the root if absent), `include`/`exclude`
/// (what npm must see: by default the lock and every `package.json`), `sysroot` (default `build`), `env`.
pub(crate) fn step(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let source = fields.source("source")?;
    let folder = fields.folder("folder")?;
    let lock = below(&folder, "package-lock.json");
    let names = ["npm-shrinkwrap.json", "package.json", "**/package.json", ".npmrc"].map(|name| below(&folder, name));
    let [shrinkwrap, manifest, manifests, settings] = &names;
    let subset = fields.subset_or(&[&lock, shrinkwrap, manifest, manifests, settings])?;
    Ok(Step::Exec(Box::new(Exec {
        sysroot: fields.sysroot_or("sysroot", "build")?,
        tools: Vec::new(),
        git: Vec::new(),
        copies: vec![Copy { from: TreeRef::Source(source.clone()), subset, to: WORK.into(), view: View::NpmProject }],
        mounts: Vec::new(),
        files: vec![npm::helper()],
        script: script(&folder),
        env: env(fields)?,
        cwd: WORK.into(),
        // Installing into the output itself: tens of thousands of files are not worth a copy.
        out: WORK.into(),
        locks: vec![LockReference::Plain(Ecosystem::Npm, LockFile { source, path: lock })],
        checks: Vec::new(),
    })))
}

fn env(fields: &mut Fields<'_>) -> Result<BTreeMap<String, String>, RecipeError> {
    let mut env = npm::env(fields)?;
    if let Some((variable, setting)) = env.keys().find_map(|name| Some((name, npm::fixed_setting(name)?))) {
        let message = format!("`{variable}` sets `{setting}` of npm, which the kind `npm-ci` decides");
        let help = "leave it out: packages come from the loopback registry, which has what the lock names";
        return Err(fields.error("env", message, help));
    }
    let registry = format!("{REGISTRY}/npm/");
    let fixed = [
        ("npm_config_allow_remote", "all"),
        ("npm_config_cpu", BUILD_ARCHITECTURE.node()),
        ("npm_config_libc", "glibc"),
        ("npm_config_noproxy", "127.0.0.1"),
        ("npm_config_os", "linux"),
        ("npm_config_registry", &registry),
    ];
    env.extend(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
    Ok(env)
}

/// npm 12 no longer reads `npm-shrinkwrap.json`, which comes before `package-lock.json` for those that do: the copy means the
/// same to both. Installs, then removes all but the `node_modules` folders, and in them what npm keeps for itself.
fn script(folder: &str) -> String {
    format!(
        "cd {}\n\
         if [ -e npm-shrinkwrap.json ]; then cp npm-shrinkwrap.json package-lock.json; fi\n\
         host=$({HELPER} hosts)\n\
         npm_config_replace_registry_host=\"$host\" npm ci --ignore-scripts\n\
         {HELPER} installed\n\
         cd {WORK}\n\
         find . -name node_modules -prune -o '(' -type f -o -type l ')' -exec rm -f '{{}}' +\n\
         find . -mindepth 1 -name node_modules -prune -o -type d -print | sort -r | \
         xargs -r -d '\\n' rmdir --ignore-fail-on-non-empty 2>/dev/null\n\
         find . -path '*/node_modules/.package-lock.json' -exec rm -f '{{}}' +\n",
        quote(folder)
    )
}
