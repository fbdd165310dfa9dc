//! All that is known of each node. Without a script they stand one below the other at the end of the page; the script
//! shows the one that is selected.

use std::fmt::Write;

use super::context::PageContext;
use super::rows::phase_class;
use super::text::{Esc, beside};
use super::units;
use crate::timeline::Node;

pub(super) fn render(page: &PageContext<'_>) -> String {
    let count = page.timeline.nodes.len();
    let mut needed_by = vec![Vec::new(); count];
    for at in 0..count {
        page.timeline.needs(at).for_each(|need| needed_by[need].push(at));
    }
    let mut html = "<aside id=\"details\" aria-label=\"details of the selected node\" tabindex=\"-1\">\n".to_owned();
    for (at, needed_by) in needed_by.iter().enumerate() {
        html.push_str(&node(page, at, needed_by));
    }
    html.push_str("<button id=\"close\" title=\"Escape\">close</button>\n</aside>\n");
    html
}

fn node(page: &PageContext<'_>, at: usize, needed_by: &[usize]) -> String {
    let node = &page.timeline.nodes[at];
    let mut html = format!(
        "<section id=\"d{at}\" class=\"{}\">\n<h2>{} <small class=\"status\">{}</small></h2>\n",
        page.class(at),
        Esc(&node.name),
        Esc(node.word()),
    );
    if let Some(reason) = &node.reason {
        let _ = writeln!(html, "<p>{}</p>", Esc(reason));
    }
    if node.status == "skipped"
        && let Some(need) = page.failed_need(at)
    {
        let _ = writeln!(html, "<p>needs {}, which failed</p>", page.link(need));
    }
    if let Some(error) = &node.error {
        let _ = writeln!(html, "<pre>{}</pre>", Esc(error.trim_end()));
    }
    html.push_str("<dl>\n");
    let mut row = |name: &str, value: String| {
        let _ = writeln!(html, "<dt>{name}</dt><dd>{value}</dd>");
    };
    facts(node, &mut row);
    let links = |nodes: &mut dyn Iterator<Item = usize>| nodes.map(|at| page.link(at)).collect::<Vec<_>>().join(", ");
    for (name, links) in
        [("needs", links(&mut page.timeline.needs(at))), ("needed by", links(&mut needed_by.iter().copied()))]
    {
        if !links.is_empty() {
            row(name, links);
        }
    }
    html.push_str("</dl>\n");
    html.push_str(&phases(node));
    html.push_str("</section>\n");
    html
}

/// Times, sizes and digests, as far as they are known.
fn facts(node: &Node, row: &mut dyn FnMut(&str, String)) {
    if node.took_part() {
        let (from, to) = (units::seconds(node.started), units::seconds(node.ended()));
        row("took", format!("{}, from {from} to {to}", units::seconds(node.seconds)));
    }
    if let Some(other) = &node.waited_for {
        row("waited for", Esc(other).to_string());
    }
    if node.max_rss > 0 {
        row("peak memory", units::size(node.max_rss));
    }
    if node.files > 0 || node.bytes > 0 {
        row("size", format!("{} in {}", units::size(node.bytes), units::count(node.files, "file")));
    }
    if let Some(output) = &node.output {
        row("output", format!("<code>{}</code>", Esc(output)));
    }
    if let Some(key) = &node.key {
        row("key", format!("<code>{}</code>", Esc(key)));
    }
    if let Some(log) = &node.log {
        row("log", format!("<a href=\"{}\">{}</a>", beside(log), Esc(log)));
    }
}

fn phases(node: &Node) -> String {
    if node.phases.is_empty() {
        return String::new();
    }
    let mut html =
        "<table>\n<thead><tr><th scope=\"col\">phase</th><th scope=\"col\">from</th><th scope=\"col\">took</th>\
                    <th scope=\"col\">part</th></tr></thead>\n"
            .to_owned();
    for phase in &node.phases {
        let part = if node.seconds > 0.0 { phase.seconds / node.seconds * 100.0 } else { 0.0 };
        let _ = writeln!(
            html,
            "<tr><th scope=\"row\"><i class=\"{}\"></i> {}</th><td>{}</td><td>{}</td><td>{part:.0}%</td></tr>",
            phase_class(&phase.name),
            Esc(&phase.name),
            units::seconds(phase.started),
            units::seconds(phase.seconds),
        );
    }
    html.push_str("</table>\n");
    html
}
