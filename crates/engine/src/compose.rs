//! Putting trees together without copying: files of stored trees become hard links in a new one.
//!
//! Knows trees only; runs nothing.

use std::fs;
use std::path::Path;

use akbuild_nar::{Kind, TreeHash};
use akbuild_recipe::plan::{Compose, TreeRef};
use akbuild_store::Store;

use crate::error::{EngineError, Io};
use crate::trees;
use crate::work;

/// Builds the output of `compose` in the empty folder `out`.
pub(crate) fn compose(
    store: &Store,
    stage: &str,
    compose: &Compose,
    tree: impl Fn(&TreeRef) -> Result<TreeHash, EngineError>,
    out: &Path,
) -> Result<(), EngineError> {
    let overlap = |path: &Path| EngineError::Overlap {
        stage: stage.to_owned(),
        path: path.strip_prefix(out).unwrap_or(path).display().to_string(),
    };
    for piece in &compose.pieces {
        let hash = tree(&piece.from)?;
        let listing = store.listing(&hash)?;
        let (from, to) = (store.tree_path(&hash).join(&piece.path), out.join(&piece.to));
        for (relative, kind) in trees::select(&listing, &piece.path, &piece.subset)? {
            let (source, target) =
                if relative.is_empty() { (from.clone(), to.clone()) } else { (from.join(relative), to.join(relative)) };
            if *kind == Kind::Dir {
                fs::create_dir_all(&target).doing("make", &target)?;
                continue;
            }
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent).doing("make", parent)?;
            }
            if fs::symlink_metadata(&target).is_ok() {
                return Err(overlap(&target));
            }
            store.link(&source, &target)?;
        }
    }
    for file in &compose.files {
        let target = out.join(&file.path);
        if fs::symlink_metadata(&target).is_ok() {
            return Err(overlap(&target));
        }
        work::write(&target, &file.text, file.executable)?;
    }
    Ok(())
}
