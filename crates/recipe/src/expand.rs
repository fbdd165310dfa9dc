//! `{version}`, `{prefix}` and `{name}` in strings. Knows the three words, nothing of where they stand.

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

    /// Replaces the known words. Another lower-case word in braces is the error: it comes back.
    pub(crate) fn expand_strictly(&self, text: &str) -> Result<String, String> {
        match self.replace(text) {
            (_, Some(unknown)) => Err(unknown),
            (expanded, None) => Ok(expanded),
        }
    }

    /// The expanded text, and the first word in braces that is none.
    fn replace(&self, text: &str) -> (String, Option<String>) {
        let (mut out, mut unknown, mut rest) = (String::with_capacity(text.len()), None, text);
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let word = after.split_once('}').map(|(word, _)| word).filter(|word| is_word(word));
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
    fn words_that_stand_for_themselves_change_nothing() {
        assert_eq!(Vars::itself().expand("{version} {x}"), "{version} {x}");
    }
}
