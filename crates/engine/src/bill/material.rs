//! What a build used, whether it ships or not: sources and downloads, and the keys of the stages. Knows how a source is
//! told of.

use std::collections::BTreeMap;

use akbuild_attest::{Material, Origin as From, Purl};
use akbuild_nar::{Algo, Digest};
use akbuild_recipe::plan::{Origin, Source, StageId};
use akbuild_store::{Artifact, Key};

use crate::bill::contents::{ImageContents, closure};
use crate::context::EngineContext;
use crate::error::EngineError;
use crate::graph::{Graph, NodeId};
use crate::keys::Outputs;
use crate::served::Served;
use crate::{artifacts, keys};

/// The sources that an image needs.
pub(super) fn sources_of<'a>(context: &'a EngineContext, image: &StageId) -> Vec<&'a Source> {
    let graph = Graph::new(&context.plan.stages, std::slice::from_ref(image), false);
    let wanted = |source: &&Source| graph.find(&NodeId::Source(source.id.clone())).is_some();
    context.plan.sources.iter().filter(wanted).collect()
}

/// Everything that came from outside and was used: sources, and the downloads of every stage, sysroot and tool.
pub fn materials(context: &EngineContext, image: &StageId, outputs: &Outputs) -> Result<Vec<Material>, EngineError> {
    let mut all = Vec::new();
    for source in sources_of(context, image) {
        let (origin, archive) = origin(source, outputs)?;
        all.push(Material::source(source.id.as_str(), &version(source), &origin, archive.as_ref()));
    }
    let mut used = Vec::new();
    let graph = Graph::new(&context.plan.stages, std::slice::from_ref(image), false);
    for node in graph.indices().map(|at| &graph.node(at).id) {
        if !matches!(node, NodeId::Stage(_)) {
            used.extend(artifacts::artifact_list(context, node, None)?);
        }
    }
    for (id, exec) in ImageContents::new(context, image, outputs)?.locked {
        let served = Served::read(context, exec, outputs)?;
        // Downloads that tell of others may have been collected; the record of the run names all.
        let recorded = if served.is_complete { None } else { recorded_artifacts(context, id, outputs)? };
        used.extend(recorded.unwrap_or_else(|| artifacts::list(&served.artifacts)));
    }
    let material = |artifact: Artifact| Some(Material::artifact(&Purl::parse(&artifact.name)?, [&artifact.digest]));
    all.extend(used.into_iter().filter_map(material));
    Ok(all)
}

/// The downloads that the last run of a stage could use, if its record is here.
fn recorded_artifacts(
    context: &EngineContext,
    id: &StageId,
    outputs: &Outputs,
) -> Result<Option<Vec<Artifact>>, EngineError> {
    let Ok(manifest) = keys::manifest(context, &NodeId::Stage(id.clone()), outputs) else { return Ok(None) };
    let list = context.store.action(&manifest.key())?.and_then(|action| action.artifacts);
    Ok(list.map(|list| context.store.artifacts(&list)).transpose()?.flatten())
}

/// The keys of the stages that an image needs, as far as what they are made from is here.
pub fn stage_keys(
    context: &EngineContext,
    image: &StageId,
    outputs: &Outputs,
) -> Result<BTreeMap<String, Key>, EngineError> {
    let mut keys = BTreeMap::new();
    for id in closure(context, image) {
        if let Ok(manifest) = keys::manifest(context, &NodeId::Stage(id.clone()), outputs) {
            keys.insert(id.to_string(), manifest.key());
        }
    }
    Ok(keys)
}

/// The version that a source's tag or branch says, or its commit.
pub(super) fn version(source: &Source) -> String {
    match &source.origin {
        Origin::Git { reference: Some(reference), .. } => reference.rsplit('/').next().unwrap_or(reference).to_owned(),
        Origin::Git { commit, .. } => commit.clone(),
        Origin::Tarball { digest, .. } => digest.hex(),
        Origin::Path(_) => "local".to_owned(),
    }
}

/// Where a source came from, and the digest of the archive that it came as.
pub(super) fn origin(source: &Source, outputs: &Outputs) -> Result<(From, Option<Digest>), EngineError> {
    let tree = source.hash.or_else(|| outputs.get(&NodeId::Source(source.id.clone())).copied());
    let tree = tree.ok_or_else(|| EngineError::Bug(format!("source `{}` is not here", source.id)))?;
    let tree = Digest::new(Algo::Sha256, tree.as_bytes()).map_err(|e| EngineError::Bug(e.to_string()))?;
    Ok(match &source.origin {
        Origin::Git { urls, commit, .. } => {
            (From { address: urls.first().cloned(), commit: Some(commit.clone()), tree }, None)
        }
        Origin::Tarball { urls, digest } => {
            (From { address: urls.first().map(|address| address.url.clone()), commit: None, tree }, Some(*digest))
        }
        Origin::Path(_) => (From { address: None, commit: None, tree }, None),
    })
}
