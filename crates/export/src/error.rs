//! What can go wrong, and the words for it.

use std::io;

use akbuild_engine::EngineError;
use akbuild_fetch::FetchError;
use akbuild_store::StoreError;

/// Why nothing was written, or not everything was read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Something belongs to the export and is not in the store.
    #[error(
        "not all that belongs to the export is in the store:{}\n  \
         help: `akbuild build --rebuild STAGE` brings in what a stage needs; with `--outputs-only` outputs are enough",
        listed(missing)
    )]
    Missing {
        /// What, in words.
        missing: Vec<String>,
    },
    /// A stored thing is not what its name says.
    #[error("the store has {what} damaged\n  help: `akbuild cache verify --repair` finds and repairs all that is")]
    Damaged {
        /// What.
        what: String,
    },
    /// The file could not be written.
    #[error("cannot write the export: {0}")]
    Write(#[source] io::Error),
    /// The file is something else.
    #[error("this is no export: it does not begin with `akbuild-export-`\n  help: `akbuild cache export` makes one")]
    NotOne,
    /// The file was written by another version.
    #[error(
        "the export has another format than `akbuild-export-1`\n  help: use the akbuild that made it, or make it again with this one"
    )]
    Version,
    /// The file is not as it was written.
    #[error(
        "the export is damaged {at}: {problem}\n  what stands before that is in the store now\n  \
         help: carry the file over again, or make it again with `akbuild cache export`; what is there is passed over"
    )]
    Broken {
        /// Where: at or after which entry.
        at: String,
        /// What is wrong there.
        problem: String,
    },
    /// Stopped by whoever was told of the progress.
    #[error("stopped")]
    Stopped,
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A repository could not be read or written.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It could not be found out what is needed.
    #[error(transparent)]
    EngineContext(#[from] EngineError),
}

fn listed(missing: &[String]) -> String {
    let more = missing.len().saturating_sub(20);
    let mut lines: String = missing.iter().take(20).map(|what| format!("\n  {what}")).collect();
    if more > 0 {
        lines += &format!("\n  and {more} more");
    }
    lines
}
