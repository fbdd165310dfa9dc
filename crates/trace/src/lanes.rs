//! Bars put into as few lanes as will do, so that no two of a lane overlap. Knows beginnings and ends only.

/// A lane for each bar (beginning, end), counted from 0: of the lanes that are free, the first. Two bars of a lane may
/// touch.
pub(crate) fn assign(bars: &[(u64, u64)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..bars.len()).collect();
    order.sort_by_key(|at| bars[*at]);
    let mut ends: Vec<u64> = Vec::new();
    let mut lanes = vec![0; bars.len()];
    for at in order {
        let (begin, end) = bars[at];
        let lane = ends.iter().position(|last| *last <= begin).unwrap_or(ends.len());
        if lane == ends.len() {
            ends.push(end);
        } else {
            ends[lane] = end;
        }
        lanes[at] = lane;
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_is_apart_and_what_touches_is_not() {
        assert_eq!(assign(&[(0, 10), (2, 5), (5, 8), (4, 9), (10, 11)]), [0, 1, 1, 2, 0]);
        assert_eq!(assign(&[(3, 4), (0, 9), (0, 3)]), [0, 1, 0]);
        assert_eq!(assign(&[]), [0; 0]);
    }
}
