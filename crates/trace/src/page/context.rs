//! The timeline with what all parts of the page need of it. Must not depend on any part.

use super::axis::Axis;
use super::text::Esc;
use crate::timeline::Timeline;

/// What all parts of the page look at.
pub(super) struct PageContext<'a> {
    pub(super) timeline: &'a Timeline,
    pub(super) critical: Vec<usize>,
    pub(super) axis: Axis,
}

impl PageContext<'_> {
    /// The classes of whatever shows a node: how it ended, and whether it is on the critical path.
    pub(super) fn class(&self, at: usize) -> String {
        let status = match self.timeline.nodes[at].status.as_str() {
            status @ ("built" | "cached" | "failed" | "skipped") => status,
            _ => "other",
        };
        if self.critical.contains(&at) { format!("{status} crit") } else { status.to_owned() }
    }

    /// A link to a node's details, which the script takes for the wish to select it.
    pub(super) fn link(&self, at: usize) -> String {
        format!("<a href=\"#d{at}\">{}</a>", Esc(&self.timeline.nodes[at].name))
    }

    /// The first node that failed of all that a node needs, directly or not.
    pub(super) fn failed_need(&self, at: usize) -> Option<usize> {
        let mut seen = vec![false; self.timeline.nodes.len()];
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            for need in self.timeline.needs(at) {
                if self.timeline.nodes[need].status == "failed" {
                    return Some(need);
                }
                if !std::mem::replace(&mut seen[need], true) {
                    open.push(need);
                }
            }
        }
        None
    }
}
