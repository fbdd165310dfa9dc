//! `go-build`: one Go program, from sources and a vendored tree, without a network.

use akbuild_recipe::plan::{Copy, Exec, Mount, Step, TreeRef, View, WORK};
use akbuild_recipe::{Fields, RecipeError};

use crate::script::{in_work, quote};
use crate::{go, go_env};

/// Options: `source`, `folder` (of `go.mod`), `include`/`exclude` (default: what packages in `folder` are compiled from),
/// `vendor` (a `go-vendor` stage), `replace` (list of `{ module, with }`: trees that take a vendored module's place),
/// `package` (default `.`), `output` (path in the output), `cgo` (default false), `ldflags`, `tags`,
/// `sysroot` (default `build`), `env`.
pub(crate) fn step(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let source = fields.source("source")?;
    let folder = fields.folder("folder")?;
    let home = in_work(&folder);
    let default = go::module_files(&folder);
    let subset = fields.subset_or(&default.iter().map(String::as_str).collect::<Vec<_>>())?;
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
    let mut env = go_env::variables(fields, "off")?;
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
        locks: Vec::new(),
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
    let (target, package) = (format!("\"$out\"/{}", quote(&output)), quote(&package));
    let build = go::explained(&format!("{words} -o {target} {package}"));
    Ok(format!("{build}output={}\npackage={package}\n{IS_PROGRAM}", quote(&output)))
}

/// `go build -o` also succeeds for a package that is not a program: then it writes an archive, which is not executable.
const IS_PROGRAM: &str = r#"if [ ! -f "$out/$output" ]; then
  echo "go build left no file at \`$output\`, the \`output\` of this stage" >&2
  echo '  help: check `GOFLAGS` in `env`, and name one main package in `package`' >&2
  exit 1
elif [ ! -x "$out/$output" ]; then
  echo "package \`$package\` is not a program: \`$output\`, the \`output\` of this stage, would be an archive of compiled code" >&2
  echo '  help: name a package whose files begin with `package main` in `package`, such as "./cmd/server"' >&2
  exit 1
fi
"#;

fn mount(from: TreeRef, to: String) -> Mount {
    Mount { from, path: String::new(), to, folders: None, optional: false }
}
