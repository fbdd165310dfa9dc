//! Pins of sysroots: closures of Debian packages, resolved against the suites as they are now. Must not depend on how a
//! closure is resolved; that is the sysroot crate's.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::sync::Mutex;
use std::time::SystemTime;

use akbuild_engine::{EngineContext, EngineError};
use akbuild_fetch::{Client, Mirrors};
use akbuild_names::Ecosystem;
use akbuild_recipe::plan::{DebPin, SysrootId};
use akbuild_recipe::{Debian, Lock, LockInputs, LockedSysroot, SysrootRequest};
use akbuild_sysroot::{LockRequest, Locked, Metadata, Suite, Wanted};

use crate::{LockError, LockEvent, LockHost, LockInput};

/// The largest index that is accepted, in bytes.
const LIMIT: u64 = 256 << 20;

struct Archive<'a> {
    context: &'a EngineContext,
    client: Client,
    mirrors: std::sync::Arc<Mirrors>,
    /// What was fetched already: a second look at the suites sees the same state of them.
    fetched: Mutex<HashMap<String, Vec<u8>>>,
}

impl Metadata for Archive<'_> {
    fn get(&self, path: &str) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        let mut fetched = self.fetched.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(bytes) = fetched.get(path) {
            return Ok(bytes.clone());
        }
        let urls: Vec<_> = self.mirrors.of(Ecosystem::Debian).iter().filter_map(|b| b.below(path)).collect();
        let bytes = self.context.runtime.block_on(self.client.get_file(&urls, LIMIT))?.bytes;
        fetched.insert(path.to_owned(), bytes.clone());
        Ok(bytes)
    }
}

/// What the lock records of a sysroot's request; `None` if the recipe names no suites.
fn request(inputs: &LockInputs, sysroot: &SysrootRequest) -> Option<LockedSysroot> {
    let debian = inputs.debian.as_ref()?;
    Some(LockedSysroot {
        suites: debian.suites.clone(),
        components: debian.components.clone(),
        architecture: debian.architecture.clone(),
        essential: sysroot.essential,
        packages: sysroot.packages.clone(),
    })
}

/// Resolves the sysroots whose pins do not fit any more, or all of them if they are renewed.
///
/// Sysroots share packages, and what is compiled in one runs in another, so that one name has one version in all of them:
/// a sysroot that shares a package which moves is resolved again too.
pub(crate) fn lock<H: LockHost>(
    host: &H,
    input: &LockInput<'_>,
    inputs: &LockInputs,
    lock: &mut Lock,
) -> Result<(), H::Error> {
    let anew = input.renewed.sysroots;
    let has_pins = |id: &SysrootId| lock.debs.iter().any(|pin| pin.sysroots.iter().any(|s| s == id.as_str()));
    let fits = |s: &SysrootRequest| lock.sysroots.get(&s.id) == request(inputs, s).as_ref() && has_pins(&s.id);
    let open = inputs.sysroots.iter().filter(|sysroot| anew || !fits(sysroot)).map(|sysroot| sysroot.id.clone());
    let mut open: BTreeSet<SysrootId> = open.collect();
    let Some(debian) = inputs.debian.as_ref().filter(|_| !open.is_empty()) else { return Ok(()) };
    host.event(LockEvent::Sysroots);
    let context = host.context(input.bare_plan(&Lock::default()))?;
    let archive = archive(&context)?;
    let locked = loop {
        let wanted: Vec<&SysrootRequest> = inputs.sysroots.iter().filter(|s| open.contains(&s.id)).collect();
        let locked = resolve(input, debian, &wanted, if anew { &[] } else { &lock.debs }, &archive)?;
        let moved = sharing(&lock.debs, &locked.packages, &open);
        if moved.is_empty() {
            break locked;
        }
        open.extend(moved);
    };
    locked.warnings.iter().for_each(|warning| host.event(LockEvent::Warning(warning)));
    for suite in &locked.suites {
        let (date, signed_by) = (&suite.date_text, &suite.signed_by);
        host.event(LockEvent::Suite { suite: &suite.suite, date, signed_by });
    }
    drop_sysroots(&mut lock.debs, |id| open.iter().any(|open| open.as_str() == id));
    add(&mut lock.debs, locked.packages);
    let resolved = inputs.sysroots.iter().filter(|sysroot| open.contains(&sysroot.id));
    lock.sysroots.extend(resolved.filter_map(|s| Some((s.id.clone(), request(inputs, s)?))));
    Ok(())
}

fn archive(context: &EngineContext) -> Result<Archive<'_>, LockError> {
    let (mirrors, client) = akbuild_engine::network(context)?;
    if mirrors.of(Ecosystem::Debian).is_empty() {
        return Err(LockError::NoArchive);
    }
    Ok(Archive { context, client, mirrors, fetched: Mutex::default() })
}

fn resolve(
    input: &LockInput<'_>,
    debian: &Debian,
    sysroots: &[&SysrootRequest],
    prefer: &[DebPin],
    archive: &Archive<'_>,
) -> Result<Locked, LockError> {
    let suite = |name: &String| Suite {
        suite: name.clone(),
        components: debian.components.clone(),
        arch: debian.architecture.clone(),
    };
    let wanted =
        |s: &&SysrootRequest| Wanted { name: s.id.to_string(), packages: s.packages.clone(), essential: s.essential };
    let suites: Vec<Suite> = debian.suites.iter().map(suite).collect();
    let sysroots: Vec<Wanted> = sysroots.iter().map(wanted).collect();
    let keyrings: Vec<_> = debian.keyrings.iter().map(|k| input.root.join(k)).collect();
    let locked = akbuild_sysroot::lock(
        &LockRequest {
            suites: &suites,
            sysroots: &sysroots,
            keyrings: &keyrings,
            fingerprints: &debian.fingerprints,
            now: SystemTime::now(),
            allow_expired: debian.allow_expired,
            recommends: false,
            prefer,
        },
        archive,
    );
    match locked {
        // The error says that a download was cancelled, with what it was for.
        Err(_) if archive.context.cancel.is_thrown() => Err(EngineError::Cancelled.into()),
        locked => Ok(locked?),
    }
}

/// The sysroots that are not open and have another file of a package than the ones that were resolved.
fn sharing(old: &[DebPin], new: &[DebPin], open: &BTreeSet<SysrootId>) -> BTreeSet<SysrootId> {
    let moved = |pin: &&DebPin| {
        let same_name = || new.iter().filter(|other| other.name == pin.name);
        same_name().next().is_some() && same_name().all(|other| other.digest != pin.digest)
    };
    let ids = old.iter().filter(moved).flat_map(|pin| &pin.sysroots).map(SysrootId::new);
    ids.filter(|id| !open.contains(id)).collect()
}

/// Takes sysroots out of pins, and pins away that no sysroot is left of.
pub(crate) fn drop_sysroots(debs: &mut Vec<DebPin>, goes: impl Fn(&str) -> bool) {
    debs.iter_mut().for_each(|pin| pin.sysroots.retain(|id| !goes(id)));
    debs.retain(|pin| !pin.sysroots.is_empty());
}

/// Adds pins; of a file that is there already only the sysroots.
fn add(debs: &mut Vec<DebPin>, new: Vec<DebPin>) {
    for pin in new {
        match debs.iter_mut().find(|old| old.name == pin.name && old.version == pin.version) {
            Some(old) => {
                old.sysroots.extend(pin.sysroots);
                old.sysroots.sort();
                old.sysroots.dedup();
            }
            None => debs.push(pin),
        }
    }
}
