//! The cycles of a graph: its strongly connected components of more than one node.

use std::collections::BTreeSet;

use super::module_graph::ModuleGraph;

/// All cycles, the largest first, the names of each sorted.
pub(crate) fn cycles(graph: &ModuleGraph) -> Vec<Vec<&str>> {
    let reached: Vec<(&str, BTreeSet<&str>)> = graph.keys().map(|node| (&**node, reachable(graph, node))).collect();
    let mut found = BTreeSet::new();
    for (node, forward) in &reached {
        let back = reached.iter().filter(|(other, theirs)| forward.contains(other) && theirs.contains(node));
        let cycle: Vec<&str> = back.map(|(other, _)| *other).collect();
        if cycle.len() > 1 {
            found.insert(cycle);
        }
    }
    let mut found: Vec<Vec<&str>> = found.into_iter().collect();
    found.sort_by_key(|cycle| std::cmp::Reverse(cycle.len()));
    found
}

/// The nodes that at least one step away from `node` can be reached.
fn reachable<'a>(graph: &'a ModuleGraph, node: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&String> = graph.get(node).into_iter().flatten().collect();
    while let Some(node) = next.pop() {
        if seen.insert(&**node) {
            next.extend(graph.get(node).into_iter().flatten());
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_reach_each_other_are_one_cycle() {
        let edges = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("e", "d"), ("e", "f"), ("g", "a")];
        let mut graph = ModuleGraph::new();
        for (from, to) in edges {
            graph.entry(from.to_owned()).or_default().insert(to.to_owned());
        }
        assert_eq!(cycles(&graph), [vec!["a", "b", "c"], vec!["d", "e"]]);
    }

    #[test]
    fn two_cycles_that_share_a_node_are_one() {
        let edges = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")];
        let mut graph = ModuleGraph::new();
        for (from, to) in edges {
            graph.entry(from.to_owned()).or_default().insert(to.to_owned());
        }
        assert_eq!(cycles(&graph), [vec!["a", "b", "c"]]);
        graph.remove("c");
        assert_eq!(cycles(&graph), [vec!["a", "b"]]);
        graph.remove("a");
        assert!(cycles(&graph).is_empty());
    }
}
