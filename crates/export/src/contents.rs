//! What goes into an export: everything that some stages need to be there, and to be built again, without a network.
//! Knows plans and records; writes nothing.

use std::collections::BTreeMap;

use akbuild_engine::{EngineContext, Graph, Index, NodeId, NodeInputName};
use akbuild_fetch::git_repository;
use akbuild_nar::{Digest, TreeHash};
use akbuild_recipe::plan::{Origin, Stage, StageId, Step};
use akbuild_store::{Action, Store};
use akbuild_tree::TreeDir;

use crate::item::Item;
use crate::{ExportError, REPOSITORIES, blob};

/// A choice of what is in a store, each with what it is in words.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    pub(crate) items: BTreeMap<Item, String>,
    /// What cannot even be named, since no record tells of it.
    unknown: Vec<String>,
    outputs_only: bool,
}

impl Contents {
    /// An empty choice. If outputs alone are wanted, what they were made from is left out.
    pub fn new(outputs_only: bool) -> Self {
        Self { outputs_only, ..Self::default() }
    }

    /// Adds stages of a plan with all that they need. What was downloaded for sources, sysroots and tools is left out:
    /// the trees that came of it are there.
    ///
    /// # Errors
    /// The plan's manifests cannot be written.
    pub fn add_stages(&mut self, context: &EngineContext, stages: &[StageId]) -> Result<(), ExportError> {
        let graph = Graph::new(&context.plan.stages, stages, false);
        let places: Vec<Index> = stages.iter().filter_map(|id| graph.find(&NodeId::Stage(id.clone()))).collect();
        let freshness = akbuild_engine::freshness(context, &graph, &places)?;
        for at in graph.indices() {
            let node = &graph.node(at).id;
            let wanted = !self.outputs_only || places.contains(&at);
            if matches!(node, NodeId::Fetch(_)) || !wanted {
                continue;
            }
            let Some(known) = &freshness.known[at.index()] else {
                self.unknown.push(format!("the output of `{node}`, which was never built as it is now"));
                continue;
            };
            self.add_tree(known.output, &node.to_string());
            let action = known.key.map(|key| context.store.action(&key)).transpose()?.flatten();
            action.map(|action| self.add_record(&context.store, &action)).transpose()?;
            if let NodeId::Stage(id) = node
                && let Some(stage) = context.plan.stages.iter().find(|stage| stage.id == *id)
            {
                self.add_repositories(context, stage);
            }
        }
        Ok(())
    }

    /// Adds an action with its output and, as records have it, all that it was made from.
    ///
    /// # Errors
    /// The records cannot be read.
    pub fn add_action(&mut self, store: &Store, action: Action) -> Result<(), ExportError> {
        let mut open = vec![action];
        while let Some(action) = open.pop() {
            if self.items.contains_key(&Item::Action(action.key)) {
                continue;
            }
            self.add_tree(action.output, &action.stage);
            self.add_record(store, &action)?;
            // A source as it was before its patches is not needed again.
            let is_unpatched = |name: &str| matches!(NodeInputName::from(name), NodeInputName::Unpatched(_));
            let inputs = action.inputs.iter().filter(|(name, _)| !self.outputs_only && !is_unpatched(name));
            for (node, tree) in inputs.map(|(node, tree)| (node.clone(), *tree)).collect::<Vec<_>>() {
                self.add_tree(tree, &node);
                let makers = store.makers(&tree)?.into_iter();
                open.extend(makers.filter(|maker| maker.stage == node && maker.project == action.project).take(1));
            }
        }
        Ok(())
    }

    /// Adds a tree, which stands for a node.
    pub fn add_tree(&mut self, tree: TreeHash, node: &str) {
        self.items.entry(Item::Tree(tree)).or_insert_with(|| format!("the output of `{node}`, {tree}"));
    }

    /// Adds a downloaded file.
    pub fn add_download(&mut self, digest: Digest) {
        self.items.entry(Item::Download(digest)).or_insert_with(|| format!("the download {digest}"));
    }

    /// Adds an action alone, its list of downloads and, of a stage, these.
    fn add_record(&mut self, store: &Store, action: &Action) -> Result<(), ExportError> {
        let stage = &action.stage;
        self.items.insert(Item::Action(action.key), format!("the record of `{stage}`"));
        let Some(list) = &action.artifacts else { return Ok(()) };
        self.items.insert(Item::List(*list), format!("the list of what `{stage}` could download"));
        // Other nodes have a kind in front of their name.
        if self.outputs_only || stage.contains(':') {
            return Ok(());
        }
        for artifact in store.artifacts(list)?.unwrap_or_default() {
            let words = format!("{} for `{stage}`, {}", artifact.name, artifact.digest);
            self.items.entry(Item::Download(artifact.digest)).or_insert(words);
        }
        Ok(())
    }

    /// Adds the commits that a stage is given as repositories.
    fn add_repositories(&mut self, context: &EngineContext, stage: &Stage) {
        let Step::Exec(exec) = &stage.step else { return };
        for source in context.plan.sources.iter().filter(|source| exec.git.contains(&source.id)) {
            if let (Origin::Git { urls, commit, .. }, false) = (&source.origin, self.outputs_only)
                && let Some(first) = urls.first()
            {
                let folder = git_repository(std::path::Path::new(""), first).display().to_string();
                let item = Item::Repository { name: folder, commit: commit.clone() };
                self.items.insert(item, format!("the repository of source `{}`", source.id));
            }
        }
    }

    /// Looks for everything, and keeps it from being collected while this process runs.
    ///
    /// # Errors
    /// [`ExportError::Missing`], with all that is not there.
    pub fn check(&self, store: &Store) -> Result<(), ExportError> {
        let mut missing = self.unknown.clone();
        let _hold = store.hold()?;
        for (item, words) in &self.items {
            let there = match item {
                Item::Tree(hash) => store.has_tree(hash),
                Item::Download(digest) => store.has_blob(digest),
                Item::List(list) => store.artifacts(list)?.is_some(),
                Item::Repository { name, .. } => {
                    let folder = store.home().join(REPOSITORIES).join(name);
                    store.use_repository(&folder)?;
                    TreeDir::open(&folder, words.as_str()).is_ok()
                }
                Item::Action(key) => store.action(key)?.is_some(),
            };
            if !there {
                missing.push(words.clone());
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(ExportError::Missing { missing }) }
    }

    /// About how many bytes will be written, before they are compressed.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn bytes(&self, store: &Store) -> Result<u64, ExportError> {
        let mut bytes = 0;
        for item in self.items.keys() {
            bytes += match item {
                Item::Tree(hash) => store.tree_stats(hash)?.map_or(0, |stats| stats.bytes),
                Item::Download(digest) => {
                    blob::open(store, digest).ok().and_then(|file| file.metadata().ok()).map_or(0, |meta| meta.len())
                }
                _ => 0,
            };
        }
        Ok(bytes)
    }
}
