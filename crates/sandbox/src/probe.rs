//! What the machine allows, and what to do where it does not.
//!
//! Finds out by trying: it makes a sandbox with nothing in it. Knows the switches that distributions have.
#![allow(clippy::disallowed_methods, reason = "/proc is the kernel's")]

use std::fs;
use std::io;

use crate::identity::{INSIDE, Identity};
use crate::message::{Failure, Step};
use crate::ops::Op;
use crate::spec::{Network, Output, Stdio};
use crate::wire::Job;
use crate::{SandboxError, cgroup, ops, spawn};

/// What the machine allows.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Namespaces with a root, a process table and a loopback interface: without them nothing is built.
    pub namespaces: Finding,
    /// Overlays inside of them.
    pub overlay: Finding,
    /// The system call filter: without it nothing is built.
    pub seccomp: Finding,
    /// A group of its own for each sandbox, which counts and limits its memory.
    pub cgroup: Finding,
}

/// One answer of a [`Probe`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It works.
    Works,
    /// It does not.
    Lacks {
        /// What was tried, and the answer.
        what: String,
        /// What to do about it.
        advice: String,
    },
}

/// Tries what the machine allows. Takes some milliseconds.
pub fn probe() -> Probe {
    let mut base = vec![Op::Hostname("localhost".into()), Op::Loopback, Op::Root, Op::Folder("/proc".into())];
    base.extend(ops::proc("/proc".as_ref()));
    let namespaces = base.iter().cloned().chain([Op::Enter]).collect();
    let overlay = base.iter().cloned().chain([Op::TryOverlay, Op::Enter]).collect();
    Probe { namespaces: attempt(namespaces), overlay: attempt(overlay), seccomp: seccomp(), cgroup: cgroup() }
}

fn attempt(ops: Vec<Op>) -> Finding {
    let job = Job {
        identity: Identity::current(),
        ids: INSIDE,
        network: Network::Loopback,
        ops,
        argv: Vec::new(),
        env: Vec::new(),
        terminal: false,
        seccomp: true,
    };
    match spawn::start(&job, Stdio::Null, Output::Pipe, None) {
        Ok(_) => Finding::Works,
        Err(SandboxError::NoUserNamespaces { tried, advice, os }) => {
            Finding::Lacks { what: format!("{tried}: {os}"), advice }
        }
        Err(SandboxError::Operation { what, hint, os }) => {
            Finding::Lacks { what: format!("{what}: {os}"), advice: hint.unwrap_or_default() }
        }
        Err(e) => Finding::Lacks { what: e.to_string(), advice: String::new() },
    }
}

fn seccomp() -> Finding {
    let actions = fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    if actions.contains("kill_process") && actions.contains("errno") {
        return Finding::Works;
    }
    Finding::Lacks {
        what: "/proc/sys/kernel/seccomp/actions_avail names no kill_process and errno".into(),
        advice: "boot a kernel with CONFIG_SECCOMP_FILTER=y".into(),
    }
}

fn cgroup() -> Finding {
    match cgroup::counts_memory() {
        true => Finding::Works,
        false => Finding::Lacks {
            what: "no cgroup (version 2) that counts memory in its children is writable".into(),
            advice: "builds do not need it; `akbuild smoke` then measures memory and does not limit it".into(),
        },
    }
}

/// A failure of the helper, with what can be done about it.
pub(crate) fn explain(failure: Failure) -> SandboxError {
    let Failure { step, what, errno } = failure;
    let os = io::Error::from_raw_os_error(errno);
    match step {
        Step::Exec => SandboxError::Exec { program: what, os },
        Step::UserNamespace => SandboxError::NoUserNamespaces { tried: what, advice: advice(&Switches::read()), os },
        _ => SandboxError::Operation { what, hint: hint(step, errno).map(str::to_owned), os },
    }
}

fn hint(step: Step, errno: i32) -> Option<&'static str> {
    match (step, errno) {
        (_, libc::ENOSYS) => {
            Some("Linux 5.12 or newer is needed, and a container's system call filter must let it through.")
        }
        (_, libc::ENOSPC) => {
            Some("A limit in /proc/sys/user (max_*_namespaces) or /proc/sys/fs/mount-max is reached; raise it.")
        }
        (Step::Proc, libc::EPERM) => Some(
            "This is a container whose /proc is partly covered, and the kernel gives no full one inside.\n\
             docker: run it with --security-opt systempaths=unconfined; podman: with --security-opt unmask=ALL.",
        ),
        (Step::Overlay, libc::EPERM | libc::EINVAL | libc::ENODEV) => Some(
            "Overlays in user namespaces need Linux 5.11 or newer, the module overlay, and an upper folder on a file system such as ext4, xfs, btrfs or tmpfs.",
        ),
        (Step::Namespaces, libc::EPERM) => {
            Some("This is root without the rights of root. In a container: run it privileged, or as an ordinary user.")
        }
        _ => None,
    }
}

/// The switches that forbid user namespaces, as they stand; `None` where there is no such switch.
#[derive(Clone, Debug, Default)]
struct Switches {
    max: Option<u64>,
    debian: Option<u64>,
    apparmor: Option<u64>,
}

impl Switches {
    fn read() -> Switches {
        let number = |path| fs::read_to_string(path).ok()?.trim().parse().ok();
        Switches {
            max: number("/proc/sys/user/max_user_namespaces"),
            debian: number("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmor: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
        }
    }
}

fn advice(switches: &Switches) -> String {
    let mut lines = Vec::new();
    if switches.max == Some(0) {
        lines.push(
            "user.max_user_namespaces is 0. As root: sysctl -w user.max_user_namespaces=15000, and the same in /etc/sysctl.d.\n\
             NixOS: security.allowUserNamespaces = true.",
        );
    }
    if switches.debian == Some(0) {
        lines.push(
            "kernel.unprivileged_userns_clone is 0. As root: sysctl -w kernel.unprivileged_userns_clone=1, and the same in /etc/sysctl.d.\n\
             NixOS: security.unprivilegedUsernsClone = true.",
        );
    }
    if switches.apparmor == Some(1) {
        lines.push(
            "AppArmor restricts user namespaces (Ubuntu 23.10 and newer). As root, either give this program a profile that allows \
             \"userns\" in /etc/apparmor.d, or: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0.",
        );
    }
    if lines.is_empty() {
        lines.push(
            "No switch of the kernel forbids it. In a container, its system call filter does: docker and podman: \
             --security-opt seccomp=unconfined; Kubernetes: hostUsers: false or a privileged pod. Elsewhere the kernel may lack CONFIG_USER_NS.",
        );
    }
    lines.push("akbuild does not build without a sandbox.");
    lines.join("\n")
}
