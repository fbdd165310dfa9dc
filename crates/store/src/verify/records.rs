//! Looking at what is written about trees and blobs: listings, lists of downloads, actions, builds and roots.
//! Knows what each must agree with. While two things are compared the gate is held: a collector would take away
//! the one between the two looks.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use akbuild_nar::{Algo, Digest, Listing, TreeHash};

use super::finding::{Finding, Problem, Thing, Verified};
use crate::find::names;
use crate::layout::exists;
use crate::seal::is_whole;
use crate::{Action, Build, BuildId, Key, Store, StoreError};

impl Store {
    /// Counts the listings, and reads those that no tree was hashed with.
    pub(super) fn check_listings(&self, verified: &mut Verified) -> Result<(), StoreError> {
        for hash in names(&self.layout().listings())?.iter().filter_map(|name| name.parse::<TreeHash>().ok()) {
            verified.checked.records += 1;
            if !exists(&self.tree_path(&hash))
                && let Err(why) = read(&self.layout().listing(&hash)).and_then(|text| parse_listing(&text))
            {
                verified.findings.push(Finding::new(Thing::Listing(hash), Problem::corrupt(why)));
            }
        }
        Ok(())
    }

    pub(super) fn check_artifacts(&self, verified: &mut Verified) -> Result<(), StoreError> {
        let _hold = self.hold()?;
        let names = names(&self.layout().artifact_lists())?;
        for list in names.iter().filter_map(|name| Digest::from_hex(Algo::Sha256, name).ok()) {
            verified.checked.records += 1;
            let why = match fs::read(self.layout().artifacts(&list)) {
                Err(e) => e.to_string(),
                Ok(bytes) if Digest::sha256(&bytes) == list => continue,
                Ok(bytes) => format!("its digest is {}", Digest::sha256(&bytes)),
            };
            verified.findings.push(Finding::new(Thing::Artifacts(list), Problem::corrupt(why)));
        }
        Ok(())
    }

    pub(super) fn check_actions(&self, verified: &mut Verified) -> Result<(), StoreError> {
        let _hold = self.hold()?;
        let mut rows = self.action_rows()?;
        let files = names(&self.layout().actions())?;
        for key in files.iter().filter_map(|name| name.strip_suffix(".json")?.parse::<Key>().ok()) {
            verified.checked.records += 1;
            let row = rows.remove(&key);
            let problem = match (self.action_file(&key), row) {
                (Err(why), _) => Problem::corrupt(why),
                (Ok(_), None) => Problem::Unrecorded,
                (Ok((_, text)), Some(Ok(row))) if row == text => continue,
                // A process was killed between writing the one and the other.
                (Ok(_), Some(Ok(_))) => Problem::Unrecorded,
                (Ok(_), Some(Err(why))) => Problem::corrupt(why),
            };
            verified.findings.push(Finding::new(Thing::Action(key), problem));
        }
        let missing = rows.into_keys().filter(|key| !exists(&self.layout().action(key)));
        verified.findings.extend(missing.map(|key| Finding::new(Thing::Action(key), Problem::Missing)));
        Ok(())
    }

    /// What the index has of actions: their text, or why it is not whole.
    fn action_rows(&self) -> Result<HashMap<Key, Result<String, String>>, StoreError> {
        let sql = "SELECT key, json, output, project, stage, created FROM actions";
        let rows: Vec<(Vec<u8>, Result<String, String>)> = self.inner.index.with(|conn| {
            let read = |row: &rusqlite::Row<'_>| {
                let key: Vec<u8> = row.get(0)?;
                let text: String = row.get(1)?;
                let columns: (Vec<u8>, String, String, i64) = (row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
                let fits = |action: &Action| {
                    let output = action.output.as_bytes().to_vec();
                    key == action.key.as_bytes()
                        && columns == (output, action.project.clone(), action.stage.clone(), action.created as i64)
                };
                let whole = parse_action(&text).is_ok_and(|action| fits(&action));
                Ok((key, if whole { Ok(text) } else { Err("the index has it damaged".to_owned()) }))
            };
            conn.prepare(sql)?.query_map([], read)?.collect()
        })?;
        let keyed = |(key, row): (Vec<u8>, _)| Some((Key::from(<[u8; 32]>::try_from(key).ok()?), row));
        Ok(rows.into_iter().filter_map(keyed).collect())
    }

    /// The file of an action and what it says, if it is whole.
    pub(crate) fn action_file(&self, key: &Key) -> Result<(Action, String), String> {
        let text = read(&self.layout().action(key))?;
        let action = parse_action(&text)?;
        if action.key == *key { Ok((action, text)) } else { Err("it is the record of another key".to_owned()) }
    }

    /// What the index has of an action, if it is whole.
    pub(crate) fn action_row(&self, key: &Key) -> Result<Option<String>, StoreError> {
        Ok(self.action_rows()?.remove(key).and_then(Result::ok))
    }

    pub(super) fn check_builds(&self, verified: &mut Verified) -> Result<(), StoreError> {
        let _hold = self.hold()?;
        let rows = self.all_builds()?;
        for name in names(&self.layout().builds())? {
            let build = BuildId::from_name(name);
            verified.checked.records += 1;
            let known = rows.contains(&build);
            let problem = match self.build_file(&build) {
                Ok(_) if known => continue,
                Ok(_) => Problem::Unrecorded,
                Err(_) if !exists(&self.build_file_path(&build)) && !known => continue,
                Err(why) => Problem::corrupt(why),
            };
            verified.findings.push(Finding::new(Thing::Build(build), problem));
        }
        let missing = rows.into_iter().filter(|build| !exists(&self.build_dir(build)));
        verified.findings.extend(missing.map(|build| Finding::new(Thing::Build(build), Problem::Missing)));
        Ok(())
    }

    pub(crate) fn build_file(&self, build: &BuildId) -> Result<Build, String> {
        let text = read(&self.build_file_path(build))?;
        if !is_whole(&text) {
            return Err(ALTERED.to_owned());
        }
        let record: Build = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        if record.id == *build { Ok(record) } else { Err("it is the record of another build".to_owned()) }
    }

    pub(crate) fn build_file_path(&self, build: &BuildId) -> PathBuf {
        self.build_dir(build).join("build.json")
    }

    /// What leads to something that is not there: actions to lists of downloads, and registered links to trees.
    ///
    /// # Errors
    /// Folders or an index that cannot be read.
    pub fn loose_ends(&self) -> Result<Vec<Finding>, StoreError> {
        let _hold = self.hold()?;
        let mut found = Vec::new();
        for action in self.actions()? {
            if let Some(list) = action.artifacts.filter(|list| !exists(&self.layout().artifacts(list))) {
                let to = format!("its list of downloads {list}");
                found.push(Finding::new(Thing::Action(action.key), Problem::Dangling(to)));
            }
        }
        for link in self.registered()? {
            let problem = match self.pointed_at(&link) {
                None => Problem::Leftover,
                Some(tree) if !exists(&self.tree_path(&tree)) => Problem::Dangling(format!("tree {tree}")),
                Some(_) => continue,
            };
            found.push(Finding::new(Thing::Root(link), problem));
        }
        Ok(found)
    }
}

const ALTERED: &str = "it was altered after it was written";

fn parse_action(text: &str) -> Result<Action, String> {
    if !is_whole(text) {
        return Err(ALTERED.to_owned());
    }
    serde_json::from_str(text).map_err(|e| e.to_string())
}

fn parse_listing(text: &str) -> Result<(), String> {
    Listing::from_text(text).map(drop).map_err(|e| e.to_string())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| e.to_string())
}
