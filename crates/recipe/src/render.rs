//! How a complaint looks: headline, place, the line with what is meant underlined, notes, help.
//! Knows columns; nothing of what the words say, nor of colours.

use std::fmt::{self, Write};

use crate::error::{RecipeError, RecipeErrors, Report};
use crate::file::Spot;
use crate::mask::mask;

/// Longest piece of a line that is shown, in characters.
const WIDEST: usize = 160;

/// A part of a rendered error that may have a style of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorPart {
    /// The mark of the error: its first word, and the underline with its label.
    Mark,
    /// The frame around the line of the file.
    Frame,
    /// The headline, and the words before notes and help.
    Heading,
}

/// Gives a part of a rendered error its style.
type Painter<'a> = &'a dyn Fn(ErrorPart, &str) -> String;

impl RecipeError {
    /// The block of text that shows this error, without a newline at its end; `paint` gives parts of it a style.
    pub fn render(&self, paint: Painter<'_>) -> String {
        use ErrorPart::{Frame, Heading, Mark};
        let report: &Report = &self.0;
        let mut out = format!("{}{}", paint(Mark, "error"), paint(Heading, &format!(": {}", mask(&report.message))));
        let mut margin = 0;
        if let (Some(file), Some(spot)) = (&report.file, &report.spot) {
            margin = spot.line.to_string().len();
            place(&mut out, paint, file, spot, &mask(&report.label), margin);
        }
        let extra = report.notes.iter().map(|n| ("note", n)).chain(report.help.iter().map(|h| ("help", h)));
        for (word, text) in extra {
            let indent = " ".repeat(margin + 5 + word.len());
            let text = mask(text).replace('\n', &format!("\n{indent}"));
            let _ = write!(out, "\n{:margin$} {} {}: {text}", "", paint(Frame, "="), paint(Heading, word));
        }
        out
    }
}

impl RecipeErrors {
    /// All blocks, an empty line in between, without a newline at the end.
    pub fn render(&self, paint: Painter<'_>) -> String {
        self.0.iter().map(|e| e.render(paint)).collect::<Vec<_>>().join("\n\n")
    }
}

impl fmt::Display for RecipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&|_, text| text.to_owned()))
    }
}

impl fmt::Display for RecipeErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&|_, text| text.to_owned()))
    }
}

fn place(out: &mut String, paint: Painter<'_>, file: &str, spot: &Spot, label: &str, margin: usize) {
    use ErrorPart::{Frame, Mark};
    let bar = paint(Frame, "|");
    let (text, start, width) = window(spot);
    let under = "^".repeat(width);
    let label = if label.is_empty() { String::new() } else { format!(" {label}") };
    let number = paint(Frame, &format!("{:margin$}", spot.line));
    let _ = write!(out, "\n{:margin$}{} {file}:{}:{}", "", paint(Frame, "-->"), spot.line, spot.column);
    let _ = write!(out, "\n{:margin$} {bar}\n{number} {bar}{text}", "");
    let _ = write!(out, "\n{:margin$} {bar} {}{}", "", " ".repeat(start), paint(Mark, &format!("{under}{label}")));
}

/// The visible piece of the line, a space before it unless it is empty, control characters made harmless;
/// and where in it the underline starts and how long it is.
fn window(spot: &Spot) -> (String, usize, usize) {
    let skip = (spot.column - 1).saturating_sub(WIDEST / 2);
    let skip = if spot.text.chars().count() <= WIDEST { 0 } else { skip };
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = mask(&spot.text).chars().skip(skip).take(WIDEST).map(visible).collect();
    let start = spot.column - 1 - skip;
    let width = spot.width.min(text.chars().count().saturating_sub(start)).max(1);
    let text = text.trim_end();
    (if text.is_empty() { String::new() } else { format!(" {text}") }, start, width)
}
