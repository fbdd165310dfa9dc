//! Which files of Go modules a stage needs: `go.mod` and `go.sum` from a source, and the `go.mod` files of dependencies from
//! the store, as far as they have been downloaded. The rules are those of `akbuild_registry`; this module reads files.

use std::io::{ErrorKind, Read};
use std::path::Path;

use akbuild_nar::Digest;
use akbuild_recipe::plan::LockFile;
use akbuild_registry::{GoFileSelection, GoLock, GoModText};
use akbuild_tree::TreeDir;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::graph::NodeId;
use crate::keys::Outputs;
use crate::lock_text;
use crate::relative_path::inside;

/// The longest `go.mod` that the go command reads from a proxy, in bytes.
const LONGEST_GO_MOD: u64 = 16 << 20;

/// A `go.mod` of a source, with the `go.sum` beside it. A module that needs no download has no `go.sum`.
pub(crate) fn go_lock(engine: &Engine, lock: &LockFile, outputs: &Outputs) -> Result<GoLock, EngineError> {
    let go_mod = lock_text::lock_text(engine, lock, None, outputs)?;
    let has_sum = source_tree(engine, lock, outputs)?.entry(Path::new(&lock.path).with_file_name("go.sum"))?.is_some();
    let go_sum = if has_sum { lock_text::lock_text(engine, lock, Some("go.sum"), outputs)? } else { String::new() };
    Ok(GoLock::parse(&go_mod, &go_sum, &lock.path)?)
}

/// The files that `go mod vendor` may ask for, as far as they are known.
pub(crate) fn go_files(engine: &Engine, lock: &LockFile, outputs: &Outputs) -> Result<GoFileSelection, EngineError> {
    let tree = source_tree(engine, lock, outputs)?;
    let go = go_lock(engine, lock, outputs)?;
    let folder = Path::new(&lock.path).parent().unwrap_or(Path::new("")).to_owned();
    let text = |wanted: GoModText<'_>| match wanted {
        GoModText::Pinned(digest) => pinned_go_mod(engine, digest),
        GoModText::Folder(replacement) => {
            let path = inside(&folder, Path::new(replacement))?.join("go.mod");
            String::from_utf8(tree.read_at_most(path, LONGEST_GO_MOD).ok()?).ok()
        }
    };
    Ok(go.needed_files(&text)?)
}

fn source_tree(engine: &Engine, lock: &LockFile, outputs: &Outputs) -> Result<TreeDir, EngineError> {
    let source = outputs.get(&NodeId::Source(lock.source.clone()));
    let source = source.ok_or_else(|| EngineError::Bug(format!("{} was read too early", lock.path)))?;
    Ok(TreeDir::open(&engine.tree(source), format!("source `{}`", lock.source))?)
}

/// A `go.mod` that was downloaded; `None` if it was not. One that is not text counts as empty: go refuses it.
#[allow(clippy::disallowed_methods, reason = "the path is akbuild's own")]
fn pinned_go_mod(engine: &Engine, digest: &Digest) -> Option<String> {
    let mut bytes = Vec::new();
    let file = match std::fs::File::open(engine.store.blob_path(digest)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        file => file.ok()?,
    };
    file.take(LONGEST_GO_MOD).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8(bytes).unwrap_or_default())
}
