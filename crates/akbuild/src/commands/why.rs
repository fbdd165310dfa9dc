//! `akbuild why`: why a stage would run, or ran the last time, down to what nobody made.

use akbuild_engine::{Explained, State, Why};
use serde_json::json;

use super::explain::{self, Extent, MOST};
use super::look::look;
use super::plan::one;
use crate::args::Global;
use crate::failure::Outcome;
use crate::machine;
use crate::project::Project;
use crate::session::Session;
use crate::ui::{ago, escape_line};

pub(crate) fn run(session: &Session, project: &Project, stage: &str, global: &Global) -> Outcome {
    let plan = project.plan()?;
    let id = one(&plan, stage)?;
    let look = look(session, project, plan, &[id])?;
    let reasons = akbuild_engine::why(&look.context, &look.graph, &look.freshness, &look.targets)?;
    let extent = Extent::of(global.verbose);
    let text = if global.json { document(&reasons.why) } else { render(&reasons.why, machine::now(), extent) };
    session.ui.out(&text);
    Ok(())
}

fn document(why: &Why) -> String {
    let node = &why.nodes[0];
    let root = |(way, cause): (Vec<usize>, &akbuild_engine::Cause)| {
        let nodes: Vec<_> = way.iter().map(|place| &why.nodes[*place].node).collect();
        json!({"way": nodes, "text": cause.to_string(), "cause": cause})
    };
    let roots: Vec<_> = why.roots(0).into_iter().map(root).collect();
    let reason = why.reason(0);
    let document = json!({"schema": 1, "stage": node.node, "state": node.state, "reason": reason, "roots": roots, "nodes": why.nodes});
    format!("{document:#}\n")
}

/// First the root causes, then each node with its own.
fn render(why: &Why, now: f64, extent: Extent) -> String {
    let mut lines = headline(why, now, extent);
    let details: Vec<_> = why.nodes.iter().map(|node| (node, explain::node(node, extent))).collect();
    let told = details.len() == 1 && details[0].1.len() <= 1;
    for (node, details) in details.into_iter().filter(|_| !told) {
        lines.push(String::new());
        lines.push(format!("{}{}", node.shown(), times(node, now)));
        lines.extend(details.into_iter().map(|line| format!("  {line}")));
    }
    lines.iter().map(|line| format!("{}\n", escape_line(line).trim_end())).collect()
}

fn headline(why: &Why, now: f64, extent: Extent) -> Vec<String> {
    let node = &why.nodes[0];
    let roots = why.roots(0);
    let (mut lines, subject) = match node.state {
        State::WouldRun | State::MayRun => (Vec::new(), format!("{} {}", node.shown(), node.verb("ran"))),
        State::Ran => {
            let when = times(node, now).replace(", ", " ");
            let cached = format!("{} is cached: nothing that its key covers differs from its run{when}", node.shown());
            (vec![cached], "it ran then".into())
        }
    };
    match &roots[..] {
        [] => {}
        [(way, cause)] => lines.push(format!("{subject} because {}", why.chain(way, cause))),
        _ => {
            lines.push(format!("{subject} for {} reasons", roots.len()));
            let chain = |(way, cause): &(Vec<usize>, &akbuild_engine::Cause)| format!("  {}", why.chain(way, cause));
            lines.extend(roots.iter().take(if extent == Extent::Full { usize::MAX } else { MOST }).map(chain));
            lines.extend(explain::rest_of(roots.len(), extent).map(|rest| format!("  {rest}")));
        }
    }
    lines
}

/// How long ago a node ran.
fn times(node: &Explained, now: f64) -> String {
    let time = |made: &Option<akbuild_engine::Made>| {
        let created = made.as_ref().and_then(|made| made.created)?;
        Some(format!("{} ago", ago(now - created as f64)))
    };
    match (time(&node.old), time(&node.new)) {
        (_, Some(new)) => format!(", {new}"),
        (Some(old), None) => format!(", last built {old}"),
        (None, None) => String::new(),
    }
}
