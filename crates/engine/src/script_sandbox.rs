//! The sandbox in which akbuild runs a script: the environment that each stage, check and question to a client has. Must
//! not depend on stages.

use std::path::{Path, PathBuf};

use akbuild_launch::MountedSysroot;
use akbuild_sandbox::{Limits, Mount, MountKind, Output, Spec, Stdio};

/// The start of 1980, the earliest time that a zip archive can hold.
const SOURCE_DATE_EPOCH: &str = "315532800";

/// A sandbox for a script, with the environment that each stage has.
pub(crate) fn spec(
    root: &MountedSysroot,
    mounts: Vec<Mount>,
    script: &str,
    env: Vec<(String, String)>,
    cwd: &str,
    listen: Option<u16>,
) -> Spec {
    let fixed = [
        ("HOME", "/tmp"),
        ("LANG", "C.UTF-8"),
        ("PATH", &root.path),
        ("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH),
        ("TMPDIR", "/tmp"),
        ("TZ", "UTC"),
    ];
    let mut all: std::collections::BTreeMap<String, String> =
        fixed.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    all.extend(env);
    let argv = ["/bin/bash", "-euo", "pipefail", "-c", script].map(Into::into).to_vec();
    Spec {
        root: root.tree.clone(),
        mounts: root.sandbox_mounts().chain(mounts).collect(),
        argv,
        env: all.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        cwd: cwd.into(),
        listen: listen.into_iter().collect(),
        stdin: Stdio::Null,
        output: Output::Pipe,
        limits: Limits::default(),
        ..Spec::default()
    }
}

pub(crate) fn pair((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.clone())
}

pub(crate) fn writable(at: impl Into<PathBuf>, host: &Path) -> Mount {
    Mount { at: at.into(), what: MountKind::ReadWrite(host.to_owned()) }
}

/// A part of a tree whose names akbuild did not choose: no link in it is followed.
pub(crate) fn part(at: impl Into<PathBuf>, top: impl Into<PathBuf>, path: impl Into<PathBuf>) -> Mount {
    Mount { at: at.into(), what: MountKind::Part { top: top.into(), path: path.into() } }
}

pub(crate) fn read_only(at: impl Into<PathBuf>, host: impl Into<PathBuf>) -> Mount {
    Mount { at: at.into(), what: MountKind::ReadOnly(host.into()) }
}
