//! What stages see of this machine's file system when they run with its programs: the folders of installed programs
//! and libraries, read-only. Never a home folder, `/var`, `/tmp` or `/etc` as a whole.

use std::fs;
use std::path::{Path, PathBuf};

use akbuild_recipe::plan::HostMount;

/// Folders that no program is taken from.
const CLOSED: [&str; 9] = ["/home", "/root", "/var", "/tmp", "/etc", "/run/user", "/dev", "/proc", "/sys"];
/// Top folders that may be links into `/usr`.
const TOP: [&str; 7] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32"];
/// What is mounted where it is there.
const SEEN: [&str; 7] = [
    "/usr",
    "/nix/store",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ssl/certs",
];
/// Where NixOS has the system's programs: a link into the store.
const SYSTEM: &str = "/run/current-system";

/// Mounts and links being collected.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    mounts: Vec<HostMount>,
    links: Vec<(String, String)>,
    closed: Vec<PathBuf>,
}

impl Folders {
    /// Nothing is seen yet, and these are never seen.
    pub(super) fn bare(closed: Vec<PathBuf>) -> Self {
        Self { mounts: Vec::new(), links: Vec::new(), closed }
    }

    /// What this machine has.
    pub(super) fn of_machine() -> Self {
        let mut folders = Self::bare(CLOSED.map(PathBuf::from).to_vec());
        for name in TOP {
            let at = Path::new("/").join(name);
            match fs::read_link(&at) {
                Ok(target) => folders.links.push((name.to_owned(), target.display().to_string())),
                Err(_) if at.is_dir() => folders.mount(&at, &at),
                Err(_) => {}
            }
        }
        let java = fs::read_dir("/etc").into_iter().flatten().flatten().map(|entry| entry.path());
        let java = java.filter(|path| path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"java")));
        for path in SEEN.iter().map(PathBuf::from).chain(java).filter(|path| path.exists()) {
            folders.mount(&path, &path);
        }
        if let Ok(system) = fs::canonicalize(SYSTEM) {
            folders.mount(Path::new(SYSTEM), &system);
        }
        folders
    }

    /// A home folder is never seen, wherever it is.
    pub(super) fn without_home(mut self, home: Option<&Path>) -> Self {
        let real = home.and_then(|home| fs::canonicalize(home).ok());
        self.closed.extend(real.filter(|home| home.parent().is_some()));
        self
    }

    fn mount(&mut self, at: &Path, from: &Path) {
        self.mounts.push(HostMount { at: at.display().to_string(), from: from.to_owned() });
    }

    fn is_seen(&self, path: &Path) -> bool {
        self.mounts.iter().any(|mount| mount.from.is_dir() && path.starts_with(&mount.at))
    }

    /// Whether a file, all links followed, is seen or may be.
    pub(super) fn may_see(&self, real: &Path) -> bool {
        let closed = || self.closed.iter().any(|folder| real.starts_with(folder));
        self.is_seen(real) || (!closed() && installation(real).is_some())
    }

    /// Mounts the installation of a program, unless it is seen already.
    pub(super) fn add(&mut self, real: &Path) {
        if let Some(folder) = installation(real).filter(|_| !self.is_seen(real)) {
            let folder = folder.to_owned();
            self.mount(&folder, &folder);
        }
    }

    /// Puts in what scripts start with, where the machine has it elsewhere: `/bin/bash`, `/bin/sh` and `/usr/bin/env`.
    pub(super) fn add_shells(&mut self, find: impl Fn(&str) -> Option<PathBuf>) {
        for (at, programs) in [("/bin/bash", &["bash"][..]), ("/bin/sh", &["sh", "bash"]), ("/usr/bin/env", &["env"])] {
            let at = Path::new(at);
            if at.exists() {
                continue;
            }
            if let (Some(from), Some(parent), Some(name)) =
                (programs.iter().find_map(|p| find(p)), at.parent(), at.file_name())
            {
                let parent = fs::canonicalize(parent).unwrap_or_else(|_| parent.to_owned());
                self.mount(&parent.join(name), &from);
            }
        }
    }

    /// Folders of programs besides the usual ones.
    pub(super) fn system_programs(&self) -> Option<String> {
        self.mounts.iter().any(|m| m.at == SYSTEM).then(|| format!("{SYSTEM}/sw/bin"))
    }

    /// Links and mounts; a mount that lies in another stands after it.
    pub(super) fn end(mut self) -> (Vec<(String, String)>, Vec<HostMount>) {
        self.mounts.sort_by(|a, b| Path::new(&a.at).cmp(Path::new(&b.at)));
        self.mounts.dedup();
        (self.links, self.mounts)
    }
}

/// The folder that a program is installed in: the one above its `bin`, if that is no top folder, else its own. `None`
/// if that is a top folder too.
fn installation(program: &Path) -> Option<&Path> {
    let own = program.parent()?;
    let is_deep = |folder: &&Path| folder.components().count() > 2;
    let above = own.parent().filter(|_| own.ends_with("bin") || own.ends_with("sbin")).filter(is_deep);
    above.or(Some(own).filter(is_deep))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_is_no_top_folder() {
        for (program, folder) in [
            ("/usr/local/go/bin/go", Some("/usr/local/go")),
            ("/opt/go/bin/go", Some("/opt/go")),
            ("/opt/bin/go", Some("/opt/bin")),
            ("/srv/tools/go", Some("/srv/tools")),
            ("/srv/go", None),
            ("/go", None),
        ] {
            assert_eq!(installation(Path::new(program)), folder.map(Path::new), "{program}");
        }
    }

    #[test]
    fn home_folders_and_the_like_are_closed() {
        let folders = Folders::of_machine().without_home(Some(Path::new("/usr/share")));
        for path in ["/root/.cargo/bin/cargo", "/home/a/bin/x", "/tmp/a/x", "/var/lib/x/bin/x", "/etc/init.d/x"] {
            assert!(!folders.may_see(Path::new(path)), "{path}");
        }
        for path in ["/usr/bin/gcc", "/usr/lib/jvm/x/bin/java", "/opt/x/bin/x"] {
            assert!(folders.may_see(Path::new(path)), "{path}");
        }
        let (_, mounts) = folders.end();
        assert!(mounts.iter().all(|m| m.at != "/etc" && m.at != "/"));
    }

    #[test]
    fn mounts_stand_after_those_they_lie_in() {
        let mut folders = Folders::bare(Vec::new());
        for at in ["/usr/bin/env", "/nix/store", "/usr-local", "/usr", "/nix/store"] {
            folders.mount(Path::new(at), Path::new(at));
        }
        let (_, mounts) = folders.end();
        let order: Vec<_> = mounts.iter().map(|m| m.at.as_str()).collect();
        assert_eq!(order, ["/nix/store", "/usr", "/usr/bin/env", "/usr-local"]);
    }
}
