//! What a stage will be made from, by one hash that is known before anything is fetched or built: for tags, and for
//! those who want to know whether there is anything to do.
//!
//! It is the key of the stage's manifest, with one difference: where that has the content of another node's output, this
//! has the hash of what that node is made from. So it changes with anything that goes in, also with a change that
//! makes no difference in the end, and equal ones mean equal inputs. Of a source, all files count.

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::StageId;
use akbuild_store::Key;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::graph::{Graph, NodeId};
use crate::keys::{self, Keys, Outputs, Parts};
use crate::survey;

/// The hash of everything that goes into a stage. Local folders are read; nothing else is.
pub fn input_key(engine: &Engine, stage: &StageId) -> Result<Key, EngineError> {
    engine.stage(stage)?;
    let mut made = Outputs::new();
    let graph = Graph::new(&engine.plan.stages, std::slice::from_ref(stage), false);
    let mut last = Key::of(b"");
    for node in graph.indices().map(|at| &graph.node(at).id) {
        let hash = match node {
            NodeId::Fetch(_) | NodeId::Check(_) => continue,
            NodeId::Source(id) => {
                let source = engine.source(id)?;
                let raw = survey::unpatched(engine, source)?;
                let raw = raw.ok_or_else(|| EngineError::Bug(format!("{node} has no hash in the plan")))?;
                if source.patches.is_empty() { raw } else { as_tree(keys::source(source, &raw).key())? }
            }
            NodeId::Sysroot(id) => as_tree(keys::sysroot(engine.sysroot(id)?).key())?,
            NodeId::Tool(id) => as_tree(keys::tool(engine.tool(id)?).key())?,
            NodeId::Stage(id) => {
                let keys = Keys { backends: &engine.backends, parts: Parts::Named, plan: &engine.plan, outputs: &made };
                last = keys.stage(engine.stage(id)?)?.key();
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
