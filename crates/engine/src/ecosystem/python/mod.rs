//! Python: the files that a `uv.lock` selects for a stage, where they are, and what the choices add to its key.

mod bill;
mod uv_source;

use akbuild_attest::Component;
use akbuild_fetch::{DownloadAddress, IndexFile, Locations, MirrorBase, Mirrors};
use akbuild_names::{Artifact, Ecosystem, PythonDistribution, PythonPackageName};
use akbuild_nar::Digest;
use akbuild_recipe::plan::{Exec, LockReference, Plan, PythonPin, REGISTRY, UvLock};
use akbuild_registry::{BuildChoices, ClientSettings, PythonLock, PythonSelection, PythonWant};

use super::EcosystemSupport;
use crate::bill::contents::ImageContents;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::keys::field_value::{PythonPinNote, json};
use crate::keys::manifest::Manifest;
use crate::keys::manifest_field::ManifestField;
use crate::lock_reader::{LockContent, LockReader};
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
        if reader.engine.upstream().is_none() {
            artifacts.extend(reader.engine.plan.python_pins.iter().map(pinned));
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

fn uv_lock(lock: &LockReference) -> Result<&UvLock, EngineError> {
    match lock {
        LockReference::Uv(lock) => Ok(lock),
        LockReference::Plain(_, file) => Err(EngineError::Bug(format!("{} has no options of uv", file.path))),
    }
}

/// What a `uv.lock` says is installed.
fn selected_packages(reader: &LockReader<'_>, lock: &UvLock) -> Result<(PythonLock, PythonSelection), EngineError> {
    let settings = UvSource::open(reader, lock)?.settings()?;
    select(reader, lock, &settings)
}

fn select(
    reader: &LockReader<'_>,
    lock: &UvLock,
    settings: &ClientSettings,
) -> Result<(PythonLock, PythonSelection), EngineError> {
    let (uv_lock, pyproject) = (reader.text(&lock.file, None)?, reader.text(&lock.file, Some("pyproject.toml"))?);
    let parsed = PythonLock::parse(&uv_lock, &pyproject, &lock.file.path)?;
    let parsed = parsed.with_choices(settings, &BuildChoices::from_variables(&reader.exec.env));
    let want = PythonWant {
        python: lock.python.clone(),
        extras: lock.extras.clone(),
        groups: lock.groups.clone(),
        glibc: glibc(reader.engine, reader.exec)?,
        machine: akbuild_names::BUILD_ARCHITECTURE.machine().into(),
        git: lock.git.keys().cloned().collect(),
    };
    let selection = parsed.select(&want)?;
    Ok((parsed, selection))
}

/// A pin of the lock, as an artifact.
pub(crate) fn pinned(pin: &PythonPin) -> Artifact {
    Artifact::python(pin.name.clone(), pin.version.clone(), pin.file.clone(), pin.digest)
}

/// The C library's version in the stage's sysroot: decides which manylinux wheels it can run.
fn glibc(engine: &Engine, exec: &Exec) -> Result<(u64, u64), EngineError> {
    let sysroot = engine.sysroot(&exec.sysroot)?;
    if let Some(host) = &sysroot.host {
        return host.glibc.ok_or_else(|| EngineError::NoHostLibc { sysroot: exec.sysroot.to_string() });
    }
    let version = sysroot.packages.iter().find(|p| p.name == "libc6").map(|p| p.version.as_str()).unwrap_or("");
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => Ok((major, minor)),
        _ => Err(EngineError::NoLibc { sysroot: exec.sysroot.to_string() }),
    }
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
