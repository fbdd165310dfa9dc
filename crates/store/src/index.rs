//! The index: an SQLite database that many processes share. Knows tables and how a damaged file is
//! replaced; the modules named like its tables know what the rows mean.
//!
//! Losing it loses no output. Trees and blobs without a row are hashed once more when they are next
//! asked for, actions are read from their JSON files; only the memo table is lost, and made again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::fs::FlockOperation;

use crate::StoreError;
use crate::bucket;
use crate::error::available;

const VERSION: i64 = 2;

/// `boot` is the machine's boot at which a row was written, `synced` whether it was on disk for
/// certain then: without that, what was written at another boot may have been lost with the power.
const SCHEMA: &str = "
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS trees (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE,
  files INTEGER NOT NULL, dirs INTEGER NOT NULL, symlinks INTEGER NOT NULL, bytes INTEGER NOT NULL,
  created INTEGER NOT NULL, boot TEXT NOT NULL, synced INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS trees_unsynced ON trees (boot) WHERE synced = 0;
CREATE TABLE IF NOT EXISTS blobs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL UNIQUE,
  bytes INTEGER NOT NULL, created INTEGER NOT NULL, boot TEXT NOT NULL, synced INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS blobs_unsynced ON blobs (boot) WHERE synced = 0;
CREATE TABLE IF NOT EXISTS actions (
  key BLOB PRIMARY KEY, output BLOB NOT NULL, project TEXT NOT NULL, stage TEXT NOT NULL,
  created INTEGER NOT NULL, json TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS actions_stage ON actions (project, stage, created);
CREATE INDEX IF NOT EXISTS actions_output ON actions (output);
CREATE TABLE IF NOT EXISTS memo (
  ns TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (ns, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS builds (
  id TEXT PRIMARY KEY, project TEXT NOT NULL, targets TEXT NOT NULL, argv TEXT NOT NULL,
  started REAL NOT NULL, finished REAL, ok INTEGER) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS builds_project ON builds (project, id);
CREATE TABLE IF NOT EXISTS stages (
  build TEXT NOT NULL, stage TEXT NOT NULL, output BLOB, json TEXT NOT NULL,
  PRIMARY KEY (build, stage)) WITHOUT ROWID;
COMMIT;";

/// Indices of former versions. By outputs, each row of a build would change a page of its own, and a build writes a row
/// for each of its nodes.
const RETIRED: &str = "DROP INDEX IF EXISTS stages_output;";

/// `user_version` 0: as if it were new.
const EMPTY: &str = "
DELETE FROM trees; DELETE FROM blobs; DELETE FROM actions; DELETE FROM memo;
DELETE FROM stages WHERE build IN (SELECT id FROM builds WHERE finished IS NOT NULL);
DELETE FROM builds WHERE finished IS NOT NULL;
PRAGMA user_version = 0;";

pub(crate) struct Index {
    path: PathBuf,
    writable: bool,
    conn: Mutex<Connection>,
}

/// An index, and whether it is a new one, which knows nothing of what the folders hold.
pub(crate) struct Opened {
    pub(crate) index: Index,
    pub(crate) fresh: bool,
}

impl Index {
    /// Opens the index. One that is damaged is removed, and a new one made.
    pub(crate) fn open(path: PathBuf, lock: &Path, writable: bool) -> Result<Opened, StoreError> {
        let (conn, fresh) = match connect(&path, writable) {
            Ok((conn, true)) if writable => {
                let _guard = guard(lock)?;
                create(&conn, &path)?;
                (conn, true)
            }
            Err(e) if writable && is_damage(&e) => (reconnect(&path, lock, e)?, true),
            other => other?,
        };
        Ok(Opened { index: Self { path, writable, conn: Mutex::new(conn) }, fresh })
    }

    /// Does something with the database.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let conn = self.conn.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        work(&conn).map_err(|source| self.error(source))
    }

    /// Does something that only reads, in one transaction: however many statements it has, the file is locked once, and
    /// all of them see the same state.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.with(|conn| {
            let transaction = conn.unchecked_transaction()?;
            work(&transaction)
        })
    }

    /// Does something that writes, in one transaction.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        if !self.writable {
            return Err(StoreError::ReadOnly { home: self.path.parent().unwrap_or(&self.path).to_owned() });
        }
        self.with(|conn| {
            let transaction = rusqlite::Transaction::new_unchecked(conn, rusqlite::TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            rusqlite::Transaction::commit(transaction)?;
            Ok(done)
        })
    }

    /// Empties it, or, where that is not possible, puts a new one in its place, which other processes that run do
    /// not see. Builds that have not ended stay: only the index knows what came of their stages. Until
    /// [`Index::complete`] whoever opens the store fills it as well: a kill in between loses nothing.
    pub(crate) fn empty(&self, lock: &Path) -> Result<(), StoreError> {
        if self.damage().is_none() {
            return self.write(|conn| conn.execute_batch(EMPTY));
        }
        let mut conn = self.conn.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let _guard = guard(lock)?;
        *conn = replace(&self.path)?;
        Ok(())
    }

    /// Says that the index knows all that the folders say.
    pub(crate) fn complete(&self) -> Result<(), StoreError> {
        self.with(|conn| conn.pragma_update(None, "user_version", VERSION))
    }

    /// What is wrong with the database as such, if anything.
    pub(crate) fn damage(&self) -> Option<String> {
        let checked = self.with(|conn| conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0)));
        match checked {
            Ok(text) if text == "ok" => None,
            Ok(text) => Some(text.lines().map(str::trim).collect::<Vec<_>>().join(" ")),
            Err(error) => Some(error.to_string()),
        }
    }

    /// The same, and on the disk for certain when it is done.
    pub(crate) fn durably<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let synchronous = |how| self.with(|conn| conn.pragma_update(None, "synchronous", how));
        synchronous("full")?;
        let done = self.write(work);
        synchronous("normal")?;
        done
    }

    /// Writes the log back into the database, and empties it.
    pub(crate) fn checkpoint(&self) -> Result<(), StoreError> {
        self.with(|conn| conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
    }

    pub(crate) fn writable(&self) -> bool {
        self.writable
    }

    fn error(&self, source: rusqlite::Error) -> StoreError {
        into_error(&self.path, source)
    }
}

fn into_error(path: &Path, source: rusqlite::Error) -> StoreError {
    let full = || StoreError::io("write", path, std::io::Error::from(std::io::ErrorKind::StorageFull));
    match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => full(),
        // A shared memory file that cannot grow is an input/output error to SQLite.
        Some(ErrorCode::SystemIoFailure) if available(path) < 64 << 10 => full(),
        _ => StoreError::Index { path: path.to_owned(), source },
    }
}

/// Whether SQLite says that the file is no sound database.
fn is_damage(e: &StoreError) -> bool {
    let StoreError::Index { source, .. } = e else { return false };
    matches!(source.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        // A table or column that the version promises is not there.
        || matches!(source.sqlite_error_code(), Some(ErrorCode::Unknown))
}

fn connect(path: &Path, writable: bool) -> Result<(Connection, bool), StoreError> {
    let error = |source| into_error(path, source);
    let conn = if writable { Connection::open_with_flags(path, flags()) } else { connect_read_only(path) };
    let conn = conn.map_err(error)?;
    conn.busy_timeout(Duration::from_secs(60)).map_err(error)?;
    conn.set_prepared_statement_cache_capacity(32);
    let found: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(error)?;
    if found > VERSION {
        return Err(StoreError::Version { path: path.to_owned(), expected: VERSION, found });
    }
    let fresh = found == 0;
    if writable {
        // The last process out would write the log back with an fsync: `Store::sync` does it instead.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(error)?;
        conn.pragma_update(None, "synchronous", "normal").map_err(error)?;
    }
    match (fresh, writable) {
        (false, writable) => {
            probe(&conn).map_err(error)?;
            if writable {
                conn.execute_batch(RETIRED).map_err(error)?;
            }
        }
        (true, false) => conn.execute_batch(SCHEMA).map_err(error)?,
        (true, true) => {}
    }
    Ok((conn, fresh))
}

/// Makes the tables. The caller holds the lock: the change to a write-ahead log waits for nobody.
fn create(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let wal = conn.pragma_update(None, "journal_mode", "wal");
    wal.and_then(|()| conn.execute_batch(SCHEMA)).map_err(|source| into_error(path, source))
}

fn guard(lock: &Path) -> Result<File, StoreError> {
    let guard = bucket::open_or_create(lock);
    let guard = guard.map_err(|e| StoreError::io("open", lock, e))?;
    rustix::fs::flock(&guard, FlockOperation::LockExclusive).map_err(|e| StoreError::io("lock", lock, e))?;
    Ok(guard)
}

fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// In a home that cannot be written to: with the write-ahead log if it is there and readable, else
/// as a file that nobody changes, else, where there is nothing to read yet, an empty one in memory.
fn connect_read_only(path: &Path) -> rusqlite::Result<Connection> {
    let escaped: String = path.to_string_lossy().chars().map(escape).collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    for options in ["", "?immutable=1"] {
        let conn = Connection::open_with_flags(format!("file:{escaped}{options}"), flags);
        let version = conn.as_ref().map(|c| c.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)));
        if matches!(version, Ok(Ok(1..))) {
            return conn;
        }
    }
    Connection::open_in_memory()
}

fn escape(c: char) -> String {
    if matches!(c, '?' | '#' | '%') { format!("%{:02x}", u32::from(c)) } else { c.to_string() }
}

/// Reads a little of every table that is asked at each start, and the length of the file against
/// what its header says: enough to see a file that was cut off or overwritten.
fn probe(conn: &Connection) -> rusqlite::Result<()> {
    for table in ["trees", "blobs", "actions", "memo", "builds", "stages"] {
        let sql = format!("SELECT 1 FROM {table} LIMIT 1");
        let mut statement = conn.prepare(&sql)?;
        statement.query([])?.next()?;
    }
    Ok(())
}

/// Replaces a damaged index. One process does it; the others find the new one.
fn reconnect(path: &Path, lock: &Path, damage: StoreError) -> Result<Connection, StoreError> {
    let _guard = guard(lock)?;
    match connect(path, true) {
        Err(e) if is_damage(&e) => {}
        Ok((conn, true)) => return create(&conn, path).map(|()| conn),
        other => return other.map(|(conn, _)| conn),
    }
    tracing::warn!(path = %path.display(), error = %damage, "the index is damaged; a new one is made");
    replace(path)
}

/// Removes the database and makes an empty one. The caller holds the lock.
fn replace(path: &Path) -> Result<Connection, StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        match fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io("remove", Path::new(&file), e));
            }
            _ => {}
        }
    }
    let (conn, _) = connect(path, true)?;
    create(&conn, path)?;
    Ok(conn)
}
