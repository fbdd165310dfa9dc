//! Unpinned local trees: brought into the store when something in them has changed.
//!
//! Whether something has is told by names, sizes, modes, times and inode numbers, as git's index does it.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use akbuild_nar::{Algo, Hasher, TreeHash};
use akbuild_recipe::plan::Source;

use crate::engine::Engine;
use crate::error::{EngineError, Io};

/// Names that are never part of a local tree: repositories, and links that akbuild itself leaves.
pub(crate) fn is_left_out(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name == ".git" || ((name == "result" || name == "result-image") && path.is_symlink())
}

impl Engine {
    /// The hash of a local tree, which is in the store afterwards.
    pub(crate) fn local_tree(&self, source: &Source, path: &Path) -> Result<TreeHash, EngineError> {
        if !path.is_dir() {
            return Err(EngineError::NoFolder { id: source.id.to_string(), path: path.to_owned() });
        }
        let mut hasher = Hasher::new(Algo::Sha256);
        // Of one folder, two sources may take different files.
        hasher.update(serde_json::to_string(&source.subset).expect("plain data is always JSON").as_bytes());
        sign(path, &mut hasher)?;
        let question = hasher.finish().to_string();
        if let Some(known) = self.store.memo_get("local-v1", question.as_bytes())?
            && let Some(hash) = String::from_utf8(known).ok().and_then(|text| text.parse().ok())
            && self.store.has_tree(&hash)
        {
            return Ok(hash);
        }
        let hash = self.raw_source(source)?;
        self.store.memo_put("local-v1", question.as_bytes(), hash.to_string().as_bytes())?;
        Ok(hash)
    }
}

fn sign(path: &Path, hasher: &mut Hasher) -> Result<(), EngineError> {
    let meta = fs::symlink_metadata(path).doing("stat", path)?;
    let name = path.as_os_str().as_bytes();
    hasher.update(&(name.len() as u64).to_le_bytes());
    hasher.update(name);
    let (seconds, nanoseconds) = if meta.is_dir() { (0, 0) } else { (meta.mtime(), meta.mtime_nsec()) };
    for number in [u64::from(meta.mode()), if meta.is_dir() { 0 } else { meta.size() }, meta.ino(), meta.dev()] {
        hasher.update(&number.to_le_bytes());
    }
    for number in [seconds, nanoseconds, if meta.is_dir() { 0 } else { meta.ctime_nsec() }] {
        hasher.update(&number.to_le_bytes());
    }
    if meta.is_dir() {
        let entries = fs::read_dir(path).doing("read", path)?;
        let mut paths = entries.map(|e| Ok(e.doing("read", path)?.path())).collect::<Result<Vec<_>, EngineError>>()?;
        paths.sort();
        paths.iter().filter(|p| !is_left_out(p)).try_for_each(|p| sign(p, hasher))?;
    }
    Ok(())
}
