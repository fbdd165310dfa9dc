//! How far from the top each cell is: as close as can be to the middle of those that it is joined to, in the order that
//! its column has, and not over each other.

use super::columns::Columns;

/// How often all columns are gone over; an odd number, so that it ends from left to right.
const SWEEPS: usize = 7;

/// Sizes, in one unit.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    /// Of every box.
    pub(crate) width: f64,
    /// Of every box.
    pub(crate) height: f64,
    /// Between columns.
    pub(crate) across: f64,
    /// Between boxes of a column.
    pub(crate) down: f64,
}

/// The middle of every cell, from the top.
pub(crate) fn spread(all: &Columns, sizes: Sizes) -> Vec<f64> {
    let half = |cell: usize| if cell < all.nodes { sizes.height / 2.0 } else { 0.0 };
    let mut middles = vec![0.0; all.cells.len()];
    // Where the cells of each column are if it is packed.
    let mut packed = vec![0.0; all.cells.len()];
    for column in &all.columns {
        let mut top = 0.0;
        for cell in column {
            packed[*cell] = top + half(*cell);
            top += 2.0 * half(*cell) + sizes.down;
        }
        column.iter().for_each(|cell| middles[*cell] = packed[*cell] - top / 2.0);
    }
    for sweep in 0..SWEEPS {
        let count = all.columns.len();
        for step in 0..count {
            let forward = sweep % 2 == 0;
            let column = &all.columns[if forward { step } else { count - 1 - step }];
            let wanted: Vec<f64> =
                column.iter().map(|cell| wanted(all, *cell, forward, &middles) - packed[*cell]).collect();
            for (cell, moved) in column.iter().zip(rising(&wanted)) {
                middles[*cell] = packed[*cell] + moved;
            }
        }
    }
    let top = (0..all.cells.len()).map(|cell| middles[cell] - half(cell)).fold(f64::MAX, f64::min);
    middles.iter_mut().for_each(|middle| *middle -= top);
    middles
}

/// The mean of what a cell is joined to on one side; with nothing there, on the other.
fn wanted(all: &Columns, cell: usize, forward: bool, middles: &[f64]) -> f64 {
    let cells = &all.cells[cell];
    let (here, there) = if forward { (&cells.before, &cells.after) } else { (&cells.after, &cells.before) };
    let joined = if here.is_empty() { there } else { here };
    if joined.is_empty() {
        return middles[cell];
    }
    joined.iter().map(|other| middles[*other]).sum::<f64>() / joined.len() as f64
}

/// The numbers closest to `wanted`, by least squares, of which none is smaller than the one before it: neighbours that
/// fall are pooled, and all get their mean.
fn rising(wanted: &[f64]) -> Vec<f64> {
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for number in wanted {
        let mut pool = (*number, 1);
        while let Some((mean, count)) = pools.pop_if(|last| last.0 > pool.0) {
            let all = count + pool.1;
            pool = ((mean * count as f64 + pool.0 * pool.1 as f64) / all as f64, all);
        }
        pools.push(pool);
    }
    pools.into_iter().flat_map(|(mean, count)| std::iter::repeat_n(mean, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_falls_is_pooled() {
        assert_eq!(rising(&[1.0, 3.0, 2.0, 5.0]), [1.0, 2.5, 2.5, 5.0]);
        assert_eq!(rising(&[3.0, 2.0, 1.0]), [2.0, 2.0, 2.0]);
        assert_eq!(rising(&[]), [0.0; 0]);
    }

    #[test]
    fn a_chain_is_straight() {
        let sizes = Sizes { width: 10.0, height: 4.0, across: 5.0, down: 2.0 };
        let middles = spread(&Columns::new(&[vec![], vec![0], vec![], vec![1], vec![2]]), sizes);
        assert_eq!((middles[0], middles[2]), (middles[1], middles[4]));
    }
}
