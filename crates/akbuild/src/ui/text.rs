//! Text from outside made fit for a terminal or a log: cleaned, cut and padded. Widths are columns.

use console::measure_text_width;

use super::escape::{escape_line, is_unsafe};

/// What a line shows once a terminal has obeyed it, without anything that a terminal would obey:
/// no escape sequences, no control characters, no characters that turn the direction of text, and
/// of what carriage returns overwrite only the last.
pub(crate) fn clean(line: &str) -> String {
    let line = line.trim_end();
    let last = line.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap_or("");
    let mut clean = String::with_capacity(last.len());
    let mut chars = last.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => skip_escape(&mut chars),
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\t' => clean.push(' '),
            c if is_unsafe(c) => {}
            c => clean.push(c),
        }
    }
    clean.trim_end().to_owned()
}

/// The rest of an escape sequence (ECMA-48), its first character being read.
fn skip_escape(chars: &mut std::str::Chars<'_>) {
    match chars.next() {
        Some('[') => skip_control_sequence(chars),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(chars),
        Some(' '..='/') => while chars.next().is_some_and(|c| (' '..='/').contains(&c)) {},
        _ => {}
    }
}

/// Parameters and what is between, then one final character.
fn skip_control_sequence(chars: &mut std::str::Chars<'_>) {
    while chars.next().is_some_and(|c| (' '..='?').contains(&c)) {}
}

/// Up to BEL or the string terminator.
fn skip_string(chars: &mut std::str::Chars<'_>) {
    while let Some(c) = chars.next() {
        match c {
            '\x07' | '\u{9c}' => return,
            '\x1b' => {
                chars.next();
                return;
            }
            _ => {}
        }
    }
}

/// At most `width` columns of text, escaped; what is cut off is shown by dots.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let dots = if width > 12 { "..." } else { "" };
    console::truncate_str(&escape_line(text), width, dots).into_owned()
}

/// `text` cut or filled up to exactly `width` columns.
pub(crate) fn left(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let fill = width.saturating_sub(measure_text_width(&text));
    text + &" ".repeat(fill)
}

/// `text` filled up to at least `width` columns, and never cut.
pub(crate) fn pad(text: &str, width: usize) -> String {
    left(text, width.max(measure_text_width(&escape_line(text))))
}

/// `text` at the right end of at least `width` columns.
pub(crate) fn right(text: &str, width: usize) -> String {
    let text = escape_line(text);
    " ".repeat(width.saturating_sub(measure_text_width(&text))) + &text
}

/// Every line of `text` behind `prefix`.
pub(crate) fn indent(text: &str, prefix: &str) -> String {
    text.lines().map(|line| format!("{prefix}{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_goes() {
        assert_eq!(clean("\x1b[1;32mok\x1b[0m \x1b[2Kdone\x1b[?25h"), "ok done");
        assert_eq!(clean("\x1b]0;title\x07a\x1b]8;;http://x.invalid\x1b\\link\x1b]8;;\x1b\\b"), "alinkb");
        assert_eq!(clean("\x1b(Bplain\x1bM \x08\x07\u{9b}31mred\x7f"), "plain red");
        assert_eq!(clean("a\tb\u{202e}c\u{2066}"), "a bc");
        assert_eq!(clean("cut off \x1b[3"), "cut off");
    }

    #[test]
    fn a_line_that_redraws_itself_shows_its_last_state() {
        assert_eq!(clean(" 10%\r 55%\r100%\r\n"), "100%");
        assert_eq!(clean("kept\r   \r"), "kept");
    }

    #[test]
    fn widths_are_columns_not_bytes() {
        assert_eq!(cut("grün und 日本語のログ", 14), "grün und 日...");
        assert_eq!(left("日本", 6), "日本  ");
        assert_eq!(left("webui-deps", 5), "webui");
        assert_eq!(pad("webui", 3) + &pad("a", 3), "webuia  ");
        assert_eq!(right("9 s", 5), "  9 s");
    }
}
