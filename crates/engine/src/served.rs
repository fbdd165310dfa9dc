//! What a stage's loopback registry will serve: read from upstream's lock files in the sources, and
//! downloaded before the stage begins.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use akbuild_fetch::{Failure, FailureKind, Wanted};
use akbuild_nar::Digest;
use akbuild_recipe::plan::{Artifacts, Exec, LockFile, PythonLock as PlanLock, PythonPin, REGISTRY, StageId, Step};
use akbuild_registry::{
    Artifact, BuildChoices, Catalogue, ClientSettings, NpmLock, PythonLock, PythonSelection, PythonWant,
};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::event::Event;
use crate::graph::NodeId;
use crate::keys::Outputs;
use crate::uv_files::UvSource;
use crate::{go_modules, locate, lock_text, npmproject, registries};

/// Everything that the registry serves, and the lock files as the stage sees them.
pub(crate) struct Served {
    pub(crate) artifacts: Vec<Artifact>,
    /// Those of them that a build can do without.
    pub(crate) optional: BTreeSet<Digest>,
    /// Further digests that tarballs may have, by that of their artifact.
    alternatives: BTreeMap<Digest, Vec<Digest>>,
    /// Whether these are all artifacts. If not, the downloaded ones tell which further ones are needed.
    pub(crate) is_complete: bool,
    /// Absolute path in the sandbox, and the text that stands there.
    pub(crate) rewritten: Vec<(String, String)>,
}

impl Served {
    /// Reads the lock files of `exec` from the sources in `outputs`.
    pub(crate) fn read(
        engine: &Engine,
        exec: &Exec,
        locks: &Artifacts,
        outputs: &Outputs,
    ) -> Result<Self, EngineError> {
        let mut served = Served {
            artifacts: Vec::new(),
            optional: BTreeSet::new(),
            alternatives: BTreeMap::new(),
            is_complete: true,
            rewritten: Vec::new(),
        };
        let mut sure: BTreeSet<Digest> = BTreeSet::new();
        let text = |file: &LockFile, name: Option<&str>| lock_text::lock_text(engine, file, name, outputs);
        for lock in &locks.npm {
            let lock = lock_text::npm_lock(engine, exec, lock, outputs)?;
            let npm = NpmLock::parse(&text(&lock, None)?, &lock.path)?;
            served.artifacts.extend(npm.artifacts(&npmproject::platform())?);
            served.alternatives.extend(npm.alternatives());
        }
        for lock in &locks.go {
            let needed = go_modules::go_files(engine, lock, outputs)?;
            let is_sure = |a: &&Artifact| !needed.optional.contains(&a.digest);
            sure.extend(needed.artifacts.iter().filter(is_sure).map(|a| a.digest));
            served.artifacts.extend(needed.artifacts);
            served.optional.extend(needed.optional);
            served.is_complete &= needed.is_complete;
        }
        for lock in &locks.python {
            let uv_lock = text(&lock.lock, None)?;
            let source = UvSource::open(engine, exec, lock, outputs)?;
            let settings = source.settings()?;
            let (parsed, selection) = select_python(engine, exec, lock, &settings, outputs)?;
            source.check(&selection)?;
            served.rewritten.push((lock.at.clone(), parsed.rewrite(&uv_lock, &selection, REGISTRY)?));
            served.rewritten.extend(source.written(lock, &settings, &selection)?);
            served.artifacts.extend(selection.artifacts);
            // While locking, the recorder has them: it notes which are used.
            if engine.upstream().is_none() {
                served.artifacts.extend(engine.plan.python_pins.iter().map(pinned));
            }
        }
        served.optional.retain(|digest| !sure.contains(digest));
        served.artifacts.sort_by_key(|a| a.digest);
        served.artifacts.dedup_by(|a, b| a.digest == b.digest && a.what == b.what);
        Ok(served)
    }

    /// Downloads what the store lacks. What a build can do without may be missing afterwards.
    pub(crate) async fn fetch(&self, engine: &Engine, stage: &StageId) -> Result<(u64, u64), EngineError> {
        let (optional, needed): (Vec<_>, Vec<_>) =
            self.artifacts.iter().partition(|artifact| self.optional.contains(&artifact.digest));
        let (several, needed): (Vec<_>, Vec<_>) =
            needed.into_iter().partition(|artifact| self.alternatives.contains_key(&artifact.digest));
        let (mut files, mut bytes) = fetch_these(engine, stage, &needed).await?;
        for artifact in several {
            let more = self.fetch_any(engine, stage, artifact).await?;
            (files, bytes) = (files + more.0, bytes + more.1);
        }
        match fetch_these(engine, stage, &optional).await {
            Ok(more) => (files, bytes) = (files + more.0, bytes + more.1),
            Err(EngineError::Downloads(failures)) if failures.0.iter().all(is_absence) => {
                let names = failures.0.iter().map(|failure| failure.name.as_str()).collect::<Vec<_>>().join(", ");
                let message =
                    format!("stage `{stage}` goes on without {names}, which cannot be downloaded: go may do without");
                engine.sink.event(Event::Warning { message });
            }
            Err(error) => return Err(error),
        }
        Ok((files, bytes))
    }

    /// Downloads a file that may have one of several digests.
    async fn fetch_any(
        &self,
        engine: &Engine,
        stage: &StageId,
        artifact: &Artifact,
    ) -> Result<(u64, u64), EngineError> {
        let mut result = Ok((0, 0));
        for digest in self.digests(engine, &artifact.digest) {
            let candidate = Artifact { digest, ..artifact.clone() };
            result = fetch_these(engine, stage, &[&candidate]).await;
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Leaves out what could not be downloaded.
    pub(crate) fn forget_what_is_missing(&mut self, engine: &Engine) {
        let optional = &self.optional;
        self.artifacts.retain(|a| !optional.contains(&a.digest) || engine.store.has_blob(&a.digest));
    }

    /// The digests that the file of an artifact may have: the one of the file that is here, or else all.
    fn digests(&self, engine: &Engine, digest: &Digest) -> Vec<Digest> {
        let all: Vec<Digest> =
            [digest].into_iter().chain(self.alternatives.get(digest).into_iter().flatten()).copied().collect();
        let here = all.iter().zip(engine.store.has_blobs(&all)).find(|(_, here)| *here).map(|(digest, _)| *digest);
        here.map_or(all, |here| vec![here])
    }

    /// The digest by which the store has the file of an artifact. Looks into the store only where there is a choice.
    fn file_digest(&self, engine: &Engine, digest: &Digest) -> Digest {
        if self.alternatives.contains_key(digest) { self.digests(engine, digest)[0] } else { *digest }
    }

    /// The registry's catalogue.
    pub(crate) fn catalogue(&self, engine: &Engine) -> Arc<Catalogue> {
        Arc::new(Catalogue::new(&self.artifacts, |digest| engine.store.blob_path(&self.file_digest(engine, digest))))
    }
}

/// What a `uv.lock` says is installed.
pub(crate) fn python_packages(
    engine: &Engine,
    exec: &Exec,
    lock: &PlanLock,
    outputs: &Outputs,
) -> Result<(PythonLock, PythonSelection), EngineError> {
    let settings = UvSource::open(engine, exec, lock, outputs)?.settings()?;
    select_python(engine, exec, lock, &settings, outputs)
}

fn select_python(
    engine: &Engine,
    exec: &Exec,
    lock: &PlanLock,
    settings: &ClientSettings,
    outputs: &Outputs,
) -> Result<(PythonLock, PythonSelection), EngineError> {
    let (uv_lock, pyproject) = (
        lock_text::lock_text(engine, &lock.lock, None, outputs)?,
        lock_text::lock_text(engine, &lock.lock, Some("pyproject.toml"), outputs)?,
    );
    let parsed = PythonLock::parse(&uv_lock, &pyproject, &lock.lock.path)?;
    let parsed = parsed.with_choices(settings, &BuildChoices::from_variables(&exec.env));
    let want = PythonWant {
        python: lock.python.clone(),
        extras: lock.extras.clone(),
        groups: lock.groups.clone(),
        glibc: glibc(engine, exec)?,
        machine: akbuild_names::BUILD_ARCHITECTURE.machine().into(),
        git: lock.git.keys().cloned().collect(),
    };
    let selection = parsed.select(&want)?;
    Ok((parsed, selection))
}

/// What a stage's registry would serve; `None` as of [`Engine::would_use`], and if it has no registry.
pub(crate) fn would_serve(engine: &Engine, id: &StageId, outputs: &Outputs) -> Option<Served> {
    let Step::Exec(exec) = &engine.stage(id).ok()?.step else { return None };
    Served::read(engine, exec, exec.artifacts.as_ref()?, outputs).ok()
}

async fn fetch_these(engine: &Engine, stage: &StageId, artifacts: &[&Artifact]) -> Result<(u64, u64), EngineError> {
    if artifacts.is_empty() {
        return Ok((0, 0));
    }
    let (mirrors, client) = registries::network(engine)?;
    let wanted = artifacts.iter().map(|artifact| Wanted {
        digest: artifact.digest,
        name: locate::label(artifact),
        why: format!("stage `{stage}` needs it"),
        urls: locate::locations(&artifact.what, &mirrors),
        size: artifact.size,
    });
    let node = NodeId::Fetch(stage.clone());
    let progress = |progress| engine.sink.event(Event::Download { node: node.clone(), progress });
    let fetched = client.fetch(&engine.store, wanted.collect(), &progress).await?;
    Ok((fetched.downloaded, fetched.bytes))
}

/// Whether a file is unavailable, as opposed to one with other contents than the lock names.
fn is_absence(failure: &Failure) -> bool {
    use FailureKind::{Http, Network, NoMirror, NotFound, Offline};
    matches!(failure.kind, NotFound | Http | Network | NoMirror | Offline)
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
