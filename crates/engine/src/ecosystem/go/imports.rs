//! The head of a Go file: what decides which modules it needs. `go mod vendor` reads build constraints, the package clause
//! and imports of the module's own files, and nothing after them. So a stage that vendors sees only that much of each file,
//! and does not run again when a function changes.
//!
//! The rules are those of `go/build`: constraints as `parseFileHeader` finds them (`constraints.rs`), imports as
//! `readGoInfo` does. A file that is unusual in any way (a syntax error, a character that Go refuses, a name that is not
//! ASCII) is kept whole, for the tool to judge: that costs a run of the stage, while a wrong guess loses imports. This
//! module knows nothing of files or modules.

mod constraints;

/// What Go's compilers refuse in import paths (specification, import declarations); so escapes are not met either.
const NOT_IN_PATHS: &str = "!\"#$%&'()*,:;<=>?[\\]^`{|}\u{fffd}";

const KEYWORDS: [&str; 25] = [
    "break",
    "case",
    "chan",
    "const",
    "continue",
    "default",
    "defer",
    "else",
    "fallthrough",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "map",
    "package",
    "range",
    "return",
    "select",
    "struct",
    "switch",
    "type",
    "var",
];

/// The text that remains: effective `//go:build` and `// +build` lines, the package clause, the imports. `None` if the
/// file is to be kept whole.
pub fn head(text: &str) -> Option<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut scan = Scan { text, at: 0 };
    let mut head = String::new();
    for line in constraints::effective(text)? {
        head.push_str(line);
        head.push('\n');
    }
    if !head.is_empty() {
        head.push('\n');
    }
    scan.skip()?;
    scan.keyword("package")?;
    scan.skip()?;
    let name = scan.identifier().filter(|name| *name != "_")?;
    head.push_str(&format!("package {name}\n"));
    loop {
        let is_ended = scan.end_of_statement()?;
        // Go's own reader of imports looks no further than this letter.
        if !scan.rest().starts_with('i') {
            return scan.seen_is_plain().then_some(head);
        }
        is_ended.then_some(())?;
        scan.keyword("import")?;
        scan.imports(&mut head)?;
    }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Whether nothing was passed over that Go refuses even in comments.
    fn seen_is_plain(&self) -> bool {
        !self.text[..self.at].contains(['\0', '\u{feff}'])
    }

    /// Passes over white space and comments; whether a line ended. `None` if a comment is not closed or not begun.
    fn skip(&mut self) -> Option<bool> {
        let mut is_line_ended = false;
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
            is_line_ended |= rest[..rest.len() - trimmed.len()].contains('\n') || trimmed.is_empty();
            self.at += rest.len() - trimmed.len();
            let length = if trimmed.starts_with("//") {
                trimmed.find('\n').unwrap_or(trimmed.len())
            } else if let Some(inside) = trimmed.strip_prefix("/*") {
                inside.find("*/")? + 4
            } else {
                // A form feed is white space to Go's reader of imports, and an error to its compiler.
                return (!trimmed.starts_with(['/', '\u{c}'])).then_some(is_line_ended);
            };
            is_line_ended |= trimmed[..length].contains('\n');
            self.at += length;
        }
    }

    /// Passes over what may follow a statement; whether the statement is ended by a line or by a semicolon.
    fn end_of_statement(&mut self) -> Option<bool> {
        let is_line_ended = self.skip()?;
        if !self.rest().starts_with(';') {
            return Some(is_line_ended);
        }
        self.at += 1;
        self.skip()?;
        // Go does not allow an empty statement here.
        (!is_line_ended && !self.rest().starts_with(';')).then_some(true)
    }

    fn keyword(&mut self, word: &str) -> Option<()> {
        (self.word()? == word).then(|| self.at += word.len())
    }

    /// The word that comes next: ASCII letters, digits and `_`, with nothing else that is a letter behind it.
    fn word(&self) -> Option<&'a str> {
        let rest = self.rest();
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        (length > 0 && rest[length..].chars().next().is_none_or(|c| c.is_ascii())).then(|| &rest[..length])
    }

    fn identifier(&mut self) -> Option<&'a str> {
        let word = self.word()?;
        (!word.starts_with(|c: char| c.is_ascii_digit()) && !KEYWORDS.contains(&word)).then(|| {
            self.at += word.len();
            word
        })
    }

    /// One import declaration after its keyword, single or in parentheses.
    fn imports(&mut self, head: &mut String) -> Option<()> {
        self.skip()?;
        if !self.rest().starts_with('(') {
            return self.spec(head);
        }
        self.at += 1;
        self.skip()?;
        let mut is_ended = true;
        while !self.rest().starts_with(')') {
            is_ended.then_some(())?;
            self.spec(head)?;
            is_ended = self.end_of_statement()?;
        }
        self.at += 1;
        Some(())
    }

    /// `[name | . | _] "path"`.
    fn spec(&mut self, head: &mut String) -> Option<()> {
        let start = self.at;
        if self.rest().starts_with('.') {
            self.at += 1;
        } else if !self.rest().starts_with(['"', '`']) {
            self.identifier()?;
        }
        let alias = &self.text[start..self.at];
        if !alias.is_empty() && self.skip()? {
            return None;
        }
        let quote = self.rest().chars().next().filter(|c| matches!(c, '"' | '`'))?;
        let end = self.rest()[1..].find(quote)? + 1;
        let path = &self.rest()[1..end];
        // Only the other spelling of `"C"` stands for cgo.
        if path.is_empty()
            || (quote, path) == ('`', "C")
            || path.contains(|c: char| c.is_whitespace() || c.is_control() || NOT_IN_PATHS.contains(c))
        {
            return None;
        }
        // No other name decides anything.
        let alias = if matches!(alias, "_" | ".") { format!("{alias} ") } else { String::new() };
        head.push_str(&format!("import {alias}\"{path}\"\n"));
        self.at += end + 1;
        Some(())
    }
}

#[cfg(test)]
mod tests;
