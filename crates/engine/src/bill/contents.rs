//! The parts of an image: its sysroot, the stages whose outputs ship, and the locks of the stages that it needs. Must not
//! depend on an ecosystem.

use akbuild_names::Ecosystem;
use akbuild_recipe::plan::{Exec, Image, LockReference, StageId, Step, SysrootId, TreeRef};
use akbuild_tree::TreeDir;

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::graph::{Graph, NodeId, Outputs};
use crate::lock_reader::LockReader;

/// The parts of an image.
pub(crate) struct ImageContents<'a> {
    pub(crate) context: &'a EngineContext,
    pub(crate) outputs: &'a Outputs,
    /// The sysroot that the image is laid over.
    pub(crate) sysroot: &'a SysrootId,
    /// The stages whose outputs themselves are in the image.
    pub(crate) shipped: Vec<StageId>,
    /// The stages that the image needs and that download what upstream's locks name, in order.
    pub(crate) locked: Vec<(&'a StageId, &'a Exec)>,
}

impl<'a> ImageContents<'a> {
    pub(crate) fn new(context: &'a EngineContext, id: &StageId, outputs: &'a Outputs) -> Result<Self, EngineError> {
        let Step::Image(image) = &context.stage(id)?.step else {
            return Err(EngineError::Bug(format!("`{id}` is no image")));
        };
        let mut locked = Vec::new();
        for id in closure(context, id) {
            if let Step::Exec(exec) = &context.stage(id)?.step
                && !exec.locks.is_empty()
            {
                locked.push((id, &**exec));
            }
        }
        let (sysroot, shipped) = (&image.sysroot.0, shipped(context, image)?);
        Ok(Self { context, outputs, sysroot, shipped, locked })
    }

    /// The locks of an ecosystem, each with its stage.
    pub(crate) fn locks(
        &self,
        ecosystem: Ecosystem,
    ) -> impl Iterator<Item = (&'a StageId, LockReader<'a>, &'a LockReference)> {
        let (context, outputs) = (self.context, self.outputs);
        self.locked.iter().flat_map(move |&(id, exec)| {
            let of_it = exec.locks.iter().filter(move |lock| lock.ecosystem() == ecosystem);
            of_it.map(move |lock| (id, LockReader { context, exec, outputs }, lock))
        })
    }

    /// The output of a stage, if it is here.
    pub(crate) fn open_output(&self, id: &StageId) -> Result<Option<TreeDir>, EngineError> {
        let Some(tree) = self.outputs.get(&NodeId::Stage(id.clone())) else { return Ok(None) };
        Ok(Some(TreeDir::open(&self.context.tree(tree), format!("the output of stage `{id}`"))?))
    }
}

/// The stages that an image needs, in order.
pub(super) fn closure<'a>(context: &'a EngineContext, image: &StageId) -> Vec<&'a StageId> {
    let graph = Graph::new(&context.plan.stages, std::slice::from_ref(image), false);
    let wanted = |id: &&StageId| graph.find(&NodeId::Stage((*id).clone())).is_some();
    context.plan.stages.iter().map(|stage| &stage.id).filter(wanted).collect()
}

/// The stages whose outputs themselves are in an image.
fn shipped(context: &EngineContext, image: &Image) -> Result<Vec<StageId>, EngineError> {
    let mut all = Vec::new();
    for layer in &image.layers {
        let TreeRef::Stage(id) = &layer.tree else { continue };
        let Step::Layer(layer) = &context.stage(id)?.step else { continue };
        for piece in &layer.pieces {
            ship(context, &piece.from, &mut all)?;
        }
    }
    Ok(all)
}

/// Adds a stage, and those whose outputs it puts together: a layer may have a whole tree as one piece.
fn ship(context: &EngineContext, tree: &TreeRef, all: &mut Vec<StageId>) -> Result<(), EngineError> {
    let TreeRef::Stage(id) = tree else { return Ok(()) };
    if all.contains(id) {
        return Ok(());
    }
    all.push(id.clone());
    let Step::Compose(compose) = &context.stage(id)?.step else { return Ok(()) };
    compose.pieces.iter().try_for_each(|piece| ship(context, &piece.from, all))
}
