//! The recorder of build requirements: the files of the Python index that uv asks for when it builds source distributions,
//! and that no lock of upstream names. A stage runs, its registry passes requests on for what it does not have, and the
//! recorder keeps a list of the files that came through.
//!
//! A pin stays while it fits: of a project that the plan has pins of, uv sees those pins and nothing newer. If it asks for
//! such a project and takes none of them, they do not fit, and the project is released: uv then sees the whole index.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use akbuild_engine::EngineContext;
use akbuild_fetch::{DownloadAddress, Locations, MirrorBase, RefusedAddress, Wanted};
use akbuild_names::{NameError, PythonPackageName};
use akbuild_nar::{Algo, Digest};
use akbuild_recipe::plan::PythonPin;
use akbuild_registry::{Artifact, IndexFile, Upstream, WheelName, simple};
use futures::future::BoxFuture;

const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, text/html;q=0.5";
const PAGE_LIMIT: u64 = 64 << 20;

/// Lets requests through to the configured index, and keeps a list.
pub(crate) struct Recorder {
    context: std::sync::Weak<EngineContext>,
    /// The pins that are there already, by project.
    kept: BTreeMap<String, Vec<PythonPin>>,
    /// The kept projects that were asked for.
    asked: Mutex<BTreeSet<String>>,
    pins: Mutex<BTreeSet<PythonPin>>,
    /// The addresses of files by project and link: which of them are refused depends on the page.
    links: Mutex<HashMap<(String, String), Result<DownloadAddress, RefusedAddress>>>,
}

impl Recorder {
    /// A recorder with an empty list to which the registries of the engine's stages pass requests on from now on. It keeps
    /// the plan's pins but for those of the released projects.
    pub(crate) fn attach(context: &Arc<EngineContext>, released: &BTreeSet<String>) -> Arc<Self> {
        let mut kept: BTreeMap<String, Vec<PythonPin>> = BTreeMap::new();
        for pin in context.plan.python_pins.iter().filter(|pin| !released.contains(&*pin.name)) {
            kept.entry(pin.name.to_string()).or_default().push(pin.clone());
        }
        let (asked, pins, links) = Default::default();
        let recorder = Arc::new(Self { context: Arc::downgrade(context), kept, asked, pins, links });
        context.set_upstream(recorder.clone());
        recorder
    }

    /// What was used, sorted: of what was pinned before and of what came through.
    pub(crate) fn pins(&self) -> Vec<PythonPin> {
        self.pins.lock().unwrap_or_else(|e| e.into_inner()).iter().cloned().collect()
    }

    /// The kept projects that were asked for and of which no pin was taken.
    pub(crate) fn unfit(&self) -> BTreeSet<String> {
        let pins = self.pins.lock().unwrap_or_else(|e| e.into_inner());
        let asked = self.asked.lock().unwrap_or_else(|e| e.into_inner());
        asked.iter().filter(|name| !pins.iter().any(|pin| pin.name == name.as_str())).cloned().collect()
    }

    fn context(&self) -> Result<Arc<EngineContext>, String> {
        self.context.upgrade().ok_or_else(|| "the run is over".to_owned())
    }

    async fn page(&self, name: String) -> Result<Vec<IndexFile>, String> {
        if let Some(pins) = self.kept.get(&name) {
            self.asked.lock().unwrap_or_else(|e| e.into_inner()).insert(name);
            let entry = |pin: &PythonPin| {
                let (file, sha256) = (pin.file.to_string(), pin.digest.hex());
                IndexFile { file, sha256, ..IndexFile::default() }
            };
            return Ok(pins.iter().map(entry).collect());
        }
        let context = self.context()?;
        let (mirrors, client) = akbuild_engine::network(&context).map_err(|e| e.to_string())?;
        let parsed = PythonPackageName::parse(&name).map_err(|e| e.to_string())?;
        let urls = akbuild_engine::index_pages(&parsed, &mirrors);
        let got = client.get(&urls, Some(ACCEPT), PAGE_LIMIT).await.map_err(|e| e.to_string())?;
        let files = simple::parse(&got.bytes, got.content_type.as_deref(), got.url.as_str());
        let files = files.map_err(|e| e.to_string())?;
        let mut links = self.links.lock().unwrap_or_else(|e| e.into_inner());
        for file in &files {
            let link = MirrorBase::link_of(mirrors.of(akbuild_names::Ecosystem::Python), &got.url, &file.url);
            links.insert((name.clone(), file.url.clone()), link);
        }
        Ok(files)
    }

    async fn download(&self, name: String, file: IndexFile) -> Result<PathBuf, String> {
        let context = self.context()?;
        let (mirrors, client) = akbuild_engine::network(&context).map_err(|e| e.to_string())?;
        let kept = self.kept.get(&name).into_iter().flatten().find(|pin| *pin.file == *file.file);
        let (pin, urls) = match kept {
            Some(pin) => (pin.clone(), akbuild_engine::locations(&pinned_file(pin).what, &mirrors)),
            None => (new_pin(&name, &file)?, Locations::Urls(vec![self.address_of(&name, &file)?])),
        };
        let wanted = Wanted {
            digest: pin.digest,
            name: file.file.clone(),
            why: "a source distribution is built with it".to_owned(),
            urls,
            size: file.size,
        };
        client.fetch(&context.store, vec![wanted], &|_| {}).await.map_err(|e| e.to_string())?;
        let digest = pin.digest;
        self.pins.lock().unwrap_or_else(|e| e.into_inner()).insert(pin);
        Ok(context.store.blob_path(&digest))
    }

    /// Where a file of the index is, by the link of its page.
    fn address_of(&self, name: &str, file: &IndexFile) -> Result<DownloadAddress, String> {
        let links = self.links.lock().unwrap_or_else(|e| e.into_inner());
        let link = links.get(&(name.to_owned(), file.url.clone())).cloned();
        let link = link.ok_or_else(|| format!("{} is on no page of the index", file.file))?;
        link.map_err(|refused| format!("the link of the index to {}: {refused}", file.file))
    }
}

fn pinned_file(pin: &PythonPin) -> Artifact {
    Artifact::python(pin.name.clone(), pin.version.clone(), pin.file.clone(), pin.digest)
}

fn new_pin(name: &str, file: &IndexFile) -> Result<PythonPin, String> {
    let digest = Digest::from_hex(Algo::Sha256, &file.sha256).map_err(|e| e.to_string())?;
    let wrong = |e: NameError| e.to_string();
    let version = version_of(name, &file.file).parse().map_err(wrong)?;
    let (name, file) = (name.parse().map_err(wrong)?, file.file.parse().map_err(wrong)?);
    Ok(PythonPin { name, version, file, digest })
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
