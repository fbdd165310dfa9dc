//! Which known names a mistyped one may have meant.

/// Up to three of `known` that are nearest to `name`, the nearest first.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let limit = (name.len() / 4).max(2);
    let mut near: Vec<(usize, &str)> = known
        .filter(|k| k.len().abs_diff(name.len()) <= limit)
        .map(|k| (strsim::levenshtein(name, k), k))
        .filter(|(d, _)| *d <= limit)
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(3).map(|(_, k)| k).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        let known = ["libxml2-dev", "libxslt1-dev", "libxml2", "zlib1g"];
        assert_eq!(nearest("libxml-dev", known.into_iter()), ["libxml2-dev"]);
        assert_eq!(nearest("zlib", known.into_iter()), ["zlib1g"]);
        assert!(nearest("quite-different", known.into_iter()).is_empty());
    }
}
