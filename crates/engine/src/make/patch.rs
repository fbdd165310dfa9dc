//! Changes to a source's files: each must find its text exactly once.
//!
//! Knows text only; `make/source.rs` reads and writes the files.

use crate::error::PatchError;

/// `text` with the one occurrence of `from` replaced.
///
/// # Errors
/// If `from` occurs not at all (with the nearest text and its line) or more than once (with the lines).
pub(crate) fn replace_once(text: &str, from: &str, to: &str) -> Result<String, PatchError> {
    let places: Vec<usize> = text.match_indices(from).map(|(at, _)| at).collect();
    match places[..] {
        [at] => Ok(format!("{}{to}{}", &text[..at], &text[at + from.len()..])),
        [] => {
            let (line, nearest) = nearest(text, from);
            Err(PatchError::NoMatch { line, nearest })
        }
        _ => Err(PatchError::Several { lines: places.iter().map(|&at| line_of(text, at)).collect() }),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The line most like the first line of `wanted` that says something, and its number.
fn nearest(text: &str, wanted: &str) -> (usize, String) {
    let wanted = wanted.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or("");
    let scored = text.lines().enumerate().map(|(i, line)| (likeness(line.trim(), wanted), i + 1, line));
    let best = scored.max_by_key(|&(score, i, _)| (score, std::cmp::Reverse(i)));
    best.map_or((0, String::new()), |(_, i, line)| (i, line.trim_end().to_owned()))
}

/// How many pairs of neighbouring characters two lines share, in thousandths.
fn likeness(a: &str, b: &str) -> u32 {
    (strsim::sorensen_dice(a, b) * 1000.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_match_is_replaced() {
        assert_eq!(replace_once("a ./web b", "./web", "/opt/web").unwrap(), "a /opt/web b");
    }

    #[test]
    fn no_match_shows_the_nearest_line() {
        let error =
            replace_once("one\n  BASE_DIR = Path(__file__).parent\nthree\n", "BASE_DIR = Path(__file__)\n", "x");
        insta::assert_snapshot!(error.unwrap_err(), @"
        matches nothing
          the nearest text is line 2:   BASE_DIR = Path(__file__).parent
        ");
    }

    #[test]
    fn several_matches_are_named_by_line() {
        insta::assert_snapshot!(replace_once("x\ny\nx x\n", "x", "z").unwrap_err(), @"
        matches 3 times, at lines 1, 3, 3
          help: make `from` longer, so that it matches once
        ");
    }

    #[test]
    fn an_empty_file_has_no_match() {
        insta::assert_snapshot!(replace_once("", "x", "z").unwrap_err(), @"
        matches nothing
          the nearest text is line 0:
        ");
    }
}
