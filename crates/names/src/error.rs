//! The message for a name that does not follow its grammar. Knows no grammar.

/// The longest part of a name that a message repeats.
const SHOWN: usize = 100;

/// Why a text is not a name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {kind}: {problem}")]
pub struct NameError {
    /// The expected kind of name, with its article: `an npm package name`.
    kind: &'static str,
    /// The text, escaped and shortened.
    text: String,
    /// The rule that it breaks.
    problem: &'static str,
}

impl NameError {
    pub(crate) fn new(kind: &'static str, text: &str, problem: &'static str) -> Self {
        let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
        if text.chars().nth(SHOWN).is_some() {
            shown.push_str("...");
        }
        // Quotes are no danger in a message, and names in it are not easier to read with them escaped.
        Self { kind, text: shown.replace("\\\"", "\"").replace("\\'", "'"), problem }
    }
}
