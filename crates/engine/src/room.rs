//! What is said when there is no room left on the file system of the home: how much there is, and how much was
//! written before. Knows files and errors; not what was being made.

use std::error::Error;
use std::io::ErrorKind;
use std::path::Path;

use akbuild_store::StoreError;
use akbuild_tree::TreeDir;

use crate::context::EngineContext;
use crate::error::EngineError;

/// With less than this, a script that fails may have failed for want of room.
const SCARCE: u64 = 1 << 20;

/// An error, with how much room there was if that was too little. To be asked while the folder in which
/// something was being made is still there.
pub(crate) fn no_room(context: &EngineContext, folder: Option<&Path>, error: EngineError) -> EngineError {
    let home = context.store.home();
    let free = akbuild_store::available(home);
    let script = matches!(error, EngineError::Script { .. } | EngineError::Misses { .. } | EngineError::Empty { .. });
    if !(is_full(&error) || script && free < SCARCE) {
        return error;
    }
    let written =
        folder.and_then(|folder| TreeDir::open(folder, "the scratch folder").ok()?.occupied_bytes().ok()).unwrap_or(0);
    EngineError::Full { cause: Box::new(error), home: home.to_owned(), written, free }
}

/// Whether the file system was full. [`EngineError::Full`] says so by itself, and so does the store.
fn is_full(error: &EngineError) -> bool {
    let said = matches!(error, EngineError::Full { .. } | EngineError::Store(StoreError::Full { .. }));
    let full = |e: &&(dyn Error + 'static)| {
        let kind = e.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        matches!(kind, Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
    };
    !said && std::iter::successors(error.source(), |e| (**e).source()).any(|e| full(&e))
}
