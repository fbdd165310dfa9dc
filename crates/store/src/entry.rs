//! What the store holds, for people who look: each tree and blob with its size, its age, its last use and
//! what it was made for. Knows the index alone; reads no tree.

use std::collections::{BTreeSet, HashMap};

use akbuild_nar::{Digest, TreeHash, TreeStats};

use crate::{BuildId, Store, StoreError};

/// A tree of the store.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeEntry {
    /// Its hash.
    pub hash: TreeHash,
    /// How much is in it; files that it shares with other trees are counted in each.
    pub stats: TreeStats,
    /// When it was published, in seconds since 1970.
    pub created: f64,
    /// When the newest build began that made or used it; when it was published, if no record names it.
    pub used: f64,
    /// The project and node of each record that names it.
    pub names: BTreeSet<(String, String)>,
}

/// A blob of the store.
#[derive(Clone, Debug, PartialEq)]
pub struct BlobEntry {
    /// Its digest.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// When it was downloaded, in seconds since 1970.
    pub created: f64,
}

/// A record that names a tree.
struct Named {
    output: TreeHash,
    project: String,
    node: String,
    build: Option<BuildId>,
}

impl Store {
    /// Every tree on record, in the order of their hashes.
    pub fn trees(&self) -> Result<Vec<TreeEntry>, StoreError> {
        let mut trees: Vec<TreeEntry> = self.inner.index.with(|conn| {
            let sql = "SELECT hash, files, dirs, symlinks, bytes, created FROM trees ORDER BY hash";
            let read = |row: &rusqlite::Row<'_>| {
                let n = |i| row.get::<_, i64>(i).map(i64::cast_unsigned);
                let created = row.get::<_, i64>(5)? as f64;
                let stats = TreeStats { files: n(1)?, dirs: n(2)?, symlinks: n(3)?, bytes: n(4)? };
                Ok(TreeEntry { hash: hash(row, 0)?, stats, created, used: created, names: BTreeSet::new() })
            };
            conn.prepare_cached(sql)?.query_map([], read)?.collect()
        })?;
        let places: HashMap<TreeHash, usize> = trees.iter().enumerate().map(|(i, t)| (t.hash, i)).collect();
        for named in self.names()? {
            let Some(tree) = places.get(&named.output).map(|i| &mut trees[*i]) else { continue };
            tree.names.insert((named.project, named.node));
            tree.used = tree.used.max(named.build.map_or(0.0, |build| build.started()));
        }
        for tree in &mut trees {
            let made = |(_, node): &(String, String)| !node.starts_with("check:");
            // What a stage made when it was checked is called after the check only if it made something else.
            if tree.names.iter().any(made) {
                tree.names.retain(made);
            }
        }
        Ok(trees)
    }

    /// Every blob on record, in the order of their digests.
    pub fn blobs(&self) -> Result<Vec<BlobEntry>, StoreError> {
        let rows: Vec<(String, i64, i64)> = self.inner.index.with(|conn| {
            let sql = "SELECT digest, bytes, created FROM blobs ORDER BY digest";
            conn.prepare_cached(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
        })?;
        let entry = |(digest, bytes, created): (String, i64, i64)| {
            Some(BlobEntry { digest: digest.parse().ok()?, bytes: bytes.cast_unsigned(), created: created as f64 })
        };
        Ok(rows.into_iter().filter_map(entry).collect())
    }

    /// The project and node of each output on record, with the newest build that names them.
    fn names(&self) -> Result<Vec<Named>, StoreError> {
        let sql = "SELECT output, project, stage, NULL FROM actions
                   UNION ALL
                   SELECT output, project, stage, max(build) FROM stages JOIN builds ON builds.id = stages.build
                   WHERE output IS NOT NULL GROUP BY output, project, stage";
        self.inner.index.with(|conn| {
            let read = |row: &rusqlite::Row<'_>| {
                let build: Option<String> = row.get(3)?;
                Ok(Named {
                    output: hash(row, 0)?,
                    project: row.get(1)?,
                    node: row.get(2)?,
                    build: build.map(BuildId::from_name),
                })
            };
            conn.prepare_cached(sql)?.query_map([], read)?.collect()
        })
    }
}

fn hash(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<TreeHash> {
    row.get::<_, [u8; 32]>(column).map(TreeHash::from)
}
