//! Which packages the `uv.lock` of a stage selects, by the stage's options, variables and sysroot.

use akbuild_recipe::plan::{Exec, LockReference, UvLock};
use akbuild_registry::{BuildChoices, ClientSettings, PythonLock, PythonSelection, PythonWant};

use super::uv_source::UvSource;
use crate::context::EngineContext;
use crate::error::EngineError;
use crate::lock_reader::LockReader;

/// A lock with its options.
pub(super) fn uv_lock(lock: &LockReference) -> Result<&UvLock, EngineError> {
    match lock {
        LockReference::Uv(lock) => Ok(lock),
        LockReference::Plain(_, file) => Err(EngineError::Bug(format!("{} has no options of uv", file.path))),
    }
}

/// What a `uv.lock` says is installed.
pub(super) fn selected_packages(
    reader: &LockReader<'_>,
    lock: &UvLock,
) -> Result<(PythonLock, PythonSelection), EngineError> {
    let settings = UvSource::open(reader, lock)?.settings()?;
    select(reader, lock, &settings)
}

pub(super) fn select(
    reader: &LockReader<'_>,
    lock: &UvLock,
    settings: &ClientSettings,
) -> Result<(PythonLock, PythonSelection), EngineError> {
    let (uv_lock, pyproject) = (reader.text(&lock.file, None)?, reader.text(&lock.file, Some("pyproject.toml"))?);
    let parsed = PythonLock::parse(&uv_lock, &pyproject, &lock.file.path)?;
    let parsed = parsed.with_choices(settings, &BuildChoices::from_variables(&reader.exec.env));
    let want = PythonWant {
        python: lock.python.clone(),
        extras: lock.extras.clone(),
        groups: lock.groups.clone(),
        glibc: glibc(reader.context, reader.exec)?,
        machine: akbuild_names::BUILD_ARCHITECTURE.machine().into(),
        git: lock.git.keys().cloned().collect(),
    };
    let selection = parsed.select(&want)?;
    Ok((parsed, selection))
}

/// The C library's version in the stage's sysroot: decides which manylinux wheels it can run.
fn glibc(context: &EngineContext, exec: &Exec) -> Result<(u64, u64), EngineError> {
    let sysroot = context.sysroot(&exec.sysroot)?;
    if let Some(host) = &sysroot.host {
        return host.glibc.ok_or_else(|| EngineError::NoHostLibc { sysroot: exec.sysroot.to_string() });
    }
    let version = sysroot.packages.iter().find(|p| p.name == "libc6").map(|p| p.version.as_str()).unwrap_or("");
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => Ok((major, minor)),
        _ => Err(EngineError::NoLibc { sysroot: exec.sysroot.to_string() }),
    }
}
