//! The manifest of a node: everything that decides its output, as a list of named values. One
//! traversal of it gives the key; comparing two of them (`why`) says why something ran again.
//!
//! Knows nothing of where the values come from: `keys.rs` writes them. How fields are spelled is in `manifest_field`.
//!
//! # What is hashed
//! The key is the SHA-256 of the bytes `akbuild-manifest-v1\n`, then for each field, sorted by name:
//! the name's length (u64, little endian), the name, the value's length (likewise), the value.
//! A golden vector in the tests pins this.
//!
//! # What is in a stage's key, and what is not
//! | in | why |
//! |---|---|
//! | kind and its version | the same options may come to mean something else |
//! | script, variables, working folder, output path | they decide what runs |
//! | content digest of every copied subset | only what a stage sees can change it |
//! | NAR hash of every mounted tree or sub-tree, and where it is mounted | likewise |
//! | sysroot and tools, by NAR hash | the toolchain is an input |
//! | pins that the lock adds to upstream's own lock files | the registry serves them |
//! | checks | a stage that passed no check must not stand for one that did |
//!
//! | left out | why |
//! |---|---|
//! | where things were downloaded from, mirrors | their digest is in |
//! | `-j`, weights, the home folder, user, host name, time | the sandbox hides them |
//! | names of sources and of other stages | only their contents reach the stage |

use std::collections::BTreeMap;

use akbuild_nar::{Algo, Hasher};
use akbuild_store::Key;
use serde::{Deserialize, Serialize};

use crate::keys::manifest_field::ManifestField;

/// Named values; see the module's documentation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What is hashed, by the fields' spellings.
    fields: BTreeMap<String, String>,
    /// What is kept beside it to explain a difference, and not hashed: for a subset, the tree it was taken from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    notes: BTreeMap<String, String>,
}

impl Manifest {
    /// A manifest with the two fields that each has.
    pub fn new(kind: &str, version: u32) -> Self {
        let mut manifest = Self::default();
        manifest.set(&ManifestField::Kind, kind);
        manifest.set(&ManifestField::KindVersion, version.to_string());
        manifest
    }

    /// Sets a field.
    pub fn set(&mut self, field: &ManifestField, value: impl Into<String>) {
        self.fields.insert(field.to_string(), value.into());
    }

    /// Sets the note of a field.
    pub fn note(&mut self, field: &ManifestField, value: impl Into<String>) {
        self.notes.insert(field.to_string(), value.into());
    }

    /// The value of a field.
    pub fn value(&self, field: &ManifestField) -> Option<&str> {
        self.fields.get(&field.to_string()).map(String::as_str)
    }

    /// The note of a field.
    pub fn note_of(&self, field: &ManifestField) -> Option<&str> {
        self.notes.get(&field.to_string()).map(String::as_str)
    }

    /// All values by their fields' spellings, in the order in which they are hashed.
    pub fn fields(&self) -> &BTreeMap<String, String> {
        &self.fields
    }

    /// The key.
    pub fn key(&self) -> Key {
        let mut hasher = Hasher::new(Algo::Sha256);
        hasher.update(b"akbuild-manifest-v1\n");
        for (name, value) in &self.fields {
            for text in [name, value] {
                hasher.update(&(text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
            }
        }
        Key::from(<[u8; 32]>::try_from(hasher.finish().as_bytes()).expect("SHA-256 has 32 bytes"))
    }

    /// As stored beside an action.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("maps of strings are always JSON")
    }

    /// From what [`Manifest::to_json`] gave.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_pinned() {
        let mut manifest = Manifest::new("run", 1);
        manifest.set(&"script".into(), "echo \u{e9} > $out");
        insta::assert_snapshot!(manifest.key(), @"b14a7257c0a3dbbcb0e532dfff7bd591ee90a6aee42c085b562476383f6eb98c");
    }

    #[test]
    fn notes_do_not_count() {
        let plain = Manifest::new("run", 1);
        let mut noted = plain.clone();
        noted.note(&"tree".into(), "x");
        assert_eq!(plain.key(), noted.key());
    }

    #[test]
    fn a_value_cannot_pass_for_a_field() {
        let mut one = Manifest::default();
        one.set(&"a".into(), "b");
        one.set(&"c".into(), "d");
        let mut two = Manifest::default();
        two.set(&"a".into(), "bc");
        two.set(&"".into(), "d");
        assert_ne!(one.key(), two.key());
    }
}
