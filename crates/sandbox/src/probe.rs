//! What the machine allows. Finds out by trying: it makes a sandbox with nothing in it.
#![allow(clippy::disallowed_methods, reason = "/proc is the kernel's")]

use std::fs;

use crate::identity::{INSIDE, Identity};
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
