//! Derived facts that are dear to compute and may be lost at any time. Knows bytes only.

use rusqlite::OptionalExtension;

use crate::{Store, StoreError};

impl Store {
    /// What was put under this key in this namespace, if it is still there.
    pub fn memo_get(&self, namespace: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT value FROM memo WHERE ns = ?1 AND key = ?2";
        self.inner.index.with(|conn| conn.prepare_cached(sql)?.query_row((namespace, key), |row| row.get(0)).optional())
    }

    /// Puts a fact. A namespace should end in a version, to be raised when the fact is computed anew.
    pub fn memo_put(&self, namespace: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO memo (ns, key, value) VALUES (?1, ?2, ?3)";
        self.inner.index.write(|conn| conn.prepare_cached(sql)?.execute((namespace, key, value)).map(drop))
    }

    /// Forgets them all: something that they were derived from was damaged.
    pub(crate) fn forget_memo(&self) -> Result<(), StoreError> {
        self.inner.index.write(|conn| conn.execute("DELETE FROM memo", []).map(drop))
    }
}
