//! Access to the lock files of upstream in sources, and the result of reading one. Must not depend on the format of a lock or
//! on an ecosystem.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use akbuild_names::Artifact;
use akbuild_nar::{Digest, TreeHash};
use akbuild_recipe::plan::{Exec, LockFile};
use akbuild_tree::TreeDir;

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::graph::{NodeId, Outputs};
use crate::near::near_paths;

/// Reads the locks of one stage.
pub(crate) struct LockReader<'a> {
    pub(crate) context: &'a EngineContext,
    /// The stage's step.
    pub(crate) exec: &'a Exec,
    /// The outputs of sources, as far as they are known.
    pub(crate) outputs: &'a Outputs,
}

/// The result of reading a lock: the files that it names, and the texts that the stage sees in its place.
#[derive(Default)]
pub(crate) struct LockContent {
    pub(crate) artifacts: Vec<Artifact>,
    /// Those of them that a build can do without.
    pub(crate) optional: BTreeSet<Digest>,
    /// Further digests that files may have, by that of their artifact.
    pub(crate) alternatives: BTreeMap<Digest, Vec<Digest>>,
    /// Whether the downloaded files tell which further ones are needed.
    pub(crate) is_partial: bool,
    /// Absolute path in the sandbox, and the text that stands there.
    pub(crate) rewritten: Vec<(String, String)>,
}

impl LockReader<'_> {
    /// The source that a lock is in.
    pub(crate) fn source(&self, file: &LockFile) -> Result<&TreeHash, EngineError> {
        let source = self.outputs.get(&NodeId::Source(file.source.clone()));
        source.ok_or_else(|| EngineError::Bug(format!("{} was read too early", file.path)))
    }

    /// The files of the source that a lock is in.
    pub(crate) fn tree(&self, file: &LockFile) -> Result<TreeDir, EngineError> {
        Ok(TreeDir::open(&self.context.tree(self.source(file)?), format!("source `{}`", file.source))?)
    }

    /// The text of a lock file, or of a file beside it.
    pub(crate) fn text(&self, file: &LockFile, name: Option<&str>) -> Result<String, EngineError> {
        let tree = self.tree(file)?;
        let path = Path::new(&file.path);
        let path = name.map_or_else(|| path.to_owned(), |name| path.with_file_name(name));
        if tree.entry(&path)?.is_none() {
            let (id, path) = (file.source.to_string(), path.display().to_string());
            let near = near_paths(&self.context.store.listing(self.source(file)?)?, "", &path);
            return Err(EngineError::NoLockFile { id, path, near });
        }
        let text = tree.read_to_string(path)?;
        // Editors on Windows begin files with a byte order mark, which all clients pass over.
        Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
    }
}
