//! `run`: any script. What has no kind of its own is said with this one.

use akbuild_recipe::plan::{Copy, Exec, Mount, Step, View, WORK, WrittenFile};
use akbuild_recipe::{Fields, RecipeError};

use crate::{checks, tree};

/// Options: `script`, `copies` (list of `{ from, include, exclude, to }`, writable, below the work folder), `mounts` (list of
/// `{ from, path, to }`, read-only), `files` (as of `tree`, with absolute paths), `tools`, `sysroot` (default `build`),
/// `cwd` (default the work folder), `out` (default `/out`), `env`, `checks`.
pub(crate) fn step(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let script = fields.text("script")?;
    let copies = fields.tables("copies")?.into_iter().map(copy).collect::<Result<_, _>>()?;
    let mounts = fields.tables("mounts")?.into_iter().map(mount).collect::<Result<_, _>>()?;
    let out = fields.string_or("out", "/out")?;
    let files = fields.tables("files")?.into_iter().map(|table| file(table, &out)).collect::<Result<_, _>>()?;
    Ok(Step::Exec(Box::new(Exec {
        sysroot: fields.sysroot_or("sysroot", "build")?,
        tools: fields.tools("tools")?,
        git: Vec::new(),
        copies,
        mounts,
        files,
        script,
        env: fields.variables("env")?,
        cwd: fields.string_or("cwd", WORK)?,
        checks: checks::read(fields, &out)?,
        out,
        artifacts: None,
    })))
}

fn copy(mut table: Fields<'_>) -> Result<Copy, RecipeError> {
    let copy = Copy {
        from: table.tree("from")?,
        subset: table.subset()?,
        to: table.string_or("to", WORK)?,
        view: View::Whole,
    };
    if copy.to != WORK && !is_below(&copy.to, WORK) {
        return Err(table.error("to", format!("`{}` is not below `{WORK}`", copy.to), format!("write `{WORK}/...`")));
    }
    table.finish()?;
    Ok(copy)
}

fn file(mut table: Fields<'_>, out: &str) -> Result<WrittenFile, RecipeError> {
    let path = table.string("path")?;
    if ![WORK, out, "/tmp"].into_iter().any(|folder| is_below(&path, folder)) {
        let message = format!("`{path}` is not below `{WORK}`, `{out}` or `/tmp`");
        return Err(table.error("path", message, format!("write `{WORK}/...`")));
    }
    tree::written(path, table)
}

/// Whether a path lies in a folder, without climbing out of it.
fn is_below(path: &str, folder: &str) -> bool {
    let inside = path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    inside && !path.split('/').any(|part| part == "..")
}

fn mount(mut table: Fields<'_>) -> Result<Mount, RecipeError> {
    let mount = Mount {
        from: table.tree("from")?,
        path: table.opt_path("path")?.unwrap_or_default(),
        to: table.string("to")?,
        folders: None,
        optional: table.bool_or("optional", false)?,
    };
    if !mount.to.starts_with('/') {
        return Err(table.error(
            "to",
            format!("`{}` is not an absolute path", mount.to),
            "write where it is seen, from `/`",
        ));
    }
    table.finish()?;
    Ok(mount)
}
