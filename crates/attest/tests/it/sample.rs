//! A small image with something of every kind. Knows no document.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;

use akbuild_attest::{
    Builder, Component, ComponentKind, External, Internal, Item, Licence, Material, Origin, Project, Provenance, Purl,
    ReplacedSource, Run, Ships, Timestamp,
};
use akbuild_names::{BUILD_ARCHITECTURE, NpmPackageName, NpmPackageVersion};
use akbuild_nar::{Algo, Digest};

pub(crate) fn project() -> Project {
    Project { name: "mini".into(), version: "1.2.0".into(), image: Some(Digest::sha256(b"image")) }
}

pub(crate) fn licence(text: &str) -> Licence {
    Licence::written(text).unwrap()
}

pub(crate) fn source() -> Component {
    let origin = Origin {
        address: Some("https://reader:hunter2@forge.example/app.git".into()),
        commit: Some("1111111111111111111111111111111111111111".into()),
        tree: Digest::sha256(b"tree"),
    };
    Component::source("app", "version/1.2.0", origin, None).licensed([licence("MIT")])
}

fn h1(bytes: &[u8], algo: Algo) -> Digest {
    Digest::new(algo, Digest::sha256(bytes).as_bytes()).unwrap()
}

pub(crate) fn parsed<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn npm(name: &str, version: &str) -> Component {
    let version: NpmPackageVersion = parsed(version);
    Component::package(parsed::<NpmPackageName>(name).into(), Some(version.into()))
}

pub(crate) fn go(module: &str, version: &str) -> Component {
    Component::go(&parsed(module), &parsed(version))
}

fn sha512(byte: u8) -> Digest {
    Digest::new(Algo::Sha512, &[byte; 64]).unwrap()
}

pub(crate) fn components() -> Vec<Component> {
    let archive = Origin {
        address: Some("https://forge.example/data-1.0.tar.gz".into()),
        commit: None,
        tree: Digest::sha256(b"data"),
    };
    vec![
        Component::debian(&parsed("g++"), &parsed("4:15.2.0-4"), BUILD_ARCHITECTURE)
            .digest(Digest::sha256(b"deb"))
            .licensed([
                licence("GPL-3.0-or-later WITH GCC-exception-3.1"),
                licence("MIT OR ISC"),
                licence("LGPL-2.1-or-later"),
            ])
            .ships(Ships::Bundled),
        Component::debian(&parsed("tzdata"), &parsed("2026a-1"), BUILD_ARCHITECTURE).licensed([
            licence("public-domain"),
            licence("MIT AND ISC"),
            licence("BSD-3-Clause"),
        ]),
        npm("@lit/context", "1.1.6").digest(sha512(7)).licensed([licence("BSD-3-Clause")]).ships(Ships::Bundled),
        npm("left-pad", "1.3.0").licensed([licence("WTFPL"), licence("MIT")]).ships(Ships::Optional),
        Component::python(&parsed("Ruamel.Yaml"), &parsed("0.18+local"), "ruamel_yaml-0.18+local-py3-none-any.whl")
            .licensed([licence("BSD License")]),
        go("example.org/old", "v2.0.0+incompatible").digest(h1(b"zip", Algo::GoZip)),
        go("example.org/old", "v2.0.0+incompatible").digest(h1(b"mod", Algo::GoMod)).licensed([licence("mit or isc")]),
        source(),
        Component::source("data", "1.0", archive, Some(Digest::sha256(b"data.tar.gz"))),
    ]
}

pub(crate) fn provenance() -> Provenance {
    let mut materials: Vec<Material> = components().iter().map(material).collect();
    materials.push(Material::artifact(
        &Purl::go_mod(&parsed("example.org/old"), &parsed("v2.0.0+incompatible")),
        &[h1(b"mod", Algo::GoMod)],
    ));
    materials.push(materials[0].clone());
    Provenance {
        subjects: vec![Item::new("mini", &Digest::sha256(b"image"))],
        external: External {
            project: "mini".into(),
            version: "1.2.0".into(),
            target: "image".into(),
            recipe: Item::new("akbuild.toml", &Digest::sha256(b"recipe")),
            lock: Item::new("akbuild.lock", &Digest::sha256(b"lock")),
            overlay: Some(Item::new("akbuild.local.toml", &Digest::sha256(b"overlay"))),
            replaced: vec![ReplacedSource { name: "helper".into(), tree: Digest::sha256(b"local") }],
        },
        internal: Internal {
            akbuild: "0.1.0".into(),
            toolchain: "debian".into(),
            stages: BTreeMap::from([("web".into(), Digest::sha256(b"key"))]),
        },
        materials,
        builder: Builder {
            id: "https://ci.example/builders/1".into(),
            versions: BTreeMap::from([("akbuild".into(), "0.1.0".into())]),
        },
        run: Run {
            invocation: Some("2026-11-22/7".into()),
            started: Timestamp::unix(1_795_389_771),
            finished: Timestamp::unix(1_795_389_999),
            byproducts: vec![Item::new("logs/web", &Digest::sha256(b"log"))],
        },
    }
}

/// What a component came as.
fn material(component: &Component) -> Material {
    match &component.kind {
        ComponentKind::Source(origin) => {
            Material::source(&component.name, &component.version, origin, component.digests.first())
        }
        _ => Material::artifact(&component.purl, component.digests.iter().filter(|d| d.algo() != Algo::GoMod)),
    }
}
