//! An order in which each stage stands after those it needs. Knows names and edges; nothing of what stages do.

use std::collections::BTreeSet;

/// Positions of the nodes, those that are ready in the order in which they came; or a cycle, its first
/// node again at its end. `needs[i]` are the positions that node `i` needs.
pub(crate) fn order(needs: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut open: Vec<BTreeSet<usize>> = needs.iter().map(|n| n.iter().copied().collect()).collect();
    let mut users = vec![Vec::new(); needs.len()];
    for (user, needed) in open.iter().enumerate() {
        needed.iter().for_each(|n| users[*n].push(user));
    }
    let mut ready: BTreeSet<usize> = (0..needs.len()).filter(|i| open[*i].is_empty()).collect();
    let mut done = Vec::with_capacity(needs.len());
    while let Some(next) = ready.pop_first() {
        done.push(next);
        for user in &users[next] {
            open[*user].remove(&next);
            if open[*user].is_empty() {
                ready.insert(*user);
            }
        }
    }
    match open.iter().position(|o| !o.is_empty()) {
        None => Ok(done),
        Some(start) => Err(cycle(&open, start)),
    }
}

/// Follows open edges until a node comes again: each node that is left has at least one.
fn cycle(open: &[BTreeSet<usize>], start: usize) -> Vec<usize> {
    let mut path = vec![start];
    let mut at = start;
    while let Some(next) = open[at].first().copied() {
        if let Some(first) = path.iter().position(|p| *p == next) {
            path.drain(..first);
            path.push(next);
            break;
        }
        path.push(next);
        at = next;
    }
    path
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ready_nodes_keep_their_order() {
        assert_eq!(order(&[vec![2], vec![], vec![], vec![0]]), Ok(vec![1, 2, 0, 3]));
    }

    #[test]
    fn a_cycle_is_told_without_what_leads_to_it() {
        assert_eq!(order(&[vec![1], vec![2], vec![3], vec![1]]), Err(vec![1, 2, 3, 1]));
        assert_eq!(order(&[vec![0]]), Err(vec![0, 0]));
    }

    proptest! {
        #[test]
        fn an_order_is_right_and_a_cycle_is_one(
            needs in proptest::collection::vec(proptest::collection::vec(0usize..8, 0..3), 8)
        ) {
            match order(&needs) {
                Ok(done) => for (at, node) in done.iter().enumerate() {
                    prop_assert!(needs[*node].iter().all(|n| done[..at].contains(n)));
                },
                Err(cycle) => {
                    prop_assert_eq!(cycle.first(), cycle.last());
                    prop_assert!(cycle.windows(2).all(|w| needs[w[0]].contains(&w[1])));
                }
            }
        }
    }
}
