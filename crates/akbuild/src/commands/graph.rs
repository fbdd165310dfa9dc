//! `akbuild graph`: what needs what.

use akbuild_engine::{Graph, NodeId};
use akbuild_recipe::plan::StageId;

use crate::args::GraphFormat;
use crate::failure::Outcome;
use crate::project::Project;
use crate::ui::Ui;

pub(crate) fn run(ui: &dyn Ui, project: &Project, format: GraphFormat) -> Outcome {
    let plan = project.plan()?;
    let all: Vec<StageId> = plan.stages.iter().map(|s| s.id.clone()).collect();
    let graph = Graph::new(&plan, &all, false);
    let nodes: Vec<(String, Vec<String>)> = graph
        .indices()
        .map(|at| graph.node(at))
        .filter(|node| !matches!(node.id, NodeId::Fetch(_)))
        .map(|node| {
            let needs = node.needs.iter().map(|n| &graph.node(*n).id).filter(|id| !matches!(id, NodeId::Fetch(_)));
            (node.id.to_string(), needs.map(ToString::to_string).collect())
        })
        .collect();
    ui.out(&match format {
        GraphFormat::Text => text(&nodes),
        GraphFormat::Dot => dot(&nodes),
        GraphFormat::Mermaid => mermaid(&nodes),
        GraphFormat::Json => json(&nodes),
    });
    Ok(())
}

type Nodes = [(String, Vec<String>)];

fn text(nodes: &Nodes) -> String {
    let line = |(name, needs): &(String, Vec<String>)| match needs.is_empty() {
        true => format!("{name}\n"),
        false => format!("{name} <- {}\n", needs.join(" ")),
    };
    nodes.iter().map(line).collect()
}

fn dot(nodes: &Nodes) -> String {
    let mut text = String::from("digraph akbuild {\n  rankdir=LR;\n");
    for (name, needs) in nodes {
        text.push_str(&format!("  \"{name}\";\n"));
        needs.iter().for_each(|need| text.push_str(&format!("  \"{need}\" -> \"{name}\";\n")));
    }
    text + "}\n"
}

fn mermaid(nodes: &Nodes) -> String {
    let place = |name: &str| nodes.iter().position(|(n, _)| n == name).unwrap_or_default();
    let mut text = String::from("graph LR\n");
    for (i, (name, needs)) in nodes.iter().enumerate() {
        text.push_str(&format!("  n{i}[\"{name}\"]\n"));
        needs.iter().for_each(|need| text.push_str(&format!("  n{} --> n{i}\n", place(need))));
    }
    text
}

fn json(nodes: &Nodes) -> String {
    let nodes: Vec<_> = nodes.iter().map(|(name, needs)| serde_json::json!({"name": name, "needs": needs})).collect();
    format!("{:#}\n", serde_json::json!({"schema": 1, "nodes": nodes}))
}
