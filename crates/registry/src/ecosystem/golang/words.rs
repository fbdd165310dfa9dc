//! The words of `go.mod`, as the lexer of `golang.org/x/mod/modfile` splits them.
//!
//! A word keeps its quotes until [`unquoted`] removes them, so that a quoted parenthesis or arrow is not taken for
//! punctuation.

/// The words of one line, without its comment. A comment begins at `//`, also inside a word.
pub(super) fn words_of_line(line: &str) -> Result<Vec<&str>, String> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r']);
        let Some(first) = rest.chars().next().filter(|_| !rest.starts_with("//")) else { return Ok(words) };
        let length = match first {
            _ if rest.starts_with("/*") => return Err("a comment begins with `//` here, not with `/*`".to_owned()),
            '(' | ')' | '[' | ']' | '{' | '}' | ',' => 1,
            '"' | '`' => quoted_length(rest, first).ok_or_else(|| format!("a {first} is not closed"))?,
            '\u{feff}' => return Err("the file has a byte order mark, which Go does not accept".to_owned()),
            _ if !is_part_of_word(first) => return Err(format!("unexpected character {first:?}")),
            _ => word_length(rest)?,
        };
        let (word, tail) = rest.split_at(length);
        words.push(word);
        rest = tail;
    }
}

fn is_part_of_word(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !"()[]{},".contains(c)
}

fn word_length(text: &str) -> Result<usize, String> {
    let end = text.find(|c| !is_part_of_word(c)).unwrap_or(text.len());
    let word = &text[..end];
    let comment = word.find("//").unwrap_or(end);
    match word.find("/*") {
        Some(at) if at < comment => Err("a comment begins with `//` here, not with `/*`".to_owned()),
        _ => Ok(comment),
    }
}

/// The length of the string that `text` begins with, both quotes included.
fn quoted_length(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Some(at + 1),
            '\\' if quote == '"' => drop(chars.next()),
            _ => {}
        }
    }
    None
}

/// The text that a word stands for.
pub(super) fn unquoted(word: &str) -> Result<String, String> {
    if let Some(inside) = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return interpreted(inside).ok_or_else(|| format!("{word} is not a string of Go"));
    }
    match word.contains(['"', '\'', '`']) {
        true => Err(format!("{word} is not quoted with `\"`, the only quote that Go accepts here")),
        false => Ok(word.to_owned()),
    }
}

/// An interpreted string literal of Go, without its quotes.
fn interpreted(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = if c == '\\' { escaped(&mut chars, &mut bytes)? } else { Some(c) };
        if let Some(c) = c {
            bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
        }
    }
    String::from_utf8(bytes).ok()
}

/// What follows a backslash: a character, or a byte that is pushed.
fn escaped(chars: &mut std::str::Chars<'_>, bytes: &mut Vec<u8>) -> Option<Option<char>> {
    let kind = chars.next()?;
    let mut number = |first: Option<char>, digits: usize, base: u32| {
        let text: String = first.into_iter().chain(chars.by_ref().take(digits)).collect();
        let whole = text.len() == digits + usize::from(first.is_some());
        u32::from_str_radix(&text, base).ok().filter(|_| whole && !text.starts_with('+'))
    };
    Some(Some(match kind {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' | '"' => kind,
        'x' => {
            bytes.push(u8::try_from(number(None, 2, 16)?).ok()?);
            return Some(None);
        }
        '0'..='7' => {
            bytes.push(u8::try_from(number(Some(kind), 2, 8)?).ok()?);
            return Some(None);
        }
        'u' => char::from_u32(number(None, 4, 16)?)?,
        'U' => char::from_u32(number(None, 8, 16)?)?,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_begins_anywhere() {
        assert_eq!(words_of_line("require a.invalid/x v1.0.0// why"), Ok(vec!["require", "a.invalid/x", "v1.0.0"]));
        assert_eq!(words_of_line("a\t\"b // c\"// d\r"), Ok(vec!["a", "\"b // c\""]));
        assert_eq!(words_of_line("retract [v1, v2]//x"), Ok(vec!["retract", "[", "v1", ",", "v2", "]"]));
        assert_eq!(words_of_line("replace(x=>y"), Ok(vec!["replace", "(", "x=>y"]));
        for bad in ["a /* b", "a/*b", "\u{feff}module", "a \u{1} b", "\"a\\\"", "`a"] {
            assert!(words_of_line(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn strings_are_those_of_go() {
        assert_eq!(unquoted(r#""a\x2e\056b\u00e9\n""#).as_deref(), Ok("a..bé\n"));
        assert_eq!(unquoted("a.b").as_deref(), Ok("a.b"));
        for bad in ["`a`", "'a'", "a\"b\"", r#""\q""#, r#""\xff""#, r#""\u12""#, r#""\400""#] {
            assert!(unquoted(bad).is_err(), "{bad}");
        }
    }
}
