//! A tag or branch that a repository does not have, and those that were perhaps meant. Knows names and versions; asks no
//! server.

/// How many names are shown.
const MOST: usize = 5;

/// A reference of a repository, as messages name it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct KnownRef<'a> {
    field: &'static str,
    name: &'a str,
    commit: &'a str,
}

/// What a name of a reference asks for: `tag`, `branch`, or `tag or branch`; and its short form.
pub(super) fn kind_and_name(name: &str) -> (&'static str, &str) {
    match (name.strip_prefix("refs/tags/"), name.strip_prefix("refs/heads/")) {
        (Some(name), _) => ("tag", name),
        (_, Some(name)) => ("branch", name),
        _ => ("tag or branch", name),
    }
}

/// Says that a reference is missing, and which ones are near. `refs` are names and the ids that they stand for.
pub(super) fn missing<'a>(wanted: &str, refs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let known = |(name, commit): (&'a str, &'a str)| {
        let (field, name) = kind_and_name(name);
        (field != "tag or branch" && !name.ends_with("^{}")).then_some(KnownRef { field, name, commit })
    };
    let refs: Vec<(&str, &str)> = refs.collect();
    let all: Vec<KnownRef<'_>> = refs.iter().copied().filter_map(known).collect();
    let (kind, name) = kind_and_name(wanted);
    let said = format!("no {kind} `{name}`");
    let bare = ["refs/tags/", "refs/heads/", "refs/remotes/origin/", "origin/"];
    let bare = bare.into_iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    if let Some(other) = all.iter().find(|known| known.name == bare) {
        return format!("{said}; there is the {0} `{1}`: write `{0} = \"{1}\"`", other.field, other.name);
    }
    let is_commit = (4..=40).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_hexdigit());
    if let Some((_, commit)) = refs.iter().find(|(_, commit)| is_commit && commit.starts_with(name)) {
        return format!("{said}; there is a commit that begins so: write `rev = \"{commit}\"`");
    }
    let near = nearest(bare, &all);
    let named = |known: &KnownRef<'_>| match known.field {
        field if field != kind && kind != "tag or branch" => format!("{field} `{}`", known.name),
        _ => format!("`{}`", known.name),
    };
    let near: Vec<String> = near.iter().map(named).collect();
    match near.is_empty() {
        true if all.is_empty() => format!("{said}; it has no tags and no branches"),
        true if is_commit => format!("{said}; a commit is named by `rev`, with all of its 40 digits"),
        true => format!("{said}, and nothing like it among {} others", all.len()),
        false => format!("{said}; there is {}", near.join(", ")),
    }
}

/// The references nearest to a name: the same version in another spelling, then, in turn, the next by version and the
/// next by edit distance.
fn nearest<'a>(wanted: &str, all: &[KnownRef<'a>]) -> Vec<KnownRef<'a>> {
    let edits = |known: &KnownRef<'_>| strsim::osa_distance(wanted, known.name);
    let limit = (wanted.chars().count() / 3).max(2);
    let mut by_version: Vec<KnownRef<'a>> =
        all.iter().copied().filter(|known| !numbers(wanted).is_empty() && shared(wanted, known.name) > 0).collect();
    let key = |known: &KnownRef<'_>| {
        let shared = shared(wanted, known.name);
        (std::cmp::Reverse(shared), gap(wanted, known.name, shared), edits(known))
    };
    by_version.sort_by_key(key);
    let mut by_edits: Vec<KnownRef<'a>> = all.iter().copied().filter(|known| edits(known) <= limit).collect();
    by_edits.sort_by_key(|known| (edits(known), key(known)));
    let same = by_version.iter().filter(|known| numbers(known.name) == numbers(wanted));
    let squeezed = all.iter().filter(|known| !squeeze(wanted).is_empty() && squeeze(known.name) == squeeze(wanted));
    let mut near: Vec<KnownRef<'a>> = Vec::new();
    let mut add = |known: KnownRef<'a>| {
        if near.len() < MOST && !near.contains(&known) {
            near.push(known);
        }
    };
    same.chain(squeezed).copied().take(MOST - 2).for_each(&mut add);
    for place in 0..MOST {
        by_version.get(place).copied().into_iter().chain(by_edits.get(place).copied()).for_each(&mut add);
    }
    near
}

/// The numbers in a name: `version/2026.2.0-rc1` has 2026, 2, 0 and 1.
fn numbers(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// How many numbers two names share, from the first one on.
fn shared(a: &str, b: &str) -> usize {
    numbers(a).iter().zip(&numbers(b)).take_while(|(a, b)| a == b).count()
}

/// How far apart the first numbers are that two names do not share.
fn gap(a: &str, b: &str, shared: usize) -> u64 {
    let at = |name: &str| numbers(name).get(shared).copied().unwrap_or(0);
    at(a).abs_diff(at(b))
}

/// The digits of a name without zeros: the same for `3.2026.2.2` and `3.2026020.2`, which pads its parts.
fn squeeze(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_digit() && *c != '0').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "8af4c0ffee8af4c0ffee8af4c0ffee8af4c0ffee";

    fn said(wanted: &str, tags: &[&str], branches: &[&str]) -> String {
        let tags = tags.iter().map(|name| format!("refs/tags/{name}"));
        let names: Vec<String> = tags.chain(branches.iter().map(|name| format!("refs/heads/{name}"))).collect();
        missing(wanted, names.iter().map(|name| (name.as_str(), COMMIT)))
    }

    #[test]
    fn the_same_version_in_another_spelling_comes_first() {
        let tags = [
            "v3.2024.2.2",
            "v3.2025.2.2",
            "v3.2025.10.1",
            "v3.2026.1.0",
            "v3.2026.2.0-rc1",
            "v3.2026.2.0",
            "v3.2026.2.1",
            "v3.2026020.2",
        ];
        insta::assert_snapshot!(said("refs/tags/v3.2026.2.2", &tags, &["main"]), @"no tag `v3.2026.2.2`; there is `v3.2026020.2`, `v3.2026.2.1`, `v3.2026.2.0`, `v3.2026.2.0-rc1`, `v3.2025.2.2`");
        insta::assert_snapshot!(said("refs/tags/3.2026.2.1", &tags, &["main"]), @"no tag `3.2026.2.1`; there is `v3.2026.2.1`, `v3.2026.2.0-rc1`, `v3.2026.2.0`, `v3.2026.1.0`, `v3.2025.2.2`");
        insta::assert_snapshot!(said("refs/tags/v2026.2.0", &["version/2025.12.4", "version/2026.2.0", "version/2026.2.1"], &[]), @"no tag `v2026.2.0`; there is `version/2026.2.0`, `version/2026.2.1`");
        insta::assert_snapshot!(said("version/2026.2.9", &["version/2026.2.0", "version/2026.2.1", "version/2026.1.9"], &["version-2026.2"]), @"no tag or branch `version/2026.2.9`; there is `version/2026.2.1`, `version/2026.2.0`, `version-2026.2`, `version/2026.1.9`");
        insta::assert_snapshot!(said("refs/tags/v1.10.0", &["v1.1.0", "v1.9.0", "v1.9.9", "v2.10.0", "v11.0.0"], &[]), @"no tag `v1.10.0`; there is `v1.1.0`, `v11.0.0`, `v1.9.0`, `v1.9.9`, `v2.10.0`");
    }

    #[test]
    fn another_kind_of_reference() {
        insta::assert_snapshot!(said("refs/tags/main", &["v1"], &["main"]), @r#"no tag `main`; there is the branch `main`: write `branch = "main"`"#);
        insta::assert_snapshot!(said("refs/heads/v1", &["v1"], &["main"]), @r#"no branch `v1`; there is the tag `v1`: write `tag = "v1"`"#);
        insta::assert_snapshot!(said("refs/tags/refs/tags/v1", &["v1"], &["main"]), @r#"no tag `refs/tags/v1`; there is the tag `v1`: write `tag = "v1"`"#);
        insta::assert_snapshot!(said("refs/heads/origin/main", &["v1"], &["main"]), @r#"no branch `origin/main`; there is the branch `main`: write `branch = "main"`"#);
        insta::assert_snapshot!(said("refs/tags/8af4c0f", &["v1"], &["main"]), @r#"no tag `8af4c0f`; there is a commit that begins so: write `rev = "8af4c0ffee8af4c0ffee8af4c0ffee8af4c0ffee"`"#);
        insta::assert_snapshot!(said("refs/tags/beef1234", &["v1"], &["main"]), @"no tag `beef1234`; a commit is named by `rev`, with all of its 40 digits");
        insta::assert_snapshot!(said("refs/heads/mian", &["v1"], &["main"]), @"no branch `mian`; there is `main`");
        insta::assert_snapshot!(said("refs/tags/stable", &["v1"], &["main"]), @"no tag `stable`, and nothing like it among 2 others");
        insta::assert_snapshot!(said("refs/tags/stable", &[], &[]), @"no tag `stable`; it has no tags and no branches");
    }
}
