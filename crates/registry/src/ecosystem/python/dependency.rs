//! Entries of lists of dependencies in a `uv.lock`, and the origins that they name. Must not depend on packages.

use std::collections::BTreeMap;

use akbuild_names::{PythonPackageName, normalise};
use toml_span::Value;
use toml_span::value::Table;

use super::toml::Document;
use crate::LockError;
use crate::error::Refusals;

/// Where a package comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Registry(String),
    Url(String),
    /// The address with its query and fragment, as written.
    Git(String),
    /// A folder of the source tree.
    Local(String),
    /// An archive of the source tree.
    Archive(String),
    /// A kind that this version of akbuild does not know: the keys of its table.
    Unknown(String),
}

/// One entry of a list of dependencies.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    pub(crate) name: PythonPackageName,
    pub(crate) version: Option<String>,
    pub(crate) origin: Option<Origin>,
    pub(crate) extras: Vec<String>,
    pub(crate) marker: Option<String>,
}

/// Lists of dependencies by the name of their extra or group.
pub(crate) type DependencyLists = BTreeMap<String, Vec<Dependency>>;

pub(super) fn origin<'a>(doc: &Document<'a>, table: &Table<'a>) -> Result<Option<Origin>, LockError> {
    let Some(source) = doc.sub(table, "source")? else { return Ok(None) };
    for (key, make) in [
        ("registry", Origin::Registry as fn(String) -> Origin),
        ("git", Origin::Git),
        ("url", Origin::Url),
        ("editable", Origin::Local),
        ("virtual", Origin::Local),
        ("directory", Origin::Local),
        ("path", Origin::Archive),
    ] {
        if let Some(text) = doc.text(source, key)? {
            return Ok(Some(make(text)));
        }
    }
    let keys: Vec<&str> = source.keys().map(|key| &*key.name).collect();
    Ok(Some(Origin::Unknown(keys.join(", "))))
}

pub(super) fn dependency_lists<'a>(
    doc: &Document<'a>,
    table: &Table<'a>,
    key: &str,
    entry: &str,
    wrong: &mut Refusals,
) -> Result<DependencyLists, LockError> {
    let Some(lists) = doc.sub(table, key)? else { return Ok(BTreeMap::new()) };
    lists.keys().map(|name| Ok((normalise(&name.name), dependencies(doc, lists, &name.name, entry, wrong)?))).collect()
}

pub(super) fn dependencies<'a>(
    doc: &Document<'a>,
    table: &Table<'a>,
    key: &str,
    entry: &str,
    wrong: &mut Refusals,
) -> Result<Vec<Dependency>, LockError> {
    let one = |value: &Value<'a>| {
        let table = doc.table(value, key)?;
        let Some(name) = doc.text(table, "name")? else {
            return Err(doc.wrong(value.span.start, "a dependency has no name"));
        };
        let Some(name) = wrong.parse(entry, &name) else { return Ok(None) };
        Ok(Some(Dependency {
            name,
            version: doc.text(table, "version")?,
            origin: origin(doc, table)?,
            extras: doc.texts(table, if table.contains_key("extras") { "extras" } else { "extra" })?,
            marker: doc.text(table, "marker")?,
        }))
    };
    doc.array(table, key)?.iter().map(one).filter_map(Result::transpose).collect()
}
