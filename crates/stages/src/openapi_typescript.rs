//! `openapi-typescript`: a TypeScript client from an OpenAPI schema, compiled.

use akbuild_recipe::plan::{Exec, Step, TOOLS};
use akbuild_recipe::{Fields, RecipeError};

use crate::script::quote;
use crate::{checks, openapi};

/// Options: those of the generator (see `openapi.rs`), and `typescript` (a tool, default
/// `typescript`), `compile` (project files; they do not need one another and are compiled at the
/// same time; default `tsconfig.json` and `tsconfig.esm.json`), `sysroot` (default `build`), `env`.
pub(crate) fn step(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let generate = openapi::read(fields, "typescript-fetch")?;
    let typescript = fields.tool_or("typescript", "typescript")?;
    let mut projects = fields.paths("compile")?;
    if projects.is_empty() {
        projects = vec!["tsconfig.json".into(), "tsconfig.esm.json".into()];
    }
    let mut script = format!("{}\n", generate.command);
    script.push_str(&openapi::made("*.ts", "TypeScript"));
    script.push_str("cd \"$out\"\npids=()\n");
    let tsc = quote(&format!("{TOOLS}/{typescript}/bin/tsc"));
    for project in projects {
        script.push_str(&format!("node {tsc} -p {} & pids+=($!)\n", quote(&project)));
    }
    script.push_str("for pid in \"${pids[@]}\"; do wait \"$pid\"; done\n");
    script.push_str(&openapi::made("*.js", "JavaScript"));
    Ok(Step::Exec(Box::new(Exec {
        sysroot: fields.sysroot_or("sysroot", "build")?,
        tools: vec![generate.tool, typescript],
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
