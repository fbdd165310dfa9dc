//! The action cache: what came of each key. Knows records; not how a key is made.
//!
//! Every action is also a JSON file, so that nothing is lost with the index.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use akbuild_nar::{Digest, TreeHash};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use crate::seal::seal;
use crate::{BuildId, Key, Store, StoreError};

/// What came of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// The key.
    pub key: Key,
    /// The project's name.
    pub project: String,
    /// The stage's name.
    pub stage: String,
    /// The stage's kind.
    pub kind: String,
    /// The tree that it made.
    pub output: TreeHash,
    /// What the key is the hash of, JSON.
    pub manifest: String,
    /// How long it took.
    pub seconds: f64,
    /// Its peak memory in bytes; 0 if it is not known.
    pub max_rss: u64,
    /// When it ended, in seconds since 1970.
    pub created: u64,
    /// Its log, relative to the home.
    pub log: Option<PathBuf>,
    /// Bytes in the output's files.
    pub bytes: u64,
    /// Files in the output.
    pub files: u64,
    /// The trees that it was made from, by the names of the nodes that gave them.
    #[serde(default)]
    pub inputs: BTreeMap<String, TreeHash>,
    /// The downloads that it could use: see [`Store::artifacts`].
    #[serde(default)]
    pub artifacts: Option<Digest>,
    /// What it did, one after the other, and for how many seconds each.
    #[serde(default)]
    pub phases: Vec<Phase>,
    /// The build that made it.
    #[serde(default)]
    pub build: Option<BuildId>,
    /// What made it.
    #[serde(default)]
    pub maker: Maker,
}

/// The output of a key: what the engine needs to know in order to use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionOutput {
    /// The tree.
    pub tree: TreeHash,
    /// Bytes in its files.
    pub bytes: u64,
    /// Files in it.
    pub files: u64,
    /// The peak memory in bytes of the run that made it; 0 if it is not known.
    pub max_rss: u64,
}

/// What made something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maker {
    /// The version of akbuild.
    pub akbuild: String,
    /// The name of the machine.
    pub host: String,
    /// Its kernel.
    pub kernel: String,
    /// How many processors it had to use.
    pub processors: u32,
}

/// A part of what a node did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Its name, such as `run`.
    pub name: String,
    /// When it began, in seconds since its build did.
    pub started: f64,
    /// How long it took.
    pub seconds: f64,
}

impl Action {
    /// The output alone.
    pub(crate) fn in_short(&self) -> ActionOutput {
        ActionOutput { tree: self.output, bytes: self.bytes, files: self.files, max_rss: self.max_rss }
    }
}

/// A record that says which key it is of.
pub(crate) trait KeyedRecord: serde::de::DeserializeOwned {
    fn key(&self) -> &Key;
}

impl KeyedRecord for Action {
    fn key(&self) -> &Key {
        &self.key
    }
}

/// Of an [`Action`] only its key and its output.
#[derive(Deserialize)]
struct ShortRecord {
    key: Key,
    output: TreeHash,
    max_rss: u64,
    bytes: u64,
    files: u64,
}

impl KeyedRecord for ShortRecord {
    fn key(&self) -> &Key {
        &self.key
    }
}

fn parse_record<R: KeyedRecord>(json: &str) -> serde_json::Result<R> {
    serde_json::from_str(json)
}

impl Store {
    /// What came of this key, if it was ever built. Its output may have been collected since.
    pub fn action(&self, key: &Key) -> Result<Option<Action>, StoreError> {
        Ok(self.read_records::<Action>(std::slice::from_ref(key))?.pop().flatten())
    }

    /// The output of each of these keys, if it was ever built: one look into the index for all of them.
    pub(crate) fn action_outputs(&self, keys: &[Key]) -> Result<Vec<Option<ActionOutput>>, StoreError> {
        let records = self.read_records::<ShortRecord>(keys)?;
        let in_short =
            |ShortRecord { output: tree, bytes, files, max_rss, .. }| ActionOutput { tree, bytes, files, max_rss };
        Ok(records.into_iter().map(|record| record.map(in_short)).collect())
    }

    /// The records of these keys, from the index or, where that has none, from the files.
    pub(crate) fn read_records<R: KeyedRecord>(&self, keys: &[Key]) -> Result<Vec<Option<R>>, StoreError> {
        let work = |conn: &Connection| {
            let mut statement = conn.prepare_cached("SELECT json FROM actions WHERE key = ?1")?;
            // Parsed while SQLite holds the text: a record is read for each node of a run.
            let parse = |row: &rusqlite::Row<'_>| Ok(row.get_ref(0)?.as_str().map(parse_record::<R>)?);
            let mut row = |key: &Key| statement.query_row([&key.as_bytes()[..]], parse).optional();
            keys.iter().map(&mut row).collect::<rusqlite::Result<Vec<_>>>()
        };
        // A single statement is a transaction of its own.
        let found = if keys.len() <= 1 { self.inner.index.with(work) } else { self.inner.index.read(work) }?;
        found.into_iter().zip(keys).map(|(found, key)| self.checked_record(key, found)).collect()
    }

    /// A record that has the key that it was found by.
    fn checked_record<R: KeyedRecord>(
        &self,
        key: &Key,
        found: Option<serde_json::Result<R>>,
    ) -> Result<Option<R>, StoreError> {
        let path = || self.layout().action(key);
        let found = match found {
            Some(found) => found,
            // Written by a process that was killed before it could tell the index.
            None => match fs::read_to_string(path()) {
                Ok(json) => parse_record(&json),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(e) => return Err(StoreError::io("read", &path(), e)),
            },
        };
        match found {
            Ok(record) if record.key() == key => Ok(Some(record)),
            // A power loss can leave an empty file: the stage is built again.
            other => {
                let problem = other.err().map_or_else(|| "it has another key".to_owned(), |error| error.to_string());
                tracing::warn!(path = %path().display(), problem, "a record of an action is damaged and passed over");
                Ok(None)
            }
        }
    }

    /// Records what came of a key, in place of what was recorded before.
    pub fn record_action(&self, action: &Action) -> Result<(), StoreError> {
        self.need_writable()?;
        let path = self.layout().action(&action.key);
        let damaged = |e: serde_json::Error| StoreError::Damaged { path: path.clone(), problem: e.to_string() };
        let json = seal(&serde_json::to_string(action).map_err(damaged)?);
        // A collector that removes the record of before must not remove this one.
        let _hold = self.hold()?;
        self.replace(&path, json.as_bytes())?;
        self.insert_action(action, &json)
    }

    /// Tells the index what the JSON file of an action says.
    pub(crate) fn insert_action(&self, action: &Action, json: &str) -> Result<(), StoreError> {
        self.inner.index.write(|conn| insert(conn, "REPLACE", action, json))
    }

    pub(crate) fn drop_action(&self, key: &Key) -> Result<(), StoreError> {
        self.inner.index.write(|conn| conn.execute("DELETE FROM actions WHERE key = ?1", [key.as_bytes()]).map(drop))
    }

    /// The newest action of a stage.
    pub fn last_action(&self, project: &str, stage: &str) -> Result<Option<Action>, StoreError> {
        Ok(self.stage_actions(project, stage, 1)?.pop())
    }

    /// The newest actions of a stage, newest first, at most `limit`.
    pub fn stage_actions(&self, project: &str, stage: &str, limit: u32) -> Result<Vec<Action>, StoreError> {
        let sql =
            "SELECT json FROM actions WHERE project = ?1 AND stage = ?2 ORDER BY created DESC, rowid DESC LIMIT ?3";
        self.query_actions(sql, (project, stage, limit))
    }

    /// What made a tree: every action with that output, newest first.
    pub fn makers(&self, output: &TreeHash) -> Result<Vec<Action>, StoreError> {
        let sql = "SELECT json FROM actions WHERE output = ?1 ORDER BY created DESC, rowid DESC";
        self.query_actions(sql, [&output.as_bytes()[..]])
    }

    /// Every action, newest first.
    pub fn actions(&self) -> Result<Vec<Action>, StoreError> {
        self.query_actions("SELECT json FROM actions ORDER BY created DESC, rowid DESC", [])
    }

    fn query_actions(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Action>, StoreError> {
        let json: Vec<String> = self.inner.index.with(|conn| {
            let mut statement = conn.prepare_cached(sql)?;
            statement.query_map(params, |row| row.get(0))?.collect()
        })?;
        Ok(json.iter().filter_map(|json| serde_json::from_str(json).ok()).collect())
    }

    /// Tells a new index what the JSON files say.
    pub(crate) fn import_actions(&self) -> Result<(), StoreError> {
        let folder = self.layout().actions();
        let entries = fs::read_dir(&folder).map_err(|e| StoreError::io("list", &folder, e))?;
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(|e| StoreError::io("list", &folder, e))?.path();
            if path.extension().is_none_or(|e| e != "json") {
                continue;
            }
            let read = fs::read_to_string(&path).map_err(|e| e.to_string());
            match read.and_then(|json| Ok((serde_json::from_str(&json).map_err(|e| e.to_string())?, json))) {
                Ok((action, json)) => found.push((action, json)),
                Err(error) => tracing::warn!(path = %path.display(), %error, "a record of an action is damaged"),
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        found.sort_by_key(|(action, _): &(Action, String)| (action.created, action.key));
        // What is there already was told by a process that knows better.
        self.inner.index.write(|conn| found.iter().try_for_each(|(action, json)| insert(conn, "IGNORE", action, json)))
    }
}

/// `or` says what becomes of a row that is there already.
fn insert(conn: &Connection, or: &str, action: &Action, json: &str) -> rusqlite::Result<()> {
    let sql = format!(
        "INSERT OR {or} INTO actions (key, output, project, stage, created, json) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    );
    let (key, output) = (&action.key.as_bytes()[..], &action.output.as_bytes()[..]);
    let row = (key, output, &action.project, &action.stage, action.created.cast_signed(), json);
    conn.prepare_cached(&sql)?.execute(row).map(drop)
}
