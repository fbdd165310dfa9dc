//! Everything that could not be fetched, in one message. Knows the words; decides nothing.

use std::fmt;

use url::Url;

use crate::error::list;

/// All failures of one run, sorted by name. `Display` lists all of them.
#[derive(Debug, thiserror::Error)]
pub struct Failures(pub Vec<Failure>);

/// One file that could not be fetched.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The file: `left-pad@1.3.0`.
    pub name: String,
    /// Why it is wanted.
    pub why: String,
    /// The addresses tried, and what came of each.
    pub urls_tried: Vec<(Url, String)>,
    /// What kind of failure it is.
    pub kind: FailureKind,
}

/// Why a file could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// No address has it.
    NotFound,
    /// What came is not what the lock names.
    Digest {
        /// The digest in the lock.
        expected: String,
        /// The digest of what came.
        found: String,
    },
    /// A server answered, but not with the file.
    Http,
    /// No server answered.
    Network,
    /// No address is known.
    NoMirror,
    /// Downloading is switched off.
    Offline,
    /// The download was cancelled.
    Cancelled,
    /// The store cannot take it.
    Disk(String),
}

impl FailureKind {
    fn words(&self) -> String {
        match self {
            Self::NotFound => "no mirror has it".to_owned(),
            Self::Digest { expected, found } => {
                format!("wrong contents\n  expected {expected}\n  found    {found}")
            }
            Self::Http => "no mirror gave it".to_owned(),
            Self::Network => "no mirror could be reached".to_owned(),
            Self::NoMirror => "no address to ask".to_owned(),
            Self::Offline => "not in the store, and downloading is switched off".to_owned(),
            Self::Cancelled => "the download was cancelled".to_owned(),
            Self::Disk(reason) => format!("cannot be stored: {reason}"),
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::NotFound => {
                "not found: add a mirror that still has it to akbuild.local.toml, or pin what there is now: akbuild lock all"
            }
            Self::Digest { .. } => {
                "wrong contents: find out why a mirror has other bytes than the lock names before you lock again; \
                 another mirror can be set in akbuild.local.toml"
            }
            Self::Http => {
                "not given: look at the status; 401 and 403 want credentials, in ~/.netrc or the client's own configuration"
            }
            Self::Network => {
                "not reached: check the connection and the proxy variables, then run the same again; \
                 what has arrived is kept"
            }
            Self::NoMirror => {
                "no address: configure the ecosystem's own client (npmrc, pip.conf or uv.toml, GOPROXY, apt's sources), \
                 or add a mirror to akbuild.local.toml"
            }
            Self::Offline => "downloading is switched off: run the same again without --offline",
            Self::Cancelled => "cancelled: run the same again; what has arrived is kept",
            Self::Disk(_) => {
                "not stored: make room, or check the permissions of the home folder, then run the same again"
            }
        }
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "{count} artifact{} could not be fetched:", if count == 1 { "" } else { "s" })?;
        for failure in &self.0 {
            let Failure { name, why, urls_tried, kind } = failure;
            write!(f, "\n\n{name} ({why}): {}{}", kind.words(), list(urls_tried))?;
        }
        let mut advice: Vec<&str> = self.0.iter().map(|x| x.kind.advice()).collect();
        advice.sort_unstable();
        advice.dedup();
        writeln!(f)?;
        advice.iter().try_for_each(|line| write!(f, "\n{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_all_and_says_what_to_do() {
        let url = |t: &str| Url::parse(t).unwrap();
        let failure = |name: &str, tried: &[(&str, &str)], kind| Failure {
            name: name.into(),
            why: "webui-deps needs it".into(),
            urls_tried: tried.iter().map(|(u, r)| (url(u), (*r).to_owned())).collect(),
            kind,
        };
        let digest = FailureKind::Digest { expected: "sha256-AAAA".into(), found: "sha256-BBBB".into() };
        let gone = [
            ("https://me:secret@a.invalid/x.tgz?token=secret", "404 Not Found"),
            ("https://b.invalid/x.tgz", "410 Gone"),
        ];
        let all = Failures(vec![
            failure("left-pad@1.3.0", &gone, FailureKind::NotFound),
            failure("right-pad@1.0.0", &[("https://a.invalid/y.tgz", "wrong contents")], digest),
            failure("a@1", &[("https://a.invalid/z", "403 Forbidden")], FailureKind::Http),
            failure("b@1", &[("https://a.invalid/z", "connection refused")], FailureKind::Network),
            failure("c@1", &[], FailureKind::NoMirror),
            failure("d@1", &[], FailureKind::Offline),
            failure("e@1", &[], FailureKind::Disk("no space left".into())),
        ]);
        insta::assert_snapshot!(all, @"
        7 artifacts could not be fetched:

        left-pad@1.3.0 (webui-deps needs it): no mirror has it
          https://a.invalid/x.tgz: 404 Not Found
          https://b.invalid/x.tgz: 410 Gone

        right-pad@1.0.0 (webui-deps needs it): wrong contents
          expected sha256-AAAA
          found    sha256-BBBB
          https://a.invalid/y.tgz: wrong contents

        a@1 (webui-deps needs it): no mirror gave it
          https://a.invalid/z: 403 Forbidden

        b@1 (webui-deps needs it): no mirror could be reached
          https://a.invalid/z: connection refused

        c@1 (webui-deps needs it): no address to ask

        d@1 (webui-deps needs it): not in the store, and downloading is switched off

        e@1 (webui-deps needs it): cannot be stored: no space left

        downloading is switched off: run the same again without --offline
        no address: configure the ecosystem's own client (npmrc, pip.conf or uv.toml, GOPROXY, apt's sources), or add a mirror to akbuild.local.toml
        not found: add a mirror that still has it to akbuild.local.toml, or pin what there is now: akbuild lock all
        not given: look at the status; 401 and 403 want credentials, in ~/.netrc or the client's own configuration
        not reached: check the connection and the proxy variables, then run the same again; what has arrived is kept
        not stored: make room, or check the permissions of the home folder, then run the same again
        wrong contents: find out why a mirror has other bytes than the lock names before you lock again; another mirror can be set in akbuild.local.toml
        ");
    }
}
