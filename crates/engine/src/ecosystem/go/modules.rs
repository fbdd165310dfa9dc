//! Which files of Go modules a stage needs: `go.mod` and `go.sum` from a source, and the `go.mod` files of dependencies from
//! the store, as far as they have been downloaded. The rules are those of `akbuild_registry`; this module reads files.

use std::io::{ErrorKind, Read};
use std::path::Path;

use akbuild_nar::Digest;
use akbuild_recipe::plan::LockFile;
use akbuild_registry::{GoFileSelection, GoLock, GoModText};

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::lock_reader::LockReader;
use crate::relative_path::inside;

/// The longest `go.mod` that the go command reads from a proxy, in bytes.
const LONGEST_GO_MOD: u64 = 16 << 20;

/// A `go.mod` of a source, with the `go.sum` beside it. A module that needs no download has no `go.sum`.
pub(super) fn go_lock(reader: &LockReader<'_>, lock: &LockFile) -> Result<GoLock, EngineError> {
    let go_mod = reader.text(lock, None)?;
    let has_sum = reader.tree(lock)?.entry(Path::new(&lock.path).with_file_name("go.sum"))?.is_some();
    let go_sum = if has_sum { reader.text(lock, Some("go.sum"))? } else { String::new() };
    Ok(GoLock::parse(&go_mod, &go_sum, &lock.path)?)
}

/// The files that `go mod vendor` may ask for, as far as they are known.
pub(super) fn go_files(reader: &LockReader<'_>, lock: &LockFile) -> Result<GoFileSelection, EngineError> {
    let tree = reader.tree(lock)?;
    let go = go_lock(reader, lock)?;
    let folder = Path::new(&lock.path).parent().unwrap_or(Path::new("")).to_owned();
    let text = |wanted: GoModText<'_>| match wanted {
        GoModText::Pinned(digest) => pinned_go_mod(reader.context, digest),
        GoModText::Folder(replacement) => {
            let path = inside(&folder, Path::new(replacement))?.join("go.mod");
            String::from_utf8(tree.read_at_most(path, LONGEST_GO_MOD).ok()?).ok()
        }
    };
    Ok(go.needed_files(&text)?)
}

/// A `go.mod` that was downloaded; `None` if it was not. One that is not text counts as empty: go refuses it.
#[allow(clippy::disallowed_methods, reason = "the path is akbuild's own")]
fn pinned_go_mod(context: &EngineContext, digest: &Digest) -> Option<String> {
    let mut bytes = Vec::new();
    let file = match std::fs::File::open(context.store.blob_path(digest)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        file => file.ok()?,
    };
    file.take(LONGEST_GO_MOD).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8(bytes).unwrap_or_default())
}
