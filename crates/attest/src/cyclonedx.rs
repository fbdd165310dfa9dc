//! CycloneDX 1.6 (ECMA-424), as far as a bill of materials here has it. Knows how things are written; everything in it
//! is sorted before.

use akbuild_names::Ecosystem;
use akbuild_nar::{Algo, Digest};
use serde::Serialize;

use crate::component::h1;
use crate::licence::Form;
use crate::{Component, ComponentKind, Licence, Origin, Project, Purl, Ships};

/// A document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bom<'a> {
    bom_format: &'static str,
    spec_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_number: Option<String>,
    version: u32,
    metadata: Metadata<'a>,
    components: Vec<Entry<'a>>,
    dependencies: Vec<Dependency<'a>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    lifecycles: [Phase; 1],
    tools: Tools<'a>,
    component: Entry<'a>,
}

#[derive(Serialize)]
struct Phase {
    phase: &'static str,
}

#[derive(Serialize)]
struct Tools<'a> {
    components: [Tool<'a>; 1],
}

#[derive(Serialize)]
struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    version: &'a str,
}

/// A component.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    bom_ref: Purl,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    name: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<License<'a>>,
    purl: Purl,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_references: Vec<Reference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

/// An item of `licenses`, which holds either licences or one single expression.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum License<'a> {
    License(Named<'a>),
    Expression(String),
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Named<'a> {
    Id(&'static str),
    Name(&'a str),
}

#[derive(Serialize)]
struct Reference {
    #[serde(rename = "type")]
    kind: &'static str,
    url: String,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency<'a> {
    #[serde(rename = "ref")]
    of: Purl,
    depends_on: Vec<&'a Purl>,
}

impl<'a> Bom<'a> {
    pub(crate) fn new(project: &'a Project, components: &'a [Component], akbuild: &'a str) -> Self {
        let depends_on = components.iter().map(|c| &c.purl).collect();
        Self {
            bom_format: "CycloneDX",
            spec_version: "1.6",
            serial_number: None,
            version: 1,
            metadata: Metadata {
                lifecycles: [Phase { phase: "build" }],
                tools: Tools { components: [Tool { kind: "application", name: "akbuild", version: akbuild }] },
                component: main(project),
            },
            components: components.iter().map(entry).collect(),
            dependencies: vec![Dependency { of: project.purl(), depends_on }],
        }
    }

    /// The document, with its serial number and a line feed at its end.
    pub(crate) fn into_json(mut self) -> String {
        self.serial_number = Some(serial(self.text().as_bytes()));
        self.text()
    }

    fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("only texts, numbers and lists are written");
        text.push('\n');
        text
    }
}

/// A document's number, made of its content: the SHA-256 of the whole document as it would be without `serialNumber`,
/// with its line feed; its first 16 bytes are a UUID of version 8 (RFC 9562, 5.8 and appendix B.2), which takes six bits.
fn serial(document: &[u8]) -> String {
    let digest = Digest::sha256(document);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = data_encoding::HEXLOWER.encode(&bytes);
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn main(project: &Project) -> Entry<'_> {
    Entry {
        kind: "container",
        bom_ref: project.purl(),
        group: None,
        name: &project.name,
        version: &project.version,
        scope: None,
        hashes: project.image.iter().filter_map(hash).collect(),
        licenses: Vec::new(),
        purl: project.purl(),
        external_references: Vec::new(),
        properties: Vec::new(),
    }
}

fn entry(component: &Component) -> Entry<'_> {
    let (group, name) = match component.kind {
        ComponentKind::Package(Ecosystem::Npm) => scoped(&component.name),
        _ => (None, component.name.as_str()),
    };
    let origin = origin(component);
    Entry {
        kind: if origin.is_some() { "application" } else { "library" },
        bom_ref: component.purl.clone(),
        group,
        name,
        version: &component.version,
        scope: Some(scope(component.ships)),
        hashes: component.digests.iter().filter_map(hash).collect(),
        licenses: licenses(&component.licences),
        purl: component.purl.clone(),
        external_references: origin.and_then(reference).into_iter().collect(),
        properties: properties(component),
    }
}

fn origin(component: &Component) -> Option<&Origin> {
    if let ComponentKind::Source(origin) = &component.kind { Some(origin) } else { None }
}

/// `@scope` and the rest.
fn scoped(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((group, name)) if group.starts_with('@') => (Some(group), name),
        _ => (None, name),
    }
}

fn scope(ships: Ships) -> &'static str {
    match ships {
        Ships::Installed | Ships::Bundled => "required",
        Ships::Optional => "optional",
    }
}

/// A digest; the hash of a module's `go.mod` is none of the module. The `h1:` hash of a module is given as SHA-256, as
/// cyclonedx-gomod does.
fn hash(digest: &Digest) -> Option<Hash> {
    let alg = match digest.algo() {
        Algo::Sha1 => "SHA-1",
        Algo::Sha256 | Algo::GoZip => "SHA-256",
        Algo::Sha512 => "SHA-512",
        _ => return None,
    };
    Some(Hash { alg, content: digest.hex() })
}

/// One licence as it is; several as a list, or, as a list takes no expression, as one expression. If there is a name too,
/// expressions are names.
fn licenses(licences: &[Licence]) -> Vec<License<'_>> {
    let expressions = licences.iter().any(|l| matches!(l.form(), Form::Expression(_)));
    if expressions && licences.iter().all(Licence::is_spdx) {
        return vec![License::Expression(all_of(licences))];
    }
    let named = licences.iter().map(|licence| match licence.form() {
        Form::Id(id) => Named::Id(id),
        Form::Expression(text) | Form::Name(text) => Named::Name(text),
    });
    named.map(License::License).collect()
}

fn all_of(licences: &[Licence]) -> String {
    if let [one] = licences {
        return one.as_str().to_owned();
    }
    let closed = licences.iter().map(|licence| match licence.form() {
        Form::Expression(text) if text.contains(" OR ") => format!("({text})"),
        _ => licence.as_str().to_owned(),
    });
    closed.collect::<Vec<_>>().join(" AND ")
}

fn reference(origin: &Origin) -> Option<Reference> {
    let kind = if origin.commit.is_some() { "vcs" } else { "source-distribution" };
    Some(Reference { kind, url: origin.public()? })
}

/// What CycloneDX has no place for: how a component ships, the hash of a Go module as `go.sum` has it, and a source's
/// commit and NAR hash.
fn properties(component: &Component) -> Vec<Property> {
    let ships = match component.ships {
        Ships::Installed => "installed",
        Ships::Bundled => "bundled",
        Ships::Optional => "optional",
    };
    let mut properties = Vec::new();
    let mut add = |name, value| properties.push(Property { name, value });
    if let Some(origin) = origin(component) {
        if let Some(commit) = &origin.commit {
            add("akbuild:commit", commit.to_ascii_lowercase());
        }
        add("akbuild:nar", origin.tree.to_string());
    }
    for digest in &component.digests {
        match digest.algo() {
            Algo::GoZip => h1(digest).into_iter().for_each(|h1| add("akbuild:go:h1", h1)),
            Algo::GoMod => h1(digest).into_iter().for_each(|h1| add("akbuild:go:h1-mod", h1)),
            _ => {}
        }
    }
    add("akbuild:ships", ships.to_owned());
    properties
}
