//! The mirrors of a run, and the client that talks to them. Sysroots that are in the store are asked where the machine does
//! not say. Must not depend on what is downloaded.

use std::sync::Arc;

use akbuild_fetch::{Client, Mirrors};
use akbuild_recipe::plan::Sysroot;

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::graph::NodeId;
use crate::keys;

/// The mirrors, and the client that talks to them.
pub fn network(context: &EngineContext) -> Result<(Arc<Mirrors>, Client), EngineError> {
    let present = |s: &Sysroot| present(context, &NodeId::Sysroot(s.id.clone()));
    // The machine's own programs have been asked as such.
    let roots: Vec<_> = context.plan.sysroots.iter().filter(|s| s.host.is_none()).filter_map(present).collect();
    Ok(context.network.get(&roots)?)
}

/// The tree of a node, if it is in the store or a backend brings it.
pub(crate) fn present(context: &EngineContext, node: &NodeId) -> Option<std::path::PathBuf> {
    let manifest = keys::manifest(context, node, &Default::default()).ok()?;
    let output = context.backends.find_output(&manifest.key()).ok()??;
    context.backends.bring_tree(&output.tree).ok()?.then(|| context.tree(&output.tree))
}
