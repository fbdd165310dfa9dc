//! Columns: which nodes stand below each other, and which lines pass between them.

use super::reduce::sorted;

/// A place in a column: of a node, or of a line that passes.
pub(crate) struct Cell {
    /// Counted from the left.
    pub(crate) column: usize,
    /// Cells of the column before it that it is joined to.
    pub(crate) before: Vec<usize>,
    /// Cells of the column after it that it is joined to.
    pub(crate) after: Vec<usize>,
}

/// All cells: the nodes under their own numbers, then the passing lines.
pub(crate) struct Columns {
    /// How many of the cells are nodes.
    pub(crate) nodes: usize,
    pub(crate) cells: Vec<Cell>,
    /// The cells of each column, from the top.
    pub(crate) columns: Vec<Vec<usize>>,
    /// For each node the cells of its line, one a column; all who need it branch off from that one line.
    trunks: Vec<Vec<usize>>,
}

impl Columns {
    pub(crate) fn new(needs: &[Vec<usize>]) -> Self {
        let columns = assign(needs);
        let count = columns.iter().max().map_or(0, |last| last + 1);
        let cells = columns.into_iter().map(|column| Cell { column, before: Vec::new(), after: Vec::new() }).collect();
        let mut all =
            Self { nodes: needs.len(), cells, columns: vec![Vec::new(); count], trunks: vec![Vec::new(); needs.len()] };
        for (at, needs) in needs.iter().enumerate() {
            for need in needs {
                all.join(*need, at);
            }
        }
        for (at, cell) in all.cells.iter().enumerate() {
            all.columns[cell.column].push(at);
        }
        all
    }

    /// The cells that the line between a need and what needs it passes.
    pub(crate) fn way(&self, from: usize, to: usize) -> impl Iterator<Item = usize> + '_ {
        self.trunks[from].iter().copied().take(self.cells[to].column - self.cells[from].column - 1)
    }

    fn join(&mut self, from: usize, to: usize) {
        let passed = self.cells[to].column - self.cells[from].column - 1;
        while self.trunks[from].len() < passed {
            let last = self.trunks[from].last().copied().unwrap_or(from);
            let bend = self.cells.len();
            let column = self.cells[last].column + 1;
            self.cells.push(Cell { column, before: vec![last], after: Vec::new() });
            self.cells[last].after.push(bend);
            self.trunks[from].push(bend);
        }
        let last = if passed == 0 { from } else { self.trunks[from][passed - 1] };
        self.cells[last].after.push(to);
        self.cells[to].before.push(last);
    }
}

/// A column for each node: right of all its needs; what needs nothing stands close to what needs it.
fn assign(needs: &[Vec<usize>]) -> Vec<usize> {
    let mut columns = vec![0; needs.len()];
    for at in sorted(needs) {
        columns[at] = needs[at].iter().map(|need| columns[*need] + 1).max().unwrap_or(0);
    }
    let mut first = vec![usize::MAX; needs.len()];
    for (at, needs) in needs.iter().enumerate() {
        for need in needs {
            first[*need] = first[*need].min(columns[at]);
        }
    }
    for at in 0..needs.len() {
        if needs[at].is_empty() && first[at] != usize::MAX {
            columns[at] = first[at] - 1;
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_of_all_needs_and_close() {
        assert_eq!(assign(&[vec![], vec![0], vec![1], vec![], vec![2, 3], vec![]]), [0, 1, 2, 2, 3, 0]);
    }

    #[test]
    fn lines_of_one_need_share_their_way() {
        let columns = Columns::new(&[vec![], vec![], vec![1], vec![2], vec![0, 1], vec![0, 3], vec![0, 5]]);
        let ways: Vec<Vec<usize>> = [4, 5, 6].map(|to| columns.way(0, to).collect()).into();
        assert_eq!(ways, [vec![], vec![7, 8], vec![7, 8, 9]]);
    }
}
