//! The mirrors of this machine: made of the configuration of each ecosystem's own client, which `akbuild_registry` reads.
//!
//! Knows no registry's address: where neither a file nor a variable names one, the caller is asked, who may ask the client
//! itself. Order: the overlay, then variables, then files (project, user, machine), then the question.

use std::collections::BTreeMap;

use akbuild_names::{Ecosystem, PythonPackageName, index_page, join_below};
use akbuild_registry::{AuthRule, ClientConfiguration, ConfiguredAddress, Machine, RegistryClient};
use url::Url;

use crate::auth::{host, split_user};
use crate::{DownloadAddress, FetchError, Netrc, RefusedAddress};

/// One configured address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorBase {
    /// The address; ends in `/`; without user and password.
    pub url: Url,
    /// Where it is configured, for messages: `~/.npmrc`, `GOPROXY`.
    pub from: String,
}

impl MirrorBase {
    /// The address of `path` below the base. `None` if `path` leads out of it.
    pub fn below(&self, path: &str) -> Option<DownloadAddress> {
        DownloadAddress::below(&self.url, path)
    }

    /// The address of these names below the base. Nothing in a name leads out of it; `None` for names that no address has.
    pub fn join<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<DownloadAddress> {
        DownloadAddress::inside(&self.url, join_below(&self.url, names)?)
    }

    /// The page of a project, of a base that is a Python index.
    pub fn index_page(&self, name: &PythonPackageName) -> Option<DownloadAddress> {
        DownloadAddress::inside(&self.url, index_page(&self.url, name)?)
    }

    /// The target of a link on a page that was read from one of these bases, perhaps after a redirect.
    pub fn link_of(bases: &[MirrorBase], page: &Url, href: &str) -> Result<DownloadAddress, RefusedAddress> {
        let links = bases.iter().map(|base| base.link(page, href));
        let first = links.reduce(|found, next| found.or(next));
        first.unwrap_or_else(|| DownloadAddress::upstream(href))
    }

    /// The target of a link on a page that was read from this base.
    pub fn link(&self, page: &Url, href: &str) -> Result<DownloadAddress, RefusedAddress> {
        DownloadAddress::linked(&self.url, page, href)
    }
}

/// The configured addresses, in the order in which they are to be tried.
#[derive(Clone, Debug, Default)]
pub struct Mirrors {
    /// The addresses of each ecosystem: npm registries, Python indexes (bases of the simple API), Go module proxies,
    /// Debian archives (the folders that hold `dists` and `pool`).
    pub bases: BTreeMap<Ecosystem, Vec<MirrorBase>>,
    /// npm registries for one scope each (`@scope`), which go before the others for its packages.
    pub npm_scopes: BTreeMap<String, MirrorBase>,
    /// Whether anything outside of the configured addresses is an error.
    pub mirrors_only: bool,
    /// Secrets that came with the addresses. [`crate::ClientConfig::auth`] takes them.
    pub auth: Vec<AuthRule>,
    /// The machine's netrc file. [`crate::ClientConfig::netrc`] takes it.
    pub netrc: Option<Netrc>,
}

impl Mirrors {
    /// The addresses of an ecosystem.
    pub fn of(&self, ecosystem: Ecosystem) -> &[MirrorBase] {
        self.bases.get(&ecosystem).map_or(&[], Vec::as_slice)
    }

    /// The registries to try for an npm package.
    pub fn npm_for(&self, package: &str) -> Vec<&MirrorBase> {
        let scope = package.split_once('/').map(|(scope, _)| scope).and_then(|s| self.npm_scopes.get(s));
        scope.into_iter().chain(self.of(Ecosystem::Npm)).collect()
    }

    /// Turns what is written somewhere into a base, and keeps its user and password as a rule.
    fn base(&mut self, text: &str, from: &str) -> Result<MirrorBase, FetchError> {
        let wrong = |error: RefusedAddress| FetchError::Address { from: from.to_owned(), error };
        let address = DownloadAddress::configured(text).map_err(wrong)?;
        let (mut url, secret) = split_user(address.url());
        url.set_query(None);
        url.set_fragment(None);
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        if let Some(secret) = secret {
            self.auth.push(AuthRule { host: host(&url), path: url.path().to_owned(), secret });
        }
        Ok(MirrorBase { url, from: from.to_owned() })
    }
}

/// Addresses in the overlay: where there is one for an ecosystem, the machine's own are not used.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The addresses by ecosystem.
    pub bases: BTreeMap<Ecosystem, Vec<String>>,
    /// See [`Mirrors::mirrors_only`].
    pub mirrors_only: bool,
}

/// Finds the machine's mirrors. An ecosystem of which nothing is known comes out empty; that is no error
/// until something of it is wanted. `ask` is for what no file and no variable says, where a client may know it by itself
/// ([`RegistryClient`]).
pub fn discover(
    machine: &Machine,
    overrides: &Overrides,
    ask: &mut dyn FnMut(Ecosystem) -> Option<String>,
) -> Result<Mirrors, FetchError> {
    let mut mirrors = Mirrors { mirrors_only: overrides.mirrors_only, ..Mirrors::default() };
    mirrors.netrc = Netrc::read(machine)?;
    let mut all = Vec::new();
    for configuration in ClientConfiguration::ALL {
        let ecosystem = configuration.ecosystem;
        let overlay = overrides.bases.get(&ecosystem).map_or(&[][..], Vec::as_slice);
        let configured = (configuration.read)(machine)?;
        mirrors.auth.extend(configured.auth);
        for (scope, (text, from)) in configured.scopes {
            let base = mirrors.base(&text, &from)?;
            mirrors.npm_scopes.insert(scope, base);
        }
        // Where the overlay names a place, no client is asked.
        let mut asked = |client: RegistryClient| Some((ask(ecosystem)?, client.label.to_owned()));
        let default =
            configured.default.or_else(|| configuration.client.filter(|_| overlay.is_empty()).and_then(&mut asked));
        let addresses = |(text, from): ConfiguredAddress| -> Vec<ConfiguredAddress> {
            (configuration.split)(&text).into_iter().map(|address| (address.to_owned(), from.clone())).collect()
        };
        let found = default.into_iter().flat_map(addresses).chain(configured.extra).collect();
        all.push((ecosystem, overlay, found));
    }
    for (ecosystem, overlay, found) in all {
        let bases = bases(&mut mirrors, overlay, found)?;
        mirrors.bases.insert(ecosystem, bases);
    }
    Ok(mirrors)
}

/// The overlay's addresses, or the machine's if it has none; each once.
fn bases(
    mirrors: &mut Mirrors,
    overlay: &[String],
    found: Vec<ConfiguredAddress>,
) -> Result<Vec<MirrorBase>, FetchError> {
    let overlay: Vec<ConfiguredAddress> =
        overlay.iter().map(|text| (text.clone(), "akbuild.local.toml".to_owned())).collect();
    let mut all: Vec<MirrorBase> = Vec::new();
    for (text, from) in if overlay.is_empty() { found } else { overlay } {
        let base = mirrors.base(&text, &from)?;
        if !all.iter().any(|b| b.url == base.url) {
            all.push(base);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
