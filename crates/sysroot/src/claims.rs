//! Which package a path belongs to, when several have it: decided by `Replaces` alone, so that the
//! answer does not depend on which was unpacked first. Knows no file system.

use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::SysrootError;
use crate::control::Paragraph;
use crate::relation::{Relation, relations};

const SHARDS: usize = 64;

/// The number of a package among those that are unpacked.
pub(crate) type PackageId = u32;

struct Party {
    name: String,
    version: String,
    replaces: Vec<Relation>,
}

struct Holder {
    winner: PackageId,
    losers: Vec<PackageId>,
}

/// Everything that is claimed so far.
pub(crate) struct Claims {
    parties: Vec<Party>,
    shards: Vec<Mutex<HashMap<Vec<u8>, Holder>>>,
}

/// What a claim led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The path was free.
    Free,
    /// The path was taken over: what lies there must go.
    Taken,
    /// Another package keeps it.
    Lost,
}

impl Claims {
    /// Nothing claimed, between packages with these control files.
    pub(crate) fn new<'a>(packages: impl Iterator<Item = &'a Paragraph>) -> Self {
        let party = |p: &Paragraph| Party {
            name: p.get("package").to_owned(),
            version: p.get("version").to_owned(),
            replaces: relations(p.get("replaces")),
        };
        Claims { parties: packages.map(party).collect(), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Claims a path for a package and runs `act` while no other thread can claim the same one.
    pub(crate) fn claim<T>(
        &self,
        path: &[u8],
        by: PackageId,
        act: impl FnOnce(Claim) -> Result<T, SysrootError>,
    ) -> Result<T, SysrootError> {
        let mut shard = self.shard(path);
        let claim = match shard.entry(path.to_owned()) {
            Entry::Vacant(entry) => {
                entry.insert(Holder { winner: by, losers: Vec::new() });
                Claim::Free
            }
            Entry::Occupied(mut entry) => self.contest(path, entry.get_mut(), by)?,
        };
        act(claim)
    }

    /// Who holds a path.
    pub(crate) fn holder(&self, path: &[u8]) -> Option<PackageId> {
        self.shard(path).get(path).map(|h| h.winner)
    }

    fn contest(&self, path: &[u8], holder: &mut Holder, by: PackageId) -> Result<Claim, SysrootError> {
        if holder.winner == by {
            return Ok(Claim::Taken);
        }
        if holder.losers.contains(&by) {
            return Ok(Claim::Lost);
        }
        // Against every claimant, not only the winner: else the order of unpacking would decide.
        for other in holder.losers.iter().chain([&holder.winner]) {
            self.winner(path, *other, by)?;
        }
        if self.winner(path, holder.winner, by)? == by {
            holder.losers.push(holder.winner);
            holder.winner = by;
            Ok(Claim::Taken)
        } else {
            holder.losers.push(by);
            Ok(Claim::Lost)
        }
    }

    /// The one that replaces the other; if each does, the one whose name sorts last.
    fn winner(&self, path: &[u8], a: PackageId, b: PackageId) -> Result<PackageId, SysrootError> {
        let replaces = |x: PackageId, y: PackageId| {
            let (x, y) = (&self.parties[x as usize], &self.parties[y as usize]);
            x.replaces.iter().any(|r| r.name == y.name && r.admits(&y.version))
        };
        match (replaces(a, b), replaces(b, a)) {
            (true, false) => Ok(a),
            (false, true) => Ok(b),
            (true, true) => Ok(a.max(b)),
            (false, false) => Err(SysrootError::Overlap {
                path: String::from_utf8_lossy(path).into_owned(),
                first: self.label(a.min(b)),
                second: self.label(a.max(b)),
            }),
        }
    }

    fn label(&self, id: PackageId) -> String {
        let party = &self.parties[id as usize];
        format!("{} {}", party.name, party.version)
    }

    fn shard(&self, path: &[u8]) -> MutexGuard<'_, HashMap<Vec<u8>, Holder>> {
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        self.shards[hasher.finish() as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(controls: &[&str]) -> Claims {
        let all: Vec<_> = controls.iter().map(|c| Paragraph::parse(c)).collect();
        Claims::new(all.iter())
    }

    #[test]
    fn replaces_decides_in_any_order() {
        let controls = ["Package: a\nVersion: 1\n", "Package: b\nVersion: 1\nReplaces: a (<< 2)\n"];
        for order in [[0, 1], [1, 0]] {
            let claims = claims(&controls);
            let first = claims.claim(b"x", order[0], Ok).unwrap();
            let second = claims.claim(b"x", order[1], Ok).unwrap();
            assert_eq!(first, Claim::Free);
            assert_eq!(second, if order[1] == 1 { Claim::Taken } else { Claim::Lost });
            assert_eq!(claims.holder(b"x"), Some(1));
        }
    }

    #[test]
    fn overlap_without_replaces() {
        let claims = claims(&["Package: a\nVersion: 1\n", "Package: b\nVersion: 2\nReplaces: a (<< 1)\n"]);
        claims.claim(b"usr/bin/x", 1, Ok).unwrap();
        let error = claims.claim(b"usr/bin/x", 0, Ok).unwrap_err();
        insta::assert_snapshot!(error, @r"
        both a 1 and b 2 contain `usr/bin/x`, and neither replaces the other
          help: leave one of them out of the sysroot's package list
        ");
    }
}
