//! Which packages of a `uv.lock` a `uv sync --frozen` installs.
//!
//! Follows uv's own walk: from the roots of the choice, breadth first, through the dependencies whose markers hold. Where
//! the lock declares conflicts, the markers ask for extras, groups and projects too, and an extra may be activated by a
//! package deep in the graph. So there are two passes, as in uv: the first one finds all extras that are active, the second
//! one installs. Knows no file.

use std::collections::{BTreeSet, HashMap, VecDeque};

use akbuild_names::normalise;

use super::condition::Condition;
use super::dependency::Dependency;
use super::environment::MarkerEnvironment;
use super::lock::{Package, PythonLock};
use super::manifest::ConflictItem;
use super::python_version::environments;
use super::selection::PythonWant;
use super::sync_choice::SyncChoice;
use super::walk_conditions::WalkConditions;
use crate::error::Refusals;
use crate::{ChoiceProblem, LockError};

/// The packages that are installed, as places in the lock.
#[derive(Default)]
pub(super) struct InstalledPackages {
    /// In any of the environments meant.
    pub(super) in_any: BTreeSet<usize>,
    /// In each of them.
    pub(super) in_each: BTreeSet<usize>,
}

/// The packages that are installed in the environments meant.
///
/// # Errors
/// [`LockError::Choice`] names extras and groups that cannot be chosen.
pub(super) fn installed(
    lock: &PythonLock,
    want: &PythonWant,
    refusals: &mut Refusals,
) -> Result<InstalledPackages, LockError> {
    let choice = SyncChoice::new(lock, want)?;
    if choice.roots.is_empty() && lock.workspace.groups.is_empty() {
        refusals.add("(the project)", "the lock has no project and no workspace members to start at");
    }
    let mut installed: Option<InstalledPackages> = None;
    for environment in environments(lock, want, &choice, refusals) {
        let mut walk = LockWalk::new(lock, &choice, environment, refusals);
        walk.start();
        walk.activate()?;
        walk.install();
        let found = walk.found;
        installed = Some(match installed {
            None => InstalledPackages { in_any: found.clone(), in_each: found },
            Some(other) => InstalledPackages { in_any: &other.in_any | &found, in_each: &other.in_each & &found },
        });
        if walk.conditions.table.overflowed() {
            refusals.add("(markers)", "the lock's conflicts make too many conditions to decide");
        }
    }
    Ok(installed.unwrap_or_default())
}

/// A package as such, or with one of its extras.
type WalkNode = (usize, Option<String>);

/// One walk through the lock, in one environment.
struct LockWalk<'a> {
    lock: &'a PythonLock,
    choice: &'a SyncChoice<'a>,
    conditions: WalkConditions<'a>,
    by_name: HashMap<&'a str, Vec<usize>>,
    queue: VecDeque<WalkNode>,
    /// The condition under which a node is reached.
    reached: HashMap<WalkNode, Condition>,
    seen: BTreeSet<WalkNode>,
    found: BTreeSet<usize>,
    refusals: &'a mut Refusals,
}

impl<'a> LockWalk<'a> {
    fn new(
        lock: &'a PythonLock,
        choice: &'a SyncChoice<'a>,
        environment: MarkerEnvironment,
        refusals: &'a mut Refusals,
    ) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (n, package) in lock.packages.iter().enumerate() {
            by_name.entry(package.name.as_str()).or_default().push(n);
        }
        Self {
            lock,
            choice,
            conditions: WalkConditions::new(environment),
            by_name,
            queue: VecDeque::new(),
            reached: HashMap::new(),
            seen: BTreeSet::new(),
            found: BTreeSet::new(),
            refusals,
        }
    }

    /// Activates what was chosen by name, and queues the roots, their extras, and what their groups need.
    fn start(&mut self) {
        let (lock, choice) = (self.lock, self.choice);
        let roots: Vec<(usize, &Package)> = choice.roots.iter().map(|n| (*n, &lock.packages[*n])).collect();
        if self.has_conflicts() {
            for (_, package) in &roots {
                self.conditions.activate(&ConflictItem::project(&package.name));
                choice.extras_of(package).for_each(|extra| self.conditions.activate_extra(&package.name, extra));
                for (group, _) in choice.groups_of(package) {
                    self.conditions.activate(&ConflictItem::group(&package.name, group));
                }
            }
        }
        for (n, package) in roots {
            self.found.insert(n);
            self.enqueue((n, None), Condition::ALWAYS);
            choice.extras_of(package).for_each(|extra| self.enqueue((n, Some(extra.to_owned())), Condition::ALWAYS));
            for (_, list) in choice.groups_of(package) {
                list.iter().for_each(|dependency| self.follow_from_root(dependency));
            }
        }
        for dependency in &lock.workspace.requirements {
            self.follow_requirement(dependency, false);
        }
        for (_, list) in lock.workspace.groups.iter().filter(|(group, _)| choice.has_group(group)) {
            list.iter().for_each(|dependency| self.follow_requirement(dependency, true));
        }
    }

    /// Queues what a root's group needs. The extras that it names are active from here on.
    fn follow_from_root(&mut self, dependency: &'a Dependency) {
        let Some(condition) = self.condition(dependency) else { return };
        if self.conditions.holds_with(condition, dependency)
            && let Some(n) = self.find(dependency)
        {
            self.activate_extras_of(dependency);
            self.enqueue_all(n, dependency, condition);
        }
    }

    /// Queues a requirement of no member: which version it means is decided by the markers of forks.
    fn follow_requirement(&mut self, dependency: &'a Dependency, activates: bool) {
        let Some(condition) = self.condition(dependency) else { return };
        if !self.conditions.holds_alone(condition) {
            return;
        }
        let Some(n) = self.find_by_fork(dependency) else { return };
        if activates {
            self.activate_extras_of(dependency);
        }
        self.enqueue_all(n, dependency, Condition::ALWAYS);
    }

    /// The first pass: finds all extras that are active, and refuses those that exclude each other. A package counts
    /// for as long as the condition under which it is reached holds.
    fn activate(&mut self) -> Result<(), LockError> {
        if !self.has_conflicts() {
            return Ok(());
        }
        let mut queue = self.queue.clone();
        while let Some(node) = queue.pop_front() {
            let Some(above) = self.reached.get(&node).copied() else { continue };
            for dependency in self.dependencies(&node) {
                let Some(condition) = self.condition(dependency) else { continue };
                let condition = self.conditions.table.and(condition, above);
                if !self.conditions.holds_with(condition, dependency) {
                    continue;
                }
                let Some(n) = self.find(dependency) else { continue };
                self.activate_extras_of(dependency);
                for node in nodes(n, dependency) {
                    if self.reach(&node, condition) {
                        queue.push_back(node);
                    }
                }
            }
        }
        self.refuse_conflicting_extras()
    }

    /// The second pass: all that is active is known.
    fn install(&mut self) {
        while let Some(node) = self.queue.pop_front() {
            for dependency in self.dependencies(&node) {
                let Some(condition) = self.condition(dependency) else { continue };
                if !self.conditions.holds(condition) {
                    continue;
                }
                if let Some(n) = self.find(dependency) {
                    self.found.insert(n);
                    for node in nodes(n, dependency) {
                        if self.seen.insert(node.clone()) {
                            self.queue.push_back(node);
                        }
                    }
                }
            }
        }
    }

    fn refuse_conflicting_extras(&self) -> Result<(), LockError> {
        for set in &self.lock.workspace.conflicts {
            let active = self.conditions.active_extras_of(set);
            if let [a, b, ..] = &active[..] {
                let problem = ChoiceProblem::ConflictingExtras { first: a.clone(), second: b.clone() };
                return Err(LockError::Choice { file: self.lock.file.clone(), problems: vec![problem] });
            }
        }
        Ok(())
    }

    fn has_conflicts(&self) -> bool {
        !self.lock.workspace.conflicts.is_empty()
    }

    fn dependencies(&self, (n, extra): &WalkNode) -> &'a [Dependency] {
        let package = &self.lock.packages[*n];
        match extra {
            None => &package.dependencies,
            Some(extra) => package.extras.get(extra).map_or(&[], Vec::as_slice),
        }
    }

    fn activate_extras_of(&mut self, dependency: &'a Dependency) {
        dependency.extras.iter().for_each(|extra| self.conditions.activate_extra(&dependency.name, extra));
    }

    /// Adds a condition under which a node is reached; whether that changes anything.
    fn reach(&mut self, node: &WalkNode, condition: Condition) -> bool {
        let before = self.reached.get(node).copied();
        let after = self.conditions.table.or(before.unwrap_or(Condition::NEVER), condition);
        self.reached.insert(node.clone(), after);
        before != Some(after)
    }

    fn enqueue(&mut self, node: WalkNode, condition: Condition) {
        self.reach(&node, condition);
        if self.seen.insert(node.clone()) {
            self.queue.push_back(node);
        }
    }

    fn enqueue_all(&mut self, n: usize, dependency: &Dependency, condition: Condition) {
        self.found.insert(n);
        nodes(n, dependency).for_each(|node| self.enqueue(node, condition));
    }

    /// The condition of a dependency here; `None`: its marker was refused.
    fn condition(&mut self, dependency: &'a Dependency) -> Option<Condition> {
        let found = self.conditions.of(dependency.marker.as_deref());
        found.map_err(|why| self.refusals.add(dependency.name.as_str(), why)).ok()
    }

    /// The package that a dependency means: where a name has several entries, its version and source say which.
    fn find(&mut self, dependency: &Dependency) -> Option<usize> {
        let fits = |package: &Package| {
            (dependency.version.is_none() || package.version.as_deref() == dependency.version.as_deref())
                && dependency.origin.as_ref().is_none_or(|origin| *origin == package.origin)
        };
        let named = self.by_name.get(dependency.name.as_str()).map_or(&[][..], Vec::as_slice);
        let found: Vec<usize> = named.iter().copied().filter(|n| fits(&self.lock.packages[*n])).collect();
        match found[..] {
            [one] => Some(one),
            [] => self.refuse(dependency, "something needs it and the lock has no entry for it".to_owned()),
            _ => self.find_by_fork(dependency),
        }
    }

    /// The package of a name that belongs to the fork of this environment.
    fn find_by_fork(&mut self, dependency: &Dependency) -> Option<usize> {
        let lock = self.lock;
        let named = self.by_name.get(dependency.name.as_str()).cloned().unwrap_or_default();
        let mut here = Vec::new();
        for n in named {
            let markers = &lock.packages[n].markers;
            let mut holds = markers.is_empty();
            for marker in markers {
                match self.conditions.of(Some(marker)) {
                    Ok(found) => holds |= self.conditions.holds_alone(found),
                    Err(why) => return self.refuse(dependency, why),
                }
            }
            if holds {
                here.push(n);
            }
        }
        match here[..] {
            [one] => Some(one),
            [] => self.refuse(dependency, "something needs it and the lock has no entry for it".to_owned()),
            _ => self.refuse(dependency, format!("{} entries of the lock fit it", here.len())),
        }
    }

    fn refuse(&mut self, dependency: &Dependency, why: String) -> Option<usize> {
        self.refusals.add(dependency.name.as_str(), why);
        None
    }
}

/// A package as such and with each extra that a dependency on it names.
fn nodes(n: usize, dependency: &Dependency) -> impl Iterator<Item = WalkNode> {
    std::iter::once((n, None)).chain(dependency.extras.iter().map(move |extra| (n, Some(normalise(extra)))))
}
