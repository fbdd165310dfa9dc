//! From lists of package names to pinned packages. Puts the release, the indices and the resolver in
//! order; knows the details of none of them.

use std::collections::BTreeMap;
use std::time::SystemTime;

use akbuild_names::{DebianPackageName, DebianPackageVersion};

use crate::index::Universe;
use crate::release::LockedSuite;
use crate::request::{LockRequest, Metadata};
use crate::resolve::{Query, resolve};
use crate::{DebPin, SysrootError, compare_versions, release, signature};

/// The result of [`lock`].
#[derive(Clone, Debug)]
pub struct Locked {
    /// The union of all closures, sorted by name, then version.
    pub packages: Vec<DebPin>,
    /// What the user should know, though it stopped nothing.
    pub warnings: Vec<String>,
    /// The date of the newest suite.
    pub suite_date: SystemTime,
    /// Each suite, in the request's order.
    pub suites: Vec<LockedSuite>,
}

/// Resolves each sysroot against the suites: `InRelease` with its signature and `Valid-Until` checked,
/// indices checked against it, closures computed, and merged into one list of pins.
pub fn lock(request: &LockRequest<'_>, meta: &dyn Metadata) -> Result<Locked, SysrootError> {
    let keys = signature::read_keyrings(request.keyrings)?;
    let (mut universe, mut suites, mut warnings) = (Universe::default(), Vec::new(), Vec::new());
    for suite in request.suites {
        let release = release::fetch(suite, request, &keys, meta)?;
        if release.expired(request.now) {
            let until = release.suite.valid_until.as_ref().map_or("", |(_, text)| text);
            warnings.push(format!("the index of suite `{}` expired on {until}", suite.suite));
        }
        for (path, bytes) in release.indices(suite, meta)? {
            universe.add(&path, &bytes)?;
        }
        suites.push(release.suite);
    }
    universe.index();
    universe.prefer(request.prefer);
    let packages = match pins(request, &universe) {
        // What was locked may exclude, or be too old for, what is asked for now.
        Err(_) if !request.prefer.is_empty() => {
            universe.prefer(&[]);
            pins(request, &universe)?
        }
        packages => packages?,
    };
    let suite_date = suites.iter().map(|s| s.date).max().unwrap_or(request.now);
    Ok(Locked { packages, warnings, suite_date, suites })
}

fn pins(request: &LockRequest<'_>, universe: &Universe) -> Result<Vec<DebPin>, SysrootError> {
    let names: Vec<String> = request.suites.iter().map(|s| format!("`{}`", s.suite)).collect();
    let suites = format!("suite {}", names.join(", "));
    let mut pins: BTreeMap<(DebianPackageName, DebianPackageVersion), DebPin> = BTreeMap::new();
    for wanted in request.sysroots {
        let query = Query {
            sysroot: &wanted.name,
            packages: &wanted.packages,
            essential: wanted.essential,
            recommends: request.recommends,
            suites: &suites,
        };
        for package in resolve(universe, &query)? {
            let pin = pins.entry((package.name.clone(), package.version.clone())).or_insert_with(|| DebPin {
                name: package.name.clone(),
                version: package.version.clone(),
                path: package.path.clone(),
                digest: package.digest,
                size: package.size,
                sysroots: Vec::new(),
            });
            pin.sysroots.push(wanted.name.clone());
        }
    }
    let mut pins: Vec<DebPin> = pins.into_values().collect();
    pins.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| compare_versions(&a.version, &b.version)));
    for pin in &mut pins {
        pin.sysroots.sort();
        pin.sysroots.dedup();
    }
    Ok(pins)
}
