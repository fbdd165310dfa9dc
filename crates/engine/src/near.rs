//! What a tree has near a path or pattern that it does not have, for messages. Knows listings and distances.

use std::collections::BTreeSet;

use akbuild_nar::Listing;

/// How many names are shown.
const MOST: usize = 3;

/// Paths of a tree, below `top`, that somebody may have meant by `wanted`: of the same name elsewhere, or spelled nearly the
/// same; else what the last folder of it that exists has.
pub(crate) fn near_paths(listing: &Listing, top: &str, wanted: &str) -> String {
    let wanted = wanted.trim_matches('/');
    let paths = paths(listing, top);
    let mut near: Vec<(usize, &String)> =
        paths.iter().filter_map(|path| Some((distance(path, wanted)?, path))).collect();
    near.sort();
    if !near.is_empty() {
        let names: Vec<String> = near.iter().take(MOST).map(|(_, path)| format!("`{path}`")).collect();
        return format!("near it there is {}", names.join(", "));
    }
    let literal = wanted.split('/').take_while(|part| !part.contains(['*', '?', '[', '{'])).collect::<Vec<_>>();
    let folder = (0..=literal.len()).rev().map(|n| literal[..n].join("/"));
    let folder = folder.into_iter().find(|folder| folder.is_empty() || paths.contains(folder)).unwrap_or_default();
    let inside: Vec<String> = paths
        .iter()
        .filter_map(
            |path| if folder.is_empty() { Some(&**path) } else { path.strip_prefix(&format!("{folder}/"))?.into() },
        )
        .filter(|rest| !rest.contains('/'))
        .map(|rest| format!("`{rest}`"))
        .collect();
    let place = if folder.is_empty() { "the tree".to_owned() } else { format!("`{folder}`") };
    match inside.len() {
        0 => format!("{place} is empty"),
        count if count > MOST => format!("{place} has {} and {} more", inside[..MOST].join(", "), count - MOST),
        _ => format!("{place} has {}", inside.join(", ")),
    }
}

/// Every path below `top`, relative to it, folders included.
fn paths(listing: &Listing, top: &str) -> BTreeSet<String> {
    let top = if top.is_empty() { String::new() } else { format!("{top}/") };
    let below = listing.entries.iter().filter_map(|entry| entry.path.to_str()?.strip_prefix(&top));
    below.filter(|path| !path.is_empty()).map(str::to_owned).collect()
}

/// How far a path is from the one that is wanted; `None`: too far to be meant.
fn distance(path: &str, wanted: &str) -> Option<usize> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    if name(path) == name(wanted) && !name(wanted).contains('*') {
        return Some(0);
    }
    let limit = (wanted.chars().count() / 4).clamp(1, 4);
    if path.len().abs_diff(wanted.len()) > 4 * limit {
        return None;
    }
    Some(strsim::osa_distance(path, wanted)).filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_comes_first_then_what_is_spelled_alike() {
        let text =
            ["backend", "backend/pyproject.toml", "src", "src/a.ts", "src/b.ts", "src/c.ts", "src/d.ts", "words.txt"];
        let entries = text.map(|path| akbuild_nar::Entry { path: path.into(), kind: akbuild_nar::Kind::Dir });
        let listing = Listing { entries: entries.to_vec() };
        let near = |wanted| near_paths(&listing, "", wanted);
        assert_eq!(near("pyproject.toml"), "near it there is `backend/pyproject.toml`");
        assert_eq!(near("wrods.txt"), "near it there is `words.txt`");
        assert_eq!(near("src/*.js"), "near it there is `src/a.ts`, `src/b.ts`, `src/c.ts`");
        assert_eq!(near("src/**/*.tsx"), "`src` has `a.ts`, `b.ts`, `c.ts` and 1 more");
        assert_eq!(near("web/dist/**"), "the tree has `backend`, `src`, `words.txt`");
        assert_eq!(near_paths(&listing, "src", "e.ts"), "near it there is `a.ts`, `b.ts`, `c.ts`");
    }
}
