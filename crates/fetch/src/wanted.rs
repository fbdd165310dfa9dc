//! What is to be fetched, and what is said while it is. Plain data.

use std::sync::Arc;

use crate::{DownloadAddress, MirrorBase};
use akbuild_nar::Digest;

/// One file to have in the store.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The digest that it must have, and by which it is stored.
    pub digest: Digest,
    /// What a person calls it: `left-pad@1.3.0`.
    pub name: String,
    /// Why it is wanted: `webui-deps needs it`.
    pub why: String,
    /// Where it may be found.
    pub urls: Locations,
    /// Its size in bytes, if that is known: for progress, and an answer that is longer is cut off.
    pub size: Option<u64>,
}

/// Where a file may be found.
#[derive(Clone, Debug)]
pub enum Locations {
    /// At these addresses, tried in turn.
    Urls(Vec<DownloadAddress>),
    /// In these Python indexes.
    PythonIndex(IndexFile),
    /// At these addresses, and when they fail in these Python indexes.
    UrlsThenIndex(Vec<DownloadAddress>, IndexFile),
}

impl Locations {
    pub(crate) fn urls(&self) -> &[DownloadAddress] {
        match self {
            Locations::Urls(urls) | Locations::UrlsThenIndex(urls, _) => urls,
            Locations::PythonIndex(_) => &[],
        }
    }

    /// These, and then those of another entry for the same file.
    pub(crate) fn with(self, more: Self) -> Self {
        let (mut urls, mut index) = self.parts();
        let (more_urls, more_index) = more.parts();
        urls.extend(more_urls);
        index = index.or(more_index);
        match index {
            None => Locations::Urls(urls),
            Some(index) if urls.is_empty() => Locations::PythonIndex(index),
            Some(index) => Locations::UrlsThenIndex(urls, index),
        }
    }

    fn parts(self) -> (Vec<DownloadAddress>, Option<IndexFile>) {
        match self {
            Locations::Urls(urls) => (urls, None),
            Locations::PythonIndex(index) => (Vec::new(), Some(index)),
            Locations::UrlsThenIndex(urls, index) => (urls, Some(index)),
        }
    }

    pub(crate) fn index(&self) -> Option<&IndexFile> {
        match self {
            Locations::Urls(_) => None,
            Locations::PythonIndex(index) | Locations::UrlsThenIndex(_, index) => Some(index),
        }
    }
}

/// A file of a Python project, to be looked up by the simple API (PEP 503, PEP 691): by its SHA-256
/// where the index gives one, else by its name.
#[derive(Clone, Debug)]
pub struct IndexFile {
    /// Bases of the simple API, tried in turn.
    pub bases: Arc<[MirrorBase]>,
    /// The project's name, in any spelling.
    pub name: String,
    /// The file's name.
    pub file: String,
}

/// What happens during [`crate::Client::fetch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// First: how much the store lacks.
    Start {
        /// Number of files to download.
        total_files: u64,
        /// Their bytes, if every size is known.
        total_bytes: Option<u64>,
    },
    /// So many bytes more have arrived. After a failed attempt, some may arrive again.
    Bytes(u64),
    /// A file is complete, verified and stored.
    File {
        /// Its name.
        name: String,
        /// Its size.
        bytes: u64,
        /// How many are complete now.
        done: u64,
    },
    /// Something went wrong that may pass, and will be tried again.
    Retry {
        /// The file's name.
        name: String,
        /// Which repetition comes next, from 1.
        attempt: u32,
        /// What went wrong.
        error: String,
    },
}

/// Called with everything that happens.
pub(crate) type Report<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// What [`crate::Client::fetch`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Number of files downloaded.
    pub downloaded: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Number of files that were there already.
    pub present: u64,
}
