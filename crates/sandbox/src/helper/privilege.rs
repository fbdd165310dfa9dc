//! Giving up every privilege, for good. Knows ids and capabilities, not mounts.

use std::io;

use rustix::process::DumpableBehavior;
use rustix::thread::{CapabilitySet, CapabilitySets, Gid, Uid, UnshareFlags};

use super::failure::{failed, other};
use super::namespace::{make_dumpable, map_ids};
use crate::identity::Identity;
use crate::message::{Failure, Step};
use crate::sys;
use crate::wire::Job;

/// Turns this process into the build user, with no capability now or later.
pub(super) fn give_up(job: &Job) -> Result<(), Failure> {
    if job.identity.privileged {
        become_user(job.identity).map_err(other("become the build user"))?;
        make_dumpable()?;
        sys::unshare(UnshareFlags::NEWUSER).map_err(failed(Step::UserNamespace, "enter a new user namespace"))?;
        map_ids(job)?;
    }
    give_up_capabilities().map_err(other("give up all capabilities"))?;
    // A keyring of the host's session would be a way to its keys. A kernel without keyrings has none to leave.
    match sys::leave_keyring() {
        Err(e) if e.raw_os_error() != Some(libc::ENOSYS) => Err(other("leave the session's keyring")(e)),
        _ => Ok(()),
    }
}

fn become_user(identity: Identity) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid));
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)?;
    Ok(())
}

fn give_up_capabilities() -> io::Result<()> {
    // The kernel knows fewer than 64 and refuses the first that it does not know.
    for capability in (0..64).map(|n| CapabilitySet::from_bits_retain(1 << n)) {
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Err(rustix::io::Errno::INVAL) => break,
            result => result?,
        }
    }
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    rustix::thread::clear_ambient_capability_set()?;
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}
