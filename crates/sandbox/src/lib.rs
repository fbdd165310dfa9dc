//! A confined process tree: what a stage runs in.
//!
//! Knows Linux namespaces, mounts and filters. Knows nothing of stages, stores or recipes: it is given
//! folders, a command and an environment, and gives back an exit status.
//!
//! The parent turns a [`Spec`] into a list of [`Op`]s ([`operations`], plain data) and starts itself
//! again as the *helper* ([`helper_entry`]), which reads that list from a memory file. There are three
//! processes beside the parent:
//!
//! ```text
//! parent --spawn--> helper --fork--> init (pid 1 of the sandbox) --fork--> command (pid 2)
//!    \________________ one control socket _______________/
//! ```
//!
//! The helper enters the namespaces and then only waits. Init carries out the operations, gives up
//! every privilege, starts the command, reaps, and ends when the command ends or when the control
//! socket closes, which is how it learns that the parent is gone. The kernel kills the rest of the
//! sandbox with it. What a [`Control`] asks goes to init over a second socket.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests make the trees that they look at"))]

mod advice;
mod cgroup;
mod control;
mod error;
mod finished;
mod helper;
mod identity;
mod layout;
mod message;
mod operations;
mod ops;
mod probe;
mod processes;
mod reentry;
mod running;
mod seccomp;
mod spawn;
mod spec;
mod sys;
mod wire;

pub use cgroup::counts_memory;
pub use control::{Control, Killer, Signal};
pub use error::SandboxError;
pub use finished::{Finished, Status};
pub use helper::helper_entry;
pub use identity::build_owner;
pub use operations::operations;
pub use ops::{Access, Op, Resource};
pub use probe::{Finding, Probe, probe};
pub use processes::MemoryUse;
pub use running::Running;
pub use spawn::spawn;
pub use spec::{Limits, Mount, MountKind, Network, Output, Spec, Stdio};

/// What fuzzing reaches and nothing else should.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::message::rewritten as message;
    pub use crate::wire::rewritten as job;
}
