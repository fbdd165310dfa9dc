//! The graph of nodes: sources, sysroots, tools, downloads, stages and checks, and who needs whom.
//!
//! Knows the shape only: nothing of keys, of the store or of running anything.

use std::collections::{HashMap, HashSet};
use std::fmt;

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Check, SourceId, Stage, StageId, Step, SysrootId, ToolId, TreeRef};
use serde::{Serialize, Serializer};

/// What a node stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeId {
    /// A source, fetched and patched.
    Source(SourceId),
    /// A sysroot, unpacked.
    Sysroot(SysrootId),
    /// A tool, unpacked.
    Tool(ToolId),
    /// The downloads that a stage's registry will serve.
    Fetch(StageId),
    /// A stage.
    Stage(StageId),
    /// A further run of a stage, whose output is compared with the stored one.
    Check(StageId),
}

impl From<&TreeRef> for NodeId {
    fn from(tree: &TreeRef) -> Self {
        match tree {
            TreeRef::Source(id) => NodeId::Source(id.clone()),
            TreeRef::Stage(id) => NodeId::Stage(id.clone()),
        }
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeId::Source(id) => write!(f, "source:{id}"),
            NodeId::Sysroot(id) => write!(f, "sysroot:{id}"),
            NodeId::Tool(id) => write!(f, "tool:{id}"),
            NodeId::Fetch(id) => write!(f, "fetch:{id}"),
            NodeId::Stage(id) => write!(f, "{id}"),
            NodeId::Check(id) => write!(f, "check:{id}"),
        }
    }
}

/// Reads a node's name as [`NodeId`] displays it. Names of stages have no `:`.
impl From<&str> for NodeId {
    fn from(name: &str) -> Self {
        match name.split_once(':') {
            Some(("source", id)) => NodeId::Source(SourceId::new(id)),
            Some(("sysroot", id)) => NodeId::Sysroot(SysrootId::new(id)),
            Some(("tool", id)) => NodeId::Tool(ToolId::new(id)),
            Some(("fetch", id)) => NodeId::Fetch(StageId::new(id)),
            Some(("check", id)) => NodeId::Check(StageId::new(id)),
            _ => NodeId::Stage(StageId::new(name)),
        }
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl NodeId {
    /// The node's name in a sentence: "`webui`", "source `app`".
    pub fn shown(&self) -> String {
        match self {
            NodeId::Source(id) => format!("source `{id}`"),
            NodeId::Sysroot(id) => format!("sysroot `{id}`"),
            NodeId::Tool(id) => format!("tool `{id}`"),
            NodeId::Fetch(id) => format!("fetch `{id}`"),
            NodeId::Stage(id) => format!("`{id}`"),
            NodeId::Check(id) => format!("check `{id}`"),
        }
    }
}

/// The outputs of the nodes that have one.
pub type Outputs = HashMap<NodeId, TreeHash>;

/// A node's place in a [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index(pub(crate) usize);

impl Index {
    /// As a place in a list with an element for each node.
    pub fn index(self) -> usize {
        self.0
    }
}

/// Nodes in an order in which each stands after those it needs.
#[derive(Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    places: HashMap<NodeId, Index>,
}

/// One node.
#[derive(Debug)]
pub struct Node {
    /// What it stands for.
    pub id: NodeId,
    /// What it needs.
    pub needs: Vec<Index>,
    /// What needs it.
    pub needed_by: Vec<Index>,
    /// How many of the `-j` slots it takes.
    pub weight: u32,
}

impl Graph {
    /// The graph of everything that `targets` need. With `ask`, downloads of language packages wait
    /// for a sysroot, whose clients will be asked where to download from.
    pub fn new(stages: &[Stage], targets: &[StageId], ask: bool) -> Self {
        let mut graph = Graph { nodes: Vec::new(), places: HashMap::new() };
        let wanted = wanted(stages, targets);
        for stage in stages.iter().filter(|s| wanted.contains(&s.id)) {
            let first = match &stage.step {
                Step::Exec(exec) if ask => vec![graph.place(NodeId::Sysroot(exec.sysroot.clone()), Vec::new(), 0)],
                _ => Vec::new(),
            };
            let place = |graph: &mut Graph, id: NodeId| {
                let before = if matches!(id, NodeId::Tool(_)) { first.clone() } else { Vec::new() };
                graph.place(id, before, 0)
            };
            let mut needs: Vec<Index> = needs(&stage.step).into_iter().map(|id| place(&mut graph, id)).collect();
            if let Step::Exec(exec) = &stage.step
                && !exec.locks.is_empty()
            {
                let sources = exec.locks.iter().map(|lock| NodeId::Source(lock.file().source.clone()));
                let mut locks = first.clone();
                locks.extend(sources.map(|source| graph.place(source, Vec::new(), 0)));
                needs.push(graph.place(NodeId::Fetch(stage.id.clone()), locks, 0));
            }
            graph.place(NodeId::Stage(stage.id.clone()), needs, stage.weight);
        }
        graph
    }

    /// Puts in checks of these stages: each runs after its stage, with what that needs.
    pub fn check(&mut self, stages: &[StageId]) {
        for id in stages {
            let Some(at) = self.find(&NodeId::Stage(id.clone())) else { continue };
            let needs = [&self.nodes[at.0].needs[..], &[at]].concat();
            self.place(NodeId::Check(id.clone()), needs, self.nodes[at.0].weight);
        }
    }

    /// Puts a node in, or finds it where it is.
    fn place(&mut self, id: NodeId, mut needs: Vec<Index>, weight: u32) -> Index {
        if let Some(&at) = self.places.get(&id) {
            return at;
        }
        needs.sort();
        needs.dedup();
        let at = Index(self.nodes.len());
        for need in &needs {
            self.nodes[need.0].needed_by.push(at);
        }
        self.places.insert(id.clone(), at);
        self.nodes.push(Node { id, needs, needed_by: Vec::new(), weight });
        at
    }

    /// Every node's place, those needed before those that need them.
    pub fn indices(&self) -> impl DoubleEndedIterator<Item = Index> + use<> {
        (0..self.nodes.len()).map(Index)
    }

    /// The node at a place.
    pub fn node(&self, at: Index) -> &Node {
        &self.nodes[at.0]
    }

    /// Where a node is.
    pub fn find(&self, id: &NodeId) -> Option<Index> {
        self.places.get(id).copied()
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// The stages among `targets` and all that they need.
fn wanted(stages: &[Stage], targets: &[StageId]) -> HashSet<StageId> {
    let mut wanted: HashSet<StageId> = targets.iter().cloned().collect();
    for stage in stages.iter().rev() {
        if wanted.contains(&stage.id) {
            wanted.extend(stage.step.trees().into_iter().filter_map(|tree| match tree {
                TreeRef::Stage(id) => Some(id.clone()),
                TreeRef::Source(_) => None,
            }));
        }
    }
    wanted
}

/// What a step reads, but for its downloads.
pub(crate) fn needs(step: &Step) -> Vec<NodeId> {
    let mut needs: Vec<NodeId> = step.trees().into_iter().map(NodeId::from).collect();
    match step {
        Step::Exec(exec) => {
            needs.push(NodeId::Sysroot(exec.sysroot.clone()));
            needs.extend(exec.tools.iter().cloned().map(NodeId::Tool));
            needs.extend(exec.git.iter().cloned().map(NodeId::Source));
        }
        Step::Layer(layer) => needs.extend(layer.sysroot.iter().map(|(id, _)| NodeId::Sysroot(id.clone()))),
        Step::Compose(_) | Step::Image(_) => {}
    }
    for check in step.checks() {
        let (Check::Elf { sysroot, .. } | Check::Run { sysroot, .. }) = check;
        needs.push(NodeId::Sysroot(sysroot.clone()));
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_nodes_are_read_as_they_are_displayed() {
        let stage = || StageId::new("app");
        for node in [
            NodeId::Source(SourceId::new("app")),
            NodeId::Sysroot(SysrootId::new("app")),
            NodeId::Tool(ToolId::new("app")),
            NodeId::Fetch(stage()),
            NodeId::Stage(stage()),
            NodeId::Check(stage()),
        ] {
            assert_eq!(NodeId::from(&*node.to_string()), node);
        }
    }
}
