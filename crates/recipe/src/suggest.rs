//! The nearest of some names to one that was mistyped. Knows names, nothing of recipes.

/// The nearest candidate, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 4);
    let near = candidates.into_iter().filter(|c| *c != word).map(|c| (strsim::osa_distance(word, c), c));
    near.filter(|(d, _)| *d <= limit).min().map(|(_, c)| c)
}

/// `did you mean `x`?`, or nothing.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map(|n| format!("did you mean `{n}`?")).unwrap_or_default()
}

/// `a`, `b`, `c` in backticks; `-` stands for none.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let names = ["packages", "essential", "extends"];
        assert_eq!(nearest("pakages", names), Some("packages"));
        assert_eq!(nearest("pacakges", names), Some("packages"));
        assert_eq!(nearest("extend", names), Some("extends"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(nearest("", names), None);
    }

    #[test]
    fn a_swap_of_neighbours_is_one_edit() {
        assert_eq!(nearest("ab", ["ba"]), Some("ba"));
        assert_eq!(nearest("ab", ["cd"]), None);
    }
}
