//! The results of the nodes that a node needs. Trees come from sources, sysroots, tools and stages; downloads say what
//! the registry of a stage serves. Holds results; must not depend on how they are made.

use std::collections::HashMap;
use std::sync::Arc;

use akbuild_recipe::plan::StageId;

use crate::graph::NodeId;
use crate::keys::Outputs;
use crate::served::Served;

/// What one node is made from.
#[derive(Default)]
pub(crate) struct NodeInputs {
    /// The trees of the nodes that it needs.
    pub(crate) outputs: Outputs,
    /// What its registry serves, if it has one.
    pub(crate) served: Option<Arc<Served>>,
}

/// What the registries of stages serve, by stage.
#[derive(Clone, Default)]
pub struct Downloaded(HashMap<StageId, Arc<Served>>);

impl Downloaded {
    /// What the registry of this node serves, if it has one whose downloads are here.
    pub(crate) fn of(&self, node: &NodeId) -> Option<Arc<Served>> {
        match node {
            NodeId::Stage(id) | NodeId::Check(id) => self.0.get(id).cloned(),
            _ => None,
        }
    }

    /// Keeps the result of a node of downloads.
    pub(crate) fn extend(&mut self, node: &NodeId, served: Option<Arc<Served>>) {
        if let (NodeId::Fetch(id), Some(served)) = (node, served) {
            self.0.insert(id.clone(), served);
        }
    }
}

impl std::fmt::Debug for Downloaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
