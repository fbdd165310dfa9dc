//! The errors of locking. Each message says what is wrong, where, and what to do.

use akbuild_engine::EngineError;
use akbuild_fetch::FetchError;
use akbuild_names::{NameError, PythonPackageName, PythonPackageVersion};
use akbuild_nar::DigestError;
use akbuild_recipe::plan::{SourceId, ToolId};
use akbuild_recipe::{RecipeErrors, ToolSpec};
use akbuild_registry::simple::PageError;
use akbuild_store::StoreError;
use akbuild_sysroot::SysrootError;

/// Why something could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The recipe, the overlay or the lock is wrong at a place that is known.
    #[error("{0}")]
    Recipe(#[from] RecipeErrors),
    /// A source could not be fetched, or a stage cannot be run with it; also that locking was stopped.
    #[error(transparent)]
    EngineContext(#[from] EngineError),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The packages of a sysroot could not be resolved.
    #[error(transparent)]
    Sysroot(#[from] SysrootError),
    /// No archive of Debian packages is configured.
    #[error(
        "no Debian archive is configured: neither apt on this machine nor the overlay names one\n  help: write \
         `registries.debian = [\"https://...\"]` in akbuild.local.toml"
    )]
    NoArchive,
    /// A pin was asked for of a source that cannot have one.
    #[error("source `{0}` is a local folder: it has no pin")]
    LocalFolder(SourceId),
    /// A tool could not be pinned.
    #[error("cannot pin tool `{id}` ({spec}): {cause}")]
    Tool {
        /// Its name in the recipe.
        id: ToolId,
        /// What the recipe asks for.
        spec: ToolSpec,
        /// Why not.
        cause: Box<ToolPinError>,
    },
    /// A stage failed that was run to find build requirements.
    #[error(
        "`{stage}` failed, so it is not known what source distributions are built with\n  help: correct what the lines \
         above say; the next attempt goes on with this step{}",
        if *pinned {
            "; if a build requirement finds no version that fits, `akbuild lock python` pins all of them anew"
        } else {
            ""
        }
    )]
    StageFailed {
        /// The stage.
        stage: String,
        /// Whether some build requirements are pinned already.
        pinned: bool,
    },
    /// A run failed, and no stage of it is at fault. [`LockHost::run_failed`](crate::LockHost::run_failed) has said why.
    #[error("the stages that show build requirements did not run")]
    RunFailed,
}

impl From<FetchError> for LockError {
    fn from(error: FetchError) -> Self {
        LockError::EngineContext(error.into())
    }
}

/// Why a tool could not be pinned.
#[derive(Debug, thiserror::Error)]
pub enum ToolPinError {
    /// The recipe's name or version, or the registry's file name, is not one.
    #[error("{0}\n  help: correct the recipe's tools")]
    Name(#[from] NameError),
    /// The mirrors could not be found out, or locking was stopped.
    #[error(transparent)]
    EngineContext(#[from] EngineError),
    /// The registry did not answer; perhaps it has no package of that name and version.
    #[error("{0}\n  help: correct the package or its version in the recipe's tools")]
    Registry(EngineError),
    /// The page of a Python index cannot be read.
    #[error(transparent)]
    Page(#[from] PageError),
    /// A digest of the registry cannot be read.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// A Python index has no wheel that runs here.
    #[error(
        "the Python index has no wheel of {name} {version} for this machine{}\n  help: look at {page} and correct the \
         recipe's tools",
        if last.is_empty() { String::new() } else { format!("; the last ones there are {last}") }
    )]
    NoWheel {
        /// The project.
        name: PythonPackageName,
        /// The version that the recipe asks for.
        version: PythonPackageVersion,
        /// The page, without secrets.
        page: String,
        /// The last versions on it that have wheels, with commas between them.
        last: String,
    },
    /// An npm registry answered with something else than a description of the package.
    #[error("{page} does not describe {package}: {problem}")]
    NotDescribed {
        /// The page, without secrets.
        page: String,
        /// Name and version.
        package: String,
        /// What is wrong with the answer.
        problem: String,
    },
}
