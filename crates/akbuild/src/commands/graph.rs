//! `akbuild graph`: what needs what, and how each node stands. Without a store it is the shape alone.

use std::sync::Arc;

use akbuild_engine::{Graph, Index, NodeId};
use akbuild_recipe::PlanDraft;
use akbuild_recipe::plan::StageId;
use serde_json::{Value, json};

use super::look::look;
use crate::args::{Global, GraphFormat};
use crate::failure::{Failure, Outcome};
use crate::machine;
use crate::project::Project;
use crate::session::{self, Session};
use crate::ui::Ui;

/// A node, what it needs, and how it stands where that is known.
struct Node {
    name: String,
    needs: Vec<String>,
    state: Option<State>,
}

struct State {
    /// `cached`, `would run`, `follows`.
    word: &'static str,
    reason: Option<String>,
    key: Option<String>,
    output: Option<String>,
}

pub(crate) fn run(global: &Global, ui: &Arc<dyn Ui>, project: &Project, format: GraphFormat) -> Outcome {
    let plan = project.plan()?;
    let all: Vec<StageId> = plan.stages().iter().map(|s| s.id.clone()).collect();
    let home = session::home(global, &machine::read(&project.root))?;
    let shape = nodes(&Graph::new(plan.stages(), &all, false), |_| None);
    let nodes = match home.join("tmp-v1").is_dir() {
        false => shape,
        true => match stated(&Session::open(global, &project.root, ui.clone())?, project, plan, &all) {
            Ok(nodes) => nodes,
            Err(Failure::Say(problem)) => {
                ui.warn(&format!("the states of the nodes are not known: {problem}"));
                shape
            }
            Err(other) => return Err(other),
        },
    };
    ui.out(&match format {
        GraphFormat::Text => text(&nodes),
        GraphFormat::Dot => dot(&nodes),
        GraphFormat::Mermaid => mermaid(&nodes),
        GraphFormat::Json => json(&nodes),
    });
    Ok(())
}

/// The nodes as the store knows them.
fn stated(session: &Session, project: &Project, plan: PlanDraft, all: &[StageId]) -> Outcome<Vec<Node>> {
    let look = look(session, project, plan, all)?;
    let (graph, freshness) = (&look.graph, &look.freshness);
    let run: Vec<Index> = graph.indices().filter(|at| freshness.run[at.index()] && !is_fetch(graph, *at)).collect();
    let reasons = akbuild_engine::why_in_short(&look.context, graph, freshness, &run)?;
    Ok(nodes(graph, |at| {
        let known = freshness.known[at.index()].as_ref();
        let place = reasons.places[at.index()].filter(|_| freshness.run[at.index()]);
        let word = match place {
            None => "cached",
            Some(place) if reasons.why.nodes[place].causes.iter().any(|cause| cause.is_root()) => "would run",
            Some(_) => "follows",
        };
        Some(State {
            word,
            reason: place.and_then(|place| reasons.why.brief(place)),
            key: known.and_then(|known| known.key).map(|key| key.to_string()),
            output: known.map(|known| known.output.to_string()),
        })
    }))
}

fn nodes(graph: &Graph, state: impl Fn(Index) -> Option<State>) -> Vec<Node> {
    let shown = graph.indices().filter(|at| !is_fetch(graph, *at));
    let node = |at: Index| {
        let needs = graph.node(at).needs.iter().filter(|need| !is_fetch(graph, **need));
        let needs = needs.map(|need| graph.node(*need).id.to_string()).collect();
        Node { name: graph.node(at).id.to_string(), needs, state: state(at) }
    };
    shown.map(node).collect()
}

fn is_fetch(graph: &Graph, at: Index) -> bool {
    matches!(graph.node(at).id, NodeId::Fetch(_))
}

fn text(nodes: &[Node]) -> String {
    let line = |node: &Node| {
        let needs = if node.needs.is_empty() { String::new() } else { format!(" <- {}", node.needs.join(" ")) };
        let state = node.state.as_ref().map(|state| format!("{:9}  ", state.word)).unwrap_or_default();
        format!("{state}{}{needs}\n", node.name)
    };
    nodes.iter().map(line).collect()
}

/// How a state is filled: what is in the store is left light, so that what would be done stands out.
fn fill(state: &State) -> &'static str {
    match state.word {
        "would run" => "#f4b860",
        "follows" => "#fbe6c4",
        _ => "#e8f1e8",
    }
}

fn dot(nodes: &[Node]) -> String {
    let mut text = String::from("digraph akbuild {\n  rankdir=LR;\n");
    for Node { name, needs, state } in nodes {
        let look = state.as_ref().map(|state| {
            let border = if state.word == "would run" { ", penwidth=2" } else { "" };
            let tip = state.reason.as_deref().map(|why| format!(", tooltip=\"{}\"", quoted(why))).unwrap_or_default();
            let style = if state.word == "follows" { "filled,dashed" } else { "filled" };
            format!(
                " [label=\"{name}\\n{}\", style=\"{style}\", fillcolor=\"{}\"{border}{tip}]",
                state.word,
                fill(state)
            )
        });
        text.push_str(&format!("  \"{name}\"{};\n", look.unwrap_or_default()));
        needs.iter().for_each(|need| text.push_str(&format!("  \"{need}\" -> \"{name}\";\n")));
    }
    text + "}\n"
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn mermaid(nodes: &[Node]) -> String {
    let place = |name: &str| nodes.iter().position(|node| node.name == name).unwrap_or_default();
    let mut text = String::from("graph LR\n");
    for (i, Node { name, needs, state }) in nodes.iter().enumerate() {
        let word = state.as_ref().map(|state| format!("<br/>{}", state.word)).unwrap_or_default();
        text.push_str(&format!("  n{i}[\"{name}{word}\"]\n"));
        if let Some(state) = state {
            text.push_str(&format!("  style n{i} fill:{},color:#222\n", fill(state)));
        }
        needs.iter().for_each(|need| text.push_str(&format!("  n{} --> n{i}\n", place(need))));
    }
    text
}

fn json(nodes: &[Node]) -> String {
    let node = |Node { name, needs, state }: &Node| -> Value {
        let mut node = json!({"name": name, "needs": needs});
        if let Some(State { word, reason, key, output }) = state {
            node["state"] = json!(word.replace(' ', "-"));
            (node["reason"], node["key"], node["output"]) = (json!(reason), json!(key), json!(output));
        }
        node
    };
    let nodes: Vec<Value> = nodes.iter().map(node).collect();
    format!("{:#}\n", json!({"schema": 1, "nodes": nodes}))
}
