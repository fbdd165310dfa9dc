//! Who the command is on the host. Knows ids and capabilities, not namespaces.
//!
//! Inside, user and group are what the spec says. Outside, root must not be that user, since the kernel's
//! own root may write to `/proc/sys` whatever the namespaces say: root takes an id that nothing else uses.

use std::fs;

use rustix::thread::CapabilitySet;

/// User and group inside, unless the spec says otherwise.
pub(crate) const INSIDE: (u32, u32) = (1000, 1000);

/// Ids that no distribution hands out: the first is in systemd's unused range below 2^31, the second
/// is for containers that have only the first 65,536.
const CANDIDATES: [u32; 2] = [0x7ABD_0000, 61_000];

/// Which way the sandbox is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Whether the mounts are made with real privileges, before the user namespace is entered.
    pub(crate) privileged: bool,
    /// User on the host.
    pub(crate) uid: u32,
    /// Group on the host.
    pub(crate) gid: u32,
}

impl Identity {
    /// The identity that this process can give.
    #[allow(clippy::disallowed_methods, reason = "/proc is the kernel's")]
    pub(crate) fn current() -> Identity {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let own = Identity { privileged: false, uid, gid };
        if uid != 0 || !has_privileges() {
            return own;
        }
        let maps = ["/proc/self/uid_map", "/proc/self/gid_map"].map(|p| fs::read_to_string(p).unwrap_or_default());
        match CANDIDATES.into_iter().find(|id| maps.iter().all(|map| is_mapped(map, *id))) {
            Some(id) => Identity { privileged: true, uid: id, gid: id },
            None => own,
        }
    }
}

/// The owner (user, group) that files written in a sandbox have on the host. A folder that is mounted
/// writable must be given to it first.
pub fn build_owner() -> (u32, u32) {
    let identity = Identity::current();
    (identity.uid, identity.gid)
}

/// Whether root here may mount, become somebody else and give files away.
fn has_privileges() -> bool {
    let needed = CapabilitySet::SYS_ADMIN
        | CapabilitySet::SETUID
        | CapabilitySet::SETGID
        | CapabilitySet::NET_ADMIN
        | CapabilitySet::CHOWN;
    rustix::thread::capabilities(None).is_ok_and(|sets| sets.effective.contains(needed))
}

/// Whether `id` lies in a line of a `uid_map`: first id inside, first id outside, count.
fn is_mapped(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|n| n.parse().ok()).collect();
        matches!(numbers[..], [first, _, count] if (first..first + count).contains(&u64::from(id)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_mapped_only_inside_a_line_of_the_map() {
        let rootless = "         0       1000          1\n         1     100000      65536\n";
        assert!(is_mapped(rootless, 61_000));
        assert!(!is_mapped(rootless, 0x7ABD_0000));
        assert!(is_mapped("0 0 4294967295\n", 0x7ABD_0000));
        assert!(!is_mapped("", 0));
    }
}
