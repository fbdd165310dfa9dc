//! Why a node ran, as records keep it: in words for people. Only this file knows which words stand for a run that nothing
//! but a wish caused. Must not depend on how explanations are found.

use std::fmt;

/// Why a node ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunReason {
    /// It was told to run.
    AskedFor,
    /// It ran once more, to compare the outputs.
    Checked,
    /// Something that its key covers is not what it was; in a line.
    Differs(String),
}

impl fmt::Display for RunReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RunReason::AskedFor => "it was asked for",
            RunReason::Checked => "it was checked",
            RunReason::Differs(text) => text,
        })
    }
}

/// Reads the reason of a record.
impl From<&str> for RunReason {
    fn from(text: &str) -> Self {
        let plain = [RunReason::AskedFor, RunReason::Checked].into_iter().find(|reason| reason.to_string() == text);
        plain.unwrap_or_else(|| RunReason::Differs(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_as_they_are_recorded() {
        for reason in [RunReason::AskedFor, RunReason::Checked, RunReason::Differs("its script changed".into())] {
            assert_eq!(RunReason::from(&*reason.to_string()), reason);
        }
        assert_eq!(RunReason::from("it was asked for"), RunReason::AskedFor);
    }
}
