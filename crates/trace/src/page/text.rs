//! Text from outside made fit for HTML. Knows no element.

use std::fmt::{self, Display, Formatter, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Text that may stand between tags and in a quoted attribute. What cannot be seen is shown: a control character by
/// its picture, one that turns the direction of text by its number; line feeds stay.
pub(crate) struct Esc<T>(pub(crate) T);

impl<T: AsRef<str>> Display for Esc<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let text = self.0.as_ref();
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'');
        if text.bytes().all(is_plain) {
            return f.write_str(text);
        }
        text.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            '\n' => f.write_char(c),
            '\0'..='\x1f' => f.write_char(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
            '\x7f' => f.write_char('\u{2421}'),
            '\u{80}'..='\u{9f}' => f.write_char('\u{fffd}'),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                write!(f, "{}", c.escape_unicode())
            }
            c => f.write_char(c),
        })
    }
}

/// The address of a file beside the page. It is relative whatever the name is, so that none is taken for a scheme.
pub(crate) fn beside(name: &str) -> String {
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/');
    format!("./{}", utf8_percent_encode(name, ENCODED))
}

/// At most `width` columns of `text`, the last of them dots if something is cut off. Characters of Asian scripts and
/// pictures are two columns wide.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let columns = |c: char| if c >= '\u{1100}' { 2 } else { 1 };
    if text.chars().map(columns).sum::<usize>() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |c: &char| match left.checked_sub(columns(*c)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    text.chars().take_while(fits).collect::<String>() + "\u{2026}"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_for_markup() {
        let text = "</script><b a='1' c=\"2\">&amp;\0\u{1b}[31m\t\u{9b}\u{202e}\nend";
        insta::assert_snapshot!(Esc(text), @r"
        &lt;/script&gt;&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;␀␛[31m␉�\u{202e}
        end
        ");
    }

    #[test]
    fn an_address_is_beside_the_page() {
        assert_eq!(beside("webui-deps.log"), "./webui-deps.log");
        assert_eq!(beside("javascript:alert(1)\"#?"), "./javascript%3Aalert%281%29%22%23%3F");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(cut("client", 6), "client");
        assert_eq!(cut("client-go", 6), "clien\u{2026}");
        assert_eq!(cut("\u{6f22}\u{5b57}\u{6f22}", 5), "\u{6f22}\u{5b57}\u{2026}");
    }
}
