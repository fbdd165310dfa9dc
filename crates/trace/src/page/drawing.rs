//! The drawing of the graph: a box for each node, with how it ended and why it ran, and lines from needs to what needs
//! them. Knows which nodes are drawn and what is in a box; where the boxes are is found by `graph`.

use std::fmt::Write;

use super::context::PageContext;
use super::text::{Esc, cut};
use super::units;
use crate::graph::{self, Line, Sizes};

/// More nodes than that, and only those that ran are drawn, with what they need.
const ALL: usize = 120;
/// More nodes than that, and boxes have one line.
const LARGE: usize = 40;

/// Space around the drawing, for outlines.
const MARGIN: f64 = 4.0;

pub(super) fn render(page: &PageContext<'_>) -> String {
    let count = page.timeline.nodes.len();
    let drawn = drawn(page);
    if drawn.is_empty() {
        return String::new();
    }
    let mut here = vec![None; count];
    drawn.iter().enumerate().for_each(|(at, node)| here[*node] = Some(at));
    let needs: Vec<Vec<usize>> =
        drawn.iter().map(|node| page.timeline.needs(*node).filter_map(|need| here[need]).collect()).collect();
    let reasons = drawn.iter().any(|at| page.timeline.nodes[*at].reason.is_some());
    let sizes = match drawn.len() {
        LARGE.. => Sizes { width: 260.0, height: 22.0, across: 70.0, down: 7.0 },
        _ => Sizes { width: 190.0, height: if reasons { 54.0 } else { 38.0 }, across: 48.0, down: 12.0 },
    };
    let layout = graph::layout(&needs, sizes);
    let mut html = format!(
        "<section>\n<h2>Graph</h2>\n<p class=\"dim\">{}</p>\n<div class=\"graph\"><svg width=\"{width:.0}\" \
         height=\"{height:.0}\" viewBox=\"-{MARGIN} -{MARGIN} {width:.0} {height:.0}\" role=\"group\" aria-label=\"graph of the build\">\n",
        caption(drawn.len(), count),
        width = layout.width + 2.0 * MARGIN,
        height = layout.height + 2.0 * MARGIN,
    );
    for line in &layout.lines {
        let (from, to) = (drawn[line.from], drawn[line.to]);
        let critical = page.critical.windows(2).any(|pair| pair == [from, to]);
        let class = if critical { " class=\"crit\"" } else { "" };
        let _ = writeln!(html, "<path{class} data-from=\"{from}\" data-to=\"{to}\" d=\"{}\"/>", curve(line));
    }
    let mut order: Vec<usize> = (0..drawn.len()).collect();
    order.sort_by(|a, b| {
        (layout.columns[*a], layout.boxes[*a].1)
            .partial_cmp(&(layout.columns[*b], layout.boxes[*b].1))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    for at in order {
        let (left, top) = layout.boxes[at];
        let column = layout.columns[at];
        let _ =
            writeln!(html, "<a href=\"#d{}\" class=\"{}\" data-column=\"{column}\">", drawn[at], page.class(drawn[at]));
        html.push_str(&content(page, drawn[at], left, top, sizes));
        html.push_str("</a>\n");
    }
    html.push_str("</svg></div>\n</section>\n");
    html
}

/// All nodes if they are few; else those that ran, and what they need directly.
fn drawn(page: &PageContext<'_>) -> Vec<usize> {
    let nodes = &page.timeline.nodes;
    let mut wanted = vec![nodes.len() <= ALL; nodes.len()];
    for at in (0..nodes.len()).filter(|at| nodes[*at].ran()) {
        wanted[at] = true;
        page.timeline.needs(at).for_each(|need| wanted[need] = true);
    }
    (0..nodes.len()).filter(|at| wanted[*at]).collect()
}

fn caption(drawn: usize, count: usize) -> String {
    let which = if drawn < count {
        format!("{drawn} of {count} nodes: what ran, and what that needs. ")
    } else {
        String::new()
    };
    format!("{which}A line goes from a need to what needs it; lines that others imply are left out.")
}

/// A box: one line of text, or the name, how it ended, and why it ran.
fn content(page: &PageContext<'_>, at: usize, left: f64, top: f64, sizes: Sizes) -> String {
    let node = &page.timeline.nodes[at];
    let took = if node.ran() { format!(" {}", units::seconds(node.seconds)) } else { String::new() };
    let ended = format!("{}{took}", node.word());
    let reason = node.reason.as_deref().unwrap_or("");
    let colon = if reason.is_empty() { "" } else { ": " };
    let (width, height) = (sizes.width, sizes.height);
    let mut svg = format!(
        "<title>{}, {}{colon}{}</title><svg x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width}\" height=\"{height}\">\
         <rect x=\"1.5\" y=\"1.5\" width=\"{}\" height=\"{}\" rx=\"3\"/>",
        Esc(&node.name),
        Esc(&ended),
        Esc(reason),
        width - 3.0,
        height - 3.0,
    );
    let mut line = |class: &str, x: f64, y: f64, text: String| {
        if text.is_empty() {
            return;
        }
        let _ = write!(svg, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", Esc(text));
    };
    if height < 30.0 {
        line("name", 8.0, 15.0, cut(&node.name, 18));
        line("status end", width - 8.0, 15.0, cut(&ended, 18));
    } else {
        line("name", 9.0, 16.0, cut(&node.name, 24));
        line("status", 9.0, 31.0, ended);
        line("why", 9.0, 46.0, cut(reason, 28));
    }
    svg.push_str("</svg>");
    svg
}

/// A smooth line through its points: bent between columns, straight beside boxes.
fn curve(line: &Line) -> String {
    let mut path = format!("M{:.1} {:.1}", line.points[0].0, line.points[0].1);
    for (pair, passes) in line.points.windows(2).zip([false, true].into_iter().cycle()) {
        let [(x, y), (to_x, to_y)] = [pair[0], pair[1]];
        let _ = if passes || (y - to_y).abs() < 0.05 {
            write!(path, "L{to_x:.1} {to_y:.1}")
        } else {
            let middle = (x + to_x) / 2.0;
            write!(path, "C{middle:.1} {y:.1} {middle:.1} {to_y:.1} {to_x:.1} {to_y:.1}")
        };
    }
    path
}
