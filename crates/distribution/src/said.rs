//! One error in a registry's words, as a line that can be shown. Must not depend on the form of an answer.

use std::fmt;

/// How much of one text in it is shown.
const LONGEST_TEXT: usize = 400;

/// One error of a registry's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The code: `DENIED`. Empty if there is none.
    pub code: String,
    /// The message, or any text.
    pub message: String,
    /// Whatever else the registry says, as JSON.
    pub detail: String,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.code, &self.message, &self.detail];
        let parts: Vec<&str> = parts.into_iter().filter(|p| !p.is_empty()).map(String::as_str).collect();
        f.write_str(&parts.join(": "))
    }
}

impl Said {
    pub(crate) fn cleaned(&self) -> Self {
        Self { code: clean(&self.code), message: clean(&self.message), detail: clean(&self.detail) }
    }
}

/// One line without control characters, cut where it gets too long.
pub(crate) fn clean(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    match line.char_indices().nth(LONGEST_TEXT) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
