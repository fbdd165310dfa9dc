//! `{version}`, `{prefix}` and `{name}` in strings, and words in braces that look like them. Knows words, nothing of
//! where they stand.

/// The values that stand for `{name}`, `{version}` and `{prefix}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vars {
    /// The project's name.
    pub name: String,
    /// The version that is built.
    pub version: String,
    /// Where the assembled tree finally lives.
    pub prefix: String,
}

/// The words, sorted.
pub(crate) const WORDS: [&str; 3] = ["name", "prefix", "version"];
/// The words that only an image's `push` has besides; both take a length, `{git:7}`.
pub(crate) const PUSH_WORDS: [&str; 2] = ["git", "key"];

impl Vars {
    /// Each word stands for itself: expanding changes nothing, and unknown words are still found.
    pub(crate) fn itself() -> Self {
        Self { name: "{name}".into(), version: "{version}".into(), prefix: "{prefix}".into() }
    }

    fn value(&self, word: &str) -> Option<&str> {
        match word {
            "name" => Some(&self.name),
            "prefix" => Some(&self.prefix),
            "version" => Some(&self.version),
            _ => None,
        }
    }

    /// Replaces the known words; every other brace stays as it is.
    pub fn expand(&self, text: &str) -> String {
        self.replace(text).0
    }

    /// Replaces the known words. Anything else in braces that was meant as a word is the error: it comes back.
    pub(crate) fn expand_strictly(&self, text: &str) -> Result<String, String> {
        match self.replace(text) {
            (_, Some(unknown)) => Err(unknown),
            (expanded, None) => Ok(expanded),
        }
    }

    /// The expanded text, and the first text in braces that was meant as a word and is not one.
    fn replace(&self, text: &str) -> (String, Option<String>) {
        let (mut out, mut unknown, mut rest) = (String::with_capacity(text.len()), None, text);
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let dollar = before.ends_with('$');
            let word = after.split_once('}').map(|(word, _)| word).filter(|word| is_meant(word, dollar));
            match word.map(|w| (w, self.value(w))) {
                Some((word, Some(value))) => {
                    out.push_str(value);
                    rest = &after[word.len() + 1..];
                }
                Some((word, None)) => {
                    unknown.get_or_insert_with(|| word.to_owned());
                    out.push('{');
                    rest = after;
                }
                None => {
                    out.push('{');
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        (out, unknown)
    }
}

fn is_word(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(inner)
}

/// Whether somebody who wrote this in braces meant a word: it is one, or one with an argument (`{git:7}`), or one of
/// the known words in capitals or between spaces. After a `$` only a plain word: the rest is the shell's (`${x:-y}`).
fn is_meant(text: &str, dollar: bool) -> bool {
    let (head, argument) = text.split_once(':').unwrap_or((text, ""));
    let plain = argument.chars().all(|c| !c.is_whitespace() && !"\"'`,;{".contains(c));
    let known = || {
        let head = head.trim().to_ascii_lowercase();
        WORDS.iter().chain(&PUSH_WORDS).any(|word| *word == head)
    };
    is_word(text) || (!dollar && plain && (is_word(head) || known()))
}

/// The first `{git:NAME}`, with or without a length, whose name is known. Where other braces stay as they are, this
/// one is meant as a word all the same.
pub(crate) fn commit_word(text: &str, is_source: impl Fn(&str) -> bool) -> Option<String> {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{git:") {
        let inner = after.split_once('}').map_or("", |(inner, _)| inner);
        let source = inner.split_once(':').map_or(inner, |(source, _)| source);
        if !before.ends_with('$') && is_source(source) {
            return Some(format!("git:{inner}"));
        }
        rest = after;
    }
    None
}

/// What is wrong with the words of a `push`, in which the variables have been replaced: the text in braces, if it is
/// not a word or names something that is not a source.
pub(crate) fn stray_push_word(text: &str, is_source: impl Fn(&str) -> bool) -> Option<String> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((inner, next)) = after.split_once('}') else { return Some(after.to_owned()) };
        let parts: Vec<&str> = inner.split(':').collect();
        let is_length = |part: &str| part.parse::<u8>().is_ok_and(|n| (1..=64).contains(&n));
        let sound = match parts[..] {
            ["git" | "key"] => true,
            ["git", one] => is_length(one) || is_source(one),
            ["key", length] => is_length(length),
            ["git", source, length] => is_source(source) && is_length(length),
            _ => false,
        };
        if !sound {
            return Some(inner.to_owned());
        }
        rest = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars() -> Vars {
        Vars { name: "mini".into(), version: "1.2".into(), prefix: "/opt/mini".into() }
    }

    #[test]
    fn known_words_are_replaced_and_other_braces_stay() {
        let text = "{name}-{version}{prefix} ${name} {a,b} { name } {} {unknown} {A} {";
        assert_eq!(vars().expand(text), "mini-1.2/opt/mini $mini {a,b} { name } {} {unknown} {A} {");
    }

    #[test]
    fn strictly_the_first_unknown_word_comes_back() {
        assert_eq!(vars().expand_strictly("{version}/{verison}/{nam}"), Err("verison".into()));
        assert_eq!(vars().expand_strictly("*.{js,ts}{version}{0}{_a}"), Ok("*.{js,ts}1.2{0}{_a}".into()));
    }

    #[test]
    fn what_is_meant_as_a_word_is_told_from_other_braces() {
        for meant in ["{git}", "{git:app}", "{git:app:7}", "{version:3}", "{Version}", "{ name }", "{key:}", "{GIT:7}"]
        {
            let inner = &meant[1..meant.len() - 1];
            assert_eq!(vars().expand_strictly(meant).as_ref().map_err(String::as_str), Err(inner), "{meant}");
        }
        for other in [
            "${git:-x}",
            "${git:1:2}",
            "${VERSION}",
            "{\"a\":1}",
            "{a: 1}",
            "{a,b}",
            "{}",
            "{0}",
            "{A}",
            "{:7}",
            "{a",
            "{a b}",
        ] {
            assert_eq!(vars().expand_strictly(other).as_deref(), Ok(other));
        }
    }

    #[test]
    fn the_commit_of_a_source_is_a_word_in_scripts_too() {
        let found = |text| commit_word(text, |name| name == "app");
        assert_eq!(found("f'{git:7}' ${git:app} {git:other}").as_deref(), None);
        assert_eq!(found("{git:7} {git:app:7}").as_deref(), Some("git:app:7"));
        assert_eq!(found("{git:app").as_deref(), None);
    }

    #[test]
    fn words_of_a_push() {
        let stray = |text| stray_push_word(text, |name| name == "app");
        let sound = "r.example/{git}{git:7}{git:app}{git:app:40}{key}{key:12}:x";
        assert_eq!(stray(sound), None);
        let all =
            ["{gti:7}", "{git:ap}", "{git:app:0}", "{key:65}", "{git:app:7:8}", "{key:app}", "{git", "{}", "{verison}"];
        let found = all.map(|text| stray(text).unwrap_or_default());
        assert_eq!(found, ["gti:7", "git:ap", "git:app:0", "key:65", "git:app:7:8", "key:app", "git", "", "verison"]);
    }

    #[test]
    fn words_that_stand_for_themselves_change_nothing() {
        assert_eq!(Vars::itself().expand("{version} {x}"), "{version} {x}");
    }
}
