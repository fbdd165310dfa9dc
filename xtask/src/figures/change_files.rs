//! The files that certain changes touch, as the table "Where a change goes" of `docs/architecture.md` lists them: a row
//! names a change, a folder, and files in it. A name with `NAME` in it stands for a file that the change adds.

use std::collections::BTreeMap;

/// The document that has the table.
pub(crate) const DOCUMENT: &str = "docs/architecture.md";
const HEADING: &str = "Where a change goes";

/// Each change and its files, relative to the repository.
pub(crate) fn change_files(document: &str) -> BTreeMap<String, Vec<String>> {
    let section = document.split("\n## ").find(|section| section.starts_with(HEADING)).unwrap_or_default();
    let mut changes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with("| ")) {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let (Some(change), Some(folder), Some(files)) = (cells.next(), cells.next(), cells.next()) else { continue };
        let Some(folder) = folder.strip_prefix('`').and_then(|folder| folder.strip_suffix('`')) else { continue };
        let files = files.split('`').skip(1).step_by(2).map(|file| format!("{folder}/{file}"));
        changes.entry(change.to_owned()).or_default().extend(files);
    }
    changes
}

/// What is wrong with the table. `exists` says whether a file or folder exists.
pub(crate) fn check(document: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let changes = change_files(document);
    if changes.is_empty() {
        return vec![format!("{DOCUMENT}: there is no table \"{HEADING}\"")];
    }
    let mut broken = Vec::new();
    for (change, files) in &changes {
        for (index, file) in files.iter().enumerate() {
            let there = file
                .split_once("NAME")
                .map_or(&**file, |(before, _)| before.rsplit_once('/').map_or("", |(folder, _)| folder));
            if !exists(there) {
                broken.push(format!("{DOCUMENT}: {change}: there is no `{there}`"));
            }
            if files[..index].contains(file) {
                broken.push(format!("{DOCUMENT}: {change}: `{file}` is listed twice"));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# A\n\n## Where a change goes\n\n| change | folder | files |\n|---|---|---|\n\
        | a lock format | `crates/a/src` | `lib.rs`, `NAME/lock.rs` |\n| a lock format | `crates/b` | `gone.rs`, `gone.rs` |\n\
        | an architecture | `docs` | `a.md` (its list) |\n\n## Next\n\n| a | `b` | `c` |\n";

    #[test]
    fn files_of_a_change_are_counted_over_all_its_rows() {
        let counts: Vec<_> = change_files(TABLE).into_iter().map(|(change, files)| (change, files.len())).collect();
        assert_eq!(counts, [("a lock format".to_owned(), 4), ("an architecture".to_owned(), 1)]);
    }

    #[test]
    fn files_that_do_not_exist_or_are_listed_twice_are_named() {
        let exists = |name: &str| ["crates/a/src/lib.rs", "crates/a/src", "docs/a.md"].contains(&name);
        assert_eq!(
            check(TABLE, exists),
            [
                "docs/architecture.md: a lock format: there is no `crates/b/gone.rs`",
                "docs/architecture.md: a lock format: there is no `crates/b/gone.rs`",
                "docs/architecture.md: a lock format: `crates/b/gone.rs` is listed twice",
            ]
        );
        assert_eq!(check("# A\n", exists), ["docs/architecture.md: there is no table \"Where a change goes\""]);
    }
}
