//! Where a miss on the Python side may be answered from outside, while locking.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use tokio::sync::OnceCell;

use crate::ecosystem::simple::IndexFile;

/// A package index outside. Whoever implements it records what was asked for: those files are what
/// has to be pinned.
pub trait Upstream: Send + Sync {
    /// The files of a project; the name is normalised. No such project: an empty list.
    fn simple<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IndexFile>, String>>;
    /// The local path of a file's bytes, checked against its SHA-256.
    fn file<'a>(&'a self, name: &'a str, index: &'a IndexFile) -> BoxFuture<'a, Result<PathBuf, String>>;
}

type Once<T> = Arc<OnceCell<Result<T, String>>>;
type Key = (String, String);

/// An [`Upstream`] that is asked for each thing once.
pub(crate) struct Remembered {
    upstream: Arc<dyn Upstream>,
    pages: Mutex<HashMap<String, Once<Arc<Vec<IndexFile>>>>>,
    /// The project and entry of every file on a page so far, by digest and name.
    known: Mutex<HashMap<Key, (String, IndexFile)>>,
    files: Mutex<HashMap<Key, Once<PathBuf>>>,
}

impl Remembered {
    pub(crate) fn new(upstream: Arc<dyn Upstream>) -> Self {
        Self { upstream, pages: Mutex::default(), known: Mutex::default(), files: Mutex::default() }
    }

    pub(super) async fn page(&self, name: &str) -> Result<Arc<Vec<IndexFile>>, String> {
        let once = Arc::clone(locked(&self.pages).entry(name.to_owned()).or_default());
        let ask = || async {
            let files = self.upstream.simple(name).await?;
            let mut known = locked(&self.known);
            for file in &files {
                known.insert((file.sha256.clone(), file.file.clone()), (name.to_owned(), file.clone()));
            }
            Ok(Arc::new(files))
        };
        once.get_or_init(ask).await.clone()
    }

    /// The local path of a file that stood on a page; `None`: on none.
    pub(super) async fn file(&self, hex: &str, file: &str) -> Option<Result<PathBuf, String>> {
        let key = (hex.to_owned(), file.to_owned());
        let (name, index) = locked(&self.known).get(&key).cloned()?;
        let once = Arc::clone(locked(&self.files).entry(key).or_default());
        Some(once.get_or_init(|| self.upstream.file(&name, &index)).await.clone())
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remembered")
    }
}

/// The maps are whole at every instant, so that a panic elsewhere does not spoil them.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
