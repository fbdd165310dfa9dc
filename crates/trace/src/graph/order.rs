//! The order within columns, so that few lines cross: each cell goes to the mean place of those that it is joined to,
//! from left to right and back, some times over.

use super::columns::Columns;

/// How often it goes over all columns; an odd number, so that it ends from left to right.
const SWEEPS: usize = 9;

/// Reorders every column.
pub(crate) fn untangle(all: &mut Columns) {
    let mut place = vec![0.0; all.cells.len()];
    for column in &all.columns {
        number(column, &mut place);
    }
    for sweep in 0..SWEEPS {
        let forward = sweep % 2 == 0;
        let count = all.columns.len();
        for step in 0..count {
            let at = if forward { step } else { count - 1 - step };
            let mut wanted: Vec<(f64, usize)> = Vec::new();
            for cell in &all.columns[at] {
                let joined = if forward { &all.cells[*cell].before } else { &all.cells[*cell].after };
                let sum: f64 = joined.iter().map(|other| place[*other]).sum();
                wanted.push((if joined.is_empty() { place[*cell] } else { sum / joined.len() as f64 }, *cell));
            }
            wanted.sort_by(|a, b| a.0.total_cmp(&b.0));
            all.columns[at] = wanted.into_iter().map(|(_, cell)| cell).collect();
            number(&all.columns[at], &mut place);
        }
    }
}

/// Places from 0 to 1, so that short and long columns can be compared.
fn number(column: &[usize], place: &mut [f64]) {
    for (at, cell) in column.iter().enumerate() {
        place[*cell] = (at as f64 + 0.5) / column.len() as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_can_be_straight_do_not_cross() {
        let mut columns = Columns::new(&[vec![], vec![], vec![], vec![2], vec![1], vec![0]]);
        untangle(&mut columns);
        let order: Vec<usize> = columns.columns[0].iter().map(|need| columns.cells[*need].after[0]).collect();
        assert_eq!(order, columns.columns[1]);
    }
}
