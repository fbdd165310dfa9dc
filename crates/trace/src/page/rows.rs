//! The timeline: a row for each node that took time, its bar with its phases inside, all on one axis; and, folded away,
//! what took none.

use std::fmt::Write;

use super::axis::percent;
use super::context::PageContext;
use super::text::Esc;
use super::{traffic, units};
use crate::timeline::{Node, NodeKind};

/// From this many nodes on there is a filter.
const MANY: usize = 25;

/// Columns of both kinds of table; the style gives their widths.
const COLUMNS: &str = "<colgroup><col><col><col><col></colgroup>";
/// Groups of rows, in their order.
const GROUPS: [(&str, &[NodeKind]); 3] = [
    ("stages", &[NodeKind::Stage]),
    ("downloads", &[NodeKind::Fetch]),
    ("sources, sysroots, tools", &[NodeKind::Source, NodeKind::Sysroot, NodeKind::Tool]),
];
/// Classes of phases, what the legend calls them, and the phases' names.
const PHASES: [(&str, &str, &[&str]); 5] = [
    ("wait", "waiting", &["wait", "waiting"]),
    ("get", "fetch", &["fetch", "download"]),
    ("prepare", "unpack, copy, link", &["unpack", "copy", "link"]),
    ("run", "run", &["run"]),
    ("keep", "check, publish", &["check", "publish"]),
];

pub(super) fn render(page: &PageContext<'_>) -> String {
    let mut html = "<section>\n<h2>Timeline</h2>\n".to_owned();
    if page.timeline.nodes.len() >= MANY {
        html.push_str(
            "<p class=\"filter\"><label>filter <input type=\"search\" id=\"filter\"></label> <output id=\"found\"></output></p>\n",
        );
    }
    html.push_str(&legend(page));
    let _ = write!(
        html,
        "<table class=\"rows\" style=\"--step:{}\">\n{COLUMNS}<thead><tr><th scope=\"col\">node</th><th scope=\"col\">status</th>\
         <th scope=\"col\">took</th><th class=\"axis\" aria-label=\"time since the beginning\">{}</th></tr></thead>\n",
        percent(page.axis.step() / page.axis.length() * 100.0),
        page.axis.labels(),
    );
    for (name, kinds) in GROUPS {
        html.push_str(&group(page, name, kinds));
    }
    html.push_str(&traffic::render(page));
    html.push_str("</table>\n");
    for (status, open) in [("skipped", " open"), ("cached", "")] {
        html.push_str(&folded(page, status, open));
    }
    html.push_str("</section>\n");
    html
}

/// Whether a node has a row among those that took time: it ran, or one sees how long looking for its output took.
fn has_bar(page: &PageContext<'_>, at: usize) -> bool {
    let node = &page.timeline.nodes[at];
    node.ran() || (node.took_part() && (page.critical.contains(&at) || node.seconds > page.axis.length() / 100.0))
}

fn group(page: &PageContext<'_>, name: &str, kinds: &[NodeKind]) -> String {
    let nodes = &page.timeline.nodes;
    let mut rows: Vec<usize> =
        (0..nodes.len()).filter(|at| kinds.contains(&nodes[*at].kind) && has_bar(page, *at)).collect();
    if rows.is_empty() {
        return String::new();
    }
    rows.sort_by(|a, b| nodes[*a].started.total_cmp(&nodes[*b].started));
    let mut html = format!("<tbody>\n<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"4\">{name}</th></tr>\n");
    for at in rows {
        let cells = cells(page, at, &units::seconds(nodes[at].seconds));
        let _ = writeln!(html, "{cells}<td class=\"bar\">{}</td></tr>", bar(page, &nodes[at], &page.class(at)));
    }
    html.push_str("</tbody>\n");
    html
}

/// The beginning of a row: name, status and `third`.
fn cells(page: &PageContext<'_>, at: usize, third: &str) -> String {
    let node = &page.timeline.nodes[at];
    let reason = node.reason.as_ref().map_or(String::new(), |reason| format!(" title=\"{}\"", Esc(reason)));
    format!(
        "<tr class=\"row {}\"{reason}><th scope=\"row\">{}</th><td class=\"status\">{}</td><td class=\"took\">{third}</td>",
        page.class(at),
        page.link(at),
        Esc(node.word()),
    )
}

/// A bar, and in it the phases that are long enough to be seen.
fn bar(page: &PageContext<'_>, node: &Node, class: &str) -> String {
    let waited = if node.waited_for.is_some() { " waited" } else { "" };
    let critical = if class.ends_with("crit") { ", on the critical path" } else { "" };
    let (from, to) = (units::seconds(node.started), units::seconds(node.ended()));
    let mut html = format!(
        "<div class=\"b {class}{waited}\" style=\"{}\" role=\"img\" aria-label=\"{from} to {to}{critical}\">",
        page.axis.span(node.started, node.seconds),
    );
    for phase in &node.phases {
        let (begin, end) = (phase.started.max(node.started), (phase.started + phase.seconds).min(node.ended()));
        if end - begin > page.axis.length() / 2000.0 {
            let _ = write!(
                html,
                "<i class=\"{}\" style=\"left:{};width:{}\" title=\"{} {}\"></i>",
                phase_class(&phase.name),
                percent((begin - node.started) / node.seconds * 100.0),
                percent((end - begin) / node.seconds * 100.0),
                Esc(&phase.name),
                units::seconds(phase.seconds),
            );
        }
    }
    html.push_str("</div>");
    html
}

/// The class of a phase, by its name.
pub(super) fn phase_class(name: &str) -> &'static str {
    PHASES.iter().find(|(_, _, names)| names.contains(&name)).map_or("other", |(class, _, _)| class)
}

/// What the colours of the phases that there are mean, and the mark of the critical path.
fn legend(page: &PageContext<'_>) -> String {
    let phases = || page.timeline.nodes.iter().flat_map(|node| &node.phases);
    let mut html = "<p class=\"legend dim\">".to_owned();
    for (class, label, _) in PHASES {
        let waited = class == "wait" && page.timeline.nodes.iter().any(|node| node.waited_for.is_some());
        if waited || phases().any(|phase| phase_class(&phase.name) == class) {
            let _ = write!(html, "<span><i class=\"{class}\"></i> {label}</span> ");
        }
    }
    if !page.critical.is_empty() {
        html.push_str("<span><i class=\"crit\"></i> critical path</span>");
    }
    html.push_str("</p>\n");
    html
}

/// What was cached or skipped, under its count.
fn folded(page: &PageContext<'_>, status: &str, open: &str) -> String {
    let nodes = &page.timeline.nodes;
    let rows: Vec<usize> = (0..nodes.len()).filter(|at| nodes[*at].status == status && !has_bar(page, *at)).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut html = format!(
        "<details class=\"folded\"{open}>\n<summary>{} {status}</summary>\n<table class=\"rows\">\n{COLUMNS}<thead class=\"hidden\"><tr>\
         <th scope=\"col\">node</th><th scope=\"col\">status</th><th scope=\"col\">size</th><th scope=\"col\">about</th></tr></thead>\n",
        rows.len()
    );
    for at in rows {
        let node = &nodes[at];
        let size = if node.bytes > 0 { units::size(node.bytes) } else { String::new() };
        let failed = if status == "skipped" { page.failed_need(at) } else { None };
        let about = match failed {
            Some(need) => format!("needs {}, which failed", page.link(need)),
            None => Esc(node.reason.as_deref().or(node.output.as_deref()).unwrap_or("")).to_string(),
        };
        let _ = writeln!(html, "{}<td class=\"about dim\">{about}</td></tr>", cells(page, at, &size));
    }
    html.push_str("</table>\n</details>\n");
    html
}
