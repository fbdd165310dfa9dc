//! `go-build`: one Go program, from sources and a vendored tree, without a network.

use akbuild_recipe::plan::{Copy, Exec, Mount, Step, TreeRef, View, WORK};
use akbuild_recipe::{Fields, RecipeError};

use crate::{go, in_work, quote};

/// Options: `source`, `include`/`exclude` (default: Go files, `go.mod`, `go.sum`), `folder` (of `go.mod`), `vendor` (a `go-vendor`
/// stage), `replace` (list of `{ module, with }`: trees that take a vendored module's place),
/// `package` (default `.`), `output` (path in the output), `cgo` (default false), `ldflags`, `tags`,
/// `sysroot` (default `build`), `env`.
pub(crate) fn step(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let source = fields.source("source")?;
    let folder = fields.folder("folder")?;
    let home = in_work(&folder);
    let subset = fields.subset_or(&["**/*.go", "go.mod", "go.sum"])?;
    let mut mounts = Vec::new();
    if let Some(vendor) = fields.opt_stage("vendor")? {
        mounts.push(mount(TreeRef::Stage(vendor), format!("{home}/vendor")));
    }
    for mut replace in fields.tables("replace")? {
        let module = replace.string("module")?;
        let with = replace.tree("with")?;
        replace.finish()?;
        mounts.push(mount(with, format!("{home}/vendor/{module}")));
    }
    let script = script(fields, !mounts.is_empty())?;
    let mut env = go::env(fields, "off")?;
    let cgo = if fields.bool_or("cgo", false)? { "1" } else { "0" };
    env.entry("CGO_ENABLED".into()).or_insert_with(|| cgo.into());
    Ok(Step::Exec(Box::new(Exec {
        sysroot: fields.sysroot_or("sysroot", "build")?,
        tools: Vec::new(),
        git: Vec::new(),
        copies: vec![Copy { from: TreeRef::Source(source), subset, to: WORK.into(), view: View::Whole }],
        mounts,
        files: Vec::new(),
        script,
        env,
        cwd: home,
        out: "/out".into(),
        artifacts: None,
        checks: crate::checks::read(fields, "/out")?,
    })))
}

fn script(fields: &mut Fields<'_>, vendored: bool) -> Result<String, RecipeError> {
    let package = fields.string_or("package", ".")?;
    let output = fields.path("output")?;
    let mut words = String::from("go build -trimpath -buildvcs=false");
    if vendored {
        words.push_str(" -mod=vendor");
    }
    for (flag, key) in [("-ldflags", "ldflags"), ("-tags", "tags")] {
        if let Some(value) = fields.opt_string(key)? {
            words.push_str(&format!(" {}", quote(&format!("{flag}={value}"))));
        }
    }
    Ok(format!("{words} -o \"$out\"/{} {}\n", quote(&output), quote(&package)))
}

fn mount(from: TreeRef, to: String) -> Mount {
    Mount { from, path: String::new(), to, folders: None, optional: false }
}
