//! `akbuild cache diff`: how two runs differ, in what went in and in what came out, or how two trees do.

use akbuild_differ::{Change, Explanation};
use akbuild_engine::{FileChange, Why};
use akbuild_nar::TreeHash;
use serde_json::{Value, json};

use super::what::What;
use crate::commands::check::stored_file;
use crate::commands::explain::{self, Extent};
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::ui::{digest, escape_line};

/// At most so many lines tell how one file differs.
const LINES: usize = 40;

/// What was compared.
struct Diff {
    names: [String; 2],
    keys: [Option<akbuild_store::Key>; 2],
    trees: [TreeHash; 2],
    /// Of two runs: why the second is not the first.
    inputs: Option<Why>,
    /// `None` if a tree is not in the store.
    files: Option<Vec<FileChange>>,
    /// By the place of the file: how it differs.
    explained: Vec<Option<Explanation>>,
}

pub(super) fn run(session: &Session, names: [&str; 2], what: [What; 2], files: usize, json: bool) -> Outcome {
    let diff = compare(session, names, &what, files)?;
    session.ui.out(&if json { document(&diff) } else { render(&diff) });
    Ok(())
}

fn compare(session: &Session, names: [&str; 2], what: &[What; 2], limit: usize) -> Outcome<Diff> {
    let trees = [what[0].tree()?, what[1].tree()?];
    let inputs = match what {
        [What::Action(old), What::Action(new)] => Some(akbuild_engine::why_between(&session.store, old, new)?),
        _ => None,
    };
    let files = akbuild_engine::changed_files(&session.store, &trees[0], &trees[1]);
    if files.is_none() && inputs.is_none() {
        let gone = trees.iter().find(|tree| !session.store.has_tree(tree)).unwrap_or(&trees[0]);
        let message = format!("the tree {gone} is not in the store, and there is no list of its files");
        return Err(Failure::Say(format!(
            "{message}\n  help: build or fetch it again, or compare the runs that made it"
        )));
    }
    let mut left = limit;
    let mut explain = |file: &FileChange| {
        let wanted = matches!(file.difference.change, Change::Content { .. }) && left > 0;
        let open = |tree| stored_file(&session.store, tree, file.difference.path.as_ref()).ok();
        let files = if wanted { open(&trees[0]).zip(open(&trees[1])) } else { None };
        let found = files.and_then(|(old, new)| akbuild_differ::explain(old, new, LINES).ok());
        left -= usize::from(found.is_some());
        found
    };
    let explained = files.iter().flatten().map(&mut explain).collect();
    let keys = what.each_ref().map(|what| if let What::Action(action) = what { Some(action.key) } else { None });
    Ok(Diff { names: names.map(str::to_owned), keys, trees, inputs, files, explained })
}

fn document(diff: &Diff) -> String {
    let side = |i: usize| json!({"name": diff.names[i], "key": diff.keys[i], "output": diff.trees[i]});
    let file = |(file, explained): (&FileChange, &Option<Explanation>)| -> Value {
        let mut value = json!(file);
        value["explanation"] = json!(explained);
        value
    };
    let files = diff.files.as_ref().map(|files| files.iter().zip(&diff.explained).map(file).collect::<Vec<_>>());
    let document = json!({
        "schema": 1, "old": side(0), "new": side(1),
        "inputs_equal": diff.inputs.as_ref().map(|_| diff.keys[0] == diff.keys[1]),
        "outputs_equal": diff.trees[0] == diff.trees[1],
        "inputs": diff.inputs.as_ref().map(|why| &why.nodes), "files": files,
    });
    format!("{document:#}\n")
}

fn render(diff: &Diff) -> String {
    let mut lines = Vec::new();
    if let Some(why) = &diff.inputs {
        lines.push("what went in".to_owned());
        for (place, node) in why.nodes.iter().enumerate() {
            if place > 0 {
                lines.push(format!("  {}", node.shown()));
            }
            let indent = if place == 0 { "  " } else { "    " };
            lines.extend(explain::node(node, Extent::Short).into_iter().map(|line| format!("{indent}{line}")));
        }
        if why.nodes.iter().all(|node| node.causes.is_empty()) {
            lines.push("  is equal".to_owned());
        }
        lines.push("what came out".to_owned());
    }
    let indent = if diff.inputs.is_some() { "  " } else { "" };
    lines.extend(outputs(diff).into_iter().map(|line| format!("{indent}{line}")));
    lines.iter().map(|line| format!("{}\n", escape_line(line).trim_end())).collect()
}

fn outputs(diff: &Diff) -> Vec<String> {
    let [old, new] = diff.trees.each_ref().map(digest);
    if diff.trees[0] == diff.trees[1] {
        return vec![format!("is equal: {new}")];
    }
    let Some(files) = &diff.files else {
        return vec![format!("is {new} and was {old}: files can be compared when both are in the store")];
    };
    let count = if files.len() == 1 { "1 file differs".to_owned() } else { format!("{} files differ", files.len()) };
    let mut lines = vec![format!("is {new} and was {old}: {count}")];
    for (line, explained) in explain::files(files, Extent::Short)
        .into_iter()
        .zip(diff.explained.iter().map(Some).chain(std::iter::repeat(None)))
    {
        lines.push(format!("  {line}"));
        let details = explained.into_iter().flatten().flat_map(|e| std::iter::once(e.headline()).chain(e.lines()));
        lines.extend(details.map(|line| format!("      {line}")));
    }
    lines
}
