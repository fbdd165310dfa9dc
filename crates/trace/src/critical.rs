//! The chain of nodes that decided how long a build took. Knows times and needs.

use crate::timeline::{NodeKind, Timeline};

/// Places in [`Timeline::nodes`], first to last, of the nodes that decided how long the build took: each began when
/// the one before it ended, because it needs it or because it was given its slot.
///
/// It is found from its end: the node that ended last, before it the need of it that ended last, and so on. Where a
/// stage began noticeably later than its needs ended, it waited for a slot, and before it comes the stage whose end
/// freed one. What was skipped, and what was cached from the beginning, is in no chain.
pub fn critical_path(timeline: &Timeline) -> Vec<usize> {
    let mut path = Vec::new();
    let mut next = latest(timeline, (0..timeline.nodes.len()).filter(|at| timeline.nodes[*at].took_part()));
    while let Some(at) = next {
        path.push(at);
        next = before(timeline, at, &path);
    }
    path.reverse();
    path
}

/// What a node waited for last.
fn before(timeline: &Timeline, at: usize, path: &[usize]) -> Option<usize> {
    let node = &timeline.nodes[at];
    let fresh = |other: &usize| timeline.nodes[*other].took_part() && !path.contains(other);
    let need = latest(timeline, timeline.needs(at).filter(fresh));
    let ready = need.map_or(0.0, |need| timeline.nodes[need].ended());
    let noticeable = (timeline.seconds / 200.0).max(0.1);
    if node.kind != NodeKind::Stage || node.started - ready <= noticeable {
        return need;
    }
    // Times are told apart from each other: one that follows may be a little early.
    let just_before = node.started - noticeable..node.started + 0.02;
    let freed = (0..timeline.nodes.len()).filter(fresh).filter(|other| {
        let other = &timeline.nodes[*other];
        other.kind == NodeKind::Stage && other.ended() > ready && just_before.contains(&other.ended())
    });
    latest(timeline, freed).or(need)
}

fn latest(timeline: &Timeline, nodes: impl Iterator<Item = usize>) -> Option<usize> {
    nodes.max_by(|a, b| timeline.nodes[*a].ended().total_cmp(&timeline.nodes[*b].ended()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, node};

    fn path(timeline: &Timeline) -> String {
        let names: Vec<&str> = critical_path(timeline).iter().map(|at| timeline.nodes[*at].name.as_str()).collect();
        names.join(" -> ")
    }

    #[test]
    fn through_the_needs_that_ended_last() {
        let nodes = vec![
            node("source:a", &[], 0.0, 2.0),
            node("fetch:c", &[0], 2.0, 9.0),
            node("b", &[0], 2.0, 8.0),
            node("c", &[1, 2], 11.0, 5.0),
            node("d", &[2], 10.0, 1.0),
        ];
        assert_eq!(path(&build(nodes)), "source:a -> fetch:c -> c");
    }

    #[test]
    fn through_the_stage_that_freed_a_slot() {
        let nodes = vec![
            node("a", &[], 0.0, 2.0),
            node("busy", &[], 0.0, 9.0),
            node("fetch:x", &[], 0.0, 8.95),
            node("b", &[0], 9.05, 3.0),
            node("beside", &[], 9.0, 0.1),
        ];
        assert_eq!(path(&build(nodes)), "busy -> b");
    }

    #[test]
    fn a_late_start_that_nothing_explains_leads_to_the_need() {
        assert_eq!(
            path(&build(vec![node("a", &[], 0.0, 2.0), node("x", &[], 0.0, 5.0), node("b", &[0], 9.0, 3.0)])),
            "a -> b"
        );
    }

    #[test]
    fn what_was_there_or_skipped_is_not_in_it() {
        let mut nodes = vec![node("a", &[], 0.0, 0.0), node("b", &[0], 0.0, 4.0), node("c", &[1], 4.0, 0.0)];
        nodes[0].status = "cached".to_owned();
        nodes[2].status = "skipped".to_owned();
        assert_eq!(path(&build(nodes)), "b");
        assert_eq!(path(&build(Vec::new())), "");
    }

    #[test]
    fn needs_that_make_no_sense_end_it() {
        assert_eq!(
            path(&build(vec![node("a", &[1, 7, 0], 0.0, 1.0), node("b", &[0], 1.0, 1.0), node("c", &[2], 0.0, 0.5)])),
            "a -> b"
        );
    }
}
