//! `tree`: pieces of other trees put together by hard links, with small files written beside them.

use akbuild_recipe::plan::{Compose, Piece, Step, WrittenFile};
use akbuild_recipe::{Fields, RecipeError};

use crate::checks;

/// Options: `pieces` (list of `{ from, path, include, exclude, to }`), `files` (list of
/// `{ path, text, executable }`), `at` (where the tree will live; default the project's prefix), `checks`.
pub(crate) fn step(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let at = fields.opt_absolute("at")?.unwrap_or_else(|| fields.vars().prefix.clone());
    let pieces = fields.tables("pieces")?.into_iter().map(|table| piece(table, &at)).collect::<Result<Vec<_>, _>>()?;
    if pieces.is_empty() {
        return Err(fields.missing("pieces"));
    }
    let files = fields.tables("files")?.into_iter().map(|table| file(table, &at)).collect::<Result<Vec<_>, _>>()?;
    Ok(Step::Compose(Compose { pieces, files, checks: checks::read(fields, &at)? }))
}

fn piece(mut table: Fields<'_>, at: &str) -> Result<Piece, RecipeError> {
    let piece = Piece {
        from: table.tree("from")?,
        path: table.opt_path("path")?.unwrap_or_default(),
        subset: table.subset()?,
        to: table.opt_place("to", &[at])?.map_or_else(String::new, |place| place.path),
    };
    table.finish()?;
    Ok(piece)
}

/// Reads one `{ path, text, executable }` whose path is inside the tree, or a whole one below the place where the tree lives.
fn file(mut table: Fields<'_>, at: &str) -> Result<WrittenFile, RecipeError> {
    let path = table.place_of_file("path", &[at])?.path;
    written(path, table)
}

/// The rest of one, its path read.
pub(crate) fn written(path: String, mut table: Fields<'_>) -> Result<WrittenFile, RecipeError> {
    let file = WrittenFile { path, text: table.text("text")?, executable: table.bool_or("executable", false)? };
    table.finish()?;
    Ok(file)
}
