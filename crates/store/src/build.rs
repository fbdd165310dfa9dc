//! Records of builds: who asked for what, and what came of each stage. Knows one folder a build.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::MutexGuard;

use akbuild_nar::TreeHash;
use rusqlite::{Connection, OptionalExtension};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::bucket;
use crate::lease_state::Used;
use crate::seal::seal;
use crate::store::now;
use crate::{BuildId, Key, Store, StoreError};

/// What came of a node in a build.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// A stage's name, or `source:NAME`, `sysroot:NAME`, `tool:NAME`.
    pub stage: String,
    /// Its key, if it came so far.
    pub key: Option<Key>,
    /// `built`, `cached`, `failed` or `skipped`.
    pub status: String,
    /// How long it took.
    pub seconds: f64,
    /// What it made.
    pub output: Option<TreeHash>,
    /// When it began, in seconds since the build began.
    pub started: f64,
    /// Why it ran, in a line.
    #[serde(default)]
    pub reason: Option<String>,
    /// The folder of a failed stage, where it was kept.
    #[serde(default)]
    pub kept: Option<PathBuf>,
}

/// A build, as it is recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Build {
    /// Its name.
    pub id: BuildId,
    /// The project's name.
    pub project: String,
    /// The stages that were asked for.
    #[serde(default)]
    pub targets: Vec<String>,
    /// The command.
    pub argv: Vec<String>,
    /// When it began, in seconds since 1970.
    pub started: f64,
    /// How long it took; `None` if it goes on or was killed.
    #[serde(default)]
    pub seconds: Option<f64>,
    /// Whether everything was made; `None` if it goes on or was killed.
    #[serde(default)]
    pub ok: Option<bool>,
    /// What came of its nodes; written at its end.
    #[serde(default)]
    pub stages: Vec<StageRecord>,
}

impl Store {
    /// Begins a build and makes its folder, which is locked until the build or the process ends.
    pub fn begin_build(&self, argv: &[String], project: &str, targets: &[String]) -> Result<BuildId, StoreError> {
        self.need_writable()?;
        let started = now();
        let id = BuildId::next(started);
        let _hold = self.hold()?;
        self.mark(Used::Build(id.clone()));
        let folder = self.build_dir(&id);
        fs::create_dir(&folder).map_err(|e| StoreError::io("create the folder", &folder, e))?;
        self.lock_build(&id, &folder)?;
        let build = Build {
            id: id.clone(),
            project: project.to_owned(),
            targets: targets.to_owned(),
            argv: argv.to_owned(),
            started,
            seconds: None,
            ok: None,
            stages: Vec::new(),
        };
        self.write_record(&build)?;
        self.inner.index.write(|conn| insert(conn, &build))?;
        Ok(id)
    }

    /// Records what came of some nodes, all at once.
    pub fn record_stages(&self, build: &BuildId, stages: &[StageRecord]) -> Result<(), StoreError> {
        self.inner.index.write(|conn| insert_stages(conn, build, stages))
    }

    /// Ends a build.
    pub fn finish_build(&self, build: &BuildId, ok: bool) -> Result<(), StoreError> {
        let ended = now();
        self.inner.index.write(|conn| {
            conn.execute("UPDATE builds SET finished = ?2, ok = ?3 WHERE id = ?1", (&build.as_str(), ended, ok))
                .map(drop)
        })?;
        if let Some(record) = self.build(build)? {
            self.write_record(&record)?;
        }
        self.running().remove(build);
        Ok(())
    }

    /// Whether a build goes on, in any process. One that has no end and does not go on was killed.
    pub fn is_running(&self, build: &BuildId) -> bool {
        let Ok(folder) = bucket::open(&self.build_dir(build)) else { return false };
        self.running().contains_key(build) || flock(&folder, FlockOperation::NonBlockingLockShared).is_err()
    }

    fn lock_build(&self, id: &BuildId, folder: &Path) -> Result<(), StoreError> {
        let file = bucket::open(folder).map_err(|e| StoreError::io("open", folder, e))?;
        flock(&file, FlockOperation::LockExclusive).map_err(|e| StoreError::io("lock", folder, e))?;
        self.running().insert(id.clone(), file);
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, HashMap<BuildId, File>> {
        self.inner.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// A build, with what came of its nodes so far.
    pub fn build(&self, build: &BuildId) -> Result<Option<Build>, StoreError> {
        let found = self.build_without_stages(build)?;
        found.map(|found| Ok(Build { stages: self.stages(build)?, ..found })).transpose()
    }

    /// A build alone.
    pub fn build_without_stages(&self, build: &BuildId) -> Result<Option<Build>, StoreError> {
        let sql = "SELECT project, targets, argv, started, finished, ok FROM builds WHERE id = ?1";
        self.inner.index.with(|conn| {
            let read = |row: &rusqlite::Row<'_>| {
                let list = |i| row.get(i).map(|text: String| serde_json::from_str(&text).unwrap_or_default());
                let (started, finished): (f64, Option<f64>) = (row.get(3)?, row.get(4)?);
                Ok(Build {
                    id: build.clone(),
                    project: row.get(0)?,
                    targets: list(1)?,
                    argv: list(2)?,
                    started,
                    seconds: finished.map(|finished| finished - started),
                    ok: row.get(5)?,
                    stages: Vec::new(),
                })
            };
            conn.prepare_cached(sql)?.query_row([&build.as_str()], read).optional()
        })
    }

    /// Tells a new index what the folders of builds say.
    pub(crate) fn import_builds(&self) -> Result<(), StoreError> {
        let folder = self.layout().builds();
        let entries = fs::read_dir(&folder).map_err(|e| StoreError::io("list", &folder, e))?;
        let mut found: Vec<Build> = Vec::new();
        for entry in entries {
            let path = entry.map_err(|e| StoreError::io("list", &folder, e))?.path().join("build.json");
            let read = fs::read_to_string(&path).map_err(|e| e.to_string());
            match read.and_then(|text| serde_json::from_str(&text).map_err(|e| e.to_string())) {
                Ok(build) => found.push(build),
                Err(error) => tracing::warn!(path = %path.display(), %error, "a record of a build cannot be read"),
            }
        }
        self.inner.index.write(|conn| found.iter().try_for_each(|build| insert_all(conn, build)))
    }

    /// Tells the index what the folder of a build says.
    pub(crate) fn insert_build(&self, build: &Build) -> Result<(), StoreError> {
        self.inner.index.write(|conn| insert_all(conn, build))
    }

    pub(crate) fn drop_build(&self, build: &BuildId) -> Result<(), StoreError> {
        self.inner.index.write(|conn| {
            conn.execute("DELETE FROM stages WHERE build = ?1", [&build.as_str()])?;
            conn.execute("DELETE FROM builds WHERE id = ?1", [&build.as_str()]).map(drop)
        })
    }

    /// What came of the stages of a build, in the order in which they began.
    pub fn stages(&self, build: &BuildId) -> Result<Vec<StageRecord>, StoreError> {
        let json: Vec<String> = self.inner.index.with(|conn| {
            let mut statement = conn.prepare_cached("SELECT json FROM stages WHERE build = ?1")?;
            statement.query_map([&build.as_str()], |row| row.get(0))?.collect()
        })?;
        let mut stages: Vec<StageRecord> = json.iter().filter_map(|json| serde_json::from_str(json).ok()).collect();
        stages.sort_by(|a, b| a.started.total_cmp(&b.started).then_with(|| a.stage.cmp(&b.stage)));
        Ok(stages)
    }

    /// What came of a node in the project's builds, newest first, at most `limit`.
    pub fn runs(&self, project: &str, node: &str, limit: u32) -> Result<Vec<(BuildId, StageRecord)>, StoreError> {
        let sql =
            "SELECT builds.id, stages.json FROM builds JOIN stages ON stages.build = builds.id AND stages.stage = ?2
                   WHERE builds.project = ?1 ORDER BY builds.id DESC LIMIT ?3";
        let rows: Vec<(String, String)> = self.inner.index.with(|conn| {
            let mut statement = conn.prepare_cached(sql)?;
            statement.query_map((project, node, limit), |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })?;
        let read = |(id, json): (String, String)| Some((BuildId::from_name(id), serde_json::from_str(&json).ok()?));
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// The key with which a node last left an output, by the records of builds: an action knows only the last output
    /// of its key.
    pub fn key_of_output(&self, project: &str, node: &str, output: &TreeHash) -> Result<Option<Key>, StoreError> {
        let sql = "SELECT stages.json FROM builds
                   CROSS JOIN stages ON stages.build = builds.id AND stages.stage = ?2 AND stages.output = ?1
                   WHERE builds.project = ?3 ORDER BY builds.id DESC LIMIT 1";
        let json: Option<String> = self.inner.index.with(|conn| {
            let row = (&output.as_bytes()[..], node, project);
            conn.prepare_cached(sql)?.query_row(row, |row| row.get(0)).optional()
        })?;
        Ok(json.and_then(|json| serde_json::from_str::<StageRecord>(&json).ok()?.key))
    }

    /// The folder of a build, for logs and traces.
    pub fn build_dir(&self, build: &BuildId) -> PathBuf {
        self.layout().builds().join(build.as_str())
    }

    /// The project's builds, newest first.
    pub fn builds(&self, project: &str) -> Result<Vec<BuildId>, StoreError> {
        let sql = "SELECT id FROM builds WHERE project = ?1 ORDER BY id DESC";
        self.inner.index.with(|conn| {
            let mut statement = conn.prepare_cached(sql)?;
            statement.query_map([project], |row| row.get(0).map(BuildId::from_name))?.collect()
        })
    }

    /// The builds of all projects, newest first.
    pub fn all_builds(&self) -> Result<Vec<BuildId>, StoreError> {
        self.inner.index.with(|conn| {
            let mut statement = conn.prepare_cached("SELECT id FROM builds ORDER BY id DESC")?;
            statement.query_map([], |row| row.get(0).map(BuildId::from_name))?.collect()
        })
    }

    pub(crate) fn write_record(&self, record: &Build) -> Result<(), StoreError> {
        let path = self.build_dir(&record.id).join("build.json");
        let json = serde_json::to_string_pretty(record).expect("plain data is always JSON");
        self.replace(&path, seal(&format!("{json}\n")).as_bytes())
    }
}

/// A row that is there already is of a process that knows better than a file.
fn insert(conn: &Connection, build: &Build) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO builds (id, project, targets, argv, started, finished, ok)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let list = |list: &[String]| serde_json::json!(list).to_string();
    let finished = build.seconds.map(|seconds| build.started + seconds);
    let (targets, argv) = (list(&build.targets), list(&build.argv));
    let row = (&build.id.as_str(), &build.project, targets, argv, build.started, finished, build.ok);
    conn.prepare_cached(sql)?.execute(row).map(drop)
}

fn insert_all(conn: &Connection, build: &Build) -> rusqlite::Result<()> {
    insert(conn, build)?;
    insert_stages(conn, &build.id, &build.stages)
}

fn insert_stages(conn: &Connection, build: &BuildId, stages: &[StageRecord]) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO stages (build, stage, output, json) VALUES (?1, ?2, ?3, ?4)";
    let mut statement = conn.prepare_cached(sql)?;
    stages.iter().try_for_each(|stage| {
        let output = stage.output.as_ref().map(|output| &output.as_bytes()[..]);
        let json = serde_json::to_string(stage).expect("plain data is always JSON");
        statement.execute((&build.as_str(), &stage.stage, output, json)).map(drop)
    })
}
