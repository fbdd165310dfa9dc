//! What `[tool.uv]` of a `pyproject.toml` says about wheels, source builds and groups.

use std::collections::BTreeSet;

use toml_span::value::Table;

use super::choices::BuildChoices;
use super::toml::Document;
use crate::LockError;
use akbuild_names::normalise;

/// The settings of a project that decide what uv installs, and from which files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) choices: BuildChoices,
    pub(crate) default_groups: DefaultGroups,
}

/// The dependency groups that uv installs without being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DefaultGroups {
    All,
    These(BTreeSet<String>),
}

impl Default for DefaultGroups {
    fn default() -> Self {
        DefaultGroups::These(["dev".to_owned()].into())
    }
}

impl Settings {
    /// Reads a `pyproject.toml`.
    pub(crate) fn parse(text: &str, file: &str) -> Result<Self, LockError> {
        let doc = Document { text, file, advice: "correct it" };
        let value = doc.parse()?;
        let Some(tool) = doc.sub(doc.table(&value, "pyproject.toml")?, "tool")? else { return Ok(Self::default()) };
        let Some(uv) = doc.sub(tool, "uv")? else { return Ok(Self::default()) };
        Ok(Self { choices: build_choices(&doc, uv)?, default_groups: default_groups(&doc, uv)? })
    }

    /// Whether wheels of a project may be used.
    pub(crate) fn wheels_allowed(&self, name: &str) -> bool {
        self.choices.wheels_allowed(name)
    }

    /// Whether a project may be built from source.
    pub(crate) fn builds_allowed(&self, name: &str) -> bool {
        self.choices.builds_allowed(name)
    }
}

/// The choices in a table of settings.
pub(super) fn build_choices<'a>(doc: &Document<'a>, uv: &Table<'a>) -> Result<BuildChoices, LockError> {
    let names = |key| -> Result<BTreeSet<String>, LockError> {
        Ok(doc.texts(uv, key)?.iter().map(|name| normalise(name)).collect())
    };
    Ok(BuildChoices {
        no_binary: doc.flag(uv, "no-binary")?,
        no_binary_package: names("no-binary-package")?,
        no_build: doc.flag(uv, "no-build")?,
        no_build_package: names("no-build-package")?,
    })
}

fn default_groups<'a>(doc: &Document<'a>, uv: &Table<'a>) -> Result<DefaultGroups, LockError> {
    match uv.get("default-groups") {
        None => Ok(DefaultGroups::default()),
        Some(value) if value.as_str() == Some("all") => Ok(DefaultGroups::All),
        Some(_) => {
            let groups = doc.texts(uv, "default-groups")?;
            Ok(DefaultGroups::These(groups.iter().map(|group| normalise(group)).collect()))
        }
    }
}
