//! What can go wrong while a plan is carried out. Each message says what, where, what was expected
//! and found, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use akbuild_fetch::{FailureKind, Failures, FetchError};
use akbuild_launch::LaunchError;
use akbuild_nar::TreeHash;
use akbuild_store::size;

use crate::keys::view_problem::ViewProblem;
use crate::stage::stray::StrayLink;
use crate::unmet_need::UnmetNeed;

impl From<FetchError> for EngineError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Cancelled => EngineError::Cancelled,
            error => EngineError::Fetch(error),
        }
    }
}

impl From<Failures> for EngineError {
    fn from(failures: Failures) -> Self {
        match failures.0.iter().any(|failure| failure.kind == FailureKind::Cancelled) {
            true => EngineError::Cancelled,
            false => EngineError::Downloads(failures),
        }
    }
}

impl From<LaunchError> for EngineError {
    fn from(error: LaunchError) -> Self {
        match error {
            LaunchError::Image(error) => EngineError::Image(error),
            LaunchError::Tree(error) => EngineError::Tree(error),
            LaunchError::Io { doing, path, source } => EngineError::Io { doing, path, source },
            LaunchError::User { problem } => EngineError::User { problem },
        }
    }
}

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The store.
    #[error(transparent)]
    Store(#[from] akbuild_store::StoreError),
    /// A download or a source.
    #[error(transparent)]
    Fetch(akbuild_fetch::FetchError),
    /// An archive.
    #[error(transparent)]
    Archive(#[from] akbuild_fetch::ArchiveError),
    /// Downloads, all that failed.
    #[error(transparent)]
    Downloads(akbuild_fetch::Failures),
    /// The sandbox.
    #[error(transparent)]
    Sandbox(#[from] akbuild_sandbox::SandboxError),
    /// A sysroot.
    #[error(transparent)]
    Sysroot(#[from] akbuild_sysroot::SysrootError),
    /// A path of a tree.
    #[error(transparent)]
    Tree(#[from] akbuild_tree::TreeError),
    /// A path of a tree that a stage names and that cannot be used.
    #[error("stage `{stage}`: {source}")]
    Unreachable {
        /// The stage.
        stage: String,
        /// The reason.
        source: akbuild_tree::TreeError,
    },
    /// An image.
    #[error(transparent)]
    Image(#[from] akbuild_image::ImageError),
    /// An image that lacks something of what it should ship.
    #[error(
        "`/{path}` of {tree} is not in the image, or not the same there\n  help: that is a bug in how layers are made of pieces; report it with the recipe"
    )]
    NotShipped {
        /// The path in the image.
        path: String,
        /// The tree.
        tree: String,
    },
    /// An image whose user is not in it.
    #[error(
        "the image cannot be started: {problem}\n  help: write numbers as the `user` of its stage, or one that is there"
    )]
    User {
        /// Why not.
        problem: String,
    },
    /// Links that lead into a folder of the build.
    #[error("stage `{stage}` left {}:\n{}\n  help: copy what the link leads to, or make the link relative within the output", crate::stage::stray::count(.links), crate::stage::stray::list(.links))]
    BuildLinks {
        /// The stage.
        stage: String,
        /// The links.
        links: Vec<StrayLink>,
    },
    /// A lock that does not say what ships.
    #[error(transparent)]
    Npm(#[from] akbuild_registry::ShippedNpmError),
    /// A program whose modules cannot be told.
    #[error(
        "`{program}` of stage `{stage}` does not say which modules are in it: {problem}\n  help: ship it as `go build` leaves it, neither packed nor stripped afterwards; `akbuild image --bare` writes no bill of materials"
    )]
    Modules {
        /// The stage.
        stage: String,
        /// The program, in the stage's output.
        program: String,
        /// Why not.
        problem: akbuild_attest::go::GoError,
    },
    /// A module that no lock has a hash of.
    #[error(
        "`{module}@{version}` is in `{program}`, and no `go.sum` has its hash\n  help: build the program from a vendor folder of a `go-vendor` stage"
    )]
    Unlocked {
        /// The module.
        module: String,
        /// Its version.
        version: String,
        /// The program.
        program: String,
    },
    /// An upstream lock file.
    #[error(transparent)]
    Lock(#[from] akbuild_registry::LockError),
    /// The file system.
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io {
        /// The operation, as a verb.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A pattern of a subset.
    #[error("{0}")]
    Glob(String),
    /// A patch that does not fit.
    #[error("patch of `{file}` in source `{source_id}` ({at}) {problem}")]
    Patch {
        /// The source.
        source_id: String,
        /// The file.
        file: String,
        /// Where the patch is written.
        at: String,
        /// What is wrong.
        problem: PatchError,
    },
    /// A local source without its folder.
    #[error("source `{id}` is the local folder `{}`, which is not there\n  help: check `path` of the source", path.display())]
    NoFolder {
        /// The source.
        id: String,
        /// The folder.
        path: PathBuf,
    },
    /// A path that a stage wants of a tree and that is not there.
    #[error(
        "stage `{stage}` ({at}) wants `{path}` of {tree}, which has no such file or folder\n  help: correct the path, or what makes the tree: {near}"
    )]
    NoSuchPath {
        /// The stage.
        stage: String,
        /// Where the stage is written.
        at: String,
        /// What it wants.
        path: String,
        /// Of which tree.
        tree: String,
        /// What the tree has near it.
        near: String,
    },
    /// A lock file of upstream that a source does not have.
    #[error("source `{id}` has no `{path}`\n  help: check `source` and `folder` of the stage that needs it; {near}")]
    NoLockFile {
        /// The source.
        id: String,
        /// The file.
        path: String,
        /// What the source has near it.
        near: String,
    },
    /// A folder in which a script should start.
    #[error(
        "stage `{stage}` ({at}) starts in `{folder}`, which is not there\n  help: correct `cwd` or `folder` of the stage, or let its `include` or `copies` bring the folder"
    )]
    NoStart {
        /// The stage.
        stage: String,
        /// Where the stage is written.
        at: String,
        /// The folder.
        folder: String,
    },
    /// A subset that matches no file.
    #[error(
        "stage `{stage}` takes nothing from {tree}: none of its files matches {patterns}\n  help: check `include` and `exclude` of the stage{near}"
    )]
    NothingMatches {
        /// The stage.
        stage: String,
        /// Of which tree.
        tree: String,
        /// The patterns.
        patterns: String,
        /// What the tree has near them, behind a colon; perhaps nothing.
        near: String,
    },
    /// A part of a tree that a stage cannot be shown.
    #[error("stage `{stage}` cannot use {tree}: {problem}")]
    View {
        /// The stage.
        stage: String,
        /// The tree.
        tree: String,
        /// The reason.
        problem: ViewProblem,
    },
    /// Two pieces bring the same file.
    #[error("stage `{stage}`: `{path}` comes from two pieces\n  help: give one of them an `exclude`")]
    Overlap {
        /// The stage.
        stage: String,
        /// The path in the output.
        path: String,
    },
    /// A script failed.
    #[error("{what} {how}")]
    Script {
        /// `stage "webui"`, or its check.
        what: String,
        /// `exited with status 2`, `was ended by signal 9`.
        how: String,
    },
    /// What the loopback registry was asked for and does not have.
    #[error("{what} {how}\n  it asked the registry for what no lock names:\n{misses}")]
    Misses {
        /// As of [`EngineError::Script`].
        what: String,
        /// As of [`EngineError::Script`].
        how: String,
        /// A line each.
        misses: String,
    },
    /// A script left its output empty.
    #[error("stage `{stage}` succeeded but left its output empty\n  help: its script must write to $out")]
    Empty {
        /// The stage.
        stage: String,
    },
    /// An output that is not what the recipe pins.
    #[error(
        "output of stage `{stage}` has another hash than its `output_hash`\n  expected {expected}\n     found {found}\n  help: see what changed with `akbuild why {stage}`; if it is meant, pin the new hash at {at}"
    )]
    OutputHash {
        /// The stage.
        stage: String,
        /// What the recipe says.
        expected: TreeHash,
        /// What it is.
        found: TreeHash,
        /// Where the stage is written.
        at: String,
    },
    /// A source that is not what is pinned.
    #[error(
        "source `{id}` has another hash than the pinned one\n  expected {expected}\n     found {found}\n  from {from}\n  help: if it was changed on purpose, change the pin: `hash` in the recipe or the overlay if it stands there, or else with `akbuild lock sources`"
    )]
    SourceHash {
        /// The source.
        id: String,
        /// The pin.
        expected: TreeHash,
        /// What it is.
        found: TreeHash,
        /// Where it came from.
        from: String,
    },
    /// Libraries and other things that would not be found at run time.
    #[error("{words}")]
    Elf {
        /// What is missing.
        unmet: Vec<UnmetNeed>,
        /// The message.
        words: String,
    },
    /// A git repository is wanted of a source that is none.
    #[error(
        "source `{id}` is given to a stage as a git repository, but is none\n  help: give the source a `git` address"
    )]
    NotGit {
        /// The source.
        id: String,
    },
    /// A sysroot that Python packages are installed in has no C library.
    #[error(
        "sysroot `{sysroot}` has no `libc6`: which Python wheels fit it cannot be known\n  help: add `libc6` to its packages"
    )]
    NoLibc {
        /// The sysroot.
        sysroot: String,
    },
    /// The machine's own programs are to build for Python packages, and it has no glibc.
    #[error(
        "sysroot `{sysroot}` is this machine's own, whose C library is no glibc: which Python wheels fit it cannot be known\n  help: leave out `--toolchain host`"
    )]
    NoHostLibc {
        /// The sysroot.
        sysroot: String,
    },
    /// A stage without a script has no sandbox.
    #[error(
        "stage `{stage}` puts trees together without running anything: it has no sandbox\n  help: look at its output in the store, or open a shell in one of the stages it takes from"
    )]
    NoSandbox {
        /// The stage.
        stage: String,
    },
    /// No room is left where the store is.
    #[error("{cause}\n  help: make room on the file system of `{}`: {}{} are free; or put the store elsewhere with --home DIR", home.display(), more(*.written), size(*.free))]
    Full {
        /// What could not be done.
        cause: Box<EngineError>,
        /// The home.
        home: PathBuf,
        /// Bytes that were written before, and are removed now.
        written: u64,
        /// Bytes that were free then.
        free: u64,
    },
    /// A sysroot could not be made.
    #[error("{0}")]
    Sysroots(String),
    /// Several things that are wrong, each a message of its own.
    #[error("{}", .0.join("\n\nerror: "))]
    Faults(Vec<String>),
    /// The run was interrupted.
    #[error("interrupted")]
    Cancelled,
    /// A thread of akbuild panicked.
    #[error("akbuild itself failed: {0}")]
    Bug(String),
}

impl EngineError {
    /// The error of a view, before it is known which stage it is for.
    pub(crate) fn of_view(problem: ViewProblem) -> Self {
        EngineError::View { stage: String::new(), tree: String::new(), problem }
    }

    /// The error of a view, with the stage and the tree that it is for; other errors as they are.
    pub(crate) fn in_stage(self, stage: &str, tree: &str) -> Self {
        match self {
            EngineError::View { problem, .. } => {
                EngineError::View { stage: stage.to_owned(), tree: tree.to_owned(), problem }
            }
            other => other,
        }
    }
}

/// Why a patch does not fit.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// Its file cannot be reached.
    #[error(transparent)]
    Tree(#[from] akbuild_tree::TreeError),
    /// Its text is not there.
    #[error("matches nothing\n  the nearest text is line {line}: {nearest}")]
    NoMatch {
        /// The line that is most like it; 0 in an empty file.
        line: usize,
        /// Its text.
        nearest: String,
    },
    /// Its text is there more than once.
    #[error("matches {} times, at lines {}\n  help: make `from` longer, so that it matches once", .lines.len(), join(.lines))]
    Several {
        /// The lines.
        lines: Vec<usize>,
    },
    /// The file is not there.
    #[error(
        "has no file to change: the source has no `{0}`\n  help: if this version needs it no longer, delete the patch"
    )]
    NoFile(String),
    /// The file is not text.
    #[error("cannot be made: the file is not UTF-8 text")]
    NotText,
    /// The replacement has changed since the plan was made.
    #[error("takes its text from `{0}`, which changed while akbuild was running")]
    Changed(String),
}

fn more(written: u64) -> String {
    if written == 0 { String::new() } else { format!("more than {} are needed, ", size(written)) }
}

fn join(lines: &[usize]) -> String {
    lines.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

/// Names the operation and the path of an [`io::Error`].
pub(crate) trait Io<T> {
    /// `cannot <doing> <path>: ...`
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, EngineError>;
}

impl<T> Io<T> for Result<T, io::Error> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, EngineError> {
        self.map_err(|source| EngineError::Io { doing, path: path.to_owned(), source })
    }
}

impl<T> Io<T> for Result<T, rustix::io::Errno> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, EngineError> {
        self.map_err(io::Error::from).doing(doing, path)
    }
}
