//! The lock files of upstream in sources: their texts as clients read them, and which of them npm reads. Must not depend on
//! what a lock says.

use std::path::Path;

use akbuild_recipe::plan::{Exec, LockFile, TreeRef};
use akbuild_registry::NPM_LOCK_NAMES;
use akbuild_tree::TreeDir;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::graph::NodeId;
use crate::keys::Outputs;
use crate::near::near_paths;

/// The text of a lock file in a source, or of a file beside it.
pub(crate) fn lock_text(
    engine: &Engine,
    file: &LockFile,
    name: Option<&str>,
    outputs: &Outputs,
) -> Result<String, EngineError> {
    let source = outputs.get(&NodeId::Source(file.source.clone()));
    let source = source.ok_or_else(|| EngineError::Bug(format!("{} was read too early", file.path)))?;
    let tree = TreeDir::open(&engine.tree(source), format!("source `{}`", file.source))?;
    let path = Path::new(&file.path);
    let path = name.map_or_else(|| path.to_owned(), |name| path.with_file_name(name));
    if tree.entry(&path)?.is_none() {
        let (id, path) = (file.source.to_string(), path.display().to_string());
        let near = near_paths(&engine.store.listing(source)?, "", &path);
        return Err(EngineError::NoLockFile { id, path, near });
    }
    let text = tree.read_to_string(path)?;
    // Editors on Windows begin files with a byte order mark, which all clients pass over.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The lock that npm reads: `npm-shrinkwrap.json` comes first, if the stage sees one.
pub(crate) fn npm_lock(
    engine: &Engine,
    exec: &Exec,
    lock: &LockFile,
    outputs: &Outputs,
) -> Result<LockFile, EngineError> {
    let mut first = lock.clone();
    let folder = lock.path.strip_suffix("package-lock.json").unwrap_or_default();
    first.path = format!("{folder}{}", NPM_LOCK_NAMES[0]);
    let is_seen = exec.copies.iter().any(|copy| {
        copy.from == TreeRef::Source(lock.source.clone())
            && copy.subset.matcher().is_ok_and(|matcher| matcher.matches(&first.path))
    });
    let tree = outputs.get(&NodeId::Source(lock.source.clone())).map(|tree| engine.tree(tree));
    let tree = tree.map(|tree| TreeDir::open(&tree, format!("source `{}`", lock.source))).transpose()?;
    let is_there = tree.map(|tree| tree.entry(&first.path)).transpose()?.flatten().is_some();
    Ok(if is_seen && is_there { first } else { lock.clone() })
}
