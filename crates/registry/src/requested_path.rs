//! The path of a request, decoded. A pure function of the text; must not depend on a protocol or a catalogue.

use akbuild_names::percent_decode;

/// The path of a request, decoded and without anything that could lead elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestedPath {
    /// All of it, from the first `/`.
    pub(crate) whole: String,
    /// Where the part below the first folder begins.
    below: usize,
}

impl RequestedPath {
    /// Reads a path with or without a query. `None` if an escape is malformed, or a part is `.` or `..` or has a control
    /// character or a backslash.
    pub(crate) fn parse(target: &str) -> Option<Self> {
        let whole = percent_decode(target.split(['?', '#']).next().unwrap_or_default())?.into_owned();
        let is_odd = |part: &str| matches!(part, "." | "..") || part.contains(|c: char| c.is_control() || c == '\\');
        if !whole.starts_with('/') || whole.split('/').any(is_odd) {
            return None;
        }
        let below = whole[1..].find('/').map_or(whole.len(), |slash| slash + 2);
        Some(Self { whole, below })
    }

    /// The first folder; empty where there is only a file.
    pub(crate) fn folder(&self) -> &str {
        self.whole[1..].split_once('/').map_or("", |(folder, _)| folder)
    }

    /// The part below the first folder.
    pub(crate) fn below(&self) -> &str {
        &self.whole[self.below..]
    }
}
