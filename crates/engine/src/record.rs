//! What `akbuild lock` must know and no lock of upstream's says: which files of the Python index uv
//! asks for when it builds source distributions. The stage is run, the registry lets through what it does not
//! have, and what came through is what has to be pinned.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use akbuild_fetch::{Locations, Wanted};
use akbuild_names::{NameError, PythonPackageName};
use akbuild_nar::{Algo, Digest};
use akbuild_recipe::plan::PythonPin;
use akbuild_registry::{IndexFile, Upstream, WheelName, simple};
use futures::future::BoxFuture;

use crate::engine::Engine;
use crate::locate;

const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, text/html;q=0.5";
const PAGE_LIMIT: u64 = 64 << 20;

/// Lets requests through to the configured index, and keeps a list.
pub struct Recorder {
    engine: std::sync::Weak<Engine>,
    pins: Mutex<BTreeSet<PythonPin>>,
}

impl Recorder {
    /// A recorder with an empty list.
    pub fn new(engine: &Arc<Engine>) -> Arc<Self> {
        Arc::new(Self { engine: Arc::downgrade(engine), pins: Mutex::default() })
    }

    /// What has come through, sorted.
    pub fn pins(&self) -> Vec<PythonPin> {
        self.pins.lock().unwrap_or_else(|e| e.into_inner()).iter().cloned().collect()
    }

    fn engine(&self) -> Result<Arc<Engine>, String> {
        self.engine.upgrade().ok_or_else(|| "the run is over".to_owned())
    }

    async fn page(&self, name: String) -> Result<Vec<IndexFile>, String> {
        let engine = self.engine()?;
        let (mirrors, client) = engine.network().map_err(|e| e.to_string())?;
        let name = PythonPackageName::parse(&name).map_err(|e| e.to_string())?;
        let urls = locate::index_pages(&name, &mirrors);
        let got = client.get(&urls, Some(ACCEPT), PAGE_LIMIT).await.map_err(|e| e.to_string())?;
        simple::parse(&got.bytes, got.content_type.as_deref(), got.url.as_str()).map_err(|e| e.to_string())
    }

    async fn download(&self, name: String, file: IndexFile) -> Result<PathBuf, String> {
        let engine = self.engine()?;
        let (_, client) = engine.network().map_err(|e| e.to_string())?;
        let digest = Digest::from_hex(Algo::Sha256, &file.sha256).map_err(|e| e.to_string())?;
        let wanted = Wanted {
            digest,
            name: file.file.clone(),
            why: "a source distribution is built with it".to_owned(),
            urls: Locations::Urls(url::Url::parse(&file.url).into_iter().collect()),
            size: None,
        };
        client.fetch(&engine.store, vec![wanted], &|_| {}).await.map_err(|e| e.to_string())?;
        let wrong = |e: NameError| e.to_string();
        let version = version_of(&name, &file.file).parse().map_err(wrong)?;
        let (name, file) = (name.parse().map_err(wrong)?, file.file.parse().map_err(wrong)?);
        let pin = PythonPin { name, version, file, digest };
        self.pins.lock().unwrap_or_else(|e| e.into_inner()).insert(pin);
        Ok(engine.store.blob_path(&digest))
    }
}

impl Upstream for Recorder {
    fn simple(&self, name: &str) -> BoxFuture<'_, Result<Vec<IndexFile>, String>> {
        Box::pin(self.page(name.to_owned()))
    }

    fn file(&self, name: &str, index: &IndexFile) -> BoxFuture<'_, Result<PathBuf, String>> {
        Box::pin(self.download(name.to_owned(), index.clone()))
    }
}

/// The version in a file's name: of a wheel its second part, of a source distribution what follows the name.
fn version_of(name: &str, file: &str) -> String {
    if let Some(wheel) = WheelName::parse(file) {
        return wheel.version;
    }
    let stem = [".tar.gz", ".zip", ".tar.bz2"].iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file);
    stem.get(name.len() + 1..).unwrap_or_default().to_owned()
}
