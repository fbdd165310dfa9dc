//! The links of all packages, made when everything else is in place. A name that is a folder in one
//! package and a link to a folder in another ends as the link, with the folder's content moved to where
//! it leads: what dpkg does when the link comes first. Knows no archive format.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use akbuild_tree::{EntryKind, TreeDir};
use rustix::io::Errno;

use crate::claims::Claims;
use crate::extract::Link;
use crate::root::Root;
use crate::{MemberProblem, SysrootError};

/// Makes hard links, in the order of the archives.
pub(crate) fn make_hard_links(root: &Root, links: &[Link], claims: &Claims) -> Result<(), SysrootError> {
    for link in links.iter().filter(|l| claims.holder(&l.path) == Some(l.owner)) {
        let (from, to) = (Path::new(os(&link.target)), Path::new(os(&link.path)));
        let is_own = claims.holder(&link.target) == Some(link.owner);
        if !is_own || !root.tree().entry(from)?.is_some_and(|kind| kind.is_file()) {
            return Err(refuse(link, MemberProblem::HardLink));
        }
        match root.tree().create_hard_link(from, to) {
            Err(error) if error.errno() == Some(Errno::EXIST) => return Err(refuse(link, MemberProblem::Clash)),
            other => other?,
        }
    }
    Ok(())
}

/// Makes symbolic links, sorted by path: first where there is nothing, then in the place of folders.
pub(crate) fn make_symlinks(root: &Root, mut links: Vec<Link>, claims: &Claims) -> Result<(), SysrootError> {
    links.retain(|l| claims.holder(&l.path) == Some(l.owner));
    links.sort_by(|a, b| a.path.cmp(&b.path));
    // A name that one archive has twice: its later member counts.
    links.reverse();
    links.dedup_by(|a, b| a.path == b.path);
    links.reverse();
    let mut over_folders = Vec::new();
    for link in links {
        let at = root.real(os(&link.path))?;
        match root.tree().create_link(&at, Path::new(os(&link.target))) {
            Ok(()) => {}
            Err(error) if error.errno() == Some(Errno::EXIST) => match root.tree().entry(&at)? {
                Some(EntryKind::Folder) => over_folders.push(link),
                _ => return Err(refuse(&link, MemberProblem::Clash)),
            },
            Err(error) => return Err(error.into()),
        }
    }
    over_folders.iter().try_for_each(|link| replace_folder(root, link))
}

fn replace_folder(root: &Root, link: &Link) -> Result<(), SysrootError> {
    // A folder above it may be a link by now, which must lead where it will lead inside of the root.
    let at = root.real(os(&link.path))?;
    let target = Path::new(os(&link.path)).parent().unwrap_or(Path::new("")).join(os(&link.target));
    let to = root.resolve(&target).ok_or_else(|| refuse(link, MemberProblem::ThroughSymlink))?;
    if to.starts_with(&at) {
        return Err(refuse(link, MemberProblem::ThroughSymlink));
    }
    root.tree().create_dir_all(&to)?;
    move_content(root.tree(), &at, &to, link)?;
    Ok(root.tree().create_link(&at, Path::new(os(&link.target)))?)
}

/// Moves the entries of a folder into another and removes it.
fn move_content(tree: &TreeDir, from: &Path, to: &Path, link: &Link) -> Result<(), SysrootError> {
    for (name, kind) in tree.entries(from)? {
        let (source, there) = (from.join(&name), to.join(&name));
        match tree.entry(&there)? {
            None => tree.rename(&source, &there)?,
            Some(EntryKind::Folder) if kind.is_folder() => move_content(tree, &source, &there, link)?,
            Some(_) => return Err(refuse(link, MemberProblem::Clash)),
        }
    }
    Ok(tree.remove_dir(from)?)
}

fn refuse(link: &Link, problem: MemberProblem) -> SysrootError {
    let (package, member) = link.member.split_once('\n').unwrap_or_default();
    SysrootError::Member { package: package.to_owned(), member: member.to_owned(), problem }
}

fn os(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}
