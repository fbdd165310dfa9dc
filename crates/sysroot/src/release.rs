//! A suite's `InRelease` file: checked, and what it says of its indices. Knows nothing of packages.

use std::collections::HashMap;
use std::time::SystemTime;

use akbuild_nar::{Algo, Digest};
use pgp::composed::SignedPublicKey;

use crate::control::Paragraph;
use crate::request::{LockRequest, Metadata, Suite};
use crate::{SysrootError, date, signature};

/// A suite as it was when it was locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedSuite {
    /// Its name in the request.
    pub suite: String,
    /// `Date` of its Release file.
    pub date: SystemTime,
    /// The same, as written there.
    pub date_text: String,
    /// `Valid-Until`, parsed and as written, if there is one.
    pub valid_until: Option<(SystemTime, String)>,
    /// Fingerprint of the key whose signature was checked, upper-case hex.
    pub signed_by: String,
}

/// What a signed Release file says.
pub(crate) struct Release {
    pub(crate) suite: LockedSuite,
    /// Digest of each index by its path below the suite's folder.
    files: HashMap<String, Digest>,
    by_hash: bool,
    components: String,
    architectures: String,
    /// `Architecture: all` packages are not repeated in the index of each architecture.
    separate_all: bool,
}

/// Fetches and checks a suite's Release file.
pub(crate) fn fetch(
    suite: &Suite,
    request: &LockRequest<'_>,
    keys: &[SignedPublicKey],
    meta: &dyn Metadata,
) -> Result<Release, SysrootError> {
    let path = format!("dists/{}/InRelease", suite.suite);
    let bytes = meta.get(&path).map_err(|source| SysrootError::Get { path: path.clone(), source })?;
    let signed = signature::check(&path, &bytes, keys, request.fingerprints, request.now)?;
    let release = parse(suite, signed)?;
    match release.suite.valid_until {
        Some((_, ref until)) if release.expired(request.now) && !request.allow_expired => Err(SysrootError::Expired {
            suite: suite.suite.clone(),
            until: until.clone(),
            date: release.suite.date_text.clone(),
        }),
        _ => Ok(release),
    }
}

fn parse(suite: &Suite, signed: signature::Signed) -> Result<Release, SysrootError> {
    let p = Paragraph::parse(&signed.text);
    let bad = |what: String| SysrootError::Release { suite: suite.suite.clone(), what };
    let when = |field: &str| {
        date::parse(p.get(field)).ok_or_else(|| bad(format!("no usable `{field}` field: `{}`", p.get(field))))
    };
    if ![p.get("suite"), p.get("codename")].contains(&&*suite.suite) {
        let found = format!("suite `{}`, codename `{}`", p.get("suite"), p.get("codename"));
        return Err(bad(format!("another name: {found}")));
    }
    let valid_until = match p.get("valid-until") {
        "" => None,
        text => Some((when("valid-until")?, text.to_owned())),
    };
    let mut files = HashMap::new();
    for line in p.get("sha256").lines().filter(|l| !l.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let (hex, name) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
        let digest = Digest::from_hex(Algo::Sha256, hex).map_err(|_| bad(format!("a bad SHA256 line: `{line}`")))?;
        files.insert(name.to_owned(), digest);
    }
    let has_all = p.get("architectures").split_whitespace().any(|a| a == "all");
    Ok(Release {
        suite: LockedSuite {
            suite: suite.suite.clone(),
            date: when("date")?,
            date_text: p.get("date").to_owned(),
            valid_until,
            signed_by: signed.signer,
        },
        files,
        by_hash: p.get("acquire-by-hash") == "yes",
        components: p.get("components").to_owned(),
        architectures: p.get("architectures").to_owned(),
        separate_all: has_all && !p.get("no-support-for-architecture-all").contains("Packages"),
    })
}

impl Release {
    /// Whether `Valid-Until` has passed.
    pub(crate) fn expired(&self, now: SystemTime) -> bool {
        self.suite.valid_until.as_ref().is_some_and(|(until, _)| *until < now)
    }

    /// The package indices of the suite's components: path below the mirror's base and bytes, still
    /// compressed, their digest checked.
    pub(crate) fn indices(&self, suite: &Suite, meta: &dyn Metadata) -> Result<Vec<(String, Vec<u8>)>, SysrootError> {
        let mut all = Vec::new();
        for component in &suite.components {
            let stem = format!("{component}/binary-{}/Packages", suite.arch);
            all.push(self.index(&stem, meta)?.ok_or_else(|| SysrootError::NoIndex {
                suite: suite.suite.clone(),
                index: stem,
                components: self.components.clone(),
                architectures: self.architectures.clone(),
            })?);
            if self.separate_all {
                all.extend(self.index(&format!("{component}/binary-all/Packages"), meta)?);
            }
        }
        Ok(all)
    }

    fn index(&self, stem: &str, meta: &dyn Metadata) -> Result<Option<(String, Vec<u8>)>, SysrootError> {
        let known = [".xz", ".gz", ""].iter().find_map(|end| self.files.get_key_value(&format!("{stem}{end}")));
        let Some((name, digest)) = known else { return Ok(None) };
        let plain = format!("dists/{}/{name}", self.suite.suite);
        let folder = plain.rsplit_once('/').map_or("", |(folder, _)| folder);
        let hashed = format!("{folder}/by-hash/SHA256/{}", digest.hex());
        let got = if self.by_hash { meta.get(&hashed).ok() } else { None };
        // A mirror may announce by-hash and not carry it: the plain name is checked just the same.
        let bytes = match got {
            Some(bytes) => bytes,
            None => meta.get(&plain).map_err(|source| SysrootError::Get { path: plain.clone(), source })?,
        };
        let found = Digest::sha256(&bytes);
        if found != *digest {
            return Err(SysrootError::IndexDigest { path: plain, expected: *digest, found });
        }
        Ok(Some((plain, bytes)))
    }
}
