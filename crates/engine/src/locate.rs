//! Where an artifact can be downloaded: the configured mirrors of its ecosystem first, then the
//! address that the upstream lock file gives, unless mirrors alone are allowed.

use akbuild_fetch::{DownloadAddress, IndexFile, Locations, MirrorBase, Mirrors};
use akbuild_registry::{Artifact, What, escape_module};

/// The places to try for `artifact`, in order. Empty if no mirror covers it and nothing else may be asked.
pub(crate) fn locations(artifact: &What, mirrors: &Mirrors) -> Locations {
    match artifact {
        What::Npm { name, version, url } => Locations::Urls(npm(name, version, url.as_deref(), mirrors)),
        What::Python { name, file, url, index, .. } => python(name, file, url.as_deref(), index.as_deref(), mirrors),
        What::GoMod { module, version } => Locations::Urls(go(module, version, "mod", mirrors)),
        What::GoZip { module, version } => Locations::Urls(go(module, version, "zip", mirrors)),
    }
}

/// What an artifact is called in messages.
pub(crate) fn label(artifact: &Artifact) -> String {
    match &artifact.what {
        What::Npm { name, version, .. } => format!("{name}@{version}"),
        What::Python { file, .. } => file.clone(),
        What::GoMod { module, version } => format!("{module}@{version} (go.mod)"),
        What::GoZip { module, version } => format!("{module}@{version}"),
    }
}

/// The conventional address on each mirror; a lock's own address is mapped onto them by its path, as npm's
/// `replace-registry-host` does, if it looks like a registry's.
fn npm(name: &str, version: &str, url: Option<&str>, mirrors: &Mirrors) -> Vec<DownloadAddress> {
    let own = url.and_then(|u| DownloadAddress::upstream(u).ok());
    let short = name.rsplit('/').next().unwrap_or(name);
    let conventional = format!("{name}/-/{short}-{version}.tgz");
    let of_a_registry = own.as_ref().is_none_or(|own| own.url().path().contains("/-/"));
    let bases = mirrors.npm_for(name).into_iter().filter(|_| of_a_registry);
    let mut urls: Vec<DownloadAddress> = bases.filter_map(|base| base.below(&conventional)).collect();
    urls.extend(own.filter(|_| !mirrors.mirrors_only));
    urls.dedup();
    urls
}

/// The lock's own address where its index is a configured one (or nothing is configured), else what
/// the configured indexes say of the file.
fn python(name: &str, file: &str, url: Option<&str>, index: Option<&str>, mirrors: &Mirrors) -> Locations {
    let own = url.and_then(|u| DownloadAddress::upstream(u).ok());
    let same =
        |base: &MirrorBase| index.is_some_and(|i| i.trim_end_matches('/') == base.url.as_str().trim_end_matches('/'));
    let bases = mirrors.python.iter().cloned().collect();
    let listed = IndexFile { bases, name: name.to_owned(), file: file.to_owned() };
    match own {
        Some(own) if mirrors.python.is_empty() && !mirrors.mirrors_only => Locations::Urls(vec![own]),
        Some(own) if mirrors.python.iter().any(same) => Locations::UrlsThenIndex(vec![own], listed),
        _ => Locations::PythonIndex(listed),
    }
}

fn go(module: &str, version: &str, what: &str, mirrors: &Mirrors) -> Vec<DownloadAddress> {
    let path = format!("{}/@v/{}.{what}", escape_module(module), escape_module(version));
    mirrors.go.iter().filter_map(|base| base.below(&path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirrors(python: &[&str]) -> Mirrors {
        let base = |url: &&str| MirrorBase { url: url.parse().unwrap(), from: "pip.conf".to_owned() };
        Mirrors { python: python.iter().map(base).collect(), ..Mirrors::default() }
    }

    /// The addresses that come before those of an index.
    fn urls(what: &What, mirrors: &Mirrors) -> Vec<String> {
        match locations(what, mirrors) {
            Locations::Urls(urls) | Locations::UrlsThenIndex(urls, _) => {
                urls.iter().map(|address| address.url().to_string()).collect()
            }
            Locations::PythonIndex(_) => Vec::new(),
        }
    }

    #[test]
    fn a_lock_of_upstream_names_no_file_of_this_machine() {
        let npm = |url: &str| What::Npm { name: "a".into(), version: "1".into(), url: Some(url.into()) };
        let python = |url: &str, index: &str| What::Python {
            name: "a".into(),
            version: "1".into(),
            file: "a-1.whl".into(),
            url: Some(url.into()),
            index: Some(index.into()),
        };
        let web = "https://files.example/a-1.whl";
        assert_eq!(urls(&npm("https://files.example/a.tgz"), &mirrors(&[])), ["https://files.example/a.tgz"]);
        assert!(urls(&npm("file:///dev/zero"), &mirrors(&[])).is_empty());
        for index in ["https://a.example/simple", "file:///srv/simple"] {
            let configured = mirrors(&[&format!("{index}/")]);
            assert_eq!(urls(&python(web, index), &configured), [web]);
            assert!(urls(&python("file:///srv/simple/a-1.whl", index), &configured).is_empty());
            assert!(urls(&python("file:///dev/zero", index), &mirrors(&[])).is_empty());
        }
    }
}
