//! The facts of a `pyproject.toml` that decide where `uv sync` starts and what may be chosen: the project's name, its extras
//! and groups, and the versions of Python that groups are for. Knows no lock.

use std::collections::{BTreeMap, BTreeSet};

use akbuild_names::normalise;
use toml_span::value::Table;

use super::toml::Document;
use crate::LockError;

/// The project beside a lock.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProjectFacts {
    /// `None`: the root of the workspace is not a project.
    pub(crate) name: Option<String>,
    pub(crate) extras: BTreeSet<String>,
    /// The names of `[dependency-groups]`.
    pub(crate) groups: BTreeSet<String>,
    /// Whether `[tool.uv] dev-dependencies` stand for a group `dev`.
    pub(crate) legacy_dev: bool,
    includes: BTreeMap<String, BTreeSet<String>>,
    pythons: BTreeMap<String, String>,
}

impl ProjectFacts {
    /// Reads a `pyproject.toml`.
    pub(crate) fn parse(text: &str, file: &str) -> Result<Self, LockError> {
        let doc = Document { text, file, advice: "correct it" };
        let value = doc.parse()?;
        let top = doc.table(&value, "pyproject.toml")?;
        let mut facts = Self::default();
        if let Some(project) = doc.sub(top, "project")? {
            facts.name = doc.text(project, "name")?.map(|name| normalise(&name));
            facts.extras = names(doc.sub(project, "optional-dependencies")?);
        }
        if let Some(groups) = doc.sub(top, "dependency-groups")? {
            facts.groups = names(Some(groups));
            for name in groups.keys() {
                let included = included(&doc, groups, &name.name)?;
                facts.includes.insert(normalise(&name.name), included);
            }
        }
        let tool = doc.sub(top, "tool")?.map(|tool| doc.sub(tool, "uv")).transpose()?.flatten();
        if let Some(uv) = tool {
            facts.legacy_dev = uv.contains_key("dev-dependencies");
            facts.pythons = pythons(&doc, uv)?;
        }
        Ok(facts)
    }

    /// `requires-python` of all groups.
    pub(crate) fn pythons(&self) -> impl Iterator<Item = &str> {
        self.pythons.values().map(String::as_str)
    }

    /// `requires-python` of a group and of all that it includes, each with the group that has it.
    pub(crate) fn group_pythons(&self, group: &str) -> Vec<(&str, &str)> {
        let mut seen = BTreeSet::from([group]);
        let mut queue = vec![group];
        while let Some(group) = queue.pop() {
            let included = self.includes.get(group).into_iter().flatten();
            queue.extend(included.map(String::as_str).filter(|included| seen.insert(included)));
        }
        let found = seen.into_iter().filter_map(|group| self.pythons.get_key_value(group));
        found.map(|(group, python)| (group.as_str(), python.as_str())).collect()
    }
}

fn names(table: Option<&Table<'_>>) -> BTreeSet<String> {
    table.into_iter().flat_map(|table| table.keys()).map(|name| normalise(&name.name)).collect()
}

/// The groups that a group names by `{ include-group = "x" }`.
fn included<'a>(doc: &Document<'a>, groups: &Table<'a>, name: &str) -> Result<BTreeSet<String>, LockError> {
    let tables = doc.array(groups, name)?.iter().filter_map(|value| value.as_table());
    let names = tables.map(|table| doc.text(table, "include-group"));
    names.filter_map(Result::transpose).map(|name| Ok(normalise(&name?))).collect()
}

/// `[tool.uv.dependency-groups] x = { requires-python = ">=3.12" }`.
fn pythons<'a>(doc: &Document<'a>, uv: &Table<'a>) -> Result<BTreeMap<String, String>, LockError> {
    let Some(groups) = doc.sub(uv, "dependency-groups")? else { return Ok(BTreeMap::new()) };
    let mut pythons = BTreeMap::new();
    for (name, value) in groups {
        if let Some(python) = doc.text(doc.table(value, &name.name)?, "requires-python")? {
            pythons.insert(normalise(&name.name), python);
        }
    }
    Ok(pythons)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_the_pythons_of_groups_through_their_includes() {
        let text = "[project]\nname = \"My.App\"\n[project.optional-dependencies]\nA_b = []\n\
            [dependency-groups]\nall = [\"x\", { include-group = \"Docs\" }]\ndocs = [{ include-group = \"all\" }]\nfree = []\n\
            [tool.uv]\ndev-dependencies = []\n[tool.uv.dependency-groups]\ndocs = { requires-python = \">=3.12\" }\n";
        let facts = ProjectFacts::parse(text, "pyproject.toml").unwrap();
        assert_eq!(facts.name.as_deref(), Some("my-app"));
        assert_eq!(facts.extras, ["a-b".to_owned()].into());
        assert_eq!(facts.groups, ["all".to_owned(), "docs".to_owned(), "free".to_owned()].into());
        assert!(facts.legacy_dev);
        assert_eq!(facts.group_pythons("all"), [("docs", ">=3.12")]);
        assert_eq!(facts.group_pythons("free"), []);
    }

    #[test]
    fn a_pyproject_without_a_project_has_no_name() {
        let facts = ProjectFacts::parse("[tool.uv.workspace]\nmembers = [\"a\"]\n", "pyproject.toml").unwrap();
        assert!(facts.name.is_none() && !facts.legacy_dev);
        insta::assert_snapshot!(ProjectFacts::parse("[project]\nname = 1", "a/pyproject.toml").unwrap_err(), @"a/pyproject.toml:2:8: `name`: expected a string, found integer; correct it");
    }
}
