//! Putting trees together without copying: files of stored trees become hard links in a new one.
//!
//! Knows trees only; runs nothing.

use std::path::Path;

use akbuild_nar::{Kind, TreeHash};
use akbuild_recipe::plan::{Compose, TreeRef};
use akbuild_store::Store;
use akbuild_tree::TreeDir;

use crate::error::EngineError;
use crate::keys::trees;

/// Builds the output of `compose` in the empty folder `out`.
///
/// # Errors
/// [`EngineError::Overlap`] if two pieces have the same file; [`EngineError::Tree`] if a symbolic link of one piece
/// stands where another has a folder.
pub(crate) fn compose(
    store: &Store,
    stage: &str,
    compose: &Compose,
    tree: impl Fn(&TreeRef) -> Result<TreeHash, EngineError>,
    out: &Path,
) -> Result<(), EngineError> {
    let out = TreeDir::open(out, format!("the output of stage `{stage}`"))?;
    let check_free = |path: &Path| match out.entry(path)? {
        None => Ok(()),
        Some(_) => Err(EngineError::Overlap { stage: stage.to_owned(), path: path.display().to_string() }),
    };
    for piece in &compose.pieces {
        let hash = tree(&piece.from)?;
        let listing = store.listing(&hash)?;
        let from = trees::open(store, &piece.from, &hash)?;
        for (relative, kind) in trees::select(&listing, &piece.path, &piece.subset)? {
            let (source, target) = (trees::join(&piece.path, relative), trees::join(&piece.to, relative));
            let target = Path::new(&target);
            if *kind == Kind::Dir {
                out.create_dir_all(target)?;
                continue;
            }
            out.create_parents(target)?;
            check_free(target)?;
            store.link_entry(&from, Path::new(&source), &out, target)?;
        }
    }
    for file in &compose.files {
        let target = Path::new(&file.path);
        check_free(target)?;
        out.write(target, file.text.as_bytes(), if file.executable { 0o755 } else { 0o644 })?;
    }
    Ok(())
}
