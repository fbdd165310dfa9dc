//! `npm-ci`: every `node_modules` folder that a `package-lock.json` means, without running any package's scripts.
//!
//! The output holds each `node_modules` where it lies relative to the source's root, workspaces' own
//! ones included, and nothing else. It is mounted, never copied, by `npm-run`.

use akbuild_recipe::plan::{Artifacts, Copy, Exec, LockFile, REGISTRY, Step, TreeRef, View, WORK};
use akbuild_recipe::{Fields, RecipeError};

use crate::{below, npm, quote};

/// Options: `source`, `folder` (of `package-lock.json`; the root if absent), `include`/`exclude`
/// (what npm must see: by default the lock and every `package.json`), `sysroot` (default `build`), `env`.
pub(crate) fn step(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let source = fields.source("source")?;
    let folder = fields.folder("folder")?;
    let lock = below(&folder, "package-lock.json");
    let manifests = below(&folder, "**/package.json");
    let subset = fields.subset_or(&[&lock, &below(&folder, "package.json"), &manifests, &below(&folder, ".npmrc")])?;
    let mut env = npm::env(fields)?;
    env.insert("npm_config_registry".into(), format!("{REGISTRY}/npm/"));
    env.insert("npm_config_replace_registry_host".into(), "always".into());
    Ok(Step::Exec(Box::new(Exec {
        sysroot: fields.sysroot_or("sysroot", "build")?,
        tools: Vec::new(),
        git: Vec::new(),
        copies: vec![Copy { from: TreeRef::Source(source.clone()), subset, to: WORK.into(), view: View::Whole }],
        mounts: Vec::new(),
        files: Vec::new(),
        script: script(&folder),
        env,
        cwd: WORK.into(),
        // Installing into the output itself: tens of thousands of files are not worth a copy.
        out: WORK.into(),
        artifacts: Some(Artifacts { npm: vec![LockFile { source, path: lock }], ..Artifacts::default() }),
        checks: Vec::new(),
    })))
}

/// Installs, then removes all but the `node_modules` folders, and in them what npm keeps for itself.
fn script(folder: &str) -> String {
    format!(
        "(cd {} && npm ci --ignore-scripts)\n\
         find . -name node_modules -prune -o '(' -type f -o -type l ')' -exec rm -f '{{}}' +\n\
         find . -mindepth 1 -name node_modules -prune -o -type d -print | sort -r | \
         xargs -r -d '\\n' rmdir --ignore-fail-on-non-empty 2>/dev/null\n\
         find . -path '*/node_modules/.package-lock.json' -exec rm -f '{{}}' +\n",
        quote(folder)
    )
}
