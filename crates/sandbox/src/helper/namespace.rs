//! The namespaces that the helper enters, and the ids in a user namespace. Knows no mounts.

use std::{fs, io};

use rustix::thread::UnshareFlags;

use super::failure::{failed, other};
use crate::message::{Failure, Step};
use crate::spec::Network;
use crate::sys;
use crate::wire::Job;

/// Enters new namespaces, of which the sandbox is made.
pub(super) fn enter_namespaces(job: &Job) -> Result<(), Failure> {
    let mut all = UnshareFlags::NEWNS
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWCGROUP
        | UnshareFlags::NEWPID;
    if job.network == Network::Loopback {
        all |= UnshareFlags::NEWNET;
    }
    if job.identity.privileged {
        return sys::unshare(all).map_err(failed(Step::Namespaces, "enter new namespaces"));
    }
    make_dumpable()?;
    sys::unshare(all | UnshareFlags::NEWUSER)
        .map_err(failed(Step::UserNamespace, "enter a new user namespace, with the others"))?;
    map_ids(job)
}

/// Says which ids outside stand for those inside, in a user namespace that this process has just made.
#[allow(clippy::disallowed_methods, reason = "/proc is the kernel's")]
pub(super) fn map_ids(job: &Job) -> Result<(), Failure> {
    let write = |file: &str, text: String| {
        let path = format!("/proc/self/{file}");
        let what = format!("write \"{text}\" to {path}");
        fs::write(&path, text).map_err(failed(Step::UserNamespace, what))
    };
    write("uid_map", format!("{} {} 1", job.ids.0, job.identity.uid))?;
    write("setgroups", "deny".into())?;
    write("gid_map", format!("{} {} 1", job.ids.1, job.identity.gid))
}

/// Gives the files of this process in `/proc` to itself, which a change of id took away.
pub(super) fn make_dumpable() -> Result<(), Failure> {
    let result = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable);
    result.map_err(io::Error::from).map_err(other("keep its own /proc files"))
}
