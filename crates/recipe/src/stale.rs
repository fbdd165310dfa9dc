//! Which entries of a lock no longer belong to the recipe. A pin counts only for the very request that it was
//! made for: address and tag of a source, packages and suites of a sysroot, package and version of a tool.

use std::fmt;

use crate::lock::{Lock, LockedOrigin, LockedSource, LockedSysroot};
use crate::merge::{Merged, SourceRequest, SysrootRequest, Want, merge};
use crate::overlay::Overlay;
use crate::plan::{SourceId, SysrootId, ToolId};
use crate::suggest::list;
use crate::written::{Debian, Written};

/// One entry of the lock that is out of date, missing or too many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The entry.
    pub entry: LockEntry,
    /// What the lock has; `None`: no such entry.
    pub locked: Option<String>,
    /// What the recipe asks for; `None`: nothing of that name.
    pub wanted: Option<String>,
}

/// What an entry of a lock pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockEntry {
    /// A source.
    Source(SourceId),
    /// The packages of a sysroot.
    Sysroot(SysrootId),
    /// A tool.
    Tool(ToolId),
}

impl fmt::Display for LockEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockEntry::Source(id) => write!(f, "source `{id}`"),
            LockEntry::Sysroot(id) => write!(f, "sysroot `{id}`"),
            LockEntry::Tool(id) => write!(f, "tool `{id}`"),
        }
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.locked, &self.wanted) {
            (Some(locked), Some(wanted)) => {
                write!(f, "{} is locked for {locked}, and the recipe asks for {wanted}", self.entry)
            }
            (None, Some(wanted)) => write!(f, "{} ({wanted}) is not locked", self.entry),
            (Some(locked), None) => write!(f, "{} is locked ({locked}) and not in the recipe", self.entry),
            (None, None) => write!(f, "{} is out of date", self.entry),
        }
    }
}

/// Compares a lock with what recipe and overlay ask for; the error lists all entries that do not fit.
/// What the overlay changes without reason is for [`crate::resolve`] to complain of.
pub fn is_current(written: &Written, overlay: &Overlay, lock: &Lock) -> Result<(), Vec<Stale>> {
    let stale = entries(&merge(written, overlay), lock);
    if stale.is_empty() { Ok(()) } else { Err(stale) }
}

pub(crate) fn entries(merged: &Merged<'_>, lock: &Lock) -> Vec<Stale> {
    let mut all = Vec::new();
    for (id, request) in merged.sources.iter().filter(|(_, r)| !r.is_pinned()) {
        let entry = LockEntry::Source(id.clone());
        match lock.sources.get(id) {
            None => all.push(Stale { entry, locked: None, wanted: Some(wanted(request)) }),
            Some(locked) => all.extend(source(entry, request, locked)),
        }
    }
    if let Some(debian) = &merged.debian {
        for request in &merged.sysroots {
            let pins = lock.debs.iter().filter(|d| d.sysroots.iter().any(|s| s == request.id.as_str())).count();
            all.extend(sysroot(request, debian, lock.sysroots.get(&request.id).filter(|_| pins > 0)));
        }
    }
    for (id, (spec, pin)) in &merged.tools {
        let locked = lock.tools.get(id).map(|t| &t.spec);
        if pin.is_none() && locked != Some(spec) {
            let (entry, locked) = (LockEntry::Tool(id.clone()), locked.map(ToString::to_string));
            all.push(Stale { entry, locked, wanted: Some(spec.to_string()) });
        }
    }
    extra(merged, lock, &mut all);
    all
}

/// Entries for names that the recipe does not have.
fn extra(merged: &Merged<'_>, lock: &Lock, all: &mut Vec<Stale>) {
    let mut push = |entry, locked| all.push(Stale { entry, locked: Some(locked), wanted: None });
    for (id, locked) in lock.sources.iter().filter(|(id, _)| !merged.sources.contains_key(*id)) {
        push(LockEntry::Source(id.clone()), was(locked));
    }
    let has = |id: &SysrootId| merged.sysroots.iter().any(|s| s.id == *id);
    for (id, locked) in lock.sysroots.iter().filter(|(id, _)| !has(id)) {
        push(LockEntry::Sysroot(id.clone()), locked.suites.join(", "));
    }
    for (id, locked) in lock.tools.iter().filter(|(id, _)| !merged.tools.contains_key(*id)) {
        push(LockEntry::Tool(id.clone()), locked.spec.to_string());
    }
}

/// Whether a pin of a source is one for this request, with everything that recipe and overlay pin themselves.
pub fn fits(request: &SourceRequest, locked: &LockedSource) -> bool {
    difference(request, locked).is_none()
}

fn wanted(request: &SourceRequest) -> String {
    match &request.want {
        Want::Git { reference, .. } => format!("{reference} of {}", request.url),
        Want::Tarball { .. } | Want::Path { .. } => request.url.clone(),
    }
}

fn was(locked: &LockedSource) -> String {
    match &locked.origin {
        LockedOrigin::Git { url, reference, .. } => format!("{reference} of {url}"),
        LockedOrigin::Tarball { url, .. } => url.clone(),
    }
}

fn source(entry: LockEntry, request: &SourceRequest, locked: &LockedSource) -> Option<Stale> {
    let (locked, wanted) = difference(request, locked)?;
    Some(Stale { entry, locked: Some(locked), wanted: Some(wanted) })
}

/// What a pin of a source has, and what the request asks for in its place.
fn difference(request: &SourceRequest, locked: &LockedSource) -> Option<(String, String)> {
    let same = match (&request.want, &locked.origin) {
        (Want::Git { reference, .. }, LockedOrigin::Git { url, reference: old, .. }) => {
            *url == request.url && reference == old
        }
        (Want::Tarball { .. }, LockedOrigin::Tarball { url, .. }) => *url == request.url,
        _ => false,
    };
    if !same {
        return Some((was(locked), wanted(request)));
    }
    match (&request.want, &locked.origin) {
        (Want::Git { commit: Some(new), .. }, LockedOrigin::Git { commit, .. }) if new != commit => {
            return Some((format!("commit {commit}"), format!("commit {new}")));
        }
        (Want::Tarball { digest: Some(new) }, LockedOrigin::Tarball { digest, .. }) if new != digest => {
            return Some((format!("digest {digest}"), format!("digest {new}")));
        }
        _ => {}
    }
    match request.hash {
        Some(new) if new != locked.hash => Some((format!("hash {}", locked.hash), format!("hash {new}"))),
        _ => None,
    }
}

fn sysroot(request: &SysrootRequest, debian: &Debian, locked: Option<&LockedSysroot>) -> Option<Stale> {
    let entry = LockEntry::Sysroot(request.id.clone());
    let Some(locked) = locked else {
        let count = request.packages.len();
        let wanted = format!("{count} package{} asked for", if count == 1 { "" } else { "s" });
        return Some(Stale { entry, locked: None, wanted: Some(wanted) });
    };
    let from = |suites: &[String], components: &[String], arch: &str| {
        format!("{} ({}) on {arch}", suites.join(", "), components.join(", "))
    };
    let old = from(&locked.suites, &locked.components, &locked.architecture);
    let new = from(&debian.suites, &debian.components, &debian.architecture);
    if old != new {
        return Some(Stale { entry, locked: Some(old), wanted: Some(new) });
    }
    let missing = |from: &[String], than: &[String]| -> Vec<String> {
        from.iter().filter(|p| !than.contains(p)).cloned().collect()
    };
    let gone = missing(&locked.packages, &request.packages);
    let come = missing(&request.packages, &locked.packages);
    if !gone.is_empty() || !come.is_empty() {
        return Some(Stale { entry, locked: Some(packages(&gone)), wanted: Some(packages(&come)) });
    }
    let essential = |e: bool| if e { "essential packages" } else { "no essential packages" }.to_owned();
    (locked.essential != request.essential).then(|| Stale {
        entry,
        locked: Some(essential(locked.essential)),
        wanted: Some(essential(request.essential)),
    })
}

fn packages(names: &[String]) -> String {
    if names.is_empty() {
        return "fewer packages".into();
    }
    format!("packages with {}", list(names.iter().map(String::as_str)))
}
