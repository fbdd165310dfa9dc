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

mod go;
mod material;
mod python;

pub use material::{materials, stage_keys};

use akbuild_attest::{Component, Ships, debian, npm};
use akbuild_recipe::plan::{Artifacts, DebPin, Exec, Image, LockFile, StageId, Step, TreeRef};
use akbuild_tree::{RootDir, TreeDir};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::graph::{Graph, NodeId};
use crate::keys::Outputs;
use crate::lock_text;

/// A longer copyright file is not read: the longest of Debian's has a fifth of this.
const COPYRIGHT: u64 = 8 << 20;

/// The nodes whose outputs are read to say what an image is made of.
pub(crate) fn told_by(engine: &Engine, image: &StageId) -> Vec<NodeId> {
    let read = || -> Result<Vec<NodeId>, EngineError> {
        let mut nodes = vec![NodeId::Sysroot(image_of(engine, image)?.sysroot.0.clone())];
        nodes.extend(shipped(engine, image)?.into_iter().map(NodeId::Stage));
        for (id, _, artifacts) in locked(engine, image)? {
            let locks = artifacts.npm.iter().chain(&artifacts.go).chain(artifacts.python.iter().map(|p| &p.lock));
            nodes.extend(locks.map(|lock| NodeId::Source(lock.source.clone())));
            if !artifacts.go.is_empty() {
                nodes.push(NodeId::Stage(id.clone()));
            }
        }
        Ok(nodes)
    };
    // What is wrong with the plan is said by those who ask for the bill itself.
    read().unwrap_or_default()
}

/// Everything that ships in an image. `outputs` are those of a run with [`Options::bill`](crate::Options::bill).
pub fn components(engine: &Engine, image: &StageId, outputs: &Outputs) -> Result<Vec<Component>, EngineError> {
    let mut all = debian_packages(engine, image, outputs)?;
    let shipped = shipped(engine, image)?;
    for (id, exec, artifacts) in locked(engine, image)? {
        for lock in &artifacts.npm {
            all.extend(npm_packages(engine, &lock_text::npm_lock(engine, exec, lock, outputs)?, outputs)?);
        }
        if shipped.contains(id) {
            all.extend(crate::bill::python::python(engine, id, exec, artifacts, outputs)?);
        }
    }
    all.extend(crate::bill::go::go_modules(engine, image, &shipped, outputs)?);
    for source in crate::bill::material::sources_of(engine, image) {
        let (origin, archive) = material::origin(source, outputs)?;
        let component = Component::source(source.id.as_str(), &material::version(source), origin, archive);
        all.push(component.ships(Ships::Bundled));
    }
    Ok(all)
}

fn image_of<'a>(engine: &'a Engine, id: &StageId) -> Result<&'a Image, EngineError> {
    match &engine.stage(id)?.step {
        Step::Image(image) => Ok(image),
        _ => Err(EngineError::Bug(format!("`{id}` is no image"))),
    }
}

/// The stages that an image needs, in order.
fn closure<'a>(engine: &'a Engine, image: &StageId) -> Vec<&'a StageId> {
    let graph = Graph::new(&engine.plan.stages, std::slice::from_ref(image), false);
    let wanted = |id: &&StageId| graph.find(&NodeId::Stage((*id).clone())).is_some();
    engine.plan.stages.iter().map(|stage| &stage.id).filter(wanted).collect()
}

/// Those of them that download what upstream's locks name.
fn locked<'a>(engine: &'a Engine, image: &StageId) -> Result<Vec<(&'a StageId, &'a Exec, &'a Artifacts)>, EngineError> {
    let mut all = Vec::new();
    for id in closure(engine, image) {
        if let Step::Exec(exec) = &engine.stage(id)?.step
            && let Some(artifacts) = &exec.artifacts
        {
            all.push((id, &**exec, artifacts));
        }
    }
    Ok(all)
}

/// The stages whose outputs themselves are in an image.
fn shipped(engine: &Engine, image: &StageId) -> Result<Vec<StageId>, EngineError> {
    let mut all = Vec::new();
    for layer in &image_of(engine, image)?.layers {
        let TreeRef::Stage(id) = &layer.tree else { continue };
        let Step::Layer(layer) = &engine.stage(id)?.step else { continue };
        for piece in &layer.pieces {
            ship(engine, &piece.from, &mut all)?;
        }
    }
    Ok(all)
}

/// Adds a stage, and those whose outputs it puts together: a layer may have a whole tree as one piece.
fn ship(engine: &Engine, tree: &TreeRef, all: &mut Vec<StageId>) -> Result<(), EngineError> {
    let TreeRef::Stage(id) = tree else { return Ok(()) };
    if all.contains(id) {
        return Ok(());
    }
    all.push(id.clone());
    let Step::Compose(compose) = &engine.stage(id)?.step else { return Ok(()) };
    compose.pieces.iter().try_for_each(|piece| ship(engine, &piece.from, all))
}

fn debian_packages(engine: &Engine, image: &StageId, outputs: &Outputs) -> Result<Vec<Component>, EngineError> {
    let id = &image_of(engine, image)?.sysroot.0;
    let sysroot = engine.sysroot(id)?;
    let tree = outputs.get(&NodeId::Sysroot(id.clone())).map(|tree| engine.tree(tree));
    // Packages have links to the folders of others there.
    let root = tree.and_then(|tree| RootDir::open(&tree, format!("sysroot `{}`", id.as_str())).ok());
    let licences = |name: &str| {
        let path = format!("usr/share/doc/{name}/copyright");
        debian::licences(&root.as_ref()?.read_at_most(path, COPYRIGHT).ok()?)
    };
    let package = |pin: &DebPin| {
        Component::debian(&pin.name, &pin.version, akbuild_names::BUILD_ARCHITECTURE.debian())
            .digest(pin.digest)
            .licensed(licences(&pin.name).into_iter().flatten())
    };
    Ok(sysroot.packages.iter().map(package).collect())
}

fn npm_packages(engine: &Engine, lock: &LockFile, outputs: &Outputs) -> Result<Vec<Component>, EngineError> {
    let text = lock_text::lock_text(engine, lock, None, outputs)?;
    let component = |package: npm::NpmPackage| {
        let component = Component::npm(&package.name, &package.version).licensed(package.licence);
        let component = package.integrity.into_iter().fold(component, Component::digest);
        component.ships(if package.optional { Ships::Optional } else { Ships::Bundled })
    };
    let packages = npm::production(&text, &lock.path, &crate::npmproject::platform())?;
    Ok(packages.into_iter().map(component).collect())
}

/// The output of a stage, if it is here.
fn open_output(engine: &Engine, id: &StageId, outputs: &Outputs) -> Result<Option<TreeDir>, EngineError> {
    let Some(tree) = outputs.get(&NodeId::Stage(id.clone())) else { return Ok(None) };
    Ok(Some(TreeDir::open(&engine.tree(tree), format!("the output of stage `{id}`"))?))
}
