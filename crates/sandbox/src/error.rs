//! What can go wrong, in words. Knows the reasons that machines have for refusing, not how to look for them.

use std::io;
use std::path::PathBuf;

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The machine does not let this user make namespaces.
    #[error("this machine gives no user namespaces: {tried}: {os}\n{advice}")]
    NoUserNamespaces {
        /// The call that was refused.
        tried: String,
        /// What to do, a line for each reason that may hold.
        advice: String,
        /// What the kernel said.
        os: io::Error,
    },
    /// A step of setting up was refused.
    #[error("cannot set up the sandbox: {what}: {os}{}", .hint.as_deref().map(|h| format!("\n{h}")).unwrap_or_default())]
    Operation {
        /// The step.
        what: String,
        /// What to do about it, if that is known.
        hint: Option<String>,
        /// What the kernel said.
        os: io::Error,
    },
    /// The program cannot be started.
    #[error(
        "cannot run {program} in the sandbox: {os}; look whether it, and the interpreter that it names, are in the root"
    )]
    Exec {
        /// The first argument.
        program: String,
        /// What the kernel said.
        os: io::Error,
    },
    /// A mount of the spec makes no sense.
    #[error("cannot mount at {}: {reason}", .at.display())]
    MountPoint {
        /// Where it should have been.
        at: PathBuf,
        /// Why it cannot, and what to write instead.
        reason: String,
    },
    /// A path of a tree that is to be mounted leads through a symbolic link, or cannot be looked at.
    #[error("cannot mount {}: {source}", .top.join(.source.path()).display())]
    Part {
        /// The tree's top.
        top: PathBuf,
        /// The reason.
        source: akbuild_tree::TreeError,
    },
    /// Something that is to be mounted cannot be read.
    #[error("cannot mount {}: {os}", .path.display())]
    Source {
        /// The file or folder of the host.
        path: PathBuf,
        /// What the system said.
        os: io::Error,
    },
    /// Another field of the spec makes no sense.
    #[error("the sandbox's {field} is not usable: {reason}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it must be.
        reason: String,
    },
    /// This process could not start or follow the helper.
    #[error("{what}: {os}")]
    Parent {
        /// What was done.
        what: &'static str,
        /// What the system said.
        os: io::Error,
    },
    /// The helper ended before it said anything.
    #[error(
        "the sandbox's helper ended before the command started ({status}); the program must call helper_entry first of all"
    )]
    Helper {
        /// How it ended.
        status: String,
    },
}

impl SandboxError {
    /// For `map_err`: an error of this process.
    pub(crate) fn parent(what: &'static str) -> impl FnOnce(io::Error) -> SandboxError {
        move |os| SandboxError::Parent { what, os }
    }
}
