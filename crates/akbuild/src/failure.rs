//! Errors on their way out: the one place that decides what is said and with which code the program ends.

use akbuild_recipe::RecipeErrors;

use crate::ui::Paint;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Ok = 0,
    /// A stage or the user's input failed.
    Failed = 1,
    /// The command line was wrong.
    Usage = 2,
    /// A check found something wrong.
    Found = 3,
    /// akbuild itself is wrong.
    Bug = 70,
    /// Stopped from outside.
    Interrupted = 130,
    /// The reader of stdout is gone: 128 and SIGPIPE, as a shell reports programs that this signal ends.
    ReaderGone = 141,
}

/// A command that did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Everything has been said already.
    Told(Exit),
    /// A program that was run for the user ended with this code.
    Passed(u8),
    /// To be said.
    Say(String),
    /// What is wrong with a written file, with its place.
    Recipe(RecipeErrors),
}

impl Failure {
    /// The message and the code; the message has its kind in front.
    pub(crate) fn render(&self, paint: Paint) -> (Option<String>, u8) {
        match self {
            Failure::Told(exit) => (None, *exit as u8),
            Failure::Passed(code) => (None, *code),
            Failure::Say(text) => (Some(format!("error: {text}")), Exit::Failed as u8),
            Failure::Recipe(errors) => (Some(errors.render(&|part, text| paint.part(part, text))), Exit::Failed as u8),
        }
    }
}

impl From<RecipeErrors> for Failure {
    fn from(errors: RecipeErrors) -> Self {
        Failure::Recipe(errors)
    }
}

macro_rules! say {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self { Failure::Say(error.to_string()) }
        })+
    };
}
say!(
    akbuild_engine::EngineError,
    akbuild_store::StoreError,
    akbuild_fetch::FetchError,
    akbuild_fetch::Failures,
    akbuild_nar::NarError,
    akbuild_sandbox::SandboxError,
    akbuild_sysroot::SysrootError,
    akbuild_image::ImageError,
    akbuild_distribution::DistributionError,
    akbuild_distribution::ReferenceError,
    akbuild_attest::SbomError,
    akbuild_attest::ProvenanceError,
    akbuild_tree::TreeError,
);

impl From<akbuild_export::ExportError> for Failure {
    fn from(error: akbuild_export::ExportError) -> Self {
        match error {
            akbuild_export::ExportError::Stopped => Failure::Told(Exit::Interrupted),
            other => Failure::Say(other.to_string()),
        }
    }
}

impl From<akbuild_smoke::SmokeError> for Failure {
    fn from(error: akbuild_smoke::SmokeError) -> Self {
        match error {
            akbuild_smoke::SmokeError::Interrupted => Failure::Told(Exit::Interrupted),
            other => Failure::Say(other.to_string()),
        }
    }
}

/// A result of a command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Says what was being done when the system refused.
pub(crate) fn io<T>(result: std::io::Result<T>, doing: &str, path: &std::path::Path) -> Outcome<T> {
    result.map_err(|error| Failure::Say(format!("cannot {doing} `{}`: {error}", path.display())))
}
