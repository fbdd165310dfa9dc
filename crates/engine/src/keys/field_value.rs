//! The values of fields that are more than a text: JSON lists. Only this file knows their forms, for those who write keys
//! and those who explain them. Keys hash the values and records keep them, so the forms never change. Must not depend on
//! what a value is compared with.

use std::collections::BTreeMap;

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Check, DebPin, Edit, PythonPin, WrittenFile};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

/// Plain data as a field or a note has it.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data is always JSON")
}

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// The value of a file that akbuild writes.
pub(crate) fn written_file(file: &WrittenFile) -> String {
    json(&(file.executable, &file.text))
}

/// Whether a file that akbuild writes is executable, and its text.
pub(crate) fn read_written_file(value: &str) -> Option<(bool, String)> {
    read(value)
}

/// The value of a pinned Debian package.
pub(crate) fn debian_pin(pin: &DebPin) -> String {
    json(&(&pin.version, &pin.digest))
}

/// The version of a pinned Debian package.
pub(crate) fn read_debian_version(value: &str) -> Option<String> {
    read::<(String, IgnoredAny)>(value).map(|(version, _)| version)
}

/// The value of a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PatchValue {
    /// One text takes the place of another.
    Replace { from: String, to: String },
    /// A file takes the place of another.
    With { digest: String },
}

impl PatchValue {
    pub(crate) fn of(edit: &Edit) -> Self {
        match edit {
            Edit::Replace { from, to } => PatchValue::Replace { from: from.clone(), to: to.clone() },
            Edit::With { digest, .. } => PatchValue::With { digest: digest.to_string() },
        }
    }

    pub(crate) fn to_json(&self) -> String {
        match self {
            PatchValue::Replace { from, to } => json(&("replace", from, to)),
            PatchValue::With { digest } => json(&("with", digest)),
        }
    }

    pub(crate) fn from_json(value: &str) -> Option<Self> {
        match read::<Vec<String>>(value)?.as_slice() {
            [kind, from, to] if kind == "replace" => Some(PatchValue::Replace { from: from.clone(), to: to.clone() }),
            [kind, digest] if kind == "with" => Some(PatchValue::With { digest: digest.clone() }),
            _ => None,
        }
    }
}

/// The value of a check: what is written in it, and the tree of its sysroot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckValue {
    /// The tree of the sysroot.
    pub(crate) root: TreeHash,
    /// Where the output is.
    pub(crate) at: String,
    /// The script that must succeed, and its variables; `None`: what programs need is looked for.
    pub(crate) script: Option<(String, BTreeMap<String, String>)>,
}

impl CheckValue {
    pub(crate) fn of(check: &Check, root: TreeHash) -> Self {
        match check {
            Check::Elf { at, .. } => Self { root, at: at.clone(), script: None },
            Check::Run { at, script, env, .. } => {
                Self { root, at: at.clone(), script: Some((script.clone(), env.clone())) }
            }
        }
    }

    pub(crate) fn to_json(&self) -> String {
        let Self { root, at, script } = self;
        match script {
            None => json(&("elf", root, at)),
            Some((script, env)) => json(&("run", root, at, script, env)),
        }
    }

    pub(crate) fn from_json(value: &str) -> Option<Self> {
        if let Some((kind, root, at)) = read::<(String, TreeHash, String)>(value) {
            return (kind == "elf").then_some(Self { root, at, script: None });
        }
        let (kind, root, at, script, env) =
            read::<(String, TreeHash, String, String, BTreeMap<String, String>)>(value)?;
        (kind == "run").then_some(Self { root, at, script: Some((script, env)) })
    }

    /// What is written in it, without the tree of its sysroot.
    pub(crate) fn written(&self) -> String {
        let Some((script, env)) = &self.script else { return format!("elf at `{}`", self.at) };
        let variables: String = env.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        format!("run at `{}`\n{variables}{script}", self.at)
    }
}

/// A pin of a Python package, as the note of all pins has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PythonPinNote(
    pub(crate) String,
    /// The version.
    pub(crate) String,
    /// The digest of its file; older records have none.
    #[serde(default)]
    pub(crate) Option<String>,
);

impl PythonPinNote {
    pub(crate) fn of(pin: &PythonPin) -> Self {
        Self(pin.name.to_string(), pin.version.to_string(), Some(pin.digest.to_string()))
    }

    /// The pins of a note; none if it cannot be read.
    pub(crate) fn read_all(note: Option<&str>) -> Vec<Self> {
        note.and_then(read).unwrap_or_default()
    }
}

/// A lock file that a stage needs, as the note of all of them has it: the node of its source, and the path in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LockNote(pub(crate) String, pub(crate) String);

impl LockNote {
    /// The lock files of a note; `None` if there is none that can be read.
    pub(crate) fn read_all(note: Option<&str>) -> Option<Vec<Self>> {
        note.and_then(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_are_written() {
        let (root, at) = (TreeHash::from([1; 32]), "/opt".to_owned());
        let env = BTreeMap::from([("A".to_owned(), "b".to_owned())]);
        let elf = CheckValue { root, at, script: None };
        let run = CheckValue { script: Some(("true".to_owned(), env)), ..elf.clone() };
        for check in [elf, run] {
            assert_eq!(CheckValue::from_json(&check.to_json()), Some(check));
        }
        let replace = PatchValue::Replace { from: "a".into(), to: "b".into() };
        for patch in [replace, PatchValue::With { digest: "sha256-x".into() }] {
            assert_eq!(PatchValue::from_json(&patch.to_json()), Some(patch));
        }
        let file = WrittenFile { path: "/a".into(), text: "b".into(), executable: true };
        assert_eq!(read_written_file(&written_file(&file)), Some((true, "b".to_owned())));
        assert_eq!(read_debian_version(r#"["1.2","sha256-x"]"#).as_deref(), Some("1.2"));
    }

    #[test]
    fn the_forms_of_values_are_pinned() {
        let (root, at) = (TreeHash::from([1; 32]), "/opt".to_owned());
        let env = BTreeMap::from([("A".to_owned(), "b".to_owned())]);
        let elf = CheckValue { root, at, script: None };
        let run = CheckValue { script: Some(("true".to_owned(), env)), ..elf.clone() };
        insta::assert_snapshot!([elf.to_json(), run.to_json()].join("\n"), @r#"
        ["elf","sha256-AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","/opt"]
        ["run","sha256-AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","/opt","true",{"A":"b"}]
        "#);
        let older = PythonPinNote::read_all(Some(r#"[["wheel","1"],["flit","2","sha256-x"]]"#));
        let pin = |name: &str, version: &str, digest: Option<&str>| {
            PythonPinNote(name.to_owned(), version.to_owned(), digest.map(str::to_owned))
        };
        assert_eq!(older, [pin("wheel", "1", None), pin("flit", "2", Some("sha256-x"))]);
    }
}
