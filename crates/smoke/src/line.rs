//! One line of a log: how bad it says it is, and what it says. Knows the forms in which programs write logs: plain text with
//! a word for the level, `level=...`, and JSON as structlog, logrus, zap or bunyan write it, with exceptions in it.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// What a traceback of Python begins with.
pub(crate) const TRACEBACK: &str = "Traceback (most recent call last):";
/// What stands between two of which the first led to the second.
pub(crate) const CHAINED: [&str; 2] = [
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
];

/// How bad something is by its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// A warning, or less.
    Warning,
    /// Nothing is said.
    Unknown,
    /// An error.
    Error,
    /// It is the end of whoever writes it.
    Fatal,
}

impl Level {
    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "fatal" | "panic" | "dpanic" => Level::Fatal,
            "error" | "eror" | "err" | "critical" | "crit" | "alert" | "emergency" => Level::Error,
            "warn" | "info" | "notice" | "debug" | "trace" | "log" | "success" => Level::Warning,
            // `DeprecationWarning` too.
            word if word.ends_with("warning") => Level::Warning,
            _ => return None,
        })
    }

    /// Whether a word is the name of a level.
    pub(crate) fn is_word(word: &str) -> bool {
        Level::of_word(&word.to_lowercase()).is_some() && !word.ends_with("Warning")
    }

    /// Of bunyan and pino, which count: 40 is a warning.
    fn of_number(number: u64) -> Self {
        match number {
            0..50 => Level::Warning,
            50..60 => Level::Error,
            _ => Level::Fatal,
        }
    }

    /// By the first word of a plain line that is a level.
    pub(crate) fn of_text(text: &str) -> Self {
        let words = || text.split_whitespace().take(12);
        words().next().and_then(Level::of_glog).or_else(|| words().find_map(Level::of_token)).unwrap_or(Level::Unknown)
    }

    /// `E1130`, as glog and klog begin a line: the level's first letter, month and day.
    fn of_glog(token: &str) -> Option<Self> {
        let date = token.get(1..).filter(|date| date.len() == 4 && date.bytes().all(|byte| byte.is_ascii_digit()));
        match (token.chars().next()?, date) {
            ('I' | 'W', Some(_)) => Some(Level::Warning),
            ('E', Some(_)) => Some(Level::Error),
            ('F', Some(_)) => Some(Level::Fatal),
            _ => None,
        }
    }

    /// `[INFO]`, `WARNING/MainProcess]`, `DeprecationWarning:`, `level=warn`; in running text, it is only a word.
    fn of_token(token: &str) -> Option<Self> {
        let lower = token.to_lowercase();
        if let Some(("level" | "lvl" | "severity", level)) = lower.split_once('=') {
            return Level::of_word(level.trim_matches('"'));
        }
        let plain = |text: &str| text.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
        let level = Level::of_word(&plain(lower.split('/').next().unwrap_or_default()))?;
        let stands_out = token.starts_with(['[', '(', '<']) || token.ends_with([':', ']', ')', '>']);
        let is_loud = token.chars().any(char::is_alphabetic) && !token.contains(char::is_lowercase);
        // A service writes `FATAL` of a connection: whose end it is cannot be told.
        (stands_out || is_loud).then_some(level.min(Level::Error))
    }
}

/// A line without the sequences that colour it, or that a terminal obeys otherwise.
pub(crate) fn plain(line: &str) -> Cow<'_, str> {
    if !line.contains('\x1b') {
        return Cow::Borrowed(line);
    }
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\x1b', Some('[')) => {
                chars.next();
                // Parameters and what is between, then one final character.
                while chars.next().is_some_and(|c| (' '..='?').contains(&c)) {}
            }
            ('\x1b', Some(']')) => while chars.next().is_some_and(|c| c != '\x07' && c != '\\') {},
            ('\x1b', _) => drop(chars.next()),
            (c, _) => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

/// The lines of one line of a log, and how bad it is: a JSON object as its parts, anything else as it is.
pub(crate) fn unpack(line: &str) -> (Level, Vec<String>) {
    let line = &*plain(line);
    let json = line.trim_start().starts_with('{').then(|| serde_json::from_str(line).ok()).flatten();
    match json {
        Some(Value::Object(object)) => of_json(&object),
        _ => (Level::of_text(line), vec![line.to_owned()]),
    }
}

fn of_json(object: &Map<String, Value>) -> (Level, Vec<String>) {
    let text = |names: &[&str]| names.iter().find_map(|name| object.get(*name)?.as_str()).map(str::to_owned);
    let names = ["level", "severity", "lvl", "levelname", "log.level", "loglevel"];
    let level = match names.iter().find_map(|name| object.get(*name)) {
        Some(Value::String(word)) => Level::of_word(&word.to_lowercase()).unwrap_or(Level::Unknown),
        Some(Value::Number(number)) => number.as_u64().map_or(Level::Unknown, Level::of_number),
        _ => Level::Unknown,
    };
    let mut message = text(&["event", "message", "msg"]).unwrap_or_default();
    let mut lines = Vec::new();
    for part in ["error", "err", "exc", "exc_info", "exception", "traceback", "stack"] {
        match object.get(part) {
            Some(Value::String(text)) if text.contains('\n') => lines.extend(text.lines().map(str::to_owned)),
            Some(Value::String(text)) if message.is_empty() => message.clone_from(text),
            Some(Value::String(text)) if !message.contains(text.as_str()) => message = format!("{message}: {text}"),
            Some(value) => raised(value, &mut lines),
            None => {}
        }
    }
    if !message.is_empty() {
        lines.insert(0, if level >= Level::Error { format!("error: {message}") } else { message });
    }
    (level, lines)
}

/// Exceptions as structlog's `dict_tracebacks` writes them, as Python itself would have: from the first that was raised to
/// the last; here the first of the array is the last that was raised.
fn raised(value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Array(stacks) => {
            for (i, stack) in stacks.iter().rev().enumerate() {
                if i > 0 {
                    lines.push(CHAINED[0].to_owned());
                }
                raised(stack, lines);
            }
        }
        Value::Object(stack) => {
            let text = |name: &str| stack.get(name).and_then(Value::as_str).unwrap_or_default();
            // Of a group, each that is in it: none of them led to another.
            let inside = stack.get("exceptions").and_then(Value::as_array);
            inside.into_iter().flatten().for_each(|one| raised(one.get("stacks").unwrap_or(one), lines));
            if !text("exc_type").is_empty() {
                lines.push(TRACEBACK.to_owned());
                lines.push(format!("{}: {}", text("exc_type"), text("exc_value").lines().next().unwrap_or_default()));
            }
        }
        _ => {}
    }
}
