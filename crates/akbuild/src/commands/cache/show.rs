//! `akbuild cache show`: all that is known of something in the store.

use akbuild_engine::Manifest;
use akbuild_nar::{Digest, TreeHash};
use akbuild_store::Action;
use serde_json::{Value, json};

use super::what::What;
use crate::failure::Outcome;
use crate::machine;
use crate::session::Session;
use crate::ui::{ago, count, seconds, size};

pub(super) fn run(session: &Session, what: &[What], artifacts: bool, json: bool) -> Outcome {
    let mut shown = Vec::new();
    for what in what {
        shown.push(match what {
            What::Action(action) => show_action(session, action, artifacts)?,
            What::Tree(tree) => show_tree(session, tree)?,
            What::Blob(blob) => show_blob(session, blob)?,
        });
    }
    let text = match json {
        true => format!("{:#}\n", json!({"schema": 1, "shown": shown})),
        false => shown.iter().map(text).collect::<Vec<_>>().join("\n"),
    };
    session.ui.out(&text);
    Ok(())
}

fn show_action(session: &Session, action: &Action, artifacts: bool) -> Outcome<Value> {
    let manifest = Manifest::from_json(&action.manifest).unwrap_or_default();
    let list = match &action.artifacts {
        Some(list) => session.store.artifacts(list)?.unwrap_or_default(),
        None => Vec::new(),
    };
    let users: Vec<String> = users(session, &action.output)?;
    let mut shown = json!({
        "what": "action",
        "key": action.key,
        "project": action.project,
        "stage": action.stage,
        "kind": action.kind,
        "output": action.output,
        "present": session.store.has_tree(&action.output),
        "path": session.store.tree_path(&action.output),
        "bytes": action.bytes,
        "files": action.files,
        "created": action.created,
        "seconds": action.seconds,
        "phases": action.phases,
        "max_rss": action.max_rss,
        "build": action.build,
        "maker": action.maker,
        "log": action.log.as_ref().map(|log| session.store.home().join(log)),
        "inputs": action.inputs,
        "artifacts": list.len(),
        "used_by": users,
        "roots": roots(session, &action.output)?,
        "manifest": manifest.fields(),
    });
    if artifacts {
        shown["artifact_list"] = json!(list);
    }
    Ok(shown)
}

fn show_tree(session: &Session, tree: &TreeHash) -> Outcome<Value> {
    let entry = session.store.trees()?.into_iter().find(|entry| entry.hash == *tree);
    let makers = session.store.makers(tree)?;
    let names = entry.iter().flat_map(|entry| &entry.names).map(|(project, node)| format!("{project}/{node}"));
    Ok(json!({
        "what": "tree",
        "output": tree,
        "hex": tree.hex(),
        "present": session.store.has_tree(tree),
        "path": session.store.tree_path(tree),
        "bytes": entry.as_ref().map(|entry| entry.stats.bytes),
        "files": entry.as_ref().map(|entry| entry.stats.files),
        "created": entry.as_ref().map(|entry| entry.created),
        "used": entry.as_ref().map(|entry| entry.used),
        "made_for": names.collect::<Vec<_>>(),
        "keys": makers.iter().map(|action| action.key).collect::<Vec<_>>(),
        "used_by": users(session, tree)?,
        "roots": roots(session, tree)?,
    }))
}

fn show_blob(session: &Session, blob: &Digest) -> Outcome<Value> {
    let entry = session.store.blobs()?.into_iter().find(|entry| entry.digest == *blob);
    let (mut names, mut users) = (std::collections::BTreeSet::new(), Vec::new());
    for action in session.store.actions()? {
        let Some(list) = &action.artifacts else { continue };
        let artifacts = session.store.artifacts(list)?.unwrap_or_default();
        let mine = artifacts.into_iter().filter(|artifact| artifact.digest == *blob);
        let before = users.len();
        for artifact in mine {
            names.insert(artifact.name);
            users.truncate(before);
            users.push(user(&action));
        }
    }
    Ok(json!({
        "what": "download",
        "digest": blob,
        "present": session.store.has_blob(blob),
        "path": session.store.blob_path(blob),
        "bytes": entry.as_ref().map(|entry| entry.bytes),
        "created": entry.as_ref().map(|entry| entry.created),
        "names": names,
        "used_by": users,
    }))
}

/// What was made from a tree.
fn users(session: &Session, tree: &TreeHash) -> Outcome<Vec<String>> {
    let actions = session.store.actions()?;
    Ok(actions.iter().filter(|action| action.inputs.values().any(|input| input == tree)).map(user).collect())
}

fn user(action: &Action) -> String {
    format!("{}/{} {}", action.project, action.stage, action.key.short())
}

fn roots(session: &Session, tree: &TreeHash) -> Outcome<Vec<String>> {
    let roots = session.store.roots()?;
    Ok(roots.iter().filter(|(_, hash)| hash == tree).map(|(link, _)| link.display().to_string()).collect())
}

/// The same for people: a line for each value, lists and tables indented.
fn text(shown: &Value) -> String {
    let mut text = String::new();
    for (name, value) in shown.as_object().into_iter().flatten() {
        let label = name.replace('_', " ");
        match value {
            Value::Null => {}
            Value::Number(number) if number.as_u64() == Some(0) => {}
            Value::Array(list) if list.is_empty() => {}
            Value::Object(fields) if fields.is_empty() => {}
            Value::Array(list) => {
                text += &format!("{label}:\n");
                list.iter().for_each(|item| text += &format!("  {}\n", line(item)));
            }
            Value::Object(fields) => {
                text += &format!("{label}:\n");
                fields.iter().for_each(|(field, value)| text += &field_text(field, value));
            }
            value => text += &format!("{label:<10} {}\n", scalar(name, value)),
        }
    }
    text
}

/// A field; a value of several lines stands below its name.
fn field_text(field: &str, value: &Value) -> String {
    let value = plain(value);
    match value.trim_end().contains('\n') {
        true => {
            format!("  {field}\n{}", value.trim_end().lines().map(|line| format!("    | {line}\n")).collect::<String>())
        }
        false => format!("  {field}  {value}\n"),
    }
}

fn line(item: &Value) -> String {
    match item {
        Value::Object(fields) if fields.contains_key("seconds") => {
            let time = fields["seconds"].as_f64().unwrap_or_default();
            format!("{}  {}", plain(&fields["name"]), seconds(time))
        }
        Value::Object(fields) => fields.values().map(plain).collect::<Vec<_>>().join("  "),
        item => plain(item),
    }
}

fn scalar(name: &str, value: &Value) -> String {
    let number = value.as_f64().unwrap_or_default();
    match name {
        "bytes" | "max_rss" => size(number as u64),
        "seconds" => seconds(number),
        "created" | "used" => format!("{} ago", ago(machine::now() - number)),
        "artifacts" => count(number as usize, "download"),
        "present" => if value == &Value::Bool(true) { "yes" } else { "no: it was collected, or is damaged" }.to_owned(),
        _ => plain(value),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
