//! Naming something of the store: a stage, `stage~1` for the one before, a path into the store such as
//! `./result`, or the beginning of a hash.

use std::path::Path;

use akbuild_nar::{Digest, TreeHash};
use akbuild_store::{Action, Found, Store};

use crate::failure::{Failure, Outcome};
use crate::session::Session;

/// Something of the store that was named.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// A key and what came of it.
    Action(Box<Action>),
    /// A tree; what made it is asked for separately.
    Tree(TreeHash),
    /// A download.
    Blob(Digest),
}

impl What {
    /// Finds what a text names. Names of stages are those of `project`, or of any project.
    pub(crate) fn find(session: &Session, project: Option<&str>, text: &str) -> Outcome<Self> {
        if let Some(action) = named(&session.store, project, text)? {
            return Ok(What::Action(Box::new(action)));
        }
        if let Some(tree) = linked(&session.store, Path::new(text)) {
            return Ok(What::Tree(tree));
        }
        match &session.store.find(text)?[..] {
            [] => Err(nothing(&session.store, project, text)?),
            [Found::Action(key)] => match session.store.action(key)? {
                Some(action) => Ok(What::Action(Box::new(action))),
                None => Err(nothing(&session.store, project, text)?),
            },
            [Found::Tree(tree)] => Ok(What::Tree(*tree)),
            [Found::Blob(blob)] => Ok(What::Blob(*blob)),
            several => Err(ambiguous(&session.store, text, several)?),
        }
    }

    /// The tree that is meant: an action's output, or the tree itself.
    pub(crate) fn tree(&self) -> Outcome<TreeHash> {
        match self {
            What::Action(action) => Ok(action.output),
            What::Tree(tree) => Ok(*tree),
            What::Blob(blob) => {
                let message = format!("`{blob}` is a download, not a tree");
                Err(Failure::Say(format!("{message}\n  help: its file is where `akbuild cache show {blob}` says")))
            }
        }
    }
}

/// The output of the last build of the node with this name; `~1` selects the build before it.
fn named(store: &Store, project: Option<&str>, text: &str) -> Outcome<Option<Action>> {
    let (name, back) = match text.rsplit_once('~') {
        Some((name, back)) => (name, back.parse::<u32>().ok()),
        None => (text, Some(0)),
    };
    let Some(back) = back else { return Ok(None) };
    let mut actions = match project {
        Some(project) => history(store, project, name, (back as usize).saturating_add(1))?,
        None => store.actions()?.into_iter().filter(|action| action.stage == name).collect(),
    };
    let known = !actions.is_empty();
    let at = back as usize;
    if at < actions.len() {
        return Ok(Some(actions.swap_remove(at)));
    }
    if known && back > 0 {
        let message =
            format!("`{name}` has {} on record, so there is no `{text}`", crate::ui::count(actions.len(), "run"));
        return Err(Failure::Say(format!("{message}\n  help: `{name}` is the newest, `{name}~1` the one before")));
    }
    Ok(None)
}

/// The different outputs of a node, that of the last build first, at most so many. A build that finds an output in the
/// store has it too: the one before is what another build had.
fn history(store: &Store, project: &str, node: &str, limit: usize) -> Outcome<Vec<Action>> {
    let mut history: Vec<Action> = Vec::new();
    for (_, record) in store.runs(project, node, u32::MAX)? {
        let (Some(key), Some(output)) = (record.key, record.output) else { continue };
        let known = history.iter().any(|action| (action.key, action.output) == (key, output));
        if let Some(action) = store.action(&key)?.filter(|_| !known) {
            // An action has only the last output of its key.
            history.push(Action { output, ..action });
        }
        if history.len() >= limit {
            return Ok(history);
        }
    }
    // Builds whose record is gone, and imported outputs.
    for action in store.stage_actions(project, node, u32::MAX)? {
        if !history.iter().any(|known| known.key == action.key) {
            history.push(action);
        }
    }
    history.truncate(limit);
    Ok(history)
}

/// The tree that a link such as `./result` leads to.
fn linked(store: &Store, path: &Path) -> Option<TreeHash> {
    let real = path.canonicalize().ok()?;
    let trees = store.home().join("trees-v1").canonicalize().ok()?;
    real.strip_prefix(trees).ok()?.components().next()?.as_os_str().to_str()?.parse().ok()
}

fn nothing(store: &Store, project: Option<&str>, text: &str) -> Outcome<Failure> {
    let actions = store.actions()?;
    let mine = actions.iter().filter(|action| project.is_none_or(|project| project == action.project));
    let names: std::collections::BTreeSet<&str> = mine.map(|action| action.stage.as_str()).collect();
    let near = akbuild_recipe::nearest(text, names.iter().copied()).map(|name| format!("did you mean `{name}`? "));
    let help = format!(
        "{}name a stage that was built, or at least {} characters of a hash; `akbuild cache ls` lists what there is",
        near.unwrap_or_default(),
        Store::SHORTEST_PREFIX
    );
    Ok(Failure::Say(format!("nothing in the store is called `{text}`\n  help: {help}")))
}

fn ambiguous(store: &Store, text: &str, found: &[Found]) -> Outcome<Failure> {
    let mut lines = vec![format!("`{text}` is the beginning of {} hashes", found.len())];
    for one in found.iter().take(20) {
        lines.push(match one {
            Found::Action(key) => {
                let name = store.action(key)?.map(|action| format!(" of `{}`", action.stage)).unwrap_or_default();
                format!("  key{name}: {key}")
            }
            Found::Tree(tree) => format!("  tree: {} ({})", tree.hex(), tree),
            Found::Blob(blob) => format!("  download: {blob}"),
        });
    }
    if found.len() > 20 {
        lines.push(format!("  and {} more", found.len() - 20));
    }
    lines.push("  help: write more of the one that is meant".to_owned());
    Ok(Failure::Say(lines.join("\n")))
}
