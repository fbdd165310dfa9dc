//! A graph laid out on a plane, from left to right: a need is left of what needs it.
//!
//! Knows nodes as numbers, and the size of their boxes. Knows no build and no drawing.
//!
//! The usual steps: needs that others imply are left out (`reduce`), every node gets a column (`columns`), in which
//! lines that only pass have places too; columns are put in an order that crosses few lines (`order`), and boxes are
//! moved to where lines become straight (`spread`).

mod columns;
mod order;
mod reduce;
mod spread;

use columns::Columns;
pub(crate) use spread::Sizes;

/// Where everything is.
pub(crate) struct Layout {
    /// Left and top of every node's box.
    pub(crate) boxes: Vec<(f64, f64)>,
    /// The column of every node.
    pub(crate) columns: Vec<usize>,
    /// A line for every need that no other implies.
    pub(crate) lines: Vec<Line>,
    /// Of the whole.
    pub(crate) width: f64,
    /// Of the whole.
    pub(crate) height: f64,
}

/// From a need to what needs it.
pub(crate) struct Line {
    /// The need.
    pub(crate) from: usize,
    /// What needs it.
    pub(crate) to: usize,
    /// Its beginning, where it enters and leaves each column on its way, and its end.
    pub(crate) points: Vec<(f64, f64)>,
}

/// Lays out nodes, each with its needs. Needs in a circle are left out.
pub(crate) fn layout(needs: &[Vec<usize>], sizes: Sizes) -> Layout {
    let needs = reduce::reduce(needs);
    let mut columns = Columns::new(&needs);
    order::untangle(&mut columns);
    let middles = spread::spread(&columns, sizes);
    let left = |cell: usize| columns.cells[cell].column as f64 * (sizes.width + sizes.across);
    let boxes: Vec<_> = (0..needs.len()).map(|at| (left(at), middles[at] - sizes.height / 2.0)).collect();
    let mut lines = Vec::new();
    for (to, needs) in needs.iter().enumerate() {
        for from in needs.iter().copied() {
            let mut points = vec![(left(from) + sizes.width, middles[from])];
            for bend in columns.way(from, to) {
                points.extend([(left(bend), middles[bend]), (left(bend) + sizes.width, middles[bend])]);
            }
            points.push((left(to), middles[to]));
            lines.push(Line { from, to, points });
        }
    }
    let width = boxes.iter().map(|(left, _)| left + sizes.width).fold(0.0, f64::max);
    let height = middles.iter().map(|middle| middle + sizes.height / 2.0).fold(0.0, f64::max);
    let columns = columns.cells[..needs.len()].iter().map(|cell| cell.column).collect();
    Layout { boxes, columns, lines, width, height }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes { width: 10.0, height: 4.0, across: 5.0, down: 2.0 };

    #[test]
    fn a_long_line_goes_around_the_boxes_between() {
        // 0 -> 1 -> 2 -> 4, 3 -> 4, and 0 -> 5 beside them.
        let layout = layout(&[vec![], vec![0], vec![1], vec![0], vec![2, 3], vec![0, 4]], SIZES);
        let shown: Vec<String> = layout.boxes.iter().map(|(left, top)| format!("{left} {top:.1}")).collect();
        insta::assert_snapshot!(shown.join(" | "), @"0 3.0 | 15 0.0 | 30 0.0 | 15 6.0 | 45 3.0 | 60 3.0");
        let long = layout.lines.iter().find(|line| (line.from, line.to) == (3, 4)).unwrap();
        insta::assert_snapshot!(format!("{:.1?}", long.points), @"[(25.0, 8.0), (30.0, 8.0), (40.0, 8.0), (45.0, 5.0)]");
    }

    #[test]
    fn boxes_never_overlap() {
        // A dense graph, made of remainders.
        let needs: Vec<Vec<usize>> =
            (0..60).map(|at| (0..at).filter(|n| (at * 7 + n * 13) % 11 == 0).collect()).collect();
        let layout = layout(&needs, SIZES);
        for (a, (left, top)) in layout.boxes.iter().enumerate() {
            assert!(*top >= 0.0 && *top + SIZES.height <= layout.height && *left + SIZES.width <= layout.width);
            for (other_left, other_top) in &layout.boxes[a + 1..] {
                let apart = (top - other_top).abs() > SIZES.height + SIZES.down - 1e-6;
                assert!(left != other_left || apart, "{left} {top} and {other_left} {other_top}");
            }
        }
        for line in &layout.lines {
            assert!(layout.boxes[line.from].0 < layout.boxes[line.to].0, "{} to {}", line.from, line.to);
        }
    }

    #[test]
    fn nothing_is_nothing() {
        let layout = layout(&[], SIZES);
        assert_eq!((layout.width, layout.height), (0.0, 0.0));
    }
}
