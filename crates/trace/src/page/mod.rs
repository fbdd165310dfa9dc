//! The timeline as one HTML page that needs nothing else: no network, no fonts, no other file but the logs beside it.
//!
//! Everything is there without a script; the script adds selection, keys and the filter. It may run because the page's
//! policy names its hash, so that nothing else in the page can. Text from outside passes through `text`.

mod axis;
mod context;
mod details;
mod drawing;
mod head;
mod rows;
mod text;
mod traffic;
mod units;

use std::fmt::Write;

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use crate::critical::critical_path;
use crate::timeline::{Node, Timeline};
use axis::Axis;
use context::PageContext;
use text::Esc;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The timeline as an HTML page.
pub fn page(timeline: &Timeline) -> String {
    let length = timeline.nodes.iter().map(Node::ended).fold(timeline.seconds, f64::max);
    let page = PageContext { timeline, critical: critical_path(timeline), axis: Axis::new(length) };
    let project = Esc(&timeline.project);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{project}: {outcome}</title>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n",
        outcome = head::outcome(timeline),
        policy = policy(),
    );
    html.push_str(&head::render(&page));
    html.push_str("<main>\n");
    html.push_str(&rows::render(&page));
    html.push_str(&drawing::render(&page));
    html.push_str("</main>\n");
    html.push_str(&details::render(&page));
    let needs: Vec<Vec<usize>> = (0..timeline.nodes.len()).map(|at| timeline.needs(at).collect()).collect();
    let _ = write!(
        html,
        "<script type=\"application/json\" id=\"needs\">{needs:?}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    );
    html
}

/// What the page may do: show its own styles, run its own script, and nothing else.
fn policy() -> String {
    let script = BASE64.encode(&Sha256::digest(SCRIPT));
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"
    )
}

#[cfg(test)]
mod tests;
