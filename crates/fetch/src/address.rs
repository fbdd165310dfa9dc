//! Addresses of downloads. A lock file, an index page or a recipe can name http and https addresses only; a `file:`
//! address comes from the configuration of the machine or from the overlay.
//!
//! [`DownloadAddress`] is the only thing that a [`crate::Client`] accepts, and its constructors enforce this rule: an
//! address with the scheme `file` was configured.

use std::path::{Component, Path, PathBuf};

use url::Url;

use crate::redact::redact_text;

/// An address that may be downloaded from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DownloadAddress(Url);

/// Why an address is not downloaded from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedAddress {
    /// The text is not a URL.
    #[error("`{text}` is not an address ({reason}); write one like https://mirror.example/path/")]
    Malformed {
        /// The text, without user and password.
        text: String,
        /// The parser's reason.
        reason: String,
    },
    /// The scheme is not supported.
    #[error("`{text}` is refused: its scheme is not supported; write an https address")]
    Scheme {
        /// The address, without user and password.
        text: String,
    },
    /// A `file:` address from somewhere else than the machine's configuration.
    #[error(
        "`{text}` is refused: only the configuration of this machine and akbuild.local.toml may name files of this machine"
    )]
    LocalFile {
        /// The address.
        text: String,
    },
    /// A page below a configured `file:` address that links to a file elsewhere.
    #[error("`{text}` is refused: a page of the configured index may only link to files below {base}")]
    OutsideBase {
        /// The address.
        text: String,
        /// The configured address.
        base: String,
    },
}

impl DownloadAddress {
    /// An address from the configuration of this machine or from the overlay: http, https or file.
    pub fn configured(text: &str) -> Result<Self, RefusedAddress> {
        let url = parse(text)?;
        match url.scheme() {
            "http" | "https" | "file" => Ok(Self(url)),
            _ => Err(RefusedAddress::Scheme { text: redact_text(text) }),
        }
    }

    /// An address from a recipe, a lock file or an index page: http or https.
    pub fn upstream(text: &str) -> Result<Self, RefusedAddress> {
        Self::upstream_url(parse(text)?)
    }

    fn upstream_url(url: Url) -> Result<Self, RefusedAddress> {
        match url.scheme() {
            "http" | "https" => Ok(Self(url)),
            "file" => Err(RefusedAddress::LocalFile { text: crate::redact(&url) }),
            _ => Err(RefusedAddress::Scheme { text: crate::redact(&url) }),
        }
    }

    /// The address of `path` below a configured base, which ends in `/`. `None` if `path` leads out of it.
    pub(crate) fn below(base: &Url, path: &str) -> Option<Self> {
        Self::inside(base, base.join(path).ok()?)
    }

    /// An address that was made of a configured base. `None` if it leads out of it.
    pub(crate) fn inside(base: &Url, url: Url) -> Option<Self> {
        is_below(&url, base).then_some(Self(url))
    }

    /// The target of a link on `page`, which was read from a configured `base`.
    pub(crate) fn linked(base: &Url, page: &Url, href: &str) -> Result<Self, RefusedAddress> {
        let malformed =
            |e: url::ParseError| RefusedAddress::Malformed { text: redact_text(href), reason: e.to_string() };
        let url = page.join(href).map_err(malformed)?;
        match url.scheme() {
            "file" if page.scheme() == "file" && is_below(page, base) => match is_below(&url, base) {
                true => Ok(Self(url)),
                false => Err(RefusedAddress::OutsideBase { text: crate::redact(&url), base: crate::redact(base) }),
            },
            _ => Self::upstream_url(url),
        }
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The path, if it is a `file:` address.
    pub(crate) fn local_path(&self) -> Option<Result<PathBuf, ()>> {
        (self.0.scheme() == "file").then(|| self.0.to_file_path())
    }
}

fn parse(text: &str) -> Result<Url, RefusedAddress> {
    let malformed = |e: url::ParseError| RefusedAddress::Malformed { text: redact_text(text), reason: e.to_string() };
    Url::parse(text.trim()).map_err(malformed)
}

/// Whether an address lies below a base that ends in `/`. An escaped `/` or `..` in a `file:` address counts as what
/// it stands for.
fn is_below(url: &Url, base: &Url) -> bool {
    let plain = |path: &Path| path.components().all(|part| !matches!(part, Component::ParentDir));
    let same_place = url.scheme() == base.scheme() && url.host() == base.host() && url.port() == base.port();
    if base.scheme() != "file" {
        return same_place && url.path().starts_with(base.path());
    }
    match (url.to_file_path(), base.to_file_path()) {
        (Ok(path), Ok(folder)) => same_place && plain(&path) && path.starts_with(folder),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn upstream_names_web_addresses_only() {
        assert!(DownloadAddress::upstream("https://a.example/x").is_ok());
        let refused = |text: &str| DownloadAddress::upstream(text).unwrap_err().to_string();
        insta::assert_snapshot!(refused("file:///dev/zero"), @"`file:///dev/zero` is refused: only the configuration of this machine and akbuild.local.toml may name files of this machine");
        insta::assert_snapshot!(refused("FILE:/dev/zero"), @"`file:///dev/zero` is refused: only the configuration of this machine and akbuild.local.toml may name files of this machine");
        insta::assert_snapshot!(refused("ftp://me:hunter2@a.example/x"), @"`ftp://a.example/x` is refused: its scheme is not supported; write an https address");
        insta::assert_snapshot!(refused("https://me:hun/ter2@a.example/x"), @"`https://a.example/x` is not an address (invalid port number); write one like https://mirror.example/path/");
        assert!(DownloadAddress::configured("file:///srv/mirror/x").is_ok());
        assert!(DownloadAddress::configured("ftp://a.example/x").is_err());
    }

    #[test]
    fn a_path_of_a_lock_does_not_lead_out_of_a_base() {
        let web = url("https://a.example/debian/");
        let below = |base: &Url, path: &str| DownloadAddress::below(base, path).map(|a| a.url().to_string());
        assert_eq!(below(&web, "pool/a.deb").as_deref(), Some("https://a.example/debian/pool/a.deb"));
        for path in ["../x", "/x", "//b.example/x", "file:///etc/passwd", "http://a.example/debian/x", "pool/../../x"] {
            assert_eq!(below(&web, path), None, "{path}");
        }
        let local = url("file:///srv/debian/");
        assert!(below(&local, "pool/a.deb").is_some());
        for path in ["../x", "..%2fx", "%2e%2e/x", "file:///srv/other", "/etc/passwd"] {
            assert_eq!(below(&local, path), None, "{path}");
        }
    }

    #[test]
    fn a_page_links_to_files_only_below_the_configured_folder() {
        let (web, local) = (url("https://a.example/simple/"), url("file:///srv/simple/"));
        let link = |base: &Url, page: &str, href: &str| {
            DownloadAddress::linked(base, &base.join(page).unwrap(), href).map(|a| a.url().to_string())
        };
        assert_eq!(link(&web, "a/", "../../f/a.whl").unwrap(), "https://a.example/f/a.whl");
        assert_eq!(link(&web, "a/", "https://cdn.example/a.whl").unwrap(), "https://cdn.example/a.whl");
        assert_eq!(link(&local, "a/", "../f/a.whl").unwrap(), "file:///srv/simple/f/a.whl");
        insta::assert_snapshot!(link(&web, "a/", "file:///dev/zero").unwrap_err(), @"`file:///dev/zero` is refused: only the configuration of this machine and akbuild.local.toml may name files of this machine");
        insta::assert_snapshot!(link(&local, "a/", "file:///dev/zero").unwrap_err(), @"`file:///dev/zero` is refused: a page of the configured index may only link to files below file:///srv/simple/");
        insta::assert_snapshot!(link(&local, "a/", "..%2f..%2fetc/passwd").unwrap_err(), @"`file:///srv/simple/a/..%2f..%2fetc/passwd` is refused: a page of the configured index may only link to files below file:///srv/simple/");
    }
}
