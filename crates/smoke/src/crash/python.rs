//! Tracebacks of Python: their lines, from the first to the exception. Knows nothing of other lines of a log, but that they
//! may come between.

use crate::line::{CHAINED, Level, TRACEBACK};

/// More lines than this are no traceback any more.
const LONGEST: usize = 2000;

/// Exceptions by which a program ends that was told to.
const ENDS: [&str; 4] = ["KeyboardInterrupt", "SystemExit", "GeneratorExit", "asyncio.exceptions.CancelledError"];

/// A traceback whose exception has not come.
#[derive(Debug, Default)]
pub(super) struct Traceback {
    /// The number of its first line.
    pub(super) line: u64,
    /// All its lines.
    pub(super) excerpt: Vec<String>,
    /// What stands before each of its lines, if something does.
    pub(super) prefix: String,
    /// It was raised because of the one before.
    pub(super) is_chained: bool,
    /// It is of several exceptions.
    pub(super) is_group: bool,
    /// It stands in the frame of a group.
    pub(super) is_framed: bool,
    /// A line of it has a text that is allowed.
    pub(super) is_allowed: bool,
}

/// What a line is to a traceback.
pub(super) enum Part {
    /// Code, or a line of somebody else.
    Inside,
    /// The exception.
    Raised(String),
    /// The traceback has no end.
    Lost,
}

impl Traceback {
    /// The traceback that this line begins.
    pub(super) fn begun_by(line: &str, n: u64) -> Option<Self> {
        let prefix = line.trim_end().strip_suffix(TRACEBACK)?;
        let is_group = prefix.ends_with("Exception Group ");
        let is_framed = prefix.trim_start().starts_with(['|', '+']);
        let prefix = if is_group || is_framed { String::new() } else { prefix.to_owned() };
        Some(Self { line: n, excerpt: vec![line.to_owned()], prefix, is_group, is_framed, ..Self::default() })
    }

    /// One that is to follow, and was raised because of the one before.
    pub(super) fn chained(n: u64) -> Self {
        Self { line: n, is_chained: true, ..Self::default() }
    }

    /// Reads the next line.
    pub(super) fn read(&mut self, line: &str) -> Part {
        if self.excerpt.len() > LONGEST {
            return Part::Lost;
        }
        // Lines of several processes may be mixed, where each has its name before it.
        let line = match line.strip_prefix(&self.prefix).filter(|_| !self.prefix.trim().is_empty()) {
            Some(own) => own,
            None => ungrouped(line),
        };
        if is_exception(line) { Part::Raised(line.trim().to_owned()) } else { Part::Inside }
    }
}

/// Whether a line says that the exception before it led to the next.
pub(super) fn chains(line: &str) -> bool {
    CHAINED.iter().any(|text| line.trim().trim_start_matches(['|', ' ']).ends_with(text))
}

/// Whether a program ends by this exception as it was told to.
pub(super) fn ends_as_told(raised: &str) -> bool {
    let name = raised.split(':').next().unwrap_or_default();
    ENDS.contains(&name)
}

/// Whether a line is the last of a traceback: `package.module.Name: message`, or the name alone.
fn is_exception(line: &str) -> bool {
    let name = line.split(": ").next().unwrap_or_default().trim_end().trim_end_matches(':');
    let part = |part: &str| {
        let mut chars = part.chars();
        let begins = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
        (begins && chars.all(|c| c.is_alphanumeric() || c == '_')) || part == "<locals>"
    };
    let is_name = !name.is_empty() && name.split('.').all(part);
    let is_class = name.contains('.') || name.starts_with(|c: char| c.is_uppercase() || c == '_');
    is_name && is_class && !Level::is_word(name)
}

/// A line without the frame that Python draws around groups of exceptions.
fn ungrouped(line: &str) -> &str {
    let inner = line.trim_start();
    inner.strip_prefix("| ").or_else(|| inner.strip_prefix("+ ")).unwrap_or(line)
}
