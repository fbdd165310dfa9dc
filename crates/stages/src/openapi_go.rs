//! `openapi-go`: a Go client from an OpenAPI schema, formatted as upstream commits it.

use akbuild_recipe::plan::{Exec, Step};
use akbuild_recipe::{Fields, RecipeError};

use crate::script::{quote, quote_all};
use crate::{checks, openapi};

/// Options: those of the generator (see `openapi.rs`), and `keep` (files of `source` that are put into the output
/// afterwards), `remove` (paths that are deleted from it), `sysroot` (default `build`), `env`.
pub(crate) fn step(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let mut generate = openapi::read(fields, "go")?;
    let mut script = format!(
        "{}
{}gofmt -w \"$out\"
",
        generate.command,
        openapi::made("*.go", "Go")
    );
    for file in fields.paths("keep")? {
        let place = format!("{}/{file}", openapi::LOCAL);
        script.push_str(&format!("cp {} \"$out\"/{}\n", quote(&place), quote(&file)));
        generate.mounts.push(openapi::mount(&generate.source, &file, place));
    }
    let remove = fields.paths("remove")?;
    if !remove.is_empty() {
        script.push_str(&format!("cd \"$out\"\nrm -rf {}\n", quote_all(&remove)));
    }
    Ok(Step::Exec(Box::new(Exec {
        sysroot: fields.sysroot_or("sysroot", "build")?,
        tools: vec![generate.tool],
        git: Vec::new(),
        copies: generate.copies,
        mounts: generate.mounts,
        files: Vec::new(),
        script,
        env: fields.variables("env")?,
        cwd: "/tmp".into(),
        out: "/out".into(),
        locks: Vec::new(),
        checks: checks::read(fields, "/out")?,
    })))
}
