//! `akbuild cache tree` and `akbuild cache cat`: the files of a stored tree.

use std::path::Path;

use akbuild_nar::{Entry, Kind, TreeHash};
use akbuild_tree::{RootDir, TreeError};
use data_encoding::HEXLOWER;
use rustix::io::Errno;
use serde_json::{Value, json};

use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::ui::{Align, size, table};

/// Lists what is at and below a path of a tree, at most so many folders deep.
pub(super) fn tree(session: &Session, tree: &TreeHash, below: &Path, depth: Option<usize>, json: bool) -> Outcome {
    let listing = session.store.listing(tree)?;
    let deep = |path: &Path| path.components().count() - below.components().count();
    let wanted = |entry: &&Entry| {
        let path = Path::new(&entry.path);
        path.starts_with(below) && depth.is_none_or(|depth| deep(path) <= depth) && !entry.path.is_empty()
    };
    let entries: Vec<&Entry> = listing.entries.iter().filter(wanted).collect();
    if entries.is_empty() && !below.as_os_str().is_empty() {
        return Err(no_path(tree, below));
    }
    if json {
        let entries: Vec<Value> = entries.iter().map(|entry| entry_json(entry)).collect();
        session.ui.out(&format!("{:#}\n", json!({"schema": 1, "output": tree, "entries": entries})));
        return Ok(());
    }
    let rows = entries.iter().map(|entry| {
        let path = entry.path.to_string_lossy();
        match &entry.kind {
            Kind::Dir => ["dir".into(), String::new(), String::new(), format!("{path}/")],
            Kind::File { exec, size: bytes, digest } => {
                let mode = if *exec { "exec" } else { "file" };
                [mode.into(), size(*bytes), HEXLOWER.encode(&digest[..6]), path.into()]
            }
            Kind::Symlink { target } => {
                ["link".into(), String::new(), String::new(), format!("{path} -> {}", target.to_string_lossy())]
            }
        }
    });
    let align = [Align::Left, Align::Right, Align::Left, Align::Left];
    session.ui.out(&table(&["", "size", "sha256", "path"], &align, rows));
    Ok(())
}

fn entry_json(entry: &Entry) -> Value {
    let path = entry.path.to_string_lossy();
    match &entry.kind {
        Kind::Dir => json!({"path": path, "kind": "dir"}),
        Kind::File { exec, size, digest } => {
            json!({"path": path, "kind": "file", "executable": exec, "bytes": size, "sha256": HEXLOWER.encode(digest)})
        }
        Kind::Symlink { target } => json!({"path": path, "kind": "symlink", "target": target.to_string_lossy()}),
    }
}

/// Writes one file to stdout. Links are followed as if the tree were the whole file system.
pub(super) fn cat(session: &Session, tree: &TreeHash, path: &Path) -> Outcome {
    if !session.store.has_tree(tree) {
        return Err(Failure::from(akbuild_store::StoreError::NoTree { hash: *tree }));
    }
    let root = RootDir::open(&session.store.tree_path(tree), format!("the tree {tree}"))?;
    let bytes = root.read_at_most(path, u64::MAX).map_err(|error| match error {
        TreeError::Kind { found, .. } => {
            let message = format!("`{}` is {found}", path.display());
            Failure::Say(format!("{message}\n  help: `akbuild cache tree` lists what is in it"))
        }
        error if matches!(error.errno(), Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) => no_path(tree, path),
        error => Failure::from(error),
    })?;
    session.ui.out_bytes(&bytes);
    Ok(())
}

fn no_path(tree: &TreeHash, path: &Path) -> Failure {
    let message = format!("the tree {tree} has nothing at `{}`", path.display());
    Failure::Say(format!("{message}\n  help: `akbuild cache tree {tree}` lists what it has"))
}
