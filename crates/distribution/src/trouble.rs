//! Why one request came to nothing, and whether another may do better. Knows no particular request.

use std::time::Duration;

use crate::{DistributionError, Refusal};

/// Why a request came to nothing.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It may go better a little later.
    Passing {
        /// Whom was asked, without secrets.
        at: String,
        /// What went wrong, in one line.
        reason: String,
        /// How long the registry asks to wait.
        wait: Option<Duration>,
        /// What it says, if it answered at all.
        refusal: Option<Refusal>,
    },
    /// The registry said no.
    Refused {
        /// Whom was asked.
        at: String,
        /// What it says.
        refusal: Refusal,
    },
    /// There will be no answer.
    Silent {
        /// Whom was asked.
        at: String,
        /// Why.
        reason: String,
    },
    /// The answer is none to the question.
    Odd {
        /// Whom was asked.
        at: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The registry sends to an address that is not encrypted.
    Plain {
        /// The address, without secrets.
        to: String,
    },
    /// Something that has its own words.
    Fatal(DistributionError),
}

impl Trouble {
    /// Something that may pass, without an answer.
    pub(crate) fn passing(at: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Passing { at: at.into(), reason: reason.into(), wait: None, refusal: None }
    }

    /// What is told when nothing more is tried. `from`: where the credentials came from.
    pub(crate) fn error(self, doing: &str, from: Option<String>) -> DistributionError {
        let doing = doing.to_owned();
        match self {
            Trouble::Passing { at, refusal: Some(refusal), .. } | Trouble::Refused { at, refusal } => {
                DistributionError::Refused { doing, at, refusal, from }
            }
            Trouble::Passing { at, reason, .. } | Trouble::Silent { at, reason } => {
                DistributionError::Unreachable { doing, at, reason }
            }
            Trouble::Odd { at, problem } => DistributionError::Protocol { doing, at, problem },
            Trouble::Plain { to } => DistributionError::Plain { doing, to },
            Trouble::Fatal(error) => error,
        }
    }
}
