//! Parts of the scripts that kinds write: quoted words, and paths in the work folder. Must not depend on any kind.

use akbuild_recipe::plan::WORK;

/// A word of a shell command, quoted where that is needed.
pub(crate) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Words of a shell command, each quoted where that is needed.
pub(crate) fn quote_all(words: &[String]) -> String {
    words.iter().map(|w| quote(w)).collect::<Vec<_>>().join(" ")
}

/// `folder/name`, or `name` in the root folder.
pub(crate) fn below(folder: &str, name: &str) -> String {
    match folder.trim_matches('/') {
        "" | "." => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// Where a folder of the source is seen in the work folder.
pub(crate) fn in_work(folder: &str) -> String {
    match folder.trim_matches('/') {
        "" | "." => WORK.to_owned(),
        folder => format!("{WORK}/{folder}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_needed() {
        assert_eq!(
            quote_all(&["build:sfe".into(), "a b".into(), "it's".into(), String::new()]),
            r"build:sfe 'a b' 'it'\''s' ''"
        );
    }

    #[test]
    fn the_root_folder_adds_nothing() {
        assert_eq!(below("web", "dist"), "web/dist");
        assert_eq!(below(".", "dist"), "dist");
        assert_eq!(in_work("."), "/build");
        assert_eq!(in_work("web/"), "/build/web");
    }
}
