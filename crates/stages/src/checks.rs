//! What a recipe can ask of an output before it is published: `elf` and `run`.

use akbuild_recipe::plan::Check;
use akbuild_recipe::{Fields, RecipeError};

/// Reads the `checks` of a stage whose output will live at `at`: each is either
/// `{ elf = "SYSROOT" }` (every shared library that is needed is found) or
/// `{ run = "SCRIPT", sysroot = "SYSROOT", env = {...} }` (the script succeeds). `at` may be given
/// for one check alone.
pub(crate) fn read(fields: &mut Fields<'_>, at: &str) -> Result<Vec<Check>, RecipeError> {
    fields.tables("checks")?.into_iter().map(|check| one(check, at)).collect()
}

fn one(mut check: Fields<'_>, at: &str) -> Result<Check, RecipeError> {
    let at = check.opt_absolute("at")?.unwrap_or_else(|| at.to_owned());
    if let Some(sysroot) = check.opt_sysroot("elf")? {
        check.finish()?;
        return Ok(Check::Elf { sysroot, at });
    }
    let script = check.text("run")?;
    let sysroot = check.sysroot("sysroot")?;
    let env = check.variables("env")?;
    check.finish()?;
    Ok(Check::Run { sysroot, at, script, env })
}
