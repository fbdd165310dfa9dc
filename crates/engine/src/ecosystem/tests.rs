//! Hostile names against every place where the address of an artifact is built. Knows the forms of locks; asks no network.

use akbuild_names::{GoFileKind, GoModuleFile, NpmTarball, PythonDistribution};
use akbuild_registry::{GoLock, NpmLock, Platform, PythonLock, PythonWant};

use akbuild_fetch::MirrorBase;

use super::*;

const HOSTILE: [&str; 22] = [
    "//host/evil",
    "///host/evil",
    "http://host.example/x",
    "https:host.example",
    "file:///etc/passwd#",
    "file:/etc/passwd",
    "data:,x",
    "/etc/passwd",
    "..",
    "../../x",
    "a/../../x",
    "a/..",
    ".",
    "a//b",
    "a\\..\\b",
    "\\\\host\\x",
    "%2e%2e",
    "a%2f..%2fb",
    "a?b=c",
    "a#b",
    "user@host.example:80",
    "\tfile:///etc/passwd",
];

fn mirrors() -> Mirrors {
    let base = |text: &str| MirrorBase { url: url::Url::parse(text).unwrap(), from: String::new() };
    Mirrors {
        bases: [
            (Ecosystem::Npm, vec![base("https://mirror.example/npm/")]),
            (Ecosystem::Python, vec![base("https://mirror.example/simple/")]),
            (Ecosystem::Go, vec![base("https://mirror.example/go/")]),
            (Ecosystem::Debian, vec![base("https://mirror.example/debian/")]),
        ]
        .into(),
        mirrors_only: true,
        ..Mirrors::default()
    }
}

/// Every address is below one of the mirrors.
fn check(locations: &Locations, name: &str) {
    let urls = match locations {
        Locations::Urls(urls) | Locations::UrlsThenIndex(urls, _) => urls.clone(),
        Locations::PythonIndex(_) => Vec::new(),
    };
    let pages = match locations {
        Locations::PythonIndex(file) | Locations::UrlsThenIndex(_, file) => {
            python::index_pages(&file.name.parse().unwrap(), &mirrors())
        }
        Locations::Urls(_) => Vec::new(),
    };
    for url in urls.iter().chain(&pages) {
        let below = ["npm", "simple", "go", "debian"].iter().any(|base| {
            url.url()
                .as_str()
                .strip_prefix(&format!("https://mirror.example/{base}/"))
                .is_some_and(|rest| !rest.is_empty())
        });
        assert!(below, "`{name}` leads to {url:?}");
    }
}

/// The locations of everything in three locks that have this text as a name, a version or a file.
fn of_locks(text: &str) -> Vec<Locations> {
    let quoted = serde_json::to_string(text).unwrap();
    let integrity = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
    let hash = format!("sha256:{}", "0a".repeat(32));
    let mut found = Vec::new();
    for (name, version) in [(quoted.as_str(), "\"1.0.0\""), ("\"a\"", quoted.as_str())] {
        let npm = format!(
            r#"{{"lockfileVersion": 3, "packages": {{"node_modules/a": {{"name": {name}, "version": {version}, "integrity": "{integrity}"}}}}}}"#
        );
        let artifacts =
            NpmLock::parse(&npm, "package-lock.json").and_then(|l| l.artifacts(&Platform::linux_glibc("x64")));
        found.extend(artifacts.into_iter().flatten());
    }
    for (name, version, file) in [(text, "1.0", "a-1.0.tar.gz"), ("a", text, "a-1.0.tar.gz"), ("a", "1.0", text)] {
        let [name, version, file] = [name, version, file].map(|t| serde_json::to_string(t).unwrap());
        let lock = format!(
            "version = 1\n[manifest]\nmembers = [\"app\"]\n[[package]]\nname = \"app\"\nsource = {{ editable = \".\" }}\n\
             dependencies = [{{ name = {name} }}]\n[[package]]\nname = {name}\nversion = {version}\n\
             source = {{ registry = \"https://mirror.example/simple\" }}\n\
             sdist = {{ url = {file}, hash = \"{hash}\" }}\n"
        );
        let want = PythonWant {
            python: "3.14".into(),
            extras: vec![],
            groups: vec![],
            glibc: (2, 36),
            machine: "x86_64".into(),
            git: Default::default(),
        };
        let selection = PythonLock::parse(&lock, "", "uv.lock").and_then(|lock| lock.select(&want));
        found.extend(selection.map(|selection| selection.artifacts).unwrap_or_default());
    }
    let sum = "h1:AAAAQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    for (module, version) in [(text, "v1.0.0"), ("a.example/b", text)] {
        let lock = format!("{module} {version} {sum}\n{module} {version}/go.mod {sum}\n");
        let parsed = GoLock::parse("module m\n", &lock, "go.mod");
        found.extend(parsed.iter().flat_map(GoLock::pinned_files));
    }
    found.iter().map(|artifact| locations(&artifact.what, &mirrors())).collect()
}

#[test]
fn no_name_in_a_lock_leads_out_of_the_mirrors() {
    let plain = of_locks("1.0.0");
    assert!(!plain.is_empty(), "the locks of this test are read");
    for name in HOSTILE {
        let found = of_locks(name);
        found.iter().for_each(|locations| check(locations, name));
        if let Ok(path) = name.parse() {
            check(&debian::locations(&path, &mirrors()), name);
        }
    }
}

#[test]
fn addresses_are_those_of_the_registries() {
    let urls = |what: PackageFile| match locations(&what, &mirrors()) {
        Locations::Urls(urls) => urls.iter().map(|address| address.url().to_string()).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    };
    let npm =
        PackageFile::Npm(NpmTarball { name: "@s/a".parse().unwrap(), version: "1.0.0+b".parse().unwrap(), url: None });
    assert_eq!(urls(npm), "https://mirror.example/npm/@s/a/-/a-1.0.0+b.tgz");
    let go = PackageFile::Go(GoModuleFile {
        kind: GoFileKind::Zip,
        module: "a.example/B".parse().unwrap(),
        version: "v2.0.0+incompatible".parse().unwrap(),
    });
    assert_eq!(urls(go), "https://mirror.example/go/a.example/!b/@v/v2.0.0+incompatible.zip");
    let Locations::Urls(deb) = debian::locations(&"pool/g/g++_1%3a2_amd64.deb".parse().unwrap(), &mirrors()) else {
        panic!()
    };
    assert_eq!(deb[0].url().as_str(), "https://mirror.example/debian/pool/g/g++_1%253a2_amd64.deb");
    let pages = python::index_pages(&"A_b".parse().unwrap(), &mirrors());
    assert_eq!(pages[0].url().as_str(), "https://mirror.example/simple/a-b/");
}

#[test]
fn a_lock_that_names_a_mirror_does_not_get_past_it() {
    let index = |own: &str, mirrors_only| {
        let what = PackageFile::Python(PythonDistribution {
            name: "a".parse().unwrap(),
            version: "1".parse().unwrap(),
            file: "a-1.tar.gz".parse().unwrap(),
            url: Some(own.parse().unwrap()),
            index: Some("https://mirror.example/simple".into()),
        });
        matches!(locations(&what, &Mirrors { mirrors_only, ..mirrors() }), Locations::PythonIndex(_))
    };
    assert!(index("https://elsewhere.example/a-1.tar.gz", true));
    assert!(!index("https://mirror.example/files/a-1.tar.gz", true));
    assert!(!index("https://elsewhere.example/a-1.tar.gz", false));
}

#[test]
fn an_archive_at_an_address_is_asked_for_there_unless_mirrors_alone_may_be() {
    let artifact = |index: Option<&str>| {
        PackageFile::Python(PythonDistribution {
            name: "a".parse().unwrap(),
            version: "1".parse().unwrap(),
            file: "v1.zip".parse().unwrap(),
            url: Some("https://forge.invalid/a/v1.zip".parse().unwrap()),
            index: index.map(str::to_owned),
        })
    };
    let own = |index, mirrors_only| match locations(&artifact(index), &Mirrors { mirrors_only, ..mirrors() }) {
        Locations::UrlsThenIndex(urls, _) => urls.iter().map(|url| url.url().to_string()).collect(),
        _ => Vec::new(),
    };
    assert_eq!(own(None, false), ["https://forge.invalid/a/v1.zip"]);
    assert!(own(None, true).is_empty());
    assert!(own(Some("https://index.invalid/simple"), false).is_empty());
}
