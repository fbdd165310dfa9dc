//! The closure of a list of packages. Decides as apt does where Debian leaves a choice: what is already
//! chosen, else the first alternative that can be had. It never goes back on a choice; what then does
//! not fit is an error. Knows nothing of how the universe came to be.

use std::collections::{BTreeMap, VecDeque};

use crate::SysrootError;
use crate::index::{Package, Universe};
use crate::names::nearest;
use crate::relation::{Clause, Relation, show};

/// What to resolve.
pub(crate) struct Query<'a> {
    pub(crate) sysroot: &'a str,
    pub(crate) packages: &'a [String],
    pub(crate) essential: bool,
    pub(crate) recommends: bool,
    /// For messages: `suite forky`.
    pub(crate) suites: &'a str,
}

struct Chosen<'u> {
    package: &'u Package,
    because: Option<String>,
}

struct Need {
    clause: Clause,
    must: bool,
    by: Option<String>,
}

struct Resolver<'u, 'q> {
    universe: &'u Universe,
    query: &'q Query<'q>,
    chosen: BTreeMap<String, Chosen<'u>>,
    /// Clauses with one way to hold, taken first.
    plain: VecDeque<Need>,
    /// Clauses with a choice, taken when nothing plain is left: by then most are already satisfied.
    choices: VecDeque<Need>,
}

/// The closure, sorted by name.
pub(crate) fn resolve<'u>(universe: &'u Universe, query: &Query<'_>) -> Result<Vec<&'u Package>, SysrootError> {
    let mut resolver =
        Resolver { universe, query, chosen: BTreeMap::new(), plain: VecDeque::new(), choices: VecDeque::new() };
    for text in query.packages {
        let clause: Clause = Relation::parse(text).into_iter().collect();
        resolver.meet(Need { clause, must: true, by: None })?;
    }
    if query.essential {
        for package in universe.essential() {
            resolver.choose(package, None);
        }
    }
    while let Some(need) = resolver.plain.pop_front().or_else(|| resolver.choices.pop_front()) {
        resolver.meet(need)?;
    }
    resolver.check_conflicts()?;
    Ok(resolver.chosen.values().map(|c| c.package).collect())
}

impl<'u> Resolver<'u, '_> {
    /// Makes a clause hold, or says why it cannot.
    fn meet(&mut self, need: Need) -> Result<(), SysrootError> {
        if need.clause.iter().any(|r| self.chosen.values().any(|c| c.package.satisfies(r))) {
            return Ok(());
        }
        let universe = self.universe;
        let candidates: Vec<&'u Package> = need.clause.iter().flat_map(|r| universe.candidates(r)).collect();
        let new = || candidates.iter().copied().filter(|p| !self.chosen.contains_key(p.name.as_str()));
        // What is needed and excluded is taken all the same: the conflict says more than its absence would.
        let found = new().find(|p| self.fits(p)).or_else(|| new().next().filter(|_| need.must));
        match found {
            Some(package) => self.choose(package, need.by),
            None if need.must => return Err(self.unmet(&need)),
            None => {}
        }
        Ok(())
    }

    /// Whether nothing that is chosen excludes a package, nor the reverse.
    fn fits(&self, package: &Package) -> bool {
        self.chosen.values().all(|c| excludes(c.package, package).is_none() && excludes(package, c.package).is_none())
    }

    fn choose(&mut self, package: &'u Package, because: Option<String>) {
        if self.chosen.contains_key(package.name.as_str()) {
            return;
        }
        self.chosen.insert(package.name.to_string(), Chosen { package, because });
        for (clause, must) in package.needs(self.query.recommends) {
            let one = clause.len() == 1 && self.universe.named(&clause[0].name).next().is_some();
            let queue = if one && must { &mut self.plain } else { &mut self.choices };
            queue.push_back(Need { clause, must, by: Some(package.name.to_string()) });
        }
    }

    fn check_conflicts(&self) -> Result<(), SysrootError> {
        for a in self.chosen.values() {
            for (field, relation) in a.package.excludes() {
                let other =
                    self.chosen.values().find(|b| b.package.name != a.package.name && b.package.satisfies(&relation));
                if let Some(b) = other {
                    return Err(SysrootError::Conflict {
                        sysroot: self.query.sysroot.to_owned(),
                        first: a.package.name.to_string(),
                        field,
                        relation: relation.to_string(),
                        second: b.package.name.to_string(),
                        first_chain: self.chain(Some(&a.package.name.to_string())),
                        second_chain: self.chain(Some(&b.package.name.to_string())),
                    });
                }
            }
        }
        Ok(())
    }

    fn unmet(&self, need: &Need) -> SysrootError {
        let suites = self.query.suites.to_owned();
        let chain = self.chain(need.by.as_ref());
        let mut known = need.clause.iter().flat_map(|r| {
            let chosen = self.chosen.get(&r.name).map(|c| format!("{} {} (already chosen)", r.name, c.package.version));
            let all = self.universe.named(&r.name).map(|p| format!("{} {}", p.name, p.version));
            chosen.into_iter().chain(all.take(3))
        });
        let first = known.next();
        match (need.clause.as_slice(), first) {
            ([one], None)
                if self.universe.providers_of(&Relation { name: one.name.clone(), version: None }).is_empty() =>
            {
                let near = nearest(&one.name, self.universe.names()).join("`, `");
                let near = if near.is_empty() { near } else { format!("\n  help: is one of these meant? `{near}`") };
                SysrootError::Missing { package: one.name.clone(), suites, chain, near }
            }
            (_, first) => {
                let found: Vec<String> = first.into_iter().chain(known).collect();
                let found = if found.is_empty() { "nothing of these names that fits".into() } else { found.join(", ") };
                SysrootError::Unsatisfied { relation: show(&need.clause), suites, chain, found }
            }
        }
    }

    /// `sysroot build -> git -> perl`.
    fn chain(&self, from: Option<&String>) -> String {
        let mut names = Vec::new();
        let mut at = from;
        while let Some(name) = at {
            names.push(name.as_str());
            at = self.chosen.get(name).and_then(|c| c.because.as_ref());
        }
        let sysroot = format!("sysroot `{}`", self.query.sysroot);
        std::iter::once(sysroot.as_str()).chain(names.into_iter().rev()).collect::<Vec<_>>().join(" -> ")
    }
}

/// The first thing that `a` says against `b`.
fn excludes(a: &Package, b: &Package) -> Option<Relation> {
    if a.name == b.name {
        return None;
    }
    a.excludes().into_iter().map(|(_, r)| r).find(|r| b.satisfies(r))
}
