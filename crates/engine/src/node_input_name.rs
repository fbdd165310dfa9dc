//! The names that records give to the trees from which a node was made: those of the nodes that left them, and of a
//! source that is patched the tree before. Only this file knows how they are spelled. Must not depend on the trees.

use std::fmt;

use akbuild_recipe::plan::SourceId;

use crate::graph::NodeId;

/// After the name of a source.
const UNPATCHED: &str = " unpatched";

/// Where a tree that a node was made from came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeInputName {
    /// A node left it.
    Output(NodeId),
    /// It is a source before it is patched.
    Unpatched(SourceId),
}

impl fmt::Display for NodeInputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeInputName::Output(node) => write!(f, "{node}"),
            NodeInputName::Unpatched(id) => write!(f, "{}{UNPATCHED}", NodeId::Source(id.clone())),
        }
    }
}

/// Reads a name as a record spells it.
impl From<&str> for NodeInputName {
    fn from(name: &str) -> Self {
        match name.strip_suffix(UNPATCHED).map(NodeId::from) {
            Some(NodeId::Source(id)) => NodeInputName::Unpatched(id),
            _ => NodeInputName::Output(NodeId::from(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_inputs_are_read_as_they_are_spelled() {
        let source = SourceId::new("app");
        for (name, text) in [
            (NodeInputName::Output(NodeId::Source(source.clone())), "source:app"),
            (NodeInputName::Unpatched(source), "source:app unpatched"),
        ] {
            assert_eq!(name.to_string(), text);
            assert_eq!(NodeInputName::from(text), name);
        }
    }
}
