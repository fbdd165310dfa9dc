//! Tables of data: columns as wide as what is in them. Pure text.

use console::measure_text_width as columns;

use super::escape::escape_line;
use super::text::{left, right};

const GAP: &str = "  ";

/// On which side a column's texts stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table with a line of headings; each row has as many texts as there are headings.
pub(crate) fn table<const N: usize>(
    head: &[&str; N],
    align: &[Align; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let rows: Vec<[String; N]> = rows.map(|row| row.map(|text| escape_line(&text))).collect();
    let wide = |c: usize| rows.iter().map(|row| columns(&row[c])).chain([columns(head[c])]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(wide).collect();
    let line = |texts: &[&str; N]| {
        let cell = |c: usize| match align[c] {
            Align::Left => left(texts[c], widths[c]),
            Align::Right => right(texts[c], widths[c]),
        };
        let cells: Vec<String> = (0..N).map(cell).collect();
        format!("{}\n", cells.join(GAP).trim_end())
    };
    let lines = rows.iter().map(|row| line(&std::array::from_fn(|c| row[c].as_str())));
    [line(head)].into_iter().chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let rows = [["webui", "12", "x"], ["a\x1b[31m\n", "1", ""]].map(|row| row.map(str::to_owned));
        let align = [Align::Left, Align::Right, Align::Left];
        insta::assert_snapshot!(table(&["stage", "size", ""], &align, rows.into_iter()), @r"
        stage              size
        webui                12  x
        a\u001b[31m\u000a     1
        ");
    }
}
