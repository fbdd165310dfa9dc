//! Sysroots: closures of Debian packages, resolved against the suites as they are now.

use std::error::Error;
use std::time::SystemTime;

use akbuild_fetch::{Client, Mirrors};
use akbuild_recipe::{Lock, LockInputs, LockedSysroot, SysrootRequest};
use akbuild_sysroot::{LockRequest, Metadata, Suite, Wanted};

use crate::failure::{Exit, Failure, Outcome};
use crate::project::Project;
use crate::session::Session;

/// The largest index that is accepted, in bytes.
const LIMIT: u64 = 256 << 20;

struct Archive<'a> {
    session: &'a Session,
    client: Client,
    mirrors: std::sync::Arc<Mirrors>,
}

impl Metadata for Archive<'_> {
    fn get(&self, path: &str) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        let urls: Vec<_> = self.mirrors.debian.iter().filter_map(|b| b.below(path)).collect();
        Ok(self.session.block_on(self.client.get_file(&urls, LIMIT))?.bytes)
    }
}

/// What the lock records of a sysroot's request; `None` if the recipe names no suites.
pub(super) fn request(inputs: &LockInputs, sysroot: &SysrootRequest) -> Option<LockedSysroot> {
    let debian = inputs.debian.as_ref()?;
    Some(LockedSysroot {
        suites: debian.suites.clone(),
        components: debian.components.clone(),
        architecture: debian.architecture.clone(),
        essential: sysroot.essential,
        packages: sysroot.packages.clone(),
    })
}

/// Resolves every sysroot.
pub(super) fn lock(session: &Session, project: &Project, inputs: &LockInputs, lock: &mut Lock) -> Outcome {
    (lock.debs, lock.sysroots) = Default::default();
    let Some(debian) = inputs.debian.as_ref().filter(|_| !inputs.sysroots.is_empty()) else { return Ok(()) };
    let (mirrors, client) = session.mirrors(project)?;
    if mirrors.debian.is_empty() {
        let message = "no Debian archive is configured: neither apt on this machine nor the overlay names one";
        let help = "write `registries.debian = [\"https://...\"]` in akbuild.local.toml";
        return Err(Failure::Say(format!("{message}\n  help: {help}")));
    }
    let suite = |name: &String| Suite {
        suite: name.clone(),
        components: debian.components.clone(),
        arch: debian.architecture.clone(),
    };
    let wanted =
        |s: &SysrootRequest| Wanted { name: s.id.to_string(), packages: s.packages.clone(), essential: s.essential };
    let suites: Vec<Suite> = debian.suites.iter().map(suite).collect();
    let sysroots: Vec<Wanted> = inputs.sysroots.iter().map(wanted).collect();
    let keyrings: Vec<_> = debian.keyrings.iter().map(|k| project.root.join(k)).collect();
    let locked = akbuild_sysroot::lock(
        &LockRequest {
            suites: &suites,
            sysroots: &sysroots,
            keyrings: &keyrings,
            fingerprints: &debian.fingerprints,
            now: SystemTime::now(),
            allow_expired: debian.allow_expired,
            recommends: false,
        },
        &Archive { session, client, mirrors },
    );
    let locked = match locked {
        // The error says that a download was cancelled, with what it was for.
        Err(_) if session.is_interrupted() => return Err(Failure::Told(Exit::Interrupted)),
        locked => locked?,
    };
    locked.warnings.iter().for_each(|warning| session.ui.warn(warning));
    for suite in &locked.suites {
        session.ui.note(&format!("suite `{}` of {}, signed by {}", suite.suite, suite.date_text, suite.signed_by));
    }
    lock.debs = locked.packages;
    lock.sysroots = inputs.sysroots.iter().filter_map(|s| Some((s.id.clone(), request(inputs, s)?))).collect();
    Ok(())
}
