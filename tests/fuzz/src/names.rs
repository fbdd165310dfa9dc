//! Names that upstream writes, and the addresses that are made of them.

use std::fmt::Debug;
use std::str::FromStr;

use akbuild_fetch::MirrorBase;
use akbuild_names::{
    DebianArchitecture, DebianPackageName, DebianPackageVersion, GitCommit, GitRepositoryAddress, GoModuleFile,
    GoModulePath, GoModuleVersion, MirrorFilePath, NpmPackageName, NpmPackageVersion, NpmTarball, PackageFileAddress,
    PythonDistribution, PythonFileName, PythonPackageName, PythonPackageVersion, index_page, join_below,
    percent_decode, unescape_module,
};
use akbuild_registry::{Artifact, GoLock, NpmLock, PackageFile, Platform, index_links};
use url::{Position, Url};

use super::texts;

/// A name of any kind, or, after an `l`, a `package-lock.json`, a NUL, and a `go.sum`. What parses parses again to the same,
/// and every address that is made of it is below the base.
pub fn names(data: &[u8]) {
    if data.first() == Some(&b'l') {
        let [npm, sum] = texts(&data[1..]);
        let npm = NpmLock::parse(&npm, "package-lock.json").and_then(|l| l.artifacts(&Platform::linux_glibc("x64")));
        let go = GoLock::parse("module m\n", &sum, "go.mod");
        let go = go.iter().flat_map(GoLock::pinned_files);
        npm.into_iter().flatten().chain(go).for_each(|artifact| located(&artifact));
        return;
    }
    let [text] = &texts::<1>(data);
    if let Some(name) = same::<NpmPackageName>(text) {
        below(name.split('/').chain(["-", &format!("{}-1.0.0.tgz", name.bare_name())]));
    }
    if let Some(path) = same::<MirrorFilePath>(text) {
        below(path.split('/'));
    }
    if let Some(name) = same::<PythonPackageName>(text) {
        let page = index_page(&base(), &name).expect("a page");
        assert_eq!(page.as_str(), format!("{}{name}/", base()));
    }
    if let Some(module) = same::<GoModulePath>(text) {
        assert_eq!(unescape_module(&module.escaped()).as_deref(), Some(module.as_str()));
        below(module.escaped().split('/'));
    }
    if let Some(version) = same::<GoModuleVersion>(text) {
        below([version.escaped().as_str()]);
    }
    if let Some(address) = same::<PackageFileAddress>(text) {
        assert!(matches!(address.to_url().scheme(), "http" | "https") && address.to_url().has_host());
    }
    let parts = [
        same::<NpmPackageVersion>(text).map(|name| name.to_string()),
        same::<PythonPackageVersion>(text).map(|name| name.to_string()),
        same::<PythonFileName>(text).map(|name| name.to_string()),
        same::<DebianPackageName>(text).map(|name| name.to_string()),
        same::<DebianPackageVersion>(text).map(|name| name.to_string()),
        same::<DebianArchitecture>(text).map(|name| name.to_string()),
        same::<GitCommit>(text).map(|name| name.to_string()),
    ];
    for part in parts.iter().flatten() {
        assert!(!part.contains(['/', '\\', '\0', '?', '#']) && part != "." && part != "..");
        below([part.as_str()]);
    }
    same::<GitRepositoryAddress>(text);
    percent_decode(text);
}

/// A page of a Python index: after an `h` in HTML, after a `j` in JSON.
pub fn pages(data: &[u8]) {
    let kind = match data.first() {
        Some(b'h') => Some("text/html"),
        Some(b'j') => Some("application/vnd.pypi.simple.v1+json; charset=utf-8"),
        _ => None,
    };
    let page = data.get(usize::from(kind.is_some())..).unwrap_or_default();
    match index_links(page, kind, &base()) {
        Err(error) => assert!(!error.is_empty()),
        Ok(links) => {
            for link in links {
                // The page may name a file of this machine; the downloader does not take it.
                let mirror = MirrorBase { url: base(), from: String::new() };
                let is_web = matches!(link.url.scheme(), "http" | "https");
                assert_eq!(mirror.link(&base(), link.url.as_str()).is_ok(), is_web, "{link:?}");
                assert!(!link.file.is_empty() && !link.file.contains(['/', '\\', '\0']), "{link:?}");
                assert!(link.sha256.iter().all(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit())));
            }
        }
    }
}

fn base() -> Url {
    Url::parse("https://mirror.example/a/").expect("an address")
}

fn same<T: FromStr<Err: ToString> + PartialEq + Debug + AsRef<str>>(text: &str) -> Option<T> {
    match text.parse::<T>() {
        Ok(name) => {
            let again = name.as_ref().parse::<T>();
            assert_eq!(again.ok().as_ref(), Some(&name));
            Some(name)
        }
        Err(error) => {
            assert!(!error.to_string().contains('\n'));
            None
        }
    }
}

fn below<'a>(segments: impl IntoIterator<Item = &'a str>) {
    let segments: Vec<&str> = segments.into_iter().collect();
    let url = join_below(&base(), segments.iter().copied()).expect("a parsed name is joined");
    assert_eq!(url[..Position::BeforePath], base()[..Position::BeforePath]);
    assert!(url.path().starts_with("/a/") && url.query().is_none() && url.fragment().is_none());
    assert_eq!(url.path().split('/').count(), 2 + segments.len(), "{url}");
}

fn located(artifact: &Artifact) {
    match &artifact.what {
        PackageFile::Npm(NpmTarball { name, version, .. }) => below(name.split('/').chain([&**version])),
        PackageFile::Go(GoModuleFile { module, version, .. }) => {
            below(module.escaped().split('/').chain([version.escaped().as_str()]));
        }
        PackageFile::Python(PythonDistribution { name, file, .. }) => below([&**name, &**file]),
    }
}
