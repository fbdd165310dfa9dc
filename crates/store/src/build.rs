//! Records of builds: who asked for what, and what came of each stage. Knows one folder a build.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use akbuild_nar::TreeHash;
use serde::{Deserialize, Serialize};

use crate::layout::file_name;
use crate::store::now;
use crate::{Key, Store, StoreError, write};

/// Names a build. Later builds sort later.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BuildId(String);

impl BuildId {
    /// The name as text: also the name of its folder.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What came of a stage in a build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// The stage's name.
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
}

#[derive(Serialize)]
struct Record<'a> {
    id: &'a str,
    project: &'a str,
    argv: &'a [String],
    started: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<bool>,
    stages: Vec<StageRecord>,
}

impl Store {
    /// Begins a build and makes its folder.
    pub fn begin_build(&self, argv: &[String], project: &str) -> Result<BuildId, StoreError> {
        self.need_writable()?;
        let started = now();
        // Milliseconds, zero-padded: ids sort by time until the year 33658.
        let id = format!("{:015}-{}-{}", (started * 1000.0) as u64, std::process::id(), write::unique());
        let folder = self.layout().builds().join(&id);
        fs::create_dir(&folder).map_err(|e| StoreError::io("create the folder", &folder, e))?;
        self.write_record(&Record { id: &id, project, argv, started, seconds: None, ok: None, stages: Vec::new() })?;
        let argv = serde_json::json!(argv).to_string();
        let sql = "INSERT INTO builds (id, project, argv, started) VALUES (?1, ?2, ?3, ?4)";
        self.inner.index.write(|conn| conn.prepare_cached(sql)?.execute((&id, project, argv, started)).map(drop))?;
        Ok(BuildId(id))
    }

    /// Records what came of some stages, all at once.
    pub fn record_stages(&self, build: &BuildId, stages: &[StageRecord]) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO stages (build, stage, json) VALUES (?1, ?2, ?3)";
        self.inner.index.write(|conn| {
            let mut statement = conn.prepare_cached(sql)?;
            stages.iter().try_for_each(|stage| {
                statement.execute((&build.0, &stage.stage, serde_json::json!(stage).to_string())).map(drop)
            })
        })
    }

    /// Ends a build.
    pub fn finish_build(&self, build: &BuildId, ok: bool) -> Result<(), StoreError> {
        let ended = now();
        let (project, argv, started): (String, String, f64) = self.inner.index.write(|conn| {
            conn.execute("UPDATE builds SET finished = ?2, ok = ?3 WHERE id = ?1", (&build.0, ended, ok))?;
            let sql = "SELECT project, argv, started FROM builds WHERE id = ?1";
            conn.query_row(sql, [&build.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        })?;
        let argv: Vec<String> = serde_json::from_str(&argv).unwrap_or_default();
        let (seconds, ok, stages) = (Some(ended - started), Some(ok), self.stages(build)?);
        self.write_record(&Record { id: &build.0, project: &project, argv: &argv, started, seconds, ok, stages })
    }

    /// What came of the stages of a build, in the order in which they began.
    pub fn stages(&self, build: &BuildId) -> Result<Vec<StageRecord>, StoreError> {
        let json: Vec<String> = self.inner.index.with(|conn| {
            let mut statement = conn.prepare_cached("SELECT json FROM stages WHERE build = ?1")?;
            statement.query_map([&build.0], |row| row.get(0))?.collect()
        })?;
        let mut stages: Vec<StageRecord> = json.iter().filter_map(|json| serde_json::from_str(json).ok()).collect();
        stages.sort_by(|a, b| a.started.total_cmp(&b.started).then_with(|| a.stage.cmp(&b.stage)));
        Ok(stages)
    }

    /// The folder of a build, for logs and traces.
    pub fn build_dir(&self, build: &BuildId) -> PathBuf {
        self.layout().builds().join(&build.0)
    }

    /// Where a stage's log lies in a build's folder.
    pub fn log_path(&self, build: &BuildId, stage: &str) -> PathBuf {
        self.build_dir(build).join(format!("{}.log", file_name(stage)))
    }

    /// The project's builds, newest first.
    pub fn builds(&self, project: &str) -> Result<Vec<BuildId>, StoreError> {
        let sql = "SELECT id FROM builds WHERE project = ?1 ORDER BY id DESC";
        self.inner.index.with(|conn| {
            let mut statement = conn.prepare_cached(sql)?;
            statement.query_map([project], |row| row.get(0).map(BuildId))?.collect()
        })
    }

    /// The newest log of a stage, of a build that goes on or has failed too.
    pub fn last_log(&self, project: &str, stage: &str) -> Result<Option<PathBuf>, StoreError> {
        let logs = self.builds(project)?.into_iter().map(|build| self.log_path(&build, stage));
        if let Some(log) = logs.into_iter().find(|log| log.is_file()) {
            return Ok(Some(log));
        }
        // The index may be newer than the build.
        let log = self.last_action(project, stage)?.and_then(|action| action.log);
        Ok(log.map(|log| self.home().join(log)).filter(|log| log.is_file()))
    }

    fn write_record(&self, record: &Record<'_>) -> Result<(), StoreError> {
        let path = self.layout().builds().join(record.id).join("build.json");
        write::replace(&path, format!("{:#}\n", serde_json::json!(record)).as_bytes())
    }
}
