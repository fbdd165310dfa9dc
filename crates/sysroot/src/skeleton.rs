//! The small files and folders that maintainer scripts and an administrator would make. A table; knows
//! no package, and none need be there.

use crate::SysrootError;
use crate::member::MERGED;
use crate::root::Root;

/// Folders, most of which a sandbox mounts something on.
const FOLDERS: [&str; 22] = [
    "build",
    "dev",
    "etc",
    "home",
    "mnt",
    "opt",
    "opt/akbuild/git",
    "opt/akbuild/tools",
    "proc",
    "root",
    "run",
    "run/lock",
    "srv",
    "sys",
    "tmp",
    "usr/bin",
    "usr/lib",
    "usr/local/bin",
    "usr/sbin",
    "var/cache",
    "var/lib",
    "var/tmp",
];

/// Files whose text is the same in every root. The ids are those that a sandbox maps.
const FILES: [(&str, &str); 10] = [
    (
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\nbuild:x:1000:1000:build:/build:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    ),
    ("etc/group", "root:x:0:\nbuild:x:1000:\nnogroup:x:65534:\n"),
    ("etc/hosts", "127.0.0.1 localhost\n"),
    ("etc/hostname", "localhost\n"),
    (
        "etc/nsswitch.conf",
        "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\n",
    ),
    ("etc/resolv.conf", ""),
    ("etc/machine-id", ""),
    ("etc/timezone", "Etc/UTC\n"),
    ("etc/shells", "/bin/sh\n/bin/bash\n"),
    ("etc/fstab", ""),
];

/// The links that make the merged `/usr`, wherever `usr` has the folder.
pub(crate) fn merge_usr(root: &Root) -> Result<(), SysrootError> {
    for name in MERGED {
        let always = ["bin", "sbin", "lib"].contains(&name);
        if always || root.exists(format!("usr/{name}")) {
            root.link(name, format!("usr/{name}"))?;
        }
    }
    Ok(())
}

/// Folders, files, `/bin/sh` and the time zone.
pub(crate) fn write(root: &Root) -> Result<(), SysrootError> {
    for (link, target) in [("var/run", "/run"), ("var/lock", "/run/lock")] {
        if !root.occupied(link) {
            root.link(link, target)?;
        }
    }
    for folder in FOLDERS {
        root.make_dir(folder)?;
    }
    for (path, text) in FILES {
        root.write(path, text.as_bytes())?;
    }
    let shell = ["dash", "bash"].into_iter().find(|s| root.exists(format!("usr/bin/{s}")));
    if let (Some(shell), false) = (shell, root.exists("usr/bin/sh")) {
        root.link("usr/bin/sh", shell)?;
    }
    if root.exists("usr/share/zoneinfo/Etc/UTC") {
        root.link("etc/localtime", "/usr/share/zoneinfo/Etc/UTC")?;
    }
    Ok(())
}
