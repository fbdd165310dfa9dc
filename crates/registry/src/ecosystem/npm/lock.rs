//! The format of `package-lock.json`: a map of packages. Must not depend on the meaning of an entry.

use serde_json::{Map, Value};

use crate::LockError;

pub(super) const AGAIN: &str = "write the file again with `npm install --package-lock-only`";

/// A parsed `package-lock.json`.
#[derive(Debug)]
pub struct NpmLock {
    pub(super) file: String,
    pub(super) root: Map<String, Value>,
    pub(super) packages: Map<String, Value>,
}

impl NpmLock {
    /// Reads the text of a lock file, with or without a byte order mark; `file` is its name, for messages.
    pub fn parse(text: &str, file: &str) -> Result<Self, LockError> {
        let file = file.to_owned();
        let lock: Value = serde_json::from_str(without_mark(text)).map_err(|e| syntax(&file, &e))?;
        let version = lock.get("lockfileVersion").and_then(Value::as_u64);
        if !matches!(version, Some(2..=4)) {
            let found = version.map_or("(none)".to_owned(), |v| v.to_string());
            let advice = "write it again with npm 7 or later: `npm install --package-lock-only`";
            return Err(LockError::Version { file, field: "lockfileVersion", found, expected: "2, 3 or 4", advice });
        }
        let Value::Object(mut root) = lock else { unreachable!("only an object has fields") };
        match root.get_mut("packages").map(Value::take) {
            Some(Value::Object(packages)) => Ok(Self { file, root, packages }),
            other => {
                let found = other.map_or("nothing".to_owned(), |v| kind(&v).to_owned());
                Err(LockError::Shape { file, at: "packages".to_owned(), expected: "an object", found, advice: AGAIN })
            }
        }
    }
}

/// A text without the byte order mark that editors on Windows put in front of it.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn syntax(file: &str, e: &serde_json::Error) -> LockError {
    let problem = e.to_string();
    let problem = problem.split(" at line ").next().unwrap_or(&problem).to_owned();
    LockError::Syntax { file: file.to_owned(), line: e.line(), column: e.column().max(1), problem, advice: AGAIN }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
