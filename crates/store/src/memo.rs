//! Derived facts that are dear to compute and may be lost at any time. Knows bytes only, but for one thing:
//! keys about a tree are JSON lists that begin with its hash, so that they can go with it.

use akbuild_nar::TreeHash;
use rusqlite::{Connection, OptionalExtension};

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

/// Drops what is known of a tree.
pub(crate) fn forget_tree(conn: &Connection, hash: &TreeHash) -> rusqlite::Result<()> {
    // In the order of bytes `#` follows the quotation mark that ends the hash.
    let bounds = ['"', '#'].map(|end| format!("[\"{hash}{end}").into_bytes());
    let sql = "DELETE FROM memo WHERE ns IN (SELECT DISTINCT ns FROM memo) AND key >= ?1 AND key < ?2";
    conn.prepare_cached(sql)?.execute(bounds).map(drop)
}
