//! What keeps an entry, when it was used last, and what people call it, by the records. Knows no sizes.

use std::collections::{HashMap, HashSet};

use akbuild_nar::Digest;

use super::entry::Entry;
use super::facts::{Facts, Made};
use super::verdict::Why;
use crate::lease_state::{Item, Used};
use crate::{Build, Key};

#[derive(Default)]
pub(super) struct Known {
    /// What stays whatever its age and size.
    pub(super) why: HashMap<Entry, Why>,
    used: HashMap<Entry, f64>,
    about: HashMap<Entry, String>,
}

impl Known {
    /// What the records tell, if so many builds keep what they used.
    pub(super) fn of(facts: &Facts, keep: usize) -> Self {
        let mut known = Self::default();
        for (link, tree) in &facts.roots {
            known.keep(Entry::Tree(*tree), Why::Root(link.clone()));
        }
        known.keep_builds(facts, keep);
        for (used, pid) in &facts.users {
            known.keep(entry(used), Why::InUse(*pid));
        }
        for (entry, _) in facts.there.iter().filter(|(_, found)| found.locked) {
            known.keep(entry.clone(), Why::InUse(0));
        }
        let mut walk = Walk::new(facts);
        for build in &facts.builds {
            for used in walk.used(build) {
                known.used.entry(used).or_insert(build.started);
            }
        }
        known.name_all(facts);
        known
    }

    /// The first reason counts.
    fn keep(&mut self, entry: Entry, why: Why) {
        self.why.entry(entry).or_insert(why);
    }

    fn keep_builds(&mut self, facts: &Facts, keep: usize) {
        let mut walk = Walk::new(facts);
        let last = last(&facts.builds, keep);
        for build in &last {
            for used in walk.used(build) {
                self.keep(used, Why::Build(build.id.clone()));
            }
        }
        // Which build used a repository is not on record; that one did is told by when it was used.
        let Some((oldest, newest)) = last.last().zip(last.first()) else { return };
        for (entry, found) in &facts.there {
            // Times of files may be cut to whole seconds.
            if matches!(entry, Entry::Repository(_)) && found.since + 1.0 >= oldest.started {
                self.keep(entry.clone(), Why::Build(newest.id.clone()));
            }
        }
    }

    fn name_all(&mut self, facts: &Facts) {
        let mut name = |entry: Entry, about: &str| {
            self.about.entry(entry).or_insert_with(|| about.to_owned());
        };
        for action in &facts.actions {
            let about = format!("{}/{}", action.project, action.stage);
            for entry in [Entry::Action(action.key), Entry::Tree(action.output), Entry::Listing(action.output)] {
                name(entry, &about);
            }
            action.artifacts.iter().for_each(|list| name(Entry::List(*list), &about));
        }
        for build in &facts.builds {
            name(Entry::Build(build.id.clone()), &format!("{}/{}", build.project, build.targets.join(" ")));
            for stage in &build.stages {
                let Some(output) = stage.output else { continue };
                let about = format!("{}/{}", build.project, stage.stage);
                name(Entry::Tree(output), &about);
                name(Entry::Listing(output), &about);
            }
        }
        for artifact in facts.lists.values().flatten() {
            name(Entry::Blob(artifact.digest), &artifact.name);
        }
    }

    /// When an entry was used last: when it came, or when the newest build began that names it.
    pub(super) fn used(&self, entry: &Entry, since: f64) -> f64 {
        self.used.get(entry).copied().unwrap_or(0.0).max(since)
    }

    pub(super) fn about(&self, entry: &Entry) -> String {
        self.about.get(entry).cloned().unwrap_or_default()
    }
}

fn entry(used: &Used) -> Entry {
    match used {
        Used::Item(Item::Tree(hash)) => Entry::Tree(*hash),
        Used::Item(Item::Blob(digest)) => Entry::Blob(*digest),
        Used::List(digest) => Entry::List(*digest),
        Used::Build(build) => Entry::Build(build.clone()),
        Used::Repository(name) => Entry::Repository(name.clone()),
    }
}

/// Of each set of targets of each project: the last successful builds, so many of them, and the newest of
/// all, whose failure somebody may be looking into. Newest first.
fn last(builds: &[Build], keep: usize) -> Vec<&Build> {
    let mut seen: HashMap<(&str, Vec<&str>), (usize, usize)> = HashMap::new();
    let mut last = Vec::new();
    for build in builds {
        let mut targets: Vec<&str> = build.targets.iter().map(String::as_str).collect();
        targets.sort_unstable();
        let (all, good) = seen.entry((&build.project, targets)).or_default();
        let is_good = build.ok == Some(true);
        if (*all == 0 && keep > 0) || (is_good && *good < keep) {
            last.push(build);
        }
        *all += 1;
        *good += usize::from(is_good);
    }
    last
}

/// What builds used, each entry told once: of the first build that names it.
struct Walk<'a> {
    actions: HashMap<Key, &'a Made>,
    facts: &'a Facts,
    keys: HashSet<Key>,
    lists: HashSet<Digest>,
}

impl<'a> Walk<'a> {
    fn new(facts: &'a Facts) -> Self {
        let actions = facts.actions.iter().map(|action| (action.key, action)).collect();
        Self { actions, facts, keys: HashSet::new(), lists: HashSet::new() }
    }

    fn used(&mut self, build: &Build) -> Vec<Entry> {
        let mut used = vec![Entry::Build(build.id.clone())];
        for stage in &build.stages {
            used.extend(stage.output.map(Entry::Tree));
            let kept = stage.kept.as_ref().and_then(|kept| kept.file_name());
            used.extend(kept.map(|name| Entry::Kept(name.to_string_lossy().into_owned())));
            let Some(key) = stage.key.filter(|key| self.keys.insert(*key)) else { continue };
            let Some(action) = self.actions.get(&key) else { continue };
            used.push(Entry::Action(key));
            used.extend(action.inputs.values().copied().map(Entry::Tree));
            let Some(list) = action.artifacts.filter(|list| self.lists.insert(*list)) else { continue };
            used.push(Entry::List(list));
            used.extend(self.facts.lists.get(&list).into_iter().flatten().map(|a| Entry::Blob(a.digest)));
        }
        used
    }
}
