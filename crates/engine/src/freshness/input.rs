//! What a stage will be made from, by one hash that is known before anything is fetched or built: for tags, and for
//! those who want to know whether there is anything to do.
//!
//! It is the key of the stage's manifest, with one difference: where that has the content of another node's output, this
//! has the hash of what that node is made from. So it changes with anything that goes in, also with a change that
//! makes no difference in the end, and equal ones mean equal inputs. Of a source, all files count.

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::StageId;
use akbuild_store::Key;

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::freshness;
use crate::graph::{Graph, NodeId};
use crate::keys::{self, Keys, Outputs, Parts};

/// The hash of everything that goes into a stage. Local folders are read; nothing else is.
pub fn input_key(context: &EngineContext, stage: &StageId) -> Result<Key, EngineError> {
    context.stage(stage)?;
    let mut made = Outputs::new();
    let graph = Graph::new(&context.plan.stages, std::slice::from_ref(stage), false);
    let mut last = Key::of(b"");
    for node in graph.indices().map(|at| &graph.node(at).id) {
        let hash = match node {
            NodeId::Fetch(_) | NodeId::Check(_) => continue,
            NodeId::Source(id) => {
                let source = context.source(id)?;
                let raw = freshness::unpatched(context, source)?;
                let raw = raw.ok_or_else(|| EngineError::Bug(format!("{node} has no hash in the plan")))?;
                if source.patches.is_empty() { raw } else { as_tree(keys::source(source, &raw).key())? }
            }
            NodeId::Sysroot(id) => as_tree(keys::sysroot(context.sysroot(id)?).key())?,
            NodeId::Tool(id) => as_tree(keys::tool(context.tool(id)?).key())?,
            NodeId::Stage(id) => {
                let keys =
                    Keys { backends: &context.backends, parts: Parts::Named, plan: &context.plan, outputs: &made };
                last = keys.stage(context.stage(id)?)?.key();
                as_tree(last)?
            }
        };
        made.insert(node.clone(), hash);
    }
    // The stage itself comes last: everything else is there because it needs it.
    Ok(last)
}

/// Both are SHA-256.
fn as_tree(key: Key) -> Result<TreeHash, EngineError> {
    key.hex().parse().map_err(|_| EngineError::Bug(format!("{key} is no hash")))
}
