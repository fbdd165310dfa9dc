//! Python: the files that a `uv.lock` selects for a stage, their locations, and the fields that its options add to the key.

mod bill;
mod selected;
mod uv_source;

use akbuild_attest::Component;
use akbuild_fetch::{DownloadAddress, IndexFile, Locations, MirrorBase, Mirrors};
use akbuild_names::{Artifact, Ecosystem, PythonDistribution, PythonPackageName};
use akbuild_nar::Digest;
use akbuild_recipe::plan::{LockReference, Plan, PythonPin, REGISTRY};

use super::support::EcosystemSupport;
use crate::bill::contents::ImageContents;
use crate::error::EngineError;
use crate::keys::field_value::{PythonPinNote, json};
use crate::keys::manifest::Manifest;
use crate::keys::manifest_field::ManifestField;
use crate::lock_reader::{LockContent, LockReader};
use selected::{select, uv_lock};
use uv_source::UvSource;

pub(super) struct Python;

impl EcosystemSupport for Python {
    fn read_lock(&self, reader: &LockReader<'_>, lock: &LockReference) -> Result<LockContent, EngineError> {
        let lock = uv_lock(lock)?;
        let text = reader.text(&lock.file, None)?;
        let source = UvSource::open(reader, lock)?;
        let settings = source.settings()?;
        let (parsed, selection) = select(reader, lock, &settings)?;
        source.check(&selection)?;
        let mut rewritten = vec![(lock.at.clone(), parsed.rewrite(&text, &selection, REGISTRY)?)];
        rewritten.extend(source.written(lock, &settings, &selection)?);
        let mut artifacts = selection.artifacts;
        // While locking, the recorder has them: it notes which are used.
        if reader.context.upstream().is_none() {
            artifacts.extend(reader.context.plan.python_pins.iter().map(pinned));
        }
        Ok(LockContent { artifacts, rewritten, ..LockContent::default() })
    }

    fn set_key_fields(&self, plan: &Plan, n: usize, lock: &LockReference, manifest: &mut Manifest) {
        let LockReference::Uv(lock) = lock else { return };
        let lock = (&lock.at, &lock.extras, &lock.groups, &lock.python, &lock.git);
        manifest.set(&ManifestField::PythonProject(n), json(&lock));
        manifest.set(&ManifestField::PythonPins, Digest::sha256(json(&plan.python_pins).as_bytes()).to_string());
        let named: Vec<_> = plan.python_pins.iter().map(PythonPinNote::of).collect();
        manifest.note(&ManifestField::PythonPins, json(&named));
    }

    fn components(&self, image: &ImageContents<'_>) -> Result<Vec<Component>, EngineError> {
        bill::components(image)
    }
}

/// A pin of the lock, as an artifact.
pub(crate) fn pinned(pin: &PythonPin) -> Artifact {
    Artifact::python(pin.name.clone(), pin.version.clone(), pin.file.clone(), pin.digest)
}

/// The pages of a project on each index.
pub fn index_pages(name: &PythonPackageName, mirrors: &Mirrors) -> Vec<DownloadAddress> {
    mirrors.of(Ecosystem::Python).iter().filter_map(|base| base.index_page(name)).collect()
}

/// The lock's own address where its index is a configured one (or nothing is configured) or where the lock names no
/// index, as of an archive at an address; else what the configured indexes say of the file. With mirrors alone, an address on another host than that of a mirror is
/// not asked, whatever index the lock names beside it.
pub(super) fn locations(what: &PythonDistribution, mirrors: &Mirrors) -> Locations {
    let own = what.url.as_ref().and_then(|url| DownloadAddress::upstream(url).ok());
    let indexes = mirrors.of(Ecosystem::Python);
    let index = what.index.as_deref();
    let same =
        |base: &MirrorBase| index.is_some_and(|i| i.trim_end_matches('/') == base.url.as_str().trim_end_matches('/'));
    let bases = indexes.into();
    let is_mirror = |own: &DownloadAddress| indexes.iter().any(|base| base.url.origin() == own.url().origin());
    let covered = |own: &DownloadAddress| !mirrors.mirrors_only || is_mirror(own);
    let listed = IndexFile { bases, name: what.name.to_string(), file: what.file.to_string() };
    match own {
        Some(own) if indexes.is_empty() && !mirrors.mirrors_only => Locations::Urls(vec![own]),
        Some(own) if (index.is_none() || indexes.iter().any(same)) && covered(&own) => {
            Locations::UrlsThenIndex(vec![own], listed)
        }
        _ => Locations::PythonIndex(listed),
    }
}
