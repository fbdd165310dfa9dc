//! What a token is asked for: `repository:NAME:pull,push`, by the token specification of the CNCF's registry.
//! Knows how scopes are put together; not where tokens come from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A set of scopes. Ordered, so that the same set is written in the same way.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scopes(BTreeMap<String, BTreeSet<String>>);

impl Scopes {
    /// The right to do something with a repository.
    pub(crate) fn with(mut self, name: &str, actions: &[&str]) -> Self {
        let entry = self.0.entry(format!("repository:{name}")).or_default();
        entry.extend(actions.iter().map(|a| (*a).to_owned()));
        self
    }

    /// The scopes of a challenge: separated by blanks.
    pub(crate) fn parse(text: &str) -> Self {
        let mut all = Self::default();
        for (resource, actions) in text.split_ascii_whitespace().filter_map(|scope| scope.rsplit_once(':')) {
            let entry = all.0.entry(resource.to_owned()).or_default();
            entry.extend(actions.split(',').filter(|a| !a.is_empty()).map(str::to_owned));
        }
        all
    }

    /// These and those.
    pub(crate) fn union(mut self, more: Self) -> Self {
        for (resource, actions) in more.0 {
            self.0.entry(resource).or_default().extend(actions);
        }
        self
    }

    /// Each scope by itself.
    pub(crate) fn each(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(resource, actions)| {
            let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
            format!("{resource}:{}", actions.join(","))
        })
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.each().collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_of_one_resource_are_one() {
        let asked = Scopes::parse("repository:team/app:pull registry:catalog:* repository:team/app:push,pull");
        assert_eq!(asked.to_string(), "registry:catalog:* repository:team/app:pull,push");
        let more = Scopes::default().with("team/app", &["delete"]).with("base", &["pull"]);
        let each: Vec<String> = more.union(asked).each().collect();
        assert_eq!(each, ["registry:catalog:*", "repository:base:pull", "repository:team/app:delete,pull,push"]);
    }
}
