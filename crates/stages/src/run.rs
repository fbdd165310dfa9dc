//! `run`: any script. What has no kind of its own is said with this one.

use akbuild_recipe::plan::{Copy, Exec, Mount, Step, View, WORK, WrittenFile};
use akbuild_recipe::{Fields, RecipeError};

use crate::{checks, tree};

/// Options: `script`, `copies` (list of `{ from, include, exclude, to }`, writable, below the work folder), `mounts` (list of
/// `{ from, path, to }`, read-only), `files` (list of `{ path, text, executable }`), `tools`, `sysroot` (default `build`),
/// `cwd` (default the work folder), `out` (default `/out`), `env`, `checks`. Relative places are relative to the work folder.
pub(crate) fn step(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let script = fields.text("script")?;
    let copies = fields.tables("copies")?.into_iter().map(copy).collect::<Result<_, _>>()?;
    let mounts = fields.tables("mounts")?.into_iter().map(mount).collect::<Result<_, _>>()?;
    let out = fields.opt_absolute("out")?.unwrap_or_else(|| "/out".to_owned());
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
        cwd: fields.opt_place("cwd", &[WORK, "/"])?.map_or_else(|| WORK.to_owned(), |place| place.whole),
        checks: checks::read(fields, &out)?,
        out,
        locks: Vec::new(),
    })))
}

fn copy(mut table: Fields<'_>) -> Result<Copy, RecipeError> {
    let copy = Copy {
        from: table.tree("from")?,
        subset: table.subset()?,
        to: table.opt_place("to", &[WORK])?.map_or_else(|| WORK.to_owned(), |place| place.whole),
        view: View::Whole,
    };
    table.finish()?;
    Ok(copy)
}

fn file(mut table: Fields<'_>, out: &str) -> Result<WrittenFile, RecipeError> {
    let path = table.place_of_file("path", &[WORK, out, "/tmp"])?.whole;
    tree::written(path, table)
}

fn mount(mut table: Fields<'_>) -> Result<Mount, RecipeError> {
    let mount = Mount {
        from: table.tree("from")?,
        path: table.opt_path("path")?.unwrap_or_default(),
        to: table.opt_place("to", &[WORK, "/"])?.ok_or_else(|| table.missing("to"))?.whole,
        folders: None,
        optional: table.bool_or("optional", false)?,
    };
    table.finish()?;
    Ok(mount)
}
