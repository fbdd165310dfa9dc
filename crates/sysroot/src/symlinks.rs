//! The links of all packages, made when everything else is in place. A name that is a folder in one
//! package and a link to a folder in another ends as the link, with the folder's content moved to where
//! it leads: what dpkg does when the link comes first. Knows no archive format.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::claims::Claims;
use crate::extract::Link;
use crate::root::{Root, make_folders};
use crate::{MemberProblem, SysrootError};

/// Makes hard links, in the order of the archives.
pub(crate) fn make_hard_links(root: &Root, links: &[Link], claims: &Claims) -> Result<(), SysrootError> {
    for link in links.iter().filter(|l| claims.holder(&l.path) == Some(l.owner)) {
        let (from, to) = (root.at(os(&link.target)), root.at(os(&link.path)));
        let is_own = claims.holder(&link.target) == Some(link.owner);
        if !is_own || !from.symlink_metadata().is_ok_and(|m| m.is_file()) {
            return Err(refuse(link, MemberProblem::HardLink));
        }
        match fs::hard_link(&from, &to) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(refuse(link, MemberProblem::Clash)),
            other => other.map_err(SysrootError::io("make the hard link", to))?,
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
        let at = root.at(os(&link.path));
        match symlink(os(&link.target), &at) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => match at.symlink_metadata() {
                Ok(m) if m.is_dir() => over_folders.push(link),
                _ => return Err(refuse(&link, MemberProblem::Clash)),
            },
            Err(e) => return Err(SysrootError::io("make the link", at)(e)),
        }
    }
    over_folders.iter().try_for_each(|link| replace_folder(root, link))
}

fn replace_folder(root: &Root, link: &Link) -> Result<(), SysrootError> {
    // A folder above it may be a link by now, which must lead where it will lead inside of the root.
    let at = root.real(os(&link.path))?;
    let target = Path::new(os(&link.path)).parent().unwrap_or(Path::new("")).join(os(&link.target));
    let to = root.resolve(&target).ok_or_else(|| refuse(link, MemberProblem::ThroughSymlink))?;
    let to = root.at(to);
    if to.starts_with(&at) {
        return Err(refuse(link, MemberProblem::ThroughSymlink));
    }
    make_folders(&to)?;
    move_content(&at, &to, link)?;
    symlink(os(&link.target), &at).map_err(SysrootError::io("make the link", at))
}

/// Moves what a folder holds into another and removes it.
fn move_content(from: &Path, to: &Path, link: &Link) -> Result<(), SysrootError> {
    for entry in fs::read_dir(from).map_err(SysrootError::io("list", from))? {
        let entry = entry.map_err(SysrootError::io("list", from))?;
        let (source, there): (PathBuf, PathBuf) = (entry.path(), to.join(entry.file_name()));
        match there.symlink_metadata() {
            Err(_) => fs::rename(&source, &there).map_err(SysrootError::io("move", source))?,
            Ok(m) if m.is_dir() && source.symlink_metadata().is_ok_and(|s| s.is_dir()) => {
                move_content(&source, &there, link)?;
            }
            Ok(_) => return Err(refuse(link, MemberProblem::Clash)),
        }
    }
    fs::remove_dir(from).map_err(SysrootError::io("remove the folder", from))
}

fn refuse(link: &Link, problem: MemberProblem) -> SysrootError {
    let (package, member) = link.member.split_once('\n').unwrap_or_default();
    SysrootError::Member { package: package.to_owned(), member: member.to_owned(), problem }
}

fn os(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}
