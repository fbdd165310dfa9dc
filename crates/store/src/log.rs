//! Logs of stages: a file each in the folder of their build, locked (flock) by who writes it. Knows files;
//! not what is in them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::bucket;
use crate::layout::file_name;
use crate::{BuildId, Store, StoreError};

impl Store {
    /// Where the log of a stage lies in a build's folder.
    pub fn log_path(&self, build: &BuildId, stage: &str) -> PathBuf {
        self.build_dir(build).join(format!("{}.log", file_name(stage)))
    }

    /// Makes the log of a stage. It counts as being written until the file is closed.
    pub fn create_log(&self, build: &BuildId, stage: &str) -> Result<(PathBuf, File), StoreError> {
        let path = self.log_path(build, stage);
        // Locked before it has its name: whoever finds it without a lock may take it for whole.
        let new = path.with_extension("log.new");
        crate::remove(&new)?;
        let file = File::create_new(&new).map_err(|e| StoreError::io("make", &new, e))?;
        flock(&file, FlockOperation::LockExclusive).map_err(|e| StoreError::io("lock", &new, e))?;
        fs::rename(&new, &path).map_err(|e| StoreError::io("make", &path, e))?;
        Ok((path, file))
    }

    /// Whether somebody still writes a log.
    pub fn is_written(&self, log: &Path) -> bool {
        bucket::open(log).is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockShared).is_err())
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
}
