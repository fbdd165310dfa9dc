//! Finding one program of this machine: on the PATH, outside of home folders, in the version that is wanted.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use akbuild_fetch::Machine;
use akbuild_nar::Digest;
use akbuild_recipe::plan::HostProgram;
use akbuild_recipe::{Requirement, version_in};

use super::folders::Folders;
use crate::machine;

/// Programs that tell their version otherwise than with `--version`.
const ASKED: [(&str, &str); 3] = [("go", "version"), ("java", "-version"), ("javac", "-version")];
/// Where programs are looked for besides, inside.
const USUAL: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// A longer version is cut.
const LONGEST: usize = 200;

/// Where to look.
#[derive(Clone)]
pub(super) struct Search {
    /// The folders, with `:` in between.
    pub(super) path: String,
    /// What stages see of the machine.
    pub(super) folders: Folders,
    /// The bash that scripts run with, if it stands where they expect it.
    pub(super) own_bash: Option<PathBuf>,
}

/// A program that was found.
pub(super) struct Found {
    name: String,
    /// The file, all links followed.
    pub(super) path: PathBuf,
    /// A folder that stages see and that has the program by its name.
    folder: PathBuf,
    /// The place of its folder on the PATH.
    pub(super) place: usize,
    digest: Digest,
    version: String,
}

/// Why a program cannot be used.
#[derive(Debug)]
pub(super) enum Fault {
    Missing,
    Closed(PathBuf),
    Unreadable(PathBuf, std::io::Error),
    Version { path: PathBuf, found: Option<String> },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Missing => f.write_str("not on the PATH"),
            Fault::Closed(path) => write!(
                f,
                "only `{}` is there, in a folder that stages never see, as it may hold secrets or change at any time",
                path.display()
            ),
            Fault::Unreadable(path, error) => write!(f, "`{}` cannot be read: {error}", path.display()),
            Fault::Version { path, found: Some(found) } => write!(f, "`{}` is {found}", path.display()),
            Fault::Version { path, found: None } => write!(f, "`{}` does not tell its version", path.display()),
        }
    }
}

impl Search {
    /// The PATH of this machine.
    pub(super) fn new(machine: &Machine, folders: Folders) -> Self {
        let path = machine.env.get("PATH").cloned().unwrap_or_default();
        let own_bash = Some(PathBuf::from("/bin/bash")).filter(|bash| bash.is_file());
        let folders = folders.without_home(machine.home.as_deref());
        Self { path, folders, own_bash }
    }

    /// Every file of that name, in the order of the PATH.
    fn all(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        which::which_in_global(name, Some(&self.path)).into_iter().flatten()
    }

    /// Where the first of that name really is.
    pub(super) fn canonical(&self, name: &str) -> Option<PathBuf> {
        let mut real = self.all(name).filter_map(|path| fs::canonicalize(path).ok());
        real.find(|path| self.folders.may_see(path))
    }

    /// The first on the PATH that stages may see, if its version will do.
    pub(super) fn find(&self, wanted: &Requirement) -> Result<Found, Fault> {
        let own = self.own_bash.clone().filter(|_| wanted.program == "bash");
        let mut closed = None;
        for path in own.into_iter().chain(self.all(&wanted.program)) {
            let real = fs::canonicalize(&path).map_err(|error| Fault::Unreadable(path.clone(), error))?;
            match self.folder(&path, &real) {
                Some(folder) => return self.check(wanted, &path, real, folder),
                None => closed = closed.or(Some(path)),
            }
        }
        Err(closed.map_or(Fault::Missing, Fault::Closed))
    }

    /// A folder that stages may see in which the program has its name: the one on the PATH, or that of the file itself.
    fn folder(&self, path: &Path, real: &Path) -> Option<PathBuf> {
        if !self.folders.may_see(real) {
            return None;
        }
        let on_path = fs::canonicalize(path.parent()?).ok()?;
        if self.folders.may_see(&on_path.join("program")) {
            return Some(on_path);
        }
        (real.file_name() == path.file_name()).then(|| real.parent().map(Path::to_owned)).flatten()
    }

    fn check(&self, wanted: &Requirement, path: &Path, real: PathBuf, folder: PathBuf) -> Result<Found, Fault> {
        let asked = ASKED.iter().find(|(name, _)| *name == wanted.program).map_or("--version", |(_, asked)| asked);
        let said = machine::say(path, asked, &self.path).unwrap_or_default();
        let line = said.lines().map(str::trim).find(|line| version_in(line).is_some()).unwrap_or_default();
        let found = version_in(line).map(str::to_owned);
        if !wanted.takes_any() && !found.as_ref().is_some_and(|found| wanted.accepts(found)) {
            return Err(Fault::Version { path: path.to_owned(), found });
        }
        let bytes = fs::read(&real).map_err(|error| Fault::Unreadable(path.to_owned(), error))?;
        let place = std::env::split_paths(&self.path).position(|f| path.parent() == Some(&f)).unwrap_or(usize::MAX);
        let version = line.chars().take(LONGEST).collect();
        Ok(Found { name: wanted.program.clone(), path: real, folder, place, digest: Digest::sha256(&bytes), version })
    }

    /// Where stages look for programs: the folders of those that were found, then the usual ones, each once.
    pub(super) fn path_of(&self, found: &[Found]) -> Vec<String> {
        let mut all: Vec<String> = found.iter().map(|f| f.folder.display().to_string()).collect();
        all.extend(self.folders.system_programs());
        all.extend(USUAL.map(str::to_owned));
        let mut seen = std::collections::HashSet::new();
        all.retain(|folder| seen.insert(folder.clone()));
        all
    }

    /// The version of the C library, if it is glibc.
    pub(super) fn glibc(&self) -> Option<(u64, u64)> {
        let ask = |name: &str, asked| machine::say(&self.all(name).next()?, asked, &self.path);
        let said = ask("getconf", "GNU_LIBC_VERSION").filter(|said| said.starts_with("glibc"));
        let said = said.or_else(|| ask("ldd", "--version"))?;
        glibc_in(said.lines().next()?)
    }
}

/// `glibc 2.41`, `ldd (GNU libc) 2.38`, `ldd (Debian GLIBC 2.41-12) 2.41`.
fn glibc_in(line: &str) -> Option<(u64, u64)> {
    if !["glibc", "GLIBC", "GNU libc"].iter().any(|name| line.contains(name)) {
        return None;
    }
    let mut numbers = version_in(line)?.split('.').map(|n| n.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

impl Found {
    /// As it stands in the plan.
    pub(super) fn program(self) -> HostProgram {
        HostProgram { name: self.name, path: self.path, digest: self.digest, version: self.version }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_c_library_is_known_by_its_words() {
        for (line, expected) in [
            ("glibc 2.36", Some((2, 36))),
            ("ldd (GNU libc) 2.38", Some((2, 38))),
            ("ldd (Debian GLIBC 2.41-12) 2.41", Some((2, 41))),
            ("musl libc (x86_64)", None),
        ] {
            assert_eq!(glibc_in(line), expected, "{line}");
        }
    }
}
