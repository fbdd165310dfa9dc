//! How a complaint looks: headline, place, the line with what is meant underlined, notes, help.
//! Knows columns and colours; nothing of what the words say.

use std::fmt::Write;

use crate::error::{RecipeError, RecipeErrors, Report};
use crate::file::Spot;
use crate::mask::mask;

const RED: &str = "\x1b[1;31m";
const BLUE: &str = "\x1b[1;34m";
const BOLD: &str = "\x1b[1m";

/// Longest piece of a line that is shown, in characters.
const WIDEST: usize = 160;

struct Paint(bool);

impl Paint {
    fn on(&self, style: &str, text: &str) -> String {
        if self.0 && !text.is_empty() { format!("{style}{text}\x1b[0m") } else { text.to_owned() }
    }
}

impl RecipeError {
    /// The block of text that shows this error, without a newline at its end. The words are the same
    /// with and without colour.
    pub fn render(&self, color: bool) -> String {
        let report: &Report = &self.0;
        let paint = Paint(color);
        let mut out = format!("{}{}", paint.on(RED, "error"), paint.on(BOLD, &format!(": {}", mask(&report.message))));
        let mut margin = 0;
        if let (Some(file), Some(spot)) = (&report.file, &report.spot) {
            margin = spot.line.to_string().len();
            place(&mut out, &paint, file, spot, &mask(&report.label), margin);
        }
        let extra = report.notes.iter().map(|n| ("note", n)).chain(report.help.iter().map(|h| ("help", h)));
        for (word, text) in extra {
            let indent = " ".repeat(margin + 5 + word.len());
            let text = mask(text).replace('\n', &format!("\n{indent}"));
            let _ = write!(out, "\n{:margin$} {} {}: {text}", "", paint.on(BLUE, "="), paint.on(BOLD, word));
        }
        out
    }
}

impl RecipeErrors {
    /// All blocks, an empty line in between, without a newline at the end.
    pub fn render(&self, color: bool) -> String {
        self.0.iter().map(|e| e.render(color)).collect::<Vec<_>>().join("\n\n")
    }
}

fn place(out: &mut String, paint: &Paint, file: &str, spot: &Spot, label: &str, margin: usize) {
    let bar = paint.on(BLUE, "|");
    let (text, start, width) = window(spot);
    let under = "^".repeat(width);
    let label = if label.is_empty() { String::new() } else { format!(" {label}") };
    let number = paint.on(BLUE, &format!("{:margin$}", spot.line));
    let _ = write!(out, "\n{:margin$}{} {file}:{}:{}", "", paint.on(BLUE, "-->"), spot.line, spot.column);
    let _ = write!(out, "\n{:margin$} {bar}\n{number} {bar}{text}", "");
    let _ = write!(out, "\n{:margin$} {bar} {}{}", "", " ".repeat(start), paint.on(RED, &format!("{under}{label}")));
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
