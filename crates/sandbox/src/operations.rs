//! A sandbox as a list of operations: what the helper will do, in order, as data.
//!
//! Knows what a [`Spec`] means. Does nothing itself but look at names in the trees that are mounted.

use std::path::Path;

use crate::SandboxError;
use crate::layout::Layout;
use crate::ops::{Op, Resource};
use crate::spec::{Network, Spec};

/// The operations that a spec means. Reads the names in the mounted trees, and nothing else.
///
/// # Errors
/// [`SandboxError::MountPoint`], [`SandboxError::Source`] and [`SandboxError::Field`], for a spec that
/// cannot be carried out.
pub fn operations(spec: &Spec) -> Result<Vec<Op>, SandboxError> {
    check(spec)?;
    let mut ops = vec![Op::Hostname("localhost".into())];
    ops.extend((spec.network == Network::Loopback).then_some(Op::Loopback));
    ops.extend(spec.listen.iter().copied().map(Op::Listen));
    ops.push(Op::Root);
    ops.extend(Layout::new(spec)?.operations()?);
    ops.push(Op::Enter);
    ops.push(Op::Cwd(spec.cwd.clone()));
    ops.extend(limits(spec));
    Ok(ops)
}

fn check(spec: &Spec) -> Result<(), SandboxError> {
    let bad = |field, reason: &str| Err(SandboxError::Field { field, reason: reason.into() });
    if !spec.root.is_absolute() {
        return bad("root", &format!("it must be an absolute path, and is \"{}\"", spec.root.display()));
    }
    if !spec.cwd.is_absolute() {
        return bad("cwd", &format!("it must be an absolute path, and is \"{}\"", spec.cwd.display()));
    }
    match spec.argv.first() {
        Some(program) if Path::new(program).is_absolute() => {}
        Some(program) => {
            return bad("argv", &format!("the program must be an absolute path, and is \"{}\"", program.display()));
        }
        None => return bad("argv", "it is empty, and must begin with the program"),
    }
    let has_nul = |s: &std::ffi::OsStr| s.as_encoded_bytes().contains(&0);
    if spec.argv.iter().any(|a| has_nul(a)) || spec.env.iter().any(|(k, v)| has_nul(k) || has_nul(v)) {
        return bad("command", "an argument or variable has a NUL byte in it");
    }
    if [spec.ids.0, spec.ids.1].contains(&u32::MAX) {
        return bad("user or group", &format!("{} stands for nobody", u32::MAX));
    }
    if spec.network == Network::Host && !spec.listen.is_empty() {
        return bad(
            "listen",
            "with the host's network there is nothing to hand out; listen outside, and leave it empty",
        );
    }
    Ok(())
}

fn limits(spec: &Spec) -> Vec<Op> {
    let l = &spec.limits;
    let all = [
        (Resource::Nofile, l.nofile),
        (Resource::Core, Some(l.core)),
        (Resource::Nproc, l.nproc),
        (Resource::Fsize, l.fsize),
        (Resource::Data, l.memory),
    ];
    all.into_iter().filter_map(|(resource, value)| Some(Op::Limit { resource, value: value? })).collect()
}
