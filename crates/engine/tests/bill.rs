//! What an image is made of: which packages count as shipped, where their licences come from, and what is said of a
//! program that does not tell.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

mod common;

use std::sync::Arc;

use akbuild_attest::{Component, Project, sbom};
use akbuild_engine::{EngineContext, NodeId, Outputs};
use akbuild_nar::Digest;
use akbuild_recipe::plan::{SourceId, StageId, SysrootId};
use common::World;
use common::go_program::go_program;

/// Two of each kind of stage, of which one does not ship.
const RECIPE: &str = r#"[project]
name = "mini"
version = "1.2.0"
prefix = "/opt/mini"
targets = ["image"]

[sources.app]
git = "https://user:secret@forge.example/app"
tag = "version/{version}"

[sources.fork]
git = "https://forge.example/fork"
rev = "abcdefabcdefabcdefabcdefabcdefabcdefabcd"

[sources.data]
tarball = "https://forge.example/data.tar.gz"

[sources.client]
path = "client"

[sources.unused]
path = "unused"

[debian]
suites = ["forky"]

[sysroots.build]
packages = ["bash", "gcc", "libc6"]
essential = false

[sysroots.runtime]
packages = ["bash", "libc6"]
essential = false

[tools.uv]
python = "uv==0.9.18"

[stages.vendor]
kind = "go-vendor"
source = "app"

[stages.server]
kind = "go-build"
source = "app"
vendor = "vendor"
output = "bin/server"

[stages.generator]
kind = "go-build"
source = "app"
vendor = "vendor"
output = "bin/generator"

[stages.python]
kind = "uv-sync"
source = "app"
venv = "/opt/mini/venv"
python = "3.14"
git = [{ package = "forked", url = "https://forge.example/fork", source = "fork" }]

[stages.docs-python]
kind = "uv-sync"
source = "app"
folder = "docs"
venv = "/venv"
python = "3.14"

[stages.deps]
kind = "npm-ci"
source = "app"
folder = "web"

[stages.web]
kind = "run"
script = "make"
copies = [{ from = "data" }, { from = "client" }]
mounts = [
    { from = "deps", to = "/deps" },
    { from = "docs-python", to = "/venv" },
    { from = "generator", to = "/generator" },
]

[stages.inner]
kind = "tree"
pieces = [{ from = "python", to = "venv" }, { from = "server" }]

[stages.all]
kind = "tree"
pieces = [{ from = "inner" }, { from = "web", to = "web" }]

[stages.image]
kind = "image"
tree = "all"
entrypoint = ["/opt/mini/bin/server"]
"#;

const LOCK: &str = r#"version = 1

sources = [
  { name = "app", git = "https://user:secret@forge.example/app", tag = "version/1.2.0", commit = "1111111111111111111111111111111111111111", hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
  { name = "data", tarball = "https://forge.example/data.tar.gz", digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
  { name = "fork", git = "https://forge.example/fork", rev = "abcdefabcdefabcdefabcdefabcdefabcdefabcd", commit = "abcdefabcdefabcdefabcdefabcdefabcdefabcd", hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
]

tools = [
  { name = "uv", python = "uv==0.9.18", file = "uv-0.9.18-py3-none-any.whl", digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
]

python = [
  { name = "setuptools", version = "80.1", file = "setuptools-80.1-py3-none-any.whl", digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
]

debs = [
  { name = "bash", version = "5.3-1", path = "pool/main/b/bash/bash_5.3-1_amd64.deb", size = 1000, digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", sysroots = ["build", "runtime"] },
  { name = "gcc", version = "4:16-1", path = "pool/main/g/gcc/gcc_16-1_amd64.deb", size = 2000, digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", sysroots = ["build"] },
  { name = "libc6", version = "2.41-1", path = "pool/main/g/glibc/libc6_2.41-1_amd64.deb", size = 3000, digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", sysroots = ["build", "runtime"] },
]

[[sysroots]]
name = "build"
suites = ["forky"]
components = ["main"]
architecture = "amd64"
essential = false
packages = ["bash", "gcc", "libc6"]

[[sysroots]]
name = "runtime"
suites = ["forky"]
components = ["main"]
architecture = "amd64"
essential = false
packages = ["bash", "libc6"]
"#;

const UV_LOCK: &str = r#"version = 1
revision = 3
requires-python = ">=3.14"

[[package]]
name = "app"
version = "1.2.0"
source = { virtual = "." }
dependencies = [{ name = "forked" }, { name = "jaraco-text" }, { name = "source-only" }]

[package.dev-dependencies]
dev = [{ name = "pytest" }]

[[package]]
name = "forked"
version = "0.1"
source = { git = "https://forge.example/fork?rev=abc#abcdefabcdefabcdefabcdefabcdefabcdefabcd" }

[[package]]
name = "jaraco-text"
version = "4.0"
source = { registry = "https://index.invalid/simple" }
wheels = [{ url = "https://files.invalid/jaraco_text-4.0-py3-none-any.whl", hash = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", size = 1 }]

[[package]]
name = "pytest"
version = "9.0"
source = { registry = "https://index.invalid/simple" }
wheels = [{ url = "https://files.invalid/pytest-9.0-py3-none-any.whl", hash = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", size = 1 }]

[[package]]
name = "source-only"
version = "2.0"
source = { registry = "https://index.invalid/simple" }
sdist = { url = "https://files.invalid/source_only-2.0.tar.gz", hash = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", size = 1 }
"#;

const NPM_LOCK: &str = r#"{"name": "web", "lockfileVersion": 3, "packages": {
    "": {"name": "web", "version": "1.0.0"},
    "node_modules/@lit/context": {"version": "1.1.6", "license": "BSD-3-Clause", "integrity": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
    "node_modules/fsevents": {"version": "2.3.3", "os": ["darwin"], "optional": true},
    "node_modules/native": {"version": "1.0.0", "os": ["linux"], "optional": true, "license": "MIT", "integrity": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
    "node_modules/esbuild": {"version": "0.27.0", "dev": true, "license": "MIT", "integrity": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}
}}"#;

const GO_MOD: &str =
    "module example.org/app\n\ngo 1.21\n\nrequire (\n\texample.org/dep v1.0.0\n\texample.org/tool v0.1.0\n)\n";
const GO_SUM: &str = "example.org/dep v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
example.org/dep v1.0.0/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
example.org/tool v0.1.0 h1:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=
example.org/tool v0.1.0/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
";
const SERVER: &str = "path\texample.org/app\nmod\texample.org/app\t(devel)\t\ndep\texample.org/dep\tv1.0.0\n\
    dep\texample.org/local\tv0.0.0\n=>\t./local\t\t\n";
const OTHER: &str =
    "path\texample.org/other\ndep\texample.org/shared\tv3.0.0\th1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
const GENERATOR: &str = "path\texample.org/app/gen\ndep\texample.org/dep\tv1.0.0\ndep\texample.org/tool\tv0.1.0\n";

const MIT: &[u8] = include_bytes!("../../attest/tests/texts/mit.txt");

/// The project, with an output of every node that a bill is read from.
fn world(recipe: &str) -> (World, Outputs) {
    let files = [("client/index.ts", "export {}"), ("unused/file", "")];
    let world = World::new(recipe, LOCK, &files);
    let docs = UV_LOCK.replace("jaraco-text", "sphinx").replace("jaraco_text", "sphinx");
    let app = [
        ("go.mod", GO_MOD),
        ("go.sum", GO_SUM),
        ("uv.lock", UV_LOCK),
        ("pyproject.toml", "[project]\nname = \"app\"\n"),
        ("docs/uv.lock", &*docs.replace("{ name = \"forked\" }, ", "")),
        ("docs/pyproject.toml", "[project]\nname = \"app\"\n"),
        ("web/package-lock.json", NPM_LOCK),
    ];
    let copyright = b"Format: https://format.example/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-3+\n";
    let metadata = |name: &str, licence: &str| {
        format!("Metadata-Version: 2.4\nName: {name}\nVersion: 1\nLicense-Expression: {licence}\n")
    };
    let site = "lib/python3.14/site-packages";
    let python = [
        (format!("{site}/jaraco_text-4.0.dist-info/METADATA"), metadata("jaraco.text", "MIT")),
        // What another package has inside is not what was installed, wherever it is.
        (format!("{site}/a_first/_vendor/jaraco_text-3.0.dist-info/METADATA"), metadata("jaraco.text", "ISC")),
        (format!("{site}/z_last/_vendor/jaraco_text-3.0.dist-info/METADATA"), metadata("jaraco.text", "ISC")),
        (format!("{site}/source_only-2.0.dist-info/METADATA"), metadata("source_only", "Apache-2.0")),
        (format!("{site}/broken-1.dist-info/METADATA"), String::new()),
        (format!("{site}/forked/METADATA"), metadata("forked", "ISC")),
    ];
    let python: Vec<(&str, &[u8])> = python.iter().map(|(path, text)| (&**path, text.as_bytes())).collect();
    let source = |id: &str| NodeId::Source(SourceId::new(id));
    let stage = |id: &str| NodeId::Stage(StageId::new(id));
    let sysroot = |id: &str| NodeId::Sysroot(SysrootId::new(id));
    let outputs = Outputs::from([
        (source("app"), world.tree(&app.map(|(path, text)| (path, text.as_bytes())))),
        (source("client"), world.tree(&[("index.ts", b"export {}")])),
        (sysroot("runtime"), world.tree(&[("usr/share/doc/bash/copyright", copyright)])),
        (stage("vendor"), world.tree(&[("example.org/dep/LICENSE", MIT), ("modules.txt", b"")])),
        (stage("server"), world.tree(&[("bin/server", &go_program(SERVER)), ("share/text", b"text")])),
        (stage("generator"), world.tree(&[("bin/generator", &go_program(GENERATOR))])),
        (stage("python"), world.tree(&python)),
        (stage("docs-python"), world.tree(&[("x", b"x")])),
        (
            stage("web"),
            world.tree(&[("index.html", b"<html>"), ("serve", b"#!/bin/sh\n"), ("bin/go", &go_program(OTHER))]),
        ),
    ]);
    (world, outputs)
}

fn image() -> StageId {
    StageId::new("image")
}

fn line(component: &Component) -> String {
    let licences: Vec<&str> = component.licences.iter().map(|licence| licence.as_str()).collect();
    let digests: Vec<String> = component.digests.iter().map(|digest| digest.algo().to_string()).collect();
    format!("{} {:?} [{}] {}", component.purl, component.ships, licences.join(", "), digests.join(" "))
}

fn components(context: &Arc<EngineContext>, outputs: &Outputs) -> String {
    let mut lines: Vec<String> =
        akbuild_engine::components(context, &image(), outputs).unwrap().iter().map(line).collect();
    lines.sort();
    lines.join("\n")
}

#[test]
fn what_ships_is_listed_and_nothing_else() {
    let (world, outputs) = world(RECIPE);
    let found = components(&world.context, &outputs);
    insta::assert_snapshot!(found, @"
    pkg:deb/debian/bash@5.3-1?arch=amd64 Installed [GPL-3.0-or-later] sha256
    pkg:deb/debian/libc6@2.41-1?arch=amd64 Installed [] sha256
    pkg:generic/app@1.2.0?vcs_url=git%2Bhttps://forge.example/app%401111111111111111111111111111111111111111 Bundled [] 
    pkg:generic/client@local Bundled [] 
    pkg:generic/data@e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855?checksum=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855&download_url=https://forge.example/data.tar.gz Bundled [] sha256
    pkg:generic/fork@abcdefabcdefabcdefabcdefabcdefabcdefabcd?vcs_url=git%2Bhttps://forge.example/fork%40abcdefabcdefabcdefabcdefabcdefabcdefabcd Bundled [] 
    pkg:golang/example.org/dep@v1.0.0 Bundled [MIT] h1-zip
    pkg:golang/example.org/shared@v3.0.0 Bundled [] h1-zip
    pkg:npm/%40lit/context@1.1.6 Bundled [BSD-3-Clause] sha256
    pkg:npm/native@1.0.0 Optional [MIT] sha256
    pkg:pypi/forked@0.1?vcs_url=git%2Bhttps://forge.example/fork%40abcdefabcdefabcdefabcdefabcdefabcdefabcd Installed [] 
    pkg:pypi/jaraco-text@4.0?file_name=jaraco_text-4.0-py3-none-any.whl Installed [MIT] sha256
    pkg:pypi/source-only@2.0?file_name=source_only-2.0.tar.gz Installed [Apache-2.0] sha256
    ");
    // Of stages that are needed and do not ship, of the sysroot that things are built in, and of nothing at all.
    for absent in
        ["sphinx", "example.org/tool", "gcc", "pytest", "setuptools", "esbuild", "fsevents", "unused", "secret"]
    {
        assert!(!found.contains(absent), "{absent}");
    }
}

#[test]
fn how_layers_are_cut_changes_nothing_of_what_ships() {
    let (world, outputs) = world(RECIPE);
    let first = components(&world.context, &outputs);
    for layers in [
        "{ name = \"a\", from = [\"python\"] }",
        "{ name = \"a\", from = [\"inner\"] }",
        "{ name = \"a\", from = [\"all\"] }",
    ] {
        let context = world.again(&format!("{RECIPE}layers = [{layers}]\n"), LOCK);
        assert_eq!(components(&context, &outputs), first, "{layers}");
    }
    let part = RECIPE.replace("{ from = \"inner\" }", "{ from = \"inner\", exclude = [\"x\"] }");
    assert_eq!(components(&world.again(&part, LOCK), &outputs), first);
}

#[test]
fn what_ships_twice_is_told_once() {
    let twice = RECIPE.replace(
        "{ from = \"web\", to = \"web\" }",
        "{ from = \"web\", to = \"web\" }, { from = \"generator\" }, { from = \"docs-python\" }",
    );
    let (world, outputs) = world(&twice);
    let components = akbuild_engine::components(&world.context, &image(), &outputs).unwrap();
    let of = |purl: &str| components.iter().filter(|component| component.purl.to_string().starts_with(purl)).count();
    assert_eq!(
        (of("pkg:golang/example.org/dep@"), of("pkg:golang/example.org/tool@"), of("pkg:pypi/source-only@")),
        (2, 1, 2)
    );
    let about = Project { name: "mini".into(), version: "1.2.0".into(), image: None };
    let bill = sbom(&about, &components, "0").unwrap();
    let told = |purl: &str| bill.matches(&format!("\"purl\": \"{purl}")).count();
    assert_eq!(
        (told("pkg:golang/example.org/dep@"), told("pkg:golang/example.org/tool@"), told("pkg:pypi/source-only@")),
        (1, 1, 1)
    );
}

/// What is said if the server is this program.
fn refused(program: &[u8]) -> String {
    let (world, mut outputs) = world(RECIPE);
    outputs.insert(NodeId::Stage(StageId::new("server")), world.tree(&[("bin/server", program)]));
    akbuild_engine::components(&world.context, &image(), &outputs).unwrap_err().to_string()
}

#[test]
fn a_program_that_does_not_tell_is_an_error() {
    insta::assert_snapshot!(refused(b"#!/bin/sh\n"), @"
    `bin/server` of stage `server` does not say which modules are in it: it is not an ELF file; is it a program for Linux?
      help: ship it as `go build` leaves it, neither packed nor stripped afterwards; `akbuild image --bare` writes no bill of materials
    ");
    let stripped = go_program(SERVER).iter().map(|byte| if *byte == 0xff { 0 } else { *byte }).collect::<Vec<u8>>();
    insta::assert_snapshot!(refused(&stripped), @"
    `bin/server` of stage `server` does not say which modules are in it: it has no build information of Go; is it a Go program, built with `go build`?
      help: ship it as `go build` leaves it, neither packed nor stripped afterwards; `akbuild image --bare` writes no bill of materials
    ");
    insta::assert_snapshot!(refused(&go_program("dep\texample.org/other\tv9.0.0\n")), @"
    `example.org/other@v9.0.0` is in `bin/server`, and no `go.sum` has its hash
      help: build the program from a vendor folder of a `go-vendor` stage
    ");
}

#[test]
fn a_module_that_go_itself_has_a_hash_of_needs_no_lock() {
    let (world, mut outputs) = world(RECIPE);
    let own = go_program("dep\texample.org/other\tv9.0.0\th1:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\n");
    outputs.insert(NodeId::Stage(StageId::new("server")), world.tree(&[("bin/server", &own)]));
    let components = akbuild_engine::components(&world.context, &image(), &outputs).unwrap();
    let module = components.iter().find(|component| component.name == "example.org/other").unwrap();
    assert_eq!(
        module.digests[0].as_bytes(),
        "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=".parse::<Digest>().unwrap().as_bytes()
    );
}

#[test]
fn a_lock_that_cannot_be_read_is_no_empty_list() {
    let (world, mut outputs) = world(RECIPE);
    let broken = world.tree(&[("go.mod", GO_MOD.as_bytes()), ("go.sum", b"not a sum")]);
    outputs.insert(NodeId::Source(SourceId::new("app")), broken);
    let error = akbuild_engine::materials(&world.context, &image(), &outputs).unwrap_err();
    insta::assert_snapshot!(error, @"
    go.mod: 2 entries cannot be used:
      example.org/dep@v1.0.0: go.sum has no line for it
      example.org/tool@v0.1.0: go.sum has no line for it
    Write the missing lines with `go mod tidy`, and commit go.sum.
    ");
}

#[test]
fn materials_are_all_that_was_used() {
    let (world, outputs) = world(RECIPE);
    let materials = akbuild_engine::materials(&world.context, &image(), &outputs).unwrap();
    let mut uris: Vec<String> =
        materials.iter().map(|m| serde_json::to_value(m).unwrap()["uri"].as_str().unwrap().to_owned()).collect();
    uris.sort();
    uris.dedup();
    insta::assert_snapshot!(uris.join("\n"), @"
    git+https://forge.example/app@1111111111111111111111111111111111111111
    git+https://forge.example/fork@abcdefabcdefabcdefabcdefabcdefabcdefabcd
    https://forge.example/data.tar.gz
    pkg:deb/debian/bash@5.3-1?arch=amd64
    pkg:deb/debian/gcc@4%3A16-1?arch=amd64
    pkg:deb/debian/libc6@2.41-1?arch=amd64
    pkg:generic/client@local
    pkg:golang/example.org/dep@v1.0.0
    pkg:golang/example.org/dep@v1.0.0#go.mod
    pkg:golang/example.org/tool@v0.1.0
    pkg:golang/example.org/tool@v0.1.0#go.mod
    pkg:npm/%40lit/context@1.1.6
    pkg:npm/esbuild@0.27.0
    pkg:npm/native@1.0.0
    pkg:pypi/jaraco-text@4.0?file_name=jaraco_text-4.0-py3-none-any.whl
    pkg:pypi/setuptools@80.1?file_name=setuptools-80.1-py3-none-any.whl
    pkg:pypi/source-only@2.0?file_name=source_only-2.0.tar.gz
    pkg:pypi/sphinx@4.0?file_name=sphinx-4.0-py3-none-any.whl
    pkg:pypi/uv@0.9.18?file_name=uv-0.9.18-py3-none-any.whl
    ");
}

#[test]
fn keys_are_of_stages_whose_inputs_are_here() {
    let (world, outputs) = world(RECIPE);
    let keys = |outputs: &Outputs| {
        akbuild_engine::stage_keys(&world.context, &image(), outputs).unwrap().into_keys().collect::<Vec<_>>().join(" ")
    };
    insta::assert_snapshot!(keys(&outputs), @"image/glue image/sysroot inner");
    assert_eq!(keys(&Outputs::new()), "");
}

#[test]
fn a_bill_of_what_is_not_here_is_an_error() {
    let (world, mut outputs) = world(RECIPE);
    assert!(akbuild_engine::components(&world.context, &StageId::new("web"), &outputs).is_err());
    outputs.remove(&NodeId::Source(SourceId::new("client")));
    assert!(akbuild_engine::components(&world.context, &image(), &outputs).is_err());
}

/// Files of the host that would say something: licences of each kind, a program and a package's metadata.
fn host() -> tempfile::TempDir {
    let host = tempfile::tempdir().unwrap();
    let metadata = "Metadata-Version: 2.4\nName: jaraco.text\nVersion: 1\nLicense-Expression: Zlib\n";
    let copyright = "Format: https://format.example/copyright-format/1.0/\n\nFiles: *\nLicense: Zlib\n";
    common::write(host.path(), &[("METADATA", metadata), ("copyright", copyright)]);
    std::fs::write(host.path().join("LICENSE"), MIT).unwrap();
    std::fs::write(host.path().join("server"), go_program(&SERVER.replace("dep", "canary"))).unwrap();
    host
}

/// A link that an output has is listed as one, and says nothing.
#[test]
fn links_of_outputs_to_the_host_say_nothing() {
    let (world, mut outputs) = world(RECIPE);
    let host = host();
    let to = |name: &str| host.path().join(name).display().to_string();
    let stage = |id: &str| NodeId::Stage(StageId::new(id));
    let site = "lib/python3.14/site-packages/jaraco_text-4.0.dist-info/METADATA";
    for target in [to(""), format!("../../../../../../../..{}", to(""))] {
        let at = |name: &str| format!("{target}{name}");
        let tree = world.tree_with_links(&[("x", b"x")], &[(site, &at("METADATA"))]);
        outputs.insert(stage("python"), tree);
        let tree = world.tree_with_links(&[("modules.txt", b"")], &[("example.org/dep/LICENSE", &at("LICENSE"))]);
        outputs.insert(stage("vendor"), tree);
        let found = [
            components(&world.context, &outputs),
            {
                let tree = world.tree_with_links(&[("modules.txt", b"")], &[("example.org/dep", &target)]);
                outputs.insert(stage("vendor"), tree);
                components(&world.context, &outputs)
            },
            {
                let tree = world.tree_with_links(
                    &[("x", b"x")],
                    &[("usr/share/doc/bash/copyright", &at("copyright")), ("usr/share/doc/libc6", &target)],
                );
                outputs.insert(NodeId::Sysroot(SysrootId::new("runtime")), tree);
                components(&world.context, &outputs)
            },
        ];
        for found in &found {
            assert!(!found.contains("Zlib") && !found.contains("canary"), "{found}");
            assert!(found.contains("pkg:golang/example.org/dep@v1.0.0 Bundled [] "), "{found}");
            assert!(found.contains("py3-none-any.whl Installed [] "), "{found}");
        }
        assert!(found[2].contains("bash@5.3-1?arch=amd64 Installed [] "), "{}", found[2]);
    }
    // Debian's own links lead to other folders of the sysroot.
    let copyright = b"Format: https://format.example/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-3+\n";
    let files: [(&str, &[u8]); 1] = [("usr/share/doc/base/copyright", copyright)];
    let tree = world
        .tree_with_links(&files, &[("usr/share/doc/bash", "base"), ("usr/share/doc/libc6", "/usr/share/doc/base")]);
    outputs.insert(NodeId::Sysroot(SysrootId::new("runtime")), tree);
    assert_eq!(components(&world.context, &outputs).matches("Installed [GPL-3.0-or-later]").count(), 2);
}

/// A link that has taken the place of a file since the output was stored is an error that names it.
#[test]
fn a_link_in_the_place_of_a_stored_file_is_refused() {
    let site = "lib/python3.14/site-packages/jaraco_text-4.0.dist-info";
    for (stage, place, name) in [("server", "bin/server", "server"), ("python", site, ""), ("server", "bin", "")] {
        let (world, outputs) = world(RECIPE);
        let host = host();
        let tree = outputs[&NodeId::Stage(StageId::new(stage))];
        world.plant(&tree, place, &host.path().join(name));
        let error = akbuild_engine::components(&world.context, &image(), &outputs).unwrap_err().to_string();
        assert!(error.contains("symbolic link") && error.contains(&format!("stage `{stage}`")), "{error}");
        assert!(!error.contains("Zlib") && !error.contains("canary"), "{error}");
    }
}
