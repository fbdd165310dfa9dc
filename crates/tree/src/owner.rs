//! Giving a whole tree to another owner. Knows ids; must not know whose they are.

use std::path::Path;

use rustix::fs::{AtFlags, Gid, Uid, chownat};

use crate::{TreeDir, TreeError};

impl TreeDir {
    /// Gives the top and everything in it to a user and a group. Links themselves change their owner, not their targets.
    pub fn give_to(&self, (uid, gid): (u32, u32)) -> Result<(), TreeError> {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        let given = self.walk(|folder, name, _| chownat(folder, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW));
        given.map_err(|e| self.chain.refused(Path::new(""), e, "change the owner of"))
    }
}
