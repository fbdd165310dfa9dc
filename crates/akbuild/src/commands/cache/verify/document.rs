//! What was found, as one JSON document: `docs/events.md` describes it, and changes with this file.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use akbuild_store::{Checked, Difference, Problem, Thing};
use serde_json::{Value, json};

use super::shown::{Done, Shown, Told};
use super::words::id;

/// The document, with a line end.
pub(super) fn document(told: &Told) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in ["corrupt", "mode", "missing", "unrecorded", "dangling", "leftover"] {
        let these = told.shown.iter().filter(|shown| shown.finding.problem.word() == word);
        counts.insert(word, these.count());
    }
    let Checked { trees, blobs, bytes, records } = told.checked;
    let document = json!({
        "schema": 1,
        "ok": !told.shown.iter().any(Shown::is_wrong),
        "seconds": told.seconds,
        "checked": {"trees": trees, "blobs": blobs, "bytes": bytes, "records": records},
        "counts": counts,
        "findings": told.shown.iter().map(|shown| finding(told, shown)).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn finding(told: &Told, Shown { finding, done }: &Shown) -> Value {
    let (files, why) = match &finding.problem {
        Problem::Corrupt { files, why } => (files.iter().map(difference).collect(), Some(why.clone())),
        Problem::Mode(paths) => (paths.iter().map(|at| json!({"path": path(at), "change": "touched"})).collect(), None),
        Problem::Dangling(to) => (Vec::new(), Some(format!("{to} is not there"))),
        Problem::Missing | Problem::Unrecorded | Problem::Leftover => (Vec::new(), None),
    };
    let (output, error) = match done {
        Some(Done::Other { found, .. }) => (Some(found), None),
        Some(Done::Failed(why) | Done::Lost { why, .. }) => (None, Some(why)),
        _ => (None, None),
    };
    json!({
        "kind": finding.problem.word(),
        "wrong": finding.problem.is_wrong(),
        "what": what(&finding.thing),
        "id": id(&finding.thing),
        "about": told.names.about(&finding.thing),
        "files": files,
        "why": why,
        "done": done.as_ref().map_or("nothing", Done::word),
        "output": output,
        "used_by": done.as_ref().map_or(&[][..], Done::users),
        "error": error,
    })
}

fn difference(difference: &Difference) -> Value {
    json!({"path": path(&difference.path), "change": difference.change.word()})
}

fn path(path: &OsStr) -> String {
    path.to_string_lossy().into_owned()
}

fn what(thing: &Thing) -> &'static str {
    match thing {
        Thing::Index => "index",
        Thing::Tree(_) => "tree",
        Thing::Blob(_) => "download",
        Thing::Listing(_) => "listing",
        Thing::Artifacts(_) => "list",
        Thing::Action(_) => "action",
        Thing::Build(_) => "build",
        Thing::Root(_) => "root",
        Thing::File(_) => "file",
    }
}
