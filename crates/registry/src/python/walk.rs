//! Which packages of a `uv.lock` a `uv sync` installs. Follows uv's own walk: from the project, through
//! dependencies whose markers hold, with the extras and groups asked for. Knows nothing of files.

use std::collections::BTreeSet;

use akbuild_names::{Specifiers, Version, normalise};

use super::PythonWant;
use super::lock::{Dependency, Origin, Package, PythonLock};
use super::marker::Environment;
use super::settings::DefaultGroups;
use crate::error::Refusals;

/// The places in the lock of all packages that are installed, in any of the environments meant.
pub(super) fn installed(lock: &PythonLock, want: &PythonWant, refusals: &mut Refusals) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    for environment in environments(lock, want, refusals) {
        let mut walk = Walk { lock, want, environment, seen: BTreeSet::new(), refusals };
        walk.roots();
        found.extend(walk.seen.into_iter().map(|(package, _)| package));
    }
    found
}

/// `3.14` of `3.14` or `3.14.2`.
pub(super) fn python_numbers(python: &str) -> Option<(u64, u64)> {
    let mut numbers = python.split('.').map(|n| n.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// The environments that markers are asked about: one for a full version of Python; for `3.14` the
/// first and a very late release, so that a marker on the third number selects either way.
fn environments(lock: &PythonLock, want: &PythonWant, refusals: &mut Refusals) -> Vec<Environment> {
    if python_numbers(&want.python).is_none() || want.python.parse::<Version>().is_err() {
        refusals.add(format!("python {}", want.python), "it is not a version of Python, expected for example 3.14");
        return Vec::new();
    }
    let full = match want.python.split('.').count() {
        2 => vec![format!("{}.0", want.python), format!("{}.999", want.python)],
        _ => vec![want.python.clone()],
    };
    if let Some(requires) = &lock.requires_python {
        let specifiers = requires.parse::<Specifiers>();
        match specifiers {
            Err(why) => refusals.add("requires-python", why),
            Ok(set) if full.iter().any(|v| v.parse().is_ok_and(|v| set.contain(&v))) => {}
            Ok(_) => refusals.add(format!("python {}", want.python), format!("the lock is for `{requires}`")),
        }
    }
    full.iter().map(|version| Environment::new(version, &want.machine)).collect()
}

/// One walk through the lock, in one environment.
struct Walk<'a> {
    lock: &'a PythonLock,
    want: &'a PythonWant,
    environment: Environment,
    /// Packages by place, each bare and with each extra that something asked for.
    seen: BTreeSet<(usize, Option<String>)>,
    refusals: &'a mut Refusals,
}

impl<'a> Walk<'a> {
    /// Starts at the project; where the root of the workspace is none, at all members.
    fn roots(&mut self) {
        let lock = self.lock;
        let is = |package: &Package, path: &str| matches!(&package.origin, Origin::Local(at) if at == path);
        let root: Vec<usize> = (0..lock.packages.len()).filter(|n| is(&lock.packages[*n], ".")).collect();
        let members = || (0..lock.packages.len()).filter(|n| lock.members.contains(lock.packages[*n].name.as_str()));
        let roots = if root.is_empty() { members().collect() } else { root };
        if roots.is_empty() && lock.groups.is_empty() {
            self.refusals.add("(the project)", "the lock has no project and no workspace members to start at");
        }
        let known = self.known_names(&roots);
        self.name_conflicting(&roots);
        let groups = self.groups(&known.1);
        for n in &roots {
            let package = &lock.packages[*n];
            self.visit(*n, None);
            for extra in self.want.extras.iter().map(|extra| normalise(extra)) {
                self.visit(*n, Some(extra));
            }
            for group in &groups {
                self.follow(package.groups.get(group).map_or(&[], Vec::as_slice));
            }
        }
        for group in &groups {
            self.follow(lock.groups.get(group).map_or(&[], Vec::as_slice));
        }
        self.check_names("extra", &self.want.extras, &known.0);
        self.check_names("group", &self.want.groups, &known.1);
    }

    /// The extras and groups that the roots have.
    fn known_names(&self, roots: &[usize]) -> (BTreeSet<String>, BTreeSet<String>) {
        let packages = || roots.iter().map(|n| &self.lock.packages[*n]);
        let extras = packages().flat_map(|package| package.extras.keys().cloned()).collect();
        let groups = packages().flat_map(|package| package.groups.keys().cloned());
        (extras, groups.chain(self.lock.groups.keys().cloned()).collect())
    }

    /// The groups that are installed: the default ones without `dev`, and those asked for.
    fn groups(&self, known: &BTreeSet<String>) -> BTreeSet<String> {
        let mut groups = match &self.lock.settings.default_groups {
            DefaultGroups::All => known.clone(),
            DefaultGroups::These(groups) => groups.clone(),
        };
        groups.remove("dev");
        groups.extend(self.want.groups.iter().map(|group| normalise(group)));
        groups
    }

    /// Makes the markers hold that uv writes for extras and groups that exclude each other.
    fn name_conflicting(&mut self, roots: &[usize]) {
        for package in roots.iter().map(|n| &self.lock.packages[*n].name) {
            let names = |kind: &str, names: &[String]| -> Vec<String> {
                names.iter().map(|name| format!("{kind}-{}-{package}-{}", package.len(), normalise(name))).collect()
            };
            self.environment.extras.extend(names("extra", &self.want.extras));
            self.environment.extras.extend(names("group", &self.want.groups));
        }
    }

    fn check_names(&mut self, kind: &str, wanted: &[String], known: &BTreeSet<String>) {
        let list =
            if known.is_empty() { "none".to_owned() } else { known.iter().cloned().collect::<Vec<_>>().join(", ") };
        for name in wanted.iter().filter(|name| !known.contains(&normalise(name))) {
            self.refusals.add(format!("{kind} {name}"), format!("the project has no such {kind}; it has {list}"));
        }
    }

    /// Marks a package, or an extra of it, and all that follows. Kept on a list of its own, as locks
    /// can be deep.
    fn visit(&mut self, package: usize, extra: Option<String>) {
        let mut queue = vec![(package, extra)];
        while let Some((n, extra)) = queue.pop() {
            if !self.seen.insert((n, extra.clone())) {
                continue;
            }
            let package = &self.lock.packages[n];
            let list = match &extra {
                None => Some(&package.dependencies),
                Some(extra) => package.extras.get(extra),
            };
            queue.extend(self.targets(list.map_or(&[], Vec::as_slice)));
        }
    }

    fn follow(&mut self, dependencies: &'a [Dependency]) {
        for (package, extra) in self.targets(dependencies) {
            self.visit(package, extra);
        }
    }

    /// The packages, bare and with extras, that a list of dependencies leads to here.
    fn targets(&mut self, dependencies: &'a [Dependency]) -> Vec<(usize, Option<String>)> {
        let mut targets = Vec::new();
        for dependency in dependencies {
            match self.holds(dependency.marker.as_slice()) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(why) => {
                    self.refusals.add(dependency.name.as_str(), why);
                    continue;
                }
            }
            match self.find(dependency) {
                Ok(n) => {
                    targets.push((n, None));
                    targets.extend(dependency.extras.iter().map(|extra| (n, Some(normalise(extra)))));
                }
                Err(why) => self.refusals.add(dependency.name.as_str(), why),
            }
        }
        targets
    }

    /// Whether one of the markers holds, or there are none.
    fn holds(&self, markers: &[String]) -> Result<bool, String> {
        for marker in markers {
            if self.environment.holds(marker)? {
                return Ok(true);
            }
        }
        Ok(markers.is_empty())
    }

    /// The package that a dependency means. Where a name has several versions, the dependency says
    /// which, or their `resolution-markers` do.
    fn find(&self, dependency: &Dependency) -> Result<usize, String> {
        let fits = |package: &Package| {
            package.name == dependency.name
                && (dependency.version.is_none() || package.version.as_deref() == dependency.version.as_deref())
                && dependency.origin.as_ref().is_none_or(|origin| *origin == package.origin)
        };
        let all: Vec<usize> = (0..self.lock.packages.len()).filter(|n| fits(&self.lock.packages[*n])).collect();
        if let [one] = all[..] {
            return Ok(one);
        }
        let mut here = Vec::new();
        for n in &all {
            if self.holds(&self.lock.packages[*n].markers)? {
                here.push(*n);
            }
        }
        match here[..] {
            [one] => Ok(one),
            [] => Err("something needs it and the lock has no entry for it".to_owned()),
            _ => Err(format!("{} entries of the lock fit it", here.len())),
        }
    }
}
