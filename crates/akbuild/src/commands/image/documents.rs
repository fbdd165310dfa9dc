//! What is known of an image: its bill of materials and its provenance, put together from the plan, the locks and the
//! records of the build that made it.

use akbuild_attest::{
    Builder, External, Internal, Item, Project as About, Provenance, ReplacedSource, Run, Timestamp, sbom,
};
use akbuild_engine::NodeId;
use akbuild_nar::{Algo, Digest, TreeHash};
use akbuild_store::Action;

use super::built::Built;
use crate::failure::Outcome;
use crate::project::{OVERLAY, Project, shown};
use crate::session::Session;

/// The two documents.
pub(super) struct Documents {
    /// CycloneDX.
    pub(super) sbom: String,
    /// An in-toto statement.
    pub(super) provenance: String,
}

impl Documents {
    /// With their names, and their media types, which are also their artifact types.
    pub(super) fn all(&self) -> [(&'static str, &'static str, &str); 2] {
        [
            ("bill of materials", "application/vnd.cyclonedx+json", &self.sbom),
            ("provenance", "application/vnd.in-toto+json", &self.provenance),
        ]
    }
}

/// Makes both.
pub(super) fn make(session: &Session, project: &Project, built: &Built) -> Outcome<Documents> {
    let context = &built.made.context;
    let plan = &context.plan;
    let (stage, outputs) = (&built.made.stage, built.made.outputs());
    let akbuild = env!("CARGO_PKG_VERSION");
    let image = built.layout.manifest.digest;
    let about = About { name: plan.name.clone(), version: plan.version.clone(), image: Some(image) };
    let components = akbuild_engine::components(context, stage, outputs)?;
    let sbom = sbom(&about, &components, akbuild)?;
    let action = made_by(session, built)?;
    let host = action.as_ref().map(|action| action.maker.host.clone()).unwrap_or_default();
    let keys = akbuild_engine::stage_keys(context, stage, outputs)?;
    let stages =
        keys.into_iter().filter_map(|(stage, key)| Some((stage, Digest::from_hex(Algo::Sha256, &key.hex()).ok()?)));
    let provenance = Provenance {
        subjects: vec![Item::new(&plan.name, &image)],
        external: External {
            project: plan.name.clone(),
            version: plan.version.clone(),
            target: stage.to_string(),
            recipe: item(&shown(&project.recipe_path), &project.recipe_text),
            lock: item(&shown(&project.lock_path), &project.lock_text),
            overlay: project.overlay_text.as_ref().map(|text| item(OVERLAY, text)),
            replaced: replaced(built),
        },
        internal: Internal {
            akbuild: action.as_ref().map_or(akbuild, |action| &action.maker.akbuild).to_owned(),
            toolchain: "debian".to_owned(),
            stages: stages.collect(),
        },
        materials: akbuild_engine::materials(context, stage, outputs)?,
        builder: Builder { id: format!("urn:akbuild:builder:{}", plain(&host)), versions: Default::default() },
        run: ran(action.as_ref()),
    };
    Ok(Documents { sbom, provenance: provenance.to_json()? })
}

/// The run that made the image, which may be a former one.
fn made_by(session: &Session, built: &Built) -> Outcome<Option<Action>> {
    Ok(built.made.key().map(|key| session.store.action(&key)).transpose()?.flatten())
}

fn ran(action: Option<&Action>) -> Run {
    let started = |action: &Action| Timestamp::unix(action.created.saturating_sub(action.seconds.ceil() as u64));
    Run {
        invocation: action.and_then(|action| action.build.as_ref()).map(ToString::to_string),
        started: action.and_then(started),
        finished: action.and_then(|action| Timestamp::unix(action.created)),
        byproducts: Vec::new(),
    }
}

/// Sources that were other than the lock says.
fn replaced(built: &Built) -> Vec<ReplacedSource> {
    let sources = built.made.context.plan.sources.iter().filter(|source| source.replaced);
    let tree = |id: &akbuild_recipe::plan::SourceId| {
        built.made.outputs().get(&NodeId::Source(id.clone())).map(TreeHash::as_bytes)
    };
    let one = |source: &akbuild_recipe::plan::Source| {
        let tree = Digest::new(Algo::Sha256, tree(&source.id)?).ok()?;
        Some(ReplacedSource { name: source.id.to_string(), tree })
    };
    sources.filter_map(one).collect()
}

fn item(name: &str, text: &str) -> Item {
    Item::new(name, &Digest::sha256(text.as_bytes()))
}

/// A host's name as a part of a URN.
fn plain(host: &str) -> String {
    let plain: String =
        host.chars().map(|c| if c.is_ascii_alphanumeric() || "-.".contains(c) { c } else { '-' }).collect();
    if plain.is_empty() { "unknown".to_owned() } else { plain }
}
