//! Matching of a [`Subset`]'s globs. Knows patterns and paths; touches no file.
//!
//! `*` and `?` stop at `/`, `**` does not. A pattern without a wildcard stands for the path itself
//! and for all below it.

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};

use crate::plan::Subset;

/// A compiled [`Subset`].
#[derive(Debug, Clone)]
pub struct SubsetMatcher {
    include: Option<GlobSet>,
    exclude: GlobSet,
    /// One for each include pattern.
    ways: Vec<Way>,
    /// Folders that are left out with all that is in them.
    pruned: GlobSet,
}

/// The folders on the way to what a pattern matches.
#[derive(Debug, Clone)]
struct Way {
    steps: Vec<GlobMatcher>,
    /// Whether everything below the last step may match.
    open: bool,
}

impl Subset {
    /// Compiles the patterns. The error is a text that names the pattern: recipes are checked before
    /// a plan is made of them, so it means that the subset was put together in another way.
    pub fn matcher(&self) -> Result<SubsetMatcher, String> {
        let include = if self.include.is_empty() { None } else { Some(set(&self.include)?) };
        let ways = self.include.iter().map(|p| way(p)).collect();
        let whole = |p: &String| if is_literal(p) { Some(p.clone()) } else { p.strip_suffix("/**").map(Into::into) };
        let pruned = set(&self.exclude.iter().filter_map(whole).collect::<Vec<String>>())?;
        Ok(SubsetMatcher { include, exclude: set(&self.exclude)?, ways, pruned })
    }
}

impl SubsetMatcher {
    /// Whether a file (or link) of the tree, relative to its root, belongs to the subset.
    pub fn matches(&self, path: impl AsRef<Path>) -> bool {
        let path = path.as_ref();
        self.include.as_ref().is_none_or(|set| set.is_match(path)) && !self.exclude.is_match(path)
    }

    /// Whether anything below this folder can belong to the subset: `false` is certain. The tree's
    /// root is the empty path.
    pub fn may_contain(&self, dir: impl AsRef<Path>) -> bool {
        let dir = dir.as_ref();
        if dir.ancestors().any(|d| !d.as_os_str().is_empty() && self.pruned.is_match(d)) {
            return false;
        }
        self.include.is_none() || self.ways.iter().any(|way| way.leads_through(dir))
    }
}

impl Way {
    fn leads_through(&self, dir: &Path) -> bool {
        let mut steps = self.steps.iter();
        for part in dir.components() {
            match steps.next() {
                None => return self.open,
                Some(step) if !step.is_match(Path::new(part.as_os_str())) => return false,
                Some(_) => {}
            }
        }
        self.open || steps.len() > 0
    }
}

/// What is wrong with a pattern.
pub(crate) fn check(pattern: &str) -> Result<(), String> {
    let bad_part = |p: &str| p == ".." || p == "." || p.is_empty();
    let body = pattern.strip_suffix('/').unwrap_or(pattern);
    if body.is_empty() {
        return Err("it is empty".into());
    }
    if pattern.starts_with('/') {
        return Err("it starts with `/`".into());
    }
    if let Some(part) = body.split('/').find(|p| bad_part(p)) {
        return Err(if part.is_empty() { "it has `//`".into() } else { format!("it has a `{part}`") });
    }
    glob(pattern).map(|_| ())
}

fn is_literal(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '[', ']', '{', '}', '\\'])
}

fn glob(pattern: &str) -> Result<globset::Glob, String> {
    let pattern = pattern.strip_suffix('/').unwrap_or(pattern);
    let built = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
    built.map_err(|e| e.kind().to_string())
}

fn set(patterns: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let named = |e: String| format!("bad glob `{pattern}`: {e}");
        set.add(glob(pattern).map_err(named)?);
        if is_literal(pattern) {
            set.add(glob(&format!("{}/**", pattern.trim_end_matches('/'))).map_err(named)?);
        }
    }
    set.build().map_err(|e| e.to_string())
}

/// A `/` inside a choice cuts it into pieces that are no globs: from there on a match may lie anywhere.
fn way(pattern: &str) -> Way {
    let mut steps = Vec::new();
    for part in pattern.split('/').filter(|p| !p.is_empty()) {
        match glob(part) {
            Ok(step) if !part.contains("**") => steps.push(step.compile_matcher()),
            _ => return Way { steps, open: true },
        }
    }
    Way { steps, open: is_literal(pattern) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn subset(include: &[&str], exclude: &[&str]) -> SubsetMatcher {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Subset { include: own(include), exclude: own(exclude), by_kind: false }.matcher().unwrap()
    }

    #[test]
    fn nothing_given_is_everything() {
        let all = subset(&[], &[]);
        assert!(all.matches("a/b") && all.may_contain("") && all.may_contain("a"));
    }

    #[test]
    fn a_plain_name_is_a_file_or_a_whole_folder() {
        let some = subset(&["go.mod", "internal/"], &["internal/testdata"]);
        assert!(some.matches("go.mod") && some.matches("internal/a/b.go"));
        assert!(!some.matches("go.sum") && !some.matches("internals/a") && !some.matches("x/go.mod"));
        assert!(!some.matches("internal/testdata/a"));
        assert!(some.may_contain("") && some.may_contain("internal/a"));
        assert!(!some.may_contain("internal/testdata") && !some.may_contain("internal/testdata/x"));
        assert!(!some.may_contain("web"));
    }

    #[test]
    fn one_star_stops_at_a_slash_and_two_do_not() {
        let some = subset(&["cmd/*.go", "web/**/*.ts", "{a,b}/x"], &["**/node_modules/**"]);
        assert!(some.matches("cmd/a.go") && !some.matches("cmd/x/a.go"));
        assert!(some.matches("web/a.ts") && some.matches("web/x/y/a.ts") && some.matches("b/x"));
        assert!(!some.matches("web/node_modules/a.ts"));
        assert!(some.may_contain("cmd") && some.may_contain("a") && some.may_contain("web/x/y"));
        assert!(!some.may_contain("cmd/x") && !some.may_contain("c") && !some.may_contain("a/x"));
        assert!(!some.may_contain("web/x/node_modules"));
    }

    #[test]
    fn bad_patterns_are_told_apart() {
        let problem = |p| check(p).unwrap_err();
        assert_eq!(problem(""), "it is empty");
        assert_eq!(problem("/a"), "it starts with `/`");
        assert_eq!(problem("a//b"), "it has `//`");
        assert_eq!(problem("../b"), "it has a `..`");
        assert_eq!(problem("a/{b"), "unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)");
        assert!(check("a/").is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf8_match() {
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"a/\xff.go"));
        assert!(subset(&["a/*.go"], &[]).matches(path));
    }

    proptest! {
        /// No folder that holds a match is passed over.
        #[test]
        fn every_folder_of_a_match_may_contain_it(
            include in proptest::collection::vec("(\\*\\*|\\*|a|b|\\{a,b/a\\}|\\{b,\\{a/b,a\\}\\}|\\[!/\\]|[ab]\\*)(/(\\*\\*|\\*|a|b|\\[ab\\])){0,2}", 0..3),
            exclude in proptest::collection::vec("(\\*\\*|\\*|a|b)(/(\\*\\*|a|b)){0,2}", 0..2),
            path in "[ab](/[ab]){0,3}",
        ) {
            let matcher = Subset { include, exclude, by_kind: false }.matcher().unwrap();
            if matcher.matches(&path) {
                for dir in Path::new(&path).ancestors().skip(1) {
                    prop_assert!(matcher.may_contain(dir), "{}", dir.display());
                }
            }
        }
    }
}
