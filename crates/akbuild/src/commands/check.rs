//! `--check`: how the outputs of checks differ from the stored ones.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use akbuild_differ::{Change, compare, explain};
use akbuild_engine::{Graph, NodeId, Report, Status};
use akbuild_nar::{Kind, TreeHash};
use akbuild_recipe::plan::{Plan, Stage, StageId};
use akbuild_store::Store;
use akbuild_tree::{TreeDir, TreeError};

use crate::failure::{Outcome, io};
use crate::ui::{Checked, Differing};

/// So many files are explained.
const FILES: usize = 20;

/// Each in at most so many lines.
const LINES: usize = 12;

/// All stages that targets need, themselves included.
pub(super) fn needed(stages: &[Stage], targets: &[StageId]) -> Vec<StageId> {
    let graph = Graph::new(stages, targets, false);
    let stage = |at| match &graph.node(at).id {
        NodeId::Stage(id) => Some(id.clone()),
        _ => None,
    };
    graph.indices().filter_map(stage).collect()
}

/// What the checks of a run have found, in the plan's order.
pub(super) fn checked(store: &Store, plan: &Plan, reports: &[Report]) -> Outcome<Vec<Checked>> {
    let mut all = Vec::new();
    for report in reports.iter().filter(|report| report.status == Status::Built) {
        let (NodeId::Check(stage), Some(found)) = (&report.node, report.output) else { continue };
        all.push(match report.differs {
            Some(stored) => different(store, stage, stored, found)?,
            None => Checked { stage: stage.clone(), stored: found, found, files: 0, differing: Vec::new() },
        });
    }
    all.sort_by_key(|checked| plan.stages.iter().position(|stage| stage.id == checked.stage));
    Ok(all)
}

/// Opens a file of a stored tree. A listing says what the tree had: a link that has taken the place of a file is an error.
pub(super) fn stored_file(store: &Store, tree: &TreeHash, path: &Path) -> Result<File, TreeError> {
    let name = format!("the tree {tree}");
    TreeDir::open(&store.tree_path(tree), name)?.file(path)
}

fn different(store: &Store, stage: &StageId, stored: TreeHash, found: TreeHash) -> Outcome<Checked> {
    let (old, new) = (store.listing(&stored)?, store.listing(&found)?);
    let mut differing: Vec<Differing> = Vec::new();
    for difference in compare(&old, &new) {
        let mut lines = Vec::new();
        if matches!(difference.change, Change::Content { .. }) && differing.len() < FILES {
            let path = Path::new(&difference.path);
            let (old, new) = (stored_file(store, &stored, path)?, stored_file(store, &found, path)?);
            let explanation = io(explain(old, new, LINES), "compare", path)?;
            lines = [vec![explanation.headline()], explanation.lines()].concat();
        }
        differing.push(Differing { difference, lines });
    }
    let is_file = |entry: &&akbuild_nar::Entry| !matches!(entry.kind, Kind::Dir);
    let files: BTreeSet<_> = old.entries.iter().chain(&new.entries).filter(is_file).map(|e| &e.path).collect();
    Ok(Checked { stage: stage.clone(), stored, found, files: files.len(), differing })
}
