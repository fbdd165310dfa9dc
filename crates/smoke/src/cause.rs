//! What in a log says why something went wrong. Knows the ways in which programs complain; guesses nothing that is not
//! in the log or in the image.

use std::path::Path;

use serde_json::Value;

use crate::root::Root;

/// At most so many lines.
const MOST: usize = 4;
/// Longer lines are cut, in characters.
const LONGEST: usize = 300;

/// Words of lines that tell of a failure, in lower case.
const WORDS: [&str; 14] = [
    "panic:", "fatal", "no such file", "not found", "permission denied", "read-only file system", "cannot ",
    "could not", "failed to", "does not exist", "modulenotfounderror", "exception", "error:", "unable to",
];

/// The lines that matter of what a process has written, and what of the image they are about.
pub(crate) fn causes(lines: &[String], root: &Root) -> Vec<String> {
    let said = complaints(lines);
    let mut all: Vec<String> = said.iter().map(|line| cut(line)).collect();
    for path in said.iter().flat_map(|line| paths(line)) {
        let path = Path::new(path);
        if root.has(path) {
            continue;
        }
        if let Some(there) = root.elsewhere(path) {
            let hint = format!("`{}` is not in the image; `{}` is", path.display(), there.display());
            if !all.contains(&hint) {
                all.push(hint);
            }
        }
    }
    all
}

/// The complaints, the last ones if there are many.
fn complaints(lines: &[String]) -> Vec<String> {
    let texts: Vec<String> = lines.iter().flat_map(|line| unpacked(line)).collect();
    let mut found = tracebacks(&texts);
    if found.is_empty() {
        found = texts.iter().filter(|line| complains(line)).cloned().collect();
    }
    let mut unique: Vec<String> = Vec::new();
    for line in found.into_iter().map(|line| line.trim().to_owned()) {
        unique.retain(|known| *known != line);
        unique.push(line);
    }
    unique.split_off(unique.len().saturating_sub(MOST))
}

fn complains(line: &str) -> bool {
    let lower = line.to_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
}

/// The lines of one line of a log: a JSON object as its parts, anything else as it is.
fn unpacked(line: &str) -> Vec<String> {
    let Some(Value::Object(object)) = line.starts_with('{').then(|| serde_json::from_str(line).ok()).flatten() else {
        return vec![line.to_owned()];
    };
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let level = text("level").or_else(|| text("severity")).unwrap_or_default().to_lowercase();
    let bad = ["error", "critical", "fatal", "panic"].contains(&&*level);
    let message = text("event").or_else(|| text("message")).or_else(|| text("msg"));
    let parts = ["error", "exc", "exception", "traceback"].into_iter().filter_map(text);
    let parts: Vec<String> = parts.flat_map(|part| part.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let first = message.map(|message| if bad { format!("error: {message}") } else { message });
    first.into_iter().chain(parts).collect()
}

/// The last line of each Python traceback: what was raised; of chained ones, the first is the root.
fn tracebacks(lines: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in lines {
        if line.trim_start().starts_with("Traceback (most recent call last)") {
            inside = true;
        } else if inside && !line.starts_with([' ', '\t', '|', '+']) && !line.trim().is_empty() {
            found.push(line.clone());
            inside = false;
        }
    }
    found
}

/// Absolute paths in a line.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || "'\"`()[]{}<>,;".contains(c);
    line.split(ends).map(|word| word.trim_end_matches([':', '.'])).filter(|word| word.starts_with('/') && word.len() > 1)
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        complaints(&text.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_python_raised_is_the_cause() {
        let log = "\
starting
Traceback (most recent call last):
  File \"manage.py\", line 3, in <module>
    main()
FileNotFoundError: [Errno 2] No such file or directory: '/srv/app/web/x.png'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File \"a.py\", line 1, in <module>
ImproperlyConfigured: no icon
an error: later
";
        assert_eq!(
            said(log),
            ["FileNotFoundError: [Errno 2] No such file or directory: '/srv/app/web/x.png'", "ImproperlyConfigured: no icon"]
        );
    }

    #[test]
    fn other_complaints_count_where_nothing_was_raised() {
        let log = "\
ready
{\"event\": \"cannot open socket\", \"level\": \"error\", \"error\": \"bind: address in use\"}
/entrypoint: line 3: exec: gunicorn: not found
all is well
/entrypoint: line 3: exec: gunicorn: not found
";
        assert_eq!(said(log), ["error: cannot open socket", "/entrypoint: line 3: exec: gunicorn: not found"]);
    }

    #[test]
    fn an_exception_in_a_line_of_json_is_read() {
        let log = r#"{"event":"boot","level":"info","exception":"Traceback (most recent call last):\n  File \"x\"\nKeyError: 'a'"}"#;
        assert_eq!(said(log), ["KeyError: 'a'"]);
    }

    #[test]
    fn paths_are_found_in_words() {
        let line = "open('/srv/a.txt'): /etc/hosts: no, `/opt/x/y`. http://h/z";
        assert_eq!(paths(line).collect::<Vec<_>>(), ["/srv/a.txt", "/etc/hosts", "/opt/x/y"]);
    }
}
