//! Phrases that `docs/style.md` rules out: in comments and documents, and in the texts of messages. Looks at words; whether
//! a sentence reads well, only a reader can tell.

use proc_macro2::{TokenStream, TokenTree};

/// A kind of phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phrase {
    /// A sentence that begins with a clause without a head, as `What comes next`.
    Headless,
    /// `is told`.
    Told,
    /// `is no X` in the place of `is not an X`; `there is no X` is fine.
    IsNo,
    /// `nobody who`.
    Nobody,
    /// `comes of it`.
    ComesOf,
}

impl Phrase {
    pub(crate) const ALL: [Self; 5] = [Self::Headless, Self::Told, Self::IsNo, Self::Nobody, Self::ComesOf];

    /// The phrase in words, for people.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Headless => "a sentence that begins with \"What ...\", \"Whoever ...\" or \"How far ...\"",
            Self::Told => "\"is told\"",
            Self::IsNo => "\"is no X\"",
            Self::Nobody => "\"nobody who\"",
            Self::ComesOf => "\"comes of it\"",
        }
    }
}

/// The phrases in the comments and the texts of a Rust file; each with its line, counted from 1. A text that cannot be
/// parsed has only its comments looked at.
pub(crate) fn in_rust(text: &str) -> Vec<(usize, Phrase)> {
    let mut found = in_comments(text);
    if let Ok(tokens) = text.parse() {
        in_literals(tokens, &mut found);
    }
    found.sort();
    found
}

/// The phrases in a document.
pub(crate) fn in_document(text: &str) -> Vec<(usize, Phrase)> {
    let mut blocks = Blocks::default();
    let mut is_code = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with("```") {
            is_code = !is_code;
        }
        let marker = ["- ", "* ", "#", "|", ">"].iter().any(|marker| line.starts_with(marker));
        if is_code || line.starts_with("```") || line.is_empty() || marker {
            blocks.end();
        }
        if !is_code {
            blocks.add(number + 1, line.trim_start_matches(['-', '*', '#', '|', '>', ' ']));
        }
    }
    blocks.finish()
}

fn in_comments(text: &str) -> Vec<(usize, Phrase)> {
    let mut blocks = Blocks::default();
    for (number, line) in text.lines().enumerate() {
        match line.trim_start().strip_prefix("//") {
            Some(comment) => {
                let comment = comment.trim_start_matches(['/', '!']).trim();
                if comment.is_empty() || comment.starts_with("- ") {
                    blocks.end();
                }
                blocks.add(number + 1, comment.trim_start_matches("- "));
            }
            None => blocks.end(),
        }
    }
    blocks.finish()
}

/// Lines that belong together: a comment, or a paragraph.
#[derive(Default)]
struct Blocks {
    /// The words of the block, each with its line.
    words: Vec<(usize, String)>,
    found: Vec<(usize, Phrase)>,
}

impl Blocks {
    fn add(&mut self, line: usize, text: &str) {
        self.words.extend(text.split_whitespace().map(|word| (line, word.to_owned())));
    }

    fn end(&mut self) {
        let words = std::mem::take(&mut self.words);
        let texts: Vec<&str> = words.iter().map(|(_, word)| word.as_str()).collect();
        self.found.extend(headless(&texts).into_iter().map(|at| (words[at].0, Phrase::Headless)));
        self.found.extend(phrases(&texts).into_iter().map(|(at, phrase)| (words[at].0, phrase)));
    }

    fn finish(mut self) -> Vec<(usize, Phrase)> {
        self.end();
        self.found
    }
}

/// The sentences that begin without a head, by their first words; questions are fine.
fn headless(words: &[&str]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut begins = 0;
    for (at, word) in words.iter().enumerate() {
        let ends = word.ends_with(['.', '?', '!']) || at + 1 == words.len();
        if !ends {
            continue;
        }
        let sentence = &words[begins..=at];
        let is_headless = matches!(sentence, ["What" | "Whoever" | "Whatever", _, ..] | ["How", "far", ..]);
        if is_headless && !word.ends_with('?') {
            found.push(begins);
        }
        begins = at + 1;
    }
    found
}

/// The other phrases, by their first words.
fn phrases(words: &[&str]) -> Vec<(usize, Phrase)> {
    let word = |at: usize| words.get(at).map_or("", |word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let is = |at: usize, list: &[&str]| list.iter().any(|one| word(at).eq_ignore_ascii_case(one));
    let mut found = Vec::new();
    for at in 0..words.len() {
        let follows_there = at > 0 && is(at - 1, &["there"]);
        if is(at, &["is", "are", "was", "were", "be"]) && is(at + 1, &["told"]) {
            found.push((at, Phrase::Told));
        }
        if is(at, &["is", "are"])
            && words.get(at + 1) == Some(&"no")
            && !follows_there
            && !is(at + 2, &["longer", "more"])
        {
            found.push((at, Phrase::IsNo));
        }
        if is(at, &["nobody"]) && is(at + 1, &["who", "that"]) {
            found.push((at, Phrase::Nobody));
        }
        if is(at, &["come", "comes", "came"]) && is(at + 1, &["of"]) && is(at + 2, &["it", "this", "that", "them"]) {
            found.push((at, Phrase::ComesOf));
        }
    }
    found
}

/// Looks at the texts of literals; documentation comments, which are literals too, were looked at as comments.
fn in_literals(tokens: TokenStream, found: &mut Vec<(usize, Phrase)>) {
    let mut is_doc = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => in_literals(group.stream(), found),
            TokenTree::Ident(ident) => is_doc = ident == "doc",
            TokenTree::Literal(literal) if !is_doc => {
                let text = literal.to_string();
                if text.starts_with(['"', 'r']) {
                    let words: Vec<&str> = text.split_whitespace().collect();
                    let line = literal.span().start().line;
                    found.extend(phrases(&words).into_iter().map(|(_, phrase)| (line, phrase)));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_read_as_sentences() {
        let text = "/// What is kept. Of a\n/// list, what is first. What\n/// else?\nfn a() {}\n// The tree is no\n// link, and there is no other.\n";
        assert_eq!(in_rust(text), [(1, Phrase::Headless), (5, Phrase::IsNo)]);
        assert_eq!(in_rust("// Whoever asks is told of it.\n"), [(1, Phrase::Headless), (1, Phrase::Told)]);
        assert_eq!(in_rust("// It is no longer there.\n"), []);
    }

    #[test]
    fn texts_of_messages_are_read() {
        let text = "/// The error.\n#[error(\"`{0}` is no stage\")]\nfn a() {\n    say(\"nobody who reads\");\n}\n";
        assert_eq!(in_rust(text), [(2, Phrase::IsNo), (4, Phrase::Nobody)]);
    }

    #[test]
    fn documents_are_read_without_their_code() {
        let text = "# What it needs\n\nThe image that\ncomes of it.\n\n```\nWhat is this\n```\n- What people see\n";
        assert_eq!(in_document(text), [(1, Phrase::Headless), (4, Phrase::ComesOf), (9, Phrase::Headless)]);
    }
}
