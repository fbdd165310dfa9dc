//! The nearest of some names to one that was mistyped. Knows edit distance, nothing of recipes.

/// The nearest candidate, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 4);
    let near = candidates.into_iter().filter(|c| *c != word).map(|c| (distance(word, c, limit), c));
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

/// Optimal string alignment: insert, delete, replace, swap of neighbours. Anything above `limit`
/// may come back as `limit + 1`.
fn distance(a: &str, b: &str, limit: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit {
        return limit + 1;
    }
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
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
        assert_eq!(distance("ab", "ba", 3), 1);
        assert_eq!(distance("kitten", "sitting", 3), 3);
        assert_eq!(distance("", "abc", 3), 3);
    }
}
