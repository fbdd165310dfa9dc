//! `npm-run`: scripts of a `package.json`, with the `node_modules` of an `npm-ci` stage mounted in place.

use akbuild_recipe::plan::{Copy, Exec, Mount, Step, TreeRef, View, WORK};
use akbuild_recipe::{Fields, RecipeError};

use crate::npm;
use crate::npm::HELPER;
use crate::script::{below, in_work, quote, quote_all};

/// Options: `source`, `include`/`exclude`, `folder`, `deps` (an `npm-ci` stage of the same source),
/// `replace` (list of `{ package, with }`: trees that take a package's place in `node_modules`),
/// `run` (script names, in order), `outputs` (what is kept: paths below `folder`), `sysroot` (default `build`), `env`.
pub(crate) fn step(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let source = fields.source("source")?;
    let folder = fields.folder("folder")?;
    let home = in_work(&folder);
    let subset = fields.subset_or(&[&below(&folder, "**")])?;
    let mut mounts = Vec::new();
    if let Some(deps) = fields.opt_stage("deps")? {
        mounts.push(Mount {
            from: TreeRef::Stage(deps),
            path: String::new(),
            to: WORK.into(),
            folders: Some("node_modules".into()),
            optional: false,
        });
    }
    for mut replace in fields.tables("replace")? {
        let to = format!("{home}/node_modules/{}", replace.string("package")?);
        let from = replace.tree("with")?;
        replace.finish()?;
        mounts.push(Mount { from, path: String::new(), to, folders: None, optional: false });
    }
    let script = script(&fields.req_strings("run")?, &fields.req_strings("outputs")?);
    Ok(Step::Exec(Box::new(Exec {
        sysroot: fields.sysroot_or("sysroot", "build")?,
        tools: Vec::new(),
        git: Vec::new(),
        copies: vec![Copy { from: TreeRef::Source(source), subset, to: WORK.into(), view: View::Whole }],
        mounts,
        files: vec![npm::helper()],
        script,
        env: npm::env(fields)?,
        cwd: home,
        out: "/out".into(),
        locks: Vec::new(),
        checks: crate::checks::read(fields, "/out")?,
    })))
}

/// Runs the scripts and keeps the outputs; the small program says what is wrong with names of either.
fn script(names: &[String], outputs: &[String]) -> String {
    let mut script = format!("{HELPER} prepare {WORK} {}\n", quote_all(names));
    for name in names {
        script.push_str(&format!("npm run {} || {HELPER} failed {WORK} $?\n", quote(name)));
    }
    script.push_str(&format!("{HELPER} outputs {} {}\n", quote(&names.join("\n")), quote_all(outputs)));
    for output in outputs.iter().map(|output| quote(output)) {
        script.push_str(&format!("mkdir -p \"$(dirname \"$out\"/{output})\"\ncp -a {output} \"$out\"/{output}\n"));
    }
    script
}
