//! Unpinned local trees: brought into the store when something in them has changed.
//!
//! Whether something has is told by names, sizes, modes, times and inode numbers, as git's index does it.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use akbuild_nar::{Algo, Hasher, TreeHash};
use akbuild_recipe::plan::Source;
use akbuild_tree::{EntryKind, TreeDir};
use rustix::fs::FileType;

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::source;
use crate::source::local_folder;

/// The hash of a local tree, which is in the store afterwards.
pub(crate) fn local_tree(context: &EngineContext, source: &Source, path: &Path) -> Result<TreeHash, EngineError> {
    let top = local_folder::open(source, path)?;
    let mut hasher = Hasher::new(Algo::Sha256);
    // Of one folder, two sources may take different files.
    hasher.update(serde_json::to_string(&source.subset).expect("plain data is always JSON").as_bytes());
    sign(&top, Path::new(""), &mut hasher)?;
    let question = hasher.finish().to_string();
    if let Some(known) = context.store.memo_get("local-v1", question.as_bytes())?
        && let Some(hash) = String::from_utf8(known).ok().and_then(|text| text.parse().ok())
        && context.store.has_tree(&hash)
    {
        return Ok(hash);
    }
    let hash = source::raw_source(context, source)?;
    context.store.memo_put("local-v1", question.as_bytes(), hash.to_string().as_bytes())?;
    Ok(hash)
}

/// Hashes the metadata of the entry at `path` below `top`, and of everything in it.
fn sign(top: &TreeDir, path: &Path, hasher: &mut Hasher) -> Result<(), EngineError> {
    let Some(stat) = top.stat(path)? else { return Ok(()) };
    let name = top.top().join(path);
    let name = name.as_os_str().as_bytes();
    hasher.update(&(name.len() as u64).to_le_bytes());
    hasher.update(name);
    let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    let size = if is_folder { 0 } else { stat.st_size.cast_unsigned() };
    for number in [u64::from(stat.st_mode), size, stat.st_ino, stat.st_dev] {
        hasher.update(&number.to_le_bytes());
    }
    let times = [stat.st_mtime, stat.st_mtime_nsec as i64, stat.st_ctime_nsec as i64];
    for number in if is_folder { [0; 3] } else { times } {
        hasher.update(&number.to_le_bytes());
    }
    if is_folder {
        for (name, kind) in top.entries(path)? {
            if !local_folder::is_left_out(&name, matches!(kind, EntryKind::Link(_))) {
                sign(top, &path.join(name), hasher)?;
            }
        }
    }
    Ok(())
}
