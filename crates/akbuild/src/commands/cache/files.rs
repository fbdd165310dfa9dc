//! `akbuild cache tree` and `akbuild cache cat`: the files of a stored tree.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use akbuild_nar::{Entry, Kind, TreeHash};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use crate::failure::{Failure, Outcome, io};
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

/// Writes one file to stdout. Links are followed as long as they lead to files of the same tree.
pub(super) fn cat(session: &Session, tree: &TreeHash, path: &Path) -> Outcome {
    if !session.store.has_tree(tree) {
        return Err(Failure::from(akbuild_store::StoreError::NoTree { hash: *tree }));
    }
    let top = session.store.tree_path(tree);
    let file = resolve(&top, path).ok_or_else(|| no_path(tree, path))?;
    if file.is_dir() {
        let message = format!("`{}` is a folder", path.display());
        return Err(Failure::Say(format!("{message}\n  help: `akbuild cache tree` lists what is in it")));
    }
    let bytes = io(std::fs::read(&file), "read", &file)?;
    session.ui.out_bytes(&bytes);
    Ok(())
}

/// The file that a path of the tree leads to, through links, as if the tree were the whole file system.
fn resolve(top: &Path, path: &Path) -> Option<PathBuf> {
    let mut todo: Vec<std::ffi::OsString> = parts(path.as_os_str());
    let (mut at, mut links) = (PathBuf::new(), 0);
    while let Some(part) = todo.pop() {
        if part == ".." {
            // Above the top there is nothing, as in a root folder.
            at.pop();
            continue;
        }
        let next = at.join(&part);
        let meta = top.join(&next).symlink_metadata().ok()?;
        if !meta.is_symlink() {
            at = next;
            continue;
        }
        links += 1;
        let target = std::fs::read_link(top.join(&next)).ok().filter(|_| links <= 40)?;
        if target.is_absolute() {
            at = PathBuf::new();
        }
        todo.extend(parts(target.as_os_str()));
    }
    Some(top.join(at))
}

/// The names of a path, the last one first.
fn parts(path: &OsStr) -> Vec<std::ffi::OsString> {
    let name = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsStr::from_bytes(b"..").to_owned()),
        _ => None,
    };
    Path::new(path).components().rev().filter_map(name).collect()
}

fn no_path(tree: &TreeHash, path: &Path) -> Failure {
    let message = format!("the tree {tree} has nothing at `{}`", path.display());
    Failure::Say(format!("{message}\n  help: `akbuild cache tree {tree}` lists what it has"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_nowhere_but_into_the_tree() {
        let folder = tempfile::tempdir().unwrap();
        let (top, link) = (folder.path().join("top"), std::os::unix::fs::symlink::<&str, PathBuf>);
        std::fs::create_dir_all(top.join("a/b")).unwrap();
        std::fs::write(top.join("a/file"), "inside").unwrap();
        std::fs::write(folder.path().join("secret"), "outside").unwrap();
        link("../file", top.join("a/b/up")).unwrap();
        link("/a/file", top.join("absolute")).unwrap();
        link("../secret", top.join("escape")).unwrap();
        link("loop", top.join("loop")).unwrap();
        link("a/b", top.join("folder")).unwrap();
        let found = |path: &str| resolve(&top, Path::new(path)).map(|p| p.strip_prefix(&top).unwrap().to_owned());
        let file = Some(PathBuf::from("a/file"));
        assert_eq!([found("a/b/up"), found("absolute"), found("folder/up")], [file.clone(), file.clone(), file]);
        assert_eq!([found("escape"), found("loop"), found("../secret"), found("none")], [None, None, None, None]);
    }
}
