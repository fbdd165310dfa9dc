//! What a registry says when it refuses: "Error Codes" of the specification, and the other forms that registries,
//! proxies and object stores use. Knows the body's form; not what was asked.

use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::page::page_words;
use crate::said::{Said, clean};

/// How much of an answer that is no success is read.
const LONGEST_BODY: usize = 64 << 10;
/// A smaller size in a text is no limit for a body.
const SMALLEST_LIMIT: u64 = 4 << 10;
/// An answer that is no success, in the registry's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status: 507.
    pub status: u16,
    /// What the status is called: `Insufficient Storage`.
    pub reason: &'static str,
    /// The `errors` of the body; or the body's text, if it is in no such form.
    pub said: Vec<Said>,
    /// The line of an earlier refusal, after which the same was tried in another way.
    pub earlier: Option<String>,
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
        let said = errors(body).or_else(|| Some(vec![single_error(body)?])).unwrap_or_else(|| {
            let text = String::from_utf8_lossy(body);
            let said = match text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with('<') {
                true => page_words(&text).map(|words| words.cleaned()),
                false => Some(Said { message: clean(&text), ..Said::default() }),
            };
            // A title often repeats the status line.
            let status_line = format!("{} {reason}", status.as_u16());
            said.filter(|s| !s.to_string().is_empty() && s.to_string() != status_line).into_iter().collect()
        });
        Self { status: status.as_u16(), reason, said, earlier: None }
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

    /// The size in bytes that the registry's words name as the most it takes, if it is less than the `sent` bytes. There
    /// is no field for it: registries write it only into the message.
    pub(crate) fn size_limit(&self, sent: u64) -> Option<u64> {
        let text = self.said.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ").to_lowercase();
        let about_size = ["too large", "too big", "exceed", "maximum", "limit", "at most"];
        let sizes = about_size.iter().any(|word| text.contains(word)).then(|| sizes(&text))?;
        sizes.into_iter().find(|bytes| (SMALLEST_LIMIT..sent).contains(bytes))
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

/// The `errors` of a body, in the specification's form.
fn errors(body: &[u8]) -> Option<Vec<Said>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let said = body.get("errors")?.as_array()?.iter().map(|error| match error {
        Value::String(text) => Said { message: clean(text), ..Said::default() },
        error => Said {
            code: first_text(error, &["code"]),
            message: first_text(error, &["message"]),
            detail: error.get("detail").map(detail).unwrap_or_default(),
        },
    });
    Some(said.filter(|said| !said.to_string().is_empty()).collect())
}

/// The one error of a body in a form of its own: `{"message": ...}`, `{"error": {"code": ..., "message": ...}}`.
fn single_error(body: &[u8]) -> Option<Said> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error").filter(|error| error.is_object()).unwrap_or(&body);
    let code = first_text(error, &["code", "error"]);
    let message = first_text(error, &["message", "error_description", "title", "reason"]);
    let said = Said { code, message, detail: error.get("detail").map(detail).unwrap_or_default() };
    Some(said).filter(|said| !said.to_string().is_empty())
}

/// The first of the fields that holds a text or a number.
fn first_text(error: &Value, fields: &[&str]) -> String {
    let text = |field: &&str| match error.get(*field)? {
        Value::String(text) => Some(clean(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    fields.iter().find_map(text).unwrap_or_default()
}

/// The sizes in a text in lower case, in bytes: `4.00mib`, `10 mb`, `1048576 bytes`.
fn sizes(text: &str) -> Vec<u64> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let number = &rest[at..];
        let end = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
        let after = number[end..].trim_start();
        let word_end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let unit = match &after[..word_end] {
            "b" | "byte" | "bytes" => Some(1.0),
            "kb" => Some(1e3),
            "k" | "kib" => Some(1024.0),
            "mb" => Some(1e6),
            "m" | "mib" => Some(1024.0 * 1024.0),
            "gb" => Some(1e9),
            "g" | "gib" => Some(1024.0 * 1024.0 * 1024.0),
            _ => None,
        };
        let value = number[..end].trim_end_matches('.').parse::<f64>().ok();
        found.extend(value.zip(unit).map(|(value, unit)| (value * unit) as u64));
        rest = &number[end..];
    }
    found
}

fn detail(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Object(fields) if fields.is_empty() => String::new(),
        Value::String(text) => clean(text),
        other => clean(&other.to_string()),
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
        insta::assert_snapshot!(line(502, "<title>502 Bad Gateway</title>"), @"502 Bad Gateway");
        let page = "\u{feff}\n<html><head><title>413 Request Entity Too Large</title></head></html>";
        insta::assert_snapshot!(line(413, page), @"413 Payload Too Large: 413 Request Entity Too Large");
        insta::assert_snapshot!(line(599, ""), @"599 no known status");
        assert_eq!(line(500, "\x1b[31mred"), "500 Internal Server Error: [31mred");
        assert_eq!(line(500, &"x".repeat(1000)).chars().count(), "500 Internal Server Error: ".len() + 401);
    }

    #[test]
    fn words_in_other_forms_are_kept() {
        insta::assert_snapshot!(line(400, r#"{"errors": [{"status": 400, "message": "no"}, "why", {}]}"#), @"400 Bad Request: no; why");
        insta::assert_snapshot!(line(403, r#"{"message": "403 Forbidden"}"#), @"403 Forbidden: 403 Forbidden");
        insta::assert_snapshot!(line(403, r#"{"error": {"code": 403, "message": "no right", "status": "x"}}"#), @"403 Forbidden: 403: no right");
        insta::assert_snapshot!(line(400, r#"{"error": "invalid_scope", "error_description": "no such scope"}"#), @"400 Bad Request: invalid_scope: no such scope");
        insta::assert_snapshot!(line(400, r#"{"other": 1}"#), @r#"400 Bad Request: {"other": 1}"#);
    }

    #[test]
    fn a_limit_is_read_from_the_words() {
        let limit =
            |text: &str, sent: u64| Refusal::parse(StatusCode::PAYLOAD_TOO_LARGE, text.as_bytes()).size_limit(sent);
        let ghcr = "the request body is too large and exceeds the maximum permissible limit of 4.00MiB";
        assert_eq!(limit(ghcr, 16 << 20), Some(4 << 20));
        assert_eq!(limit(ghcr, 4 << 20), None, "no more than that was sent");
        assert_eq!(limit("16777216 bytes exceed the limit: 10 MB", 16 << 20), Some(10_000_000));
        assert_eq!(limit("body too large, at most 1048576 bytes.", 2 << 20), Some(1 << 20));
        assert_eq!(limit("client_max_body_size is limited to 1m", 2 << 20), Some(1 << 20));
        assert_eq!(limit("out of order at 10 MB", 16 << 20), None);
        assert_eq!(limit("rate limit of 100 requests exceeded", 16 << 20), None);
        assert_eq!(limit("limit 99999999999999999999999999999999 gib 1.2.3 mib", 16 << 20), None);
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
