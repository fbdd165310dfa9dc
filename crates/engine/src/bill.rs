//! What an image is made of, for documents about it: read from the plan, from upstream's locks in the sources, and from
//! what the tools themselves have recorded in their outputs. Nothing is guessed from the names of files.
//!
//! What counts as shipped:
//! - Debian: every package of the image's sysroot.
//! - Python: every package that the lock of a stage installs whose output goes into the image; what source distributions
//!   are built with does not.
//! - Go: the modules that the build information of each program names, with the hashes of `go.sum`.
//! - npm: what a lock installs without `dev`, for this platform. Bundlers leave no record of what they took of it.
//! - Sources: all that the image needs.

pub(crate) mod contents;
mod material;

pub use material::{materials, stage_keys};

use akbuild_attest::{Component, Ships};
use akbuild_names::Ecosystem;
use akbuild_recipe::plan::StageId;

use crate::context::EngineContext;
use crate::ecosystem::support;
use crate::error::EngineError;
use crate::graph::{NodeId, Outputs};
use contents::ImageContents;

/// The nodes whose outputs are read to say what an image is made of.
pub(crate) fn told_by(context: &EngineContext, image: &StageId) -> Vec<NodeId> {
    let outputs = Outputs::new();
    // What is wrong with the plan is said by those who ask for the bill itself.
    let Ok(contents) = ImageContents::new(context, image, &outputs) else { return Vec::new() };
    let mut nodes = vec![NodeId::Sysroot(contents.sysroot.clone())];
    nodes.extend(contents.shipped.into_iter().map(NodeId::Stage));
    for (id, exec) in contents.locked {
        for lock in &exec.locks {
            nodes.push(NodeId::Source(lock.file().source.clone()));
            if support(lock.ecosystem()).reads_locked_stages() {
                nodes.push(NodeId::Stage(id.clone()));
            }
        }
    }
    nodes
}

/// Everything that ships in an image. `outputs` are those of a run with [`Options::bill`](crate::Options::bill).
pub fn components(context: &EngineContext, image: &StageId, outputs: &Outputs) -> Result<Vec<Component>, EngineError> {
    let contents = ImageContents::new(context, image, outputs)?;
    let mut all = Vec::new();
    for ecosystem in Ecosystem::ALL {
        all.extend(support(ecosystem).components(&contents)?);
    }
    for source in material::sources_of(context, image) {
        let (origin, archive) = material::origin(source, outputs)?;
        let component = Component::source(source.id.as_str(), &material::version(source), origin, archive);
        all.push(component.ships(Ships::Bundled));
    }
    Ok(all)
}
