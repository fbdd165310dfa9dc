//! Secrets in lines that messages show: users, passwords and queries of addresses, also of addresses that are malformed.
//! Knows characters; no format of a file.

/// The same text with as many characters, where `*` stands for each that may belong to a secret.
pub(crate) fn mask(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for line in lines(&chars) {
        let line = &mut chars[line];
        user_of_addresses(line);
        user_without_scheme(line);
        rest_of_addresses(line);
    }
    chars.into_iter().collect()
}

fn lines(chars: &[char]) -> Vec<std::ops::Range<usize>> {
    let mut begin = 0;
    let ranges = chars.split(|c| *c == '\n').map(|line| {
        let range = begin..begin + line.len();
        begin = range.end + 1;
        range
    });
    ranges.collect()
}

/// Positions after each `://`.
fn addresses(line: &[char]) -> Vec<usize> {
    let is_scheme_end = |window: &[char]| window == [':', '/', '/'];
    line.windows(3).enumerate().filter(|(_, window)| is_scheme_end(window)).map(|(at, _)| at + 3).collect()
}

/// Whether the `@` at a position may end a user: it does not begin a segment of a path (`/@scope/name`).
fn ends_user(line: &[char], at: usize) -> bool {
    line[at] == '@' && !line[..at].ends_with(&['/'])
}

fn hide(line: &mut [char], range: std::ops::Range<usize>) {
    line[range].fill('*');
}

/// From the first scheme to the last `@`, whatever is in between: a password can hold any character.
fn user_of_addresses(line: &mut [char]) {
    let Some(begin) = addresses(line).first().copied() else { return };
    if let Some(end) = (begin..line.len()).rev().find(|at| ends_user(line, *at)) {
        hide(line, begin..end);
    }
}

/// `user:password@`, where the scheme was forgotten.
fn user_without_scheme(line: &mut [char]) {
    let ends = |c: &char| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | ',');
    for at in (0..line.len()).filter(|at| ends_user(line, *at)).collect::<Vec<_>>() {
        let begin = line[..at].iter().rposition(ends).map_or(0, |before| before + 1);
        let token = &line[begin..at];
        if token.contains(&':') && addresses(token).is_empty() {
            hide(line, begin..at);
        }
    }
}

/// A query and a fragment; and a user and password before which the host is missing (`https://user:password`).
fn rest_of_addresses(line: &mut [char]) {
    for begin in addresses(line) {
        let ends = |c: &char| c.is_whitespace() || matches!(c, '"' | '\'');
        let end = line[begin..].iter().position(ends).map_or(line.len(), |length| begin + length);
        if let Some(query) = line[begin..end].iter().position(|c| matches!(c, '?' | '#')) {
            hide(line, begin + query + 1..end);
        }
        let host_end = line[begin..end].iter().position(|c| *c == '/').map_or(end, |length| begin + length);
        let colon = line[begin..host_end].iter().rposition(|c| *c == ':').map(|at| begin + at);
        let is_port = |at: usize| line[at + 1..host_end].iter().all(char::is_ascii_digit);
        if line.get(begin) != Some(&'[') && colon.is_some_and(|at| !is_port(at)) {
            hide(line, begin..host_end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_columns_stay() {
        insta::assert_snapshot!(mask("npm = \"https://me:s3cret@a.example/x?token=t\"  # x"), @r#"npm = "https://*********@a.example/x?*******"  # x"#);
        insta::assert_snapshot!(mask("npm = \"https://me:s3\"cr et@a.example/"), @r#"npm = "https://***********@a.example/"#);
        insta::assert_snapshot!(mask("npm = me:s3cret@a.example"), @"npm = *********@a.example");
        insta::assert_snapshot!(mask("npm = \"https://me:s3cret\""), @r#"npm = "https://*********""#);
        insta::assert_snapshot!(mask("one\nhttps://me:s3cret@a.example"), @"
        one
        https://*********@a.example
        ");
    }

    #[test]
    fn other_text_stays() {
        for text in [
            "npm = \"https://a.example:8080/@scope/name\"",
            "tool = { npm = \"@scope/name@1.2.3\" }",
            "npm = \"https://[::1]:8/x\"",
            "expected `name = value`, found `]`: why?",
            "",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
