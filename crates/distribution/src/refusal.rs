//! What a registry says when it refuses: "Error Codes" of the specification. Knows the body's form; not what was
//! asked.

use std::fmt;

use reqwest::{Response, StatusCode};
use serde_json::Value;

/// How much of an answer that is no success is read.
const LONGEST_BODY: usize = 64 << 10;
/// How much of one text in it is shown.
const LONGEST_TEXT: usize = 400;

/// An answer that is no success, in the registry's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status: 507.
    pub status: u16,
    /// What the status is called: `Insufficient Storage`.
    pub reason: &'static str,
    /// The `errors` of the body; or the body's text, if it is in no such form.
    pub said: Vec<Said>,
}

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

impl Refusal {
    /// Reads an answer; what cannot be read of it is left out.
    pub(crate) async fn read(mut answer: Response, patience: std::time::Duration) -> Self {
        let status = answer.status();
        let mut body = Vec::new();
        while let Ok(Ok(Some(chunk))) = tokio::time::timeout(patience, answer.chunk()).await {
            body.extend_from_slice(&chunk);
            if body.len() >= LONGEST_BODY {
                body.truncate(LONGEST_BODY);
                break;
            }
        }
        Self::parse(status, &body)
    }

    pub(crate) fn parse(status: StatusCode, body: &[u8]) -> Self {
        let reason = status.canonical_reason().unwrap_or("no known status");
        let said = errors(body).unwrap_or_else(|| {
            let message = clean(&String::from_utf8_lossy(body));
            // A page for people to look at says nothing in a terminal.
            let is_page = message.trim_start().starts_with('<');
            let text = Said { message, ..Said::default() };
            Some(text).filter(|s| !s.message.is_empty() && !is_page).into_iter().collect()
        });
        Self { status: status.as_u16(), reason, said }
    }

    /// Whether the registry gives this code.
    pub(crate) fn has(&self, code: &str) -> bool {
        self.said.iter().any(|s| s.code == code)
    }

    /// Whether the registry has no room: waiting does not help.
    pub(crate) fn is_full(&self) -> bool {
        let text = |s: &Said| format!("{} {}", s.message, s.detail).to_lowercase();
        // 28 is ENOSPC and 122 EDQUOT, as the registry of the CNCF writes what its file system says.
        let full = ["no space left", "disk quota exceeded", "\"err\":28}", "\"err\":122}"];
        self.status == StatusCode::INSUFFICIENT_STORAGE.as_u16()
            || self.said.iter().any(|s| full.iter().any(|f| text(s).contains(f)))
    }

    /// The status in words.
    pub(crate) fn status_line(&self) -> String {
        format!("{} {}", self.status, self.reason)
    }

    /// The status and what was said, in one line.
    pub(crate) fn line(&self) -> String {
        let said: Vec<String> = self.said.iter().map(ToString::to_string).collect();
        if said.is_empty() { self.status_line() } else { format!("{}: {}", self.status_line(), said.join("; ")) }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.code, &self.message, &self.detail];
        let parts: Vec<&str> = parts.into_iter().filter(|p| !p.is_empty()).map(String::as_str).collect();
        f.write_str(&parts.join(": "))
    }
}

fn errors(body: &[u8]) -> Option<Vec<Said>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |error: &Value, key: &str| error.get(key).and_then(Value::as_str).map(clean).unwrap_or_default();
    let said = body.get("errors")?.as_array()?.iter().map(|error| Said {
        code: text(error, "code"),
        message: text(error, "message"),
        detail: error.get("detail").map(detail).unwrap_or_default(),
    });
    Some(said.collect())
}

fn detail(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Object(fields) if fields.is_empty() => String::new(),
        Value::String(text) => clean(text),
        other => clean(&other.to_string()),
    }
}

/// One line without control characters, cut where it gets too long.
fn clean(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    match line.char_indices().nth(LONGEST_TEXT) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(status: u16, body: &str) -> String {
        Refusal::parse(StatusCode::from_u16(status).unwrap(), body.as_bytes()).line()
    }

    #[test]
    fn the_registrys_own_words_are_kept() {
        let body = r#"{"errors": [{"code": "DENIED", "message": "no\n way", "detail": {"name": "app"}},
            {"code": "UNKNOWN", "detail": {}}]}"#;
        insta::assert_snapshot!(line(403, body), @r#"403 Forbidden: DENIED: no way: {"name":"app"}; UNKNOWN"#);
        insta::assert_snapshot!(line(507, "the disk is full\n"), @"507 Insufficient Storage: the disk is full");
        insta::assert_snapshot!(line(502, "<html><body>Bad Gateway</body></html>"), @"502 Bad Gateway");
        insta::assert_snapshot!(line(599, ""), @"599 no known status");
        assert_eq!(line(500, "\x1b[31mred"), "500 Internal Server Error: [31mred");
        assert_eq!(line(500, &"x".repeat(1000)).chars().count(), "500 Internal Server Error: ".len() + 401);
    }

    #[test]
    fn a_full_disk_is_known_in_its_forms() {
        let full =
            |status: u16, body: &str| Refusal::parse(StatusCode::from_u16(status).unwrap(), body.as_bytes()).is_full();
        assert!(full(507, ""));
        assert!(full(500, "write: No space left on device"));
        let detail = r#"{"errors":[{"code":"UNKNOWN","message":"x","detail":{"Enclosed":{"Op":"write","Err":28}}}]}"#;
        assert!(full(500, detail));
        assert!(!full(500, &detail.replace("28", "2")));
    }
}
