//! `go-vendor`: `go mod vendor` against the modules that `go.sum` locks.
//!
//! The output is the `vendor` folder itself. Of the sources the stage sees only package clauses,
//! build constraints and imports, so that it runs again when those change and not otherwise.

use akbuild_names::Ecosystem;
use akbuild_recipe::plan::{Copy, Exec, LockFile, LockReference, REGISTRY, Step, TreeRef, View, WORK};
use akbuild_recipe::{Fields, RecipeError};

use crate::script::{below, in_work};
use crate::{go, go_env};

/// Options: `source`, `folder` (of `go.mod`; the root if absent), `include`/`exclude` (default: `go.mod`, `go.sum`
/// and all `.go` files), `sysroot` (default `build`), `env`.
pub(crate) fn step(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let source = fields.source("source")?;
    let folder = fields.folder("folder")?;
    let subset = fields.subset_or(&["**/*.go", "**/go.mod", "**/go.sum"])?;
    Ok(Step::Exec(Box::new(Exec {
        sysroot: fields.sysroot_or("sysroot", "build")?,
        tools: Vec::new(),
        git: Vec::new(),
        copies: vec![Copy { from: TreeRef::Source(source.clone()), subset, to: WORK.into(), view: View::GoImports }],
        mounts: Vec::new(),
        files: Vec::new(),
        script: format!("{}{KEEP}", go::explained("go mod vendor")),
        env: go_env::variables(fields, &format!("{REGISTRY}/go"))?,
        cwd: in_work(&folder),
        out: "/out".into(),
        locks: vec![LockReference::Plain(Ecosystem::Go, LockFile { source, path: below(&folder, "go.mod") })],
        checks: Vec::new(),
    })))
}

/// A vendor folder without packages is useless: either nothing is imported, or the stage does not see the imports.
const KEEP: &str = r#"if [ ! -d vendor ]; then
  echo 'this module requires no other: it needs no go-vendor stage' >&2
  exit 1
elif ! [[ $'\n'$(<vendor/modules.txt) =~ $'\n'[^#] ]]; then
  echo 'no package was vendored: no Go file that this stage sees imports one of a required module' >&2
  echo '  help: check `folder`, `include` and `exclude`; a file behind `//go:build ignore` does not count' >&2
  echo '  help: a module that imports nothing needs no go-vendor stage; `go mod tidy` removes what it requires' >&2
  exit 1
fi
cp -a vendor/. "$out"
"#;
