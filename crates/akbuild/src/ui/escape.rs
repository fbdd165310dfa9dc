//! Control characters of foreign text, made visible. Styles that this program sets begin with a mark that foreign
//! text cannot contain, and pass.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// The beginning of an escape sequence that sets a style. A number that differs in each process follows `ESC [`,
/// so that no text from outside has it; in groups of four digits, as libraries that measure text expect.
static STYLE_MARK: LazyLock<String> = LazyLock::new(|| {
    let number = format!("{:020}", RandomState::new().hash_one("the mark of this process's styles"));
    (0..number.len()).step_by(4).fold("\x1b[".to_owned(), |mark, at| format!("{mark}{};", &number[at..at + 4]))
});

/// Sets a style until the next one: `codes` are those of ECMA-48 (SGR).
pub(crate) fn style(codes: &str) -> String {
    format!("{}{codes}m", *STYLE_MARK)
}

/// Whether a terminal obeys a character, or a reader is misled by it: C0, DEL and C1, and what separates lines or
/// changes the direction of text. Line feeds and tabs are text.
pub(crate) fn is_unsafe(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    }
}

/// Text of one line with each unsafe character as `\u001b`, which is also how JSON writes it. Styles stay.
pub(crate) fn escape_line(text: &str) -> String {
    rewrite(text, |c| is_unsafe(c) || matches!(c, '\n' | '\t'), style)
}

/// Text of any number of lines, escaped in the same way, with its styles as a terminal knows them.
pub(crate) fn for_terminal(text: &str) -> String {
    rewrite(text, is_unsafe, |codes| format!("\x1b[{codes}m"))
}

/// Text without its styles, not escaped.
pub(crate) fn without_styles(text: &str) -> String {
    rewrite(text, |_| false, |_| String::new())
}

fn rewrite(text: &str, is_escaped: impl Fn(char) -> bool, style: impl Fn(&str) -> String) -> String {
    let mut rewritten = String::with_capacity(text.len());
    let mut add = |text: &str, style: &str| {
        rewritten.push_str(style);
        for c in text.chars() {
            // All of them are in the first plane, where four digits are enough.
            if is_escaped(c) { rewritten += &format!("\\u{:04x}", u32::from(c)) } else { rewritten.push(c) }
        }
    };
    for (place, part) in text.split(&**STYLE_MARK).enumerate() {
        match part.split_once('m').filter(|_| place > 0) {
            Some((codes, text)) => add(text, &style(codes)),
            None => add(part, ""),
        }
    }
    rewritten
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_a_terminal_obeys_become_visible() {
        let evil = "evil\x1b]0;x\x07\u{9b}31m\u{202e}\u{2066}\u{2028}\r\x7f\u{61c}\u{200f}";
        let shown = "evil\\u001b]0;x\\u0007\\u009b31m\\u202e\\u2066\\u2028\\u000d\\u007f\\u061c\\u200f";
        assert_eq!([escape_line(evil), for_terminal(evil)], [shown, shown]);
        assert_eq!(escape_line(shown), shown);
        assert_eq!((&*for_terminal("a\tb\nc"), &*escape_line("a\tb\nc")), ("a\tb\nc", "a\\u0009b\\u000ac"));
    }

    #[test]
    fn only_styles_of_this_process_reach_the_terminal() {
        let text = format!("{}\x1b[31mred{} \x1b[0m", style("32"), style("0"));
        assert_eq!(for_terminal(&text), "\x1b[32m\\u001b[31mred\x1b[0m \\u001b[0m");
        assert_eq!(for_terminal(&escape_line(&text)), for_terminal(&text));
        assert_eq!(without_styles(&text), "\x1b[31mred \x1b[0m");
        assert_eq!(for_terminal("\x1b[1;32mforged"), "\\u001b[1;32mforged");
    }
}
