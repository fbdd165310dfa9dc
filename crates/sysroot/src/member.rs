//! Names of archive members: which are refused, where the merged `/usr` puts them, and which a slim
//! root leaves out. Touches no file.

use crate::MemberProblem;

/// Top folders that are links into `usr` on a merged system.
pub(crate) const MERGED: [&str; 7] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32"];

/// What only people read.
const UNREAD: [&str; 8] = [
    "usr/share/doc/",
    "usr/share/man/",
    "usr/share/info/",
    "usr/share/locale/",
    "usr/share/lintian/",
    "usr/share/bug/",
    "usr/share/doc-base/",
    "usr/share/groff/",
];

/// A member's path relative to the root: no `.` or `..`, and through the merged `/usr`. The root itself
/// is an empty path.
pub(crate) fn path(name: &[u8]) -> Result<Vec<u8>, MemberProblem> {
    if name.starts_with(b"/") {
        return Err(MemberProblem::Absolute);
    }
    if name.is_empty() || name.contains(&0) {
        return Err(MemberProblem::Name);
    }
    let mut path = Vec::with_capacity(name.len() + 4);
    for part in name.split(|c| *c == b'/').filter(|p| !p.is_empty() && *p != b".") {
        if part == b".." {
            return Err(MemberProblem::Parent);
        }
        if path.is_empty() && is_merged(part) {
            path.extend_from_slice(b"usr");
        }
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(part);
    }
    Ok(path)
}

/// Whether a member is one of the links that make the merged `/usr`.
pub(crate) fn is_merge_link(name: &[u8]) -> bool {
    is_merged(name.strip_prefix(b"./").unwrap_or(name))
}

fn is_merged(part: &[u8]) -> bool {
    MERGED.iter().any(|m| m.as_bytes() == part)
}

/// Whether a slim root leaves the path out. Copyright files stay, and so do the links between
/// documentation folders, through which some of them are found.
pub(crate) fn is_unread(path: &[u8], is_symlink: bool) -> bool {
    if !UNREAD.iter().any(|u| path.starts_with(u.as_bytes())) {
        return false;
    }
    let mut parts = path.split(|c| *c == b'/').skip(3);
    let in_doc = path.starts_with(UNREAD[0].as_bytes());
    let (_package, file) = (parts.next(), parts.next());
    !(in_doc && (file == Some(b"copyright") || (file.is_none() && is_symlink)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let ok = |n: &str| String::from_utf8(path(n.as_bytes()).unwrap()).unwrap();
        assert_eq!(ok("./"), "");
        assert_eq!(ok("./usr//bin/./x/"), "usr/bin/x");
        assert_eq!(ok("./bin/sh"), "usr/bin/sh");
        assert_eq!(ok("./lib64/ld.so"), "usr/lib64/ld.so");
        assert_eq!(ok("opt/bin/x"), "opt/bin/x");
        assert_eq!(path(b"/etc/passwd"), Err(MemberProblem::Absolute));
        assert_eq!(path(b"./usr/../../x"), Err(MemberProblem::Parent));
        assert_eq!(path(b""), Err(MemberProblem::Name));
        assert_eq!(path(b"a\0b"), Err(MemberProblem::Name));
    }

    #[test]
    fn slim() {
        assert!(is_unread(b"usr/share/doc/git/README", false));
        assert!(is_unread(b"usr/share/man/man1/git.1.gz", true));
        assert!(!is_unread(b"usr/share/doc/git/copyright", false));
        assert!(!is_unread(b"usr/share/doc/libgcc-s1", true));
        assert!(!is_unread(b"usr/share/docbook", false));
    }
}
