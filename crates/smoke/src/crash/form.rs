//! The forms of crashes that are known by one line, or by two: a headline and the first frame of its stack.

use crate::line::Level;

/// Texts of crashes of compiled programs and of the C library, in lower case.
const NATIVE: [&str; 6] = [
    "segmentation fault",
    "terminate called after throwing an instance of",
    "*** stack smashing detected ***",
    "double free or corruption",
    "error while loading shared libraries: ",
    "symbol lookup error: ",
];

/// What has crashed, by what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CrashKind {
    Python,
    Go,
    Rust,
    Java,
    Node,
    DotNet,
    Ruby,
    Php,
    Native,
    /// A line whose level says so.
    Fatal,
}

impl CrashKind {
    /// In a sentence: `process "x" logged ...`.
    pub(crate) fn as_words(self) -> &'static str {
        match self {
            CrashKind::Python => "a Python traceback",
            CrashKind::Go => "a panic of Go",
            CrashKind::Rust => "a panic of Rust",
            CrashKind::Java => "a Java exception",
            CrashKind::Node => "an error of Node.js with its stack",
            CrashKind::DotNet => "an exception of .NET",
            CrashKind::Ruby => "a Ruby exception",
            CrashKind::Php => "a fatal error of PHP",
            CrashKind::Native => "a crash",
            CrashKind::Fatal => "a fatal error",
        }
    }
}

/// A line, the one before it, and how bad it says it is.
pub(super) struct Form<'a> {
    pub(super) line: &'a str,
    pub(super) before: &'a str,
    pub(super) level: Level,
}

/// A crash that a line shows.
pub(super) struct Raised {
    pub(super) kind: CrashKind,
    pub(super) said: String,
    /// It begins with the line before.
    pub(super) with_line_before: bool,
}

impl Form<'_> {
    /// The crash that this line shows.
    pub(super) fn raised(&self) -> Option<Raised> {
        if let Some(kind) = self.frame() {
            return Some(Raised { kind, said: self.before.trim().to_owned(), with_line_before: true });
        }
        // Older versions of Node.js call it a warning.
        let is_rejected = self.line.contains("UnhandledPromiseRejectionWarning: ");
        let kind = Some(self.headline()?).filter(|_| is_rejected || self.level != Level::Warning)?;
        Some(Raised { kind, said: self.line.trim().to_owned(), with_line_before: false })
    }

    fn headline(&self) -> Option<CrashKind> {
        let line = self.line.trim_start();
        let lower = line.to_lowercase();
        let assertion = lower.contains("assertion `") && lower.ends_with("' failed.");
        Some(match () {
            () if line.starts_with("thread '") && line.contains(" panicked at ") => CrashKind::Rust,
            () if line.starts_with("[UnhandledPromiseRejection: ") => CrashKind::Node,
            () if line.contains("UnhandledPromiseRejectionWarning: ") => CrashKind::Node,
            () if line.starts_with("Unhandled exception. ") => CrashKind::DotNet,
            () if line.contains("Fatal error: ") && line.contains("Uncaught ") => CrashKind::Php,
            () if is_of_ruby(line) => CrashKind::Ruby,
            () if assertion || NATIVE.iter().any(|text| lower.contains(text)) => CrashKind::Native,
            () => return None,
        })
    }

    /// Whose stack it is that begins with this line.
    fn frame(&self) -> Option<CrashKind> {
        let headline = self.before.trim();
        let is_begin = !headline.is_empty() && !is_frame(self.before);
        if !is_begin || headline.starts_with("Trace") || Level::of_text(headline) == Level::Warning {
            return None;
        }
        frame_of(self.line)
    }
}

/// Whose frame a line is: `    at NAME(FILE.java:12)`, `    at NAME (/srv/x.js:1:2)`, `   at NAME in /srv/x.cs:line 3`.
fn frame_of(line: &str) -> Option<CrashKind> {
    let frame = line.strip_prefix([' ', '\t'])?.trim_start().strip_prefix("at ")?.trim_end();
    if frame.contains(":line ") {
        return Some(CrashKind::DotNet);
    }
    let inner = frame.strip_suffix(')').and_then(|frame| Some(frame.rsplit_once('(')?.1));
    let place = inner.unwrap_or(frame);
    let mut numbers = place.rsplit(':');
    let mut number = || numbers.next().is_some_and(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let (last, middle) = (number(), number());
    match inner {
        _ if last && middle => Some(CrashKind::Node),
        Some("Native Method" | "Unknown Source") => Some(CrashKind::Java),
        Some(_) if last => Some(CrashKind::Java),
        _ => None,
    }
}

/// Whether a line is a frame of a stack.
pub(super) fn is_frame(line: &str) -> bool {
    frame_of(line).is_some()
}

/// `x.rb:3:in 'start': no port (ArgumentError)`
fn is_of_ruby(line: &str) -> bool {
    let class = line.trim_end().strip_suffix(')').and_then(|line| Some(line.rsplit_once(" (")?.1));
    let is_class = |class: &str| {
        let plain = class.chars().all(|c| c.is_alphanumeric() || c == ':' || c == '_');
        plain && class.starts_with(|c: char| c.is_uppercase())
    };
    class.is_some_and(is_class) && (line.contains(":in '") || line.contains(":in `"))
}

/// Whether a line is how Go tells of a panic, if a goroutine follows.
pub(super) fn is_panic(line: &str) -> bool {
    line.starts_with("panic: ") || line.starts_with("fatal error: ") || line.contains("panic serving ")
}

/// `goroutine 1 [running]:`
pub(super) fn is_goroutine(line: &str) -> bool {
    let rest = line.trim_start().strip_prefix("goroutine ");
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains('[') && rest.ends_with(':'))
}

/// Whether a line may be of what Go writes about its goroutines.
pub(super) fn is_of_dump(line: &str) -> bool {
    let begins = ["\t", "goroutine ", "created by ", "[signal ", "exit status ", "panic: "];
    line.trim().is_empty() || line.ends_with(')') || begins.iter().any(|begin| line.starts_with(begin))
}
