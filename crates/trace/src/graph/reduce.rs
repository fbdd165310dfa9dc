//! Needs that other needs imply, and the order in which needs come first. Knows numbers only.

/// The nodes in an order in which needs come before what needs them. What is in a circle, or needs something that is,
/// is not in it.
pub(crate) fn sorted(needs: &[Vec<usize>]) -> Vec<usize> {
    let mut missing: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut needed_by = vec![Vec::new(); needs.len()];
    for (at, needs) in needs.iter().enumerate() {
        for need in needs {
            needed_by[*need].push(at);
        }
    }
    let mut order: Vec<usize> = (0..needs.len()).filter(|at| missing[*at] == 0).collect();
    let mut next = 0;
    while let Some(at) = order.get(next).copied() {
        next += 1;
        for waiting in &needed_by[at] {
            missing[*waiting] -= 1;
            if missing[*waiting] == 0 {
                order.push(*waiting);
            }
        }
    }
    order
}

/// Each node's needs, without those that another of its needs has too, directly or not.
pub(crate) fn reduce(needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let words = needs.len().div_ceil(64);
    let has = |set: &[u64], at: usize| set[at / 64] >> (at % 64) & 1 == 1;
    // For each node the set of all that it needs, directly or not.
    let mut behind = vec![vec![0u64; words]; needs.len()];
    let mut reduced = vec![Vec::new(); needs.len()];
    for at in sorted(needs) {
        let mut set = vec![0u64; words];
        for need in &needs[at] {
            set.iter_mut().zip(&behind[*need]).for_each(|(all, some)| *all |= some);
        }
        reduced[at] = needs[at].iter().copied().filter(|need| !has(&set, *need)).collect();
        reduced[at].sort_unstable();
        reduced[at].dedup();
        for need in &needs[at] {
            set[need / 64] |= 1 << (need % 64);
        }
        behind[at] = set;
    }
    reduced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_implied_is_left_out() {
        assert_eq!(reduce(&[vec![], vec![0], vec![1, 0, 1], vec![0, 2]]), [vec![], vec![0], vec![1], vec![2]]);
    }

    #[test]
    fn a_circle_is_left_out() {
        assert_eq!(reduce(&[vec![1], vec![0], vec![], vec![2], vec![0]]), [vec![], vec![], vec![], vec![2], vec![]]);
        assert_eq!(sorted(&[vec![1], vec![2], vec![]]), [2, 1, 0]);
    }
}
