//! What a stage's loopback registry will serve: read from upstream's lock files in the sources, and
//! downloaded before the stage begins.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use akbuild_fetch::{Failure, FailureKind, Wanted};
use akbuild_names::Artifact;
use akbuild_nar::Digest;
use akbuild_recipe::plan::{Exec, StageId, Step};
use akbuild_registry::Catalogue;

use crate::context::EngineContext;
use crate::ecosystem::{locations, support};
use crate::error::EngineError;
use crate::event::Event;
use crate::graph::NodeId;
use crate::keys::Outputs;
use crate::lock_reader::LockReader;
use crate::registries;

/// Everything that the registry serves, and the lock files as the stage sees them.
#[derive(Default)]
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
    /// Reads the locks of `exec` from the sources in `outputs`.
    pub(crate) fn read(context: &EngineContext, exec: &Exec, outputs: &Outputs) -> Result<Self, EngineError> {
        let reader = LockReader { context, exec, outputs };
        let mut served = Served { is_complete: true, ..Served::default() };
        let mut sure: BTreeSet<Digest> = BTreeSet::new();
        for lock in &exec.locks {
            let content = support(lock.ecosystem()).read_lock(&reader, lock)?;
            let is_sure = |a: &&Artifact| !content.optional.contains(&a.digest);
            sure.extend(content.artifacts.iter().filter(is_sure).map(|a| a.digest));
            served.artifacts.extend(content.artifacts);
            served.optional.extend(content.optional);
            served.alternatives.extend(content.alternatives);
            served.is_complete &= !content.is_partial;
            served.rewritten.extend(content.rewritten);
        }
        served.optional.retain(|digest| !sure.contains(digest));
        served.artifacts.sort_by_key(|a| a.digest);
        served.artifacts.dedup_by(|a, b| a.digest == b.digest && a.what == b.what);
        Ok(served)
    }

    /// Downloads what the store lacks. What a build can do without may be missing afterwards.
    pub(crate) async fn fetch(&self, context: &EngineContext, stage: &StageId) -> Result<(u64, u64), EngineError> {
        let (optional, needed): (Vec<_>, Vec<_>) =
            self.artifacts.iter().partition(|artifact| self.optional.contains(&artifact.digest));
        let (several, needed): (Vec<_>, Vec<_>) =
            needed.into_iter().partition(|artifact| self.alternatives.contains_key(&artifact.digest));
        let (mut files, mut bytes) = fetch_these(context, stage, &needed).await?;
        for artifact in several {
            let more = self.fetch_any(context, stage, artifact).await?;
            (files, bytes) = (files + more.0, bytes + more.1);
        }
        match fetch_these(context, stage, &optional).await {
            Ok(more) => (files, bytes) = (files + more.0, bytes + more.1),
            Err(EngineError::Downloads(failures)) if failures.0.iter().all(is_absence) => {
                let names = failures.0.iter().map(|failure| failure.name.as_str()).collect::<Vec<_>>().join(", ");
                let message =
                    format!("stage `{stage}` goes on without {names}, which cannot be downloaded: go may do without");
                context.sink.event(Event::Warning { message });
            }
            Err(error) => return Err(error),
        }
        Ok((files, bytes))
    }

    /// Downloads a file that may have one of several digests.
    async fn fetch_any(
        &self,
        context: &EngineContext,
        stage: &StageId,
        artifact: &Artifact,
    ) -> Result<(u64, u64), EngineError> {
        let mut result = Ok((0, 0));
        for digest in self.digests(context, &artifact.digest) {
            let candidate = Artifact { digest, ..artifact.clone() };
            result = fetch_these(context, stage, &[&candidate]).await;
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Leaves out what could not be downloaded.
    pub(crate) fn forget_what_is_missing(&mut self, context: &EngineContext) {
        let optional = &self.optional;
        self.artifacts.retain(|a| !optional.contains(&a.digest) || context.store.has_blob(&a.digest));
    }

    /// The digests that the file of an artifact may have: the one of the file that is here, or else all.
    fn digests(&self, context: &EngineContext, digest: &Digest) -> Vec<Digest> {
        let all: Vec<Digest> =
            [digest].into_iter().chain(self.alternatives.get(digest).into_iter().flatten()).copied().collect();
        let here = all.iter().zip(context.store.has_blobs(&all)).find(|(_, here)| *here).map(|(digest, _)| *digest);
        here.map_or(all, |here| vec![here])
    }

    /// The digest by which the store has the file of an artifact. Looks into the store only where there is a choice.
    fn file_digest(&self, context: &EngineContext, digest: &Digest) -> Digest {
        if self.alternatives.contains_key(digest) { self.digests(context, digest)[0] } else { *digest }
    }

    /// The registry's catalogue.
    pub(crate) fn catalogue(&self, context: &EngineContext) -> Arc<Catalogue> {
        Arc::new(Catalogue::new(&self.artifacts, |digest| context.store.blob_path(&self.file_digest(context, digest))))
    }
}

/// What a stage's registry would serve; `None` as of [`EngineContext::would_use`], and if it has no registry.
pub(crate) fn would_serve(context: &EngineContext, id: &StageId, outputs: &Outputs) -> Option<Served> {
    let Step::Exec(exec) = &context.stage(id).ok()?.step else { return None };
    (!exec.locks.is_empty()).then(|| Served::read(context, exec, outputs).ok()).flatten()
}

async fn fetch_these(
    context: &EngineContext,
    stage: &StageId,
    artifacts: &[&Artifact],
) -> Result<(u64, u64), EngineError> {
    if artifacts.is_empty() {
        return Ok((0, 0));
    }
    let (mirrors, client) = registries::network(context)?;
    let wanted = artifacts.iter().map(|artifact| Wanted {
        digest: artifact.digest,
        name: artifact.what.label(),
        why: format!("stage `{stage}` needs it"),
        urls: locations(&artifact.what, &mirrors),
        size: artifact.size,
    });
    let node = NodeId::Fetch(stage.clone());
    let progress = |progress| context.sink.event(Event::Download { node: node.clone(), progress });
    let fetched = client.fetch(&context.store, wanted.collect(), &progress).await?;
    Ok((fetched.downloaded, fetched.bytes))
}

/// Whether a file is unavailable, as opposed to one with other contents than the lock names.
fn is_absence(failure: &Failure) -> bool {
    use FailureKind::{Http, Network, NoMirror, NotFound, Offline};
    matches!(failure.kind, NotFound | Http | Network | NoMirror | Offline)
}
