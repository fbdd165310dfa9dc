//! The bill of materials of an image: real locks of npm and Go, a registry with what they name, and clients that are
//! scripts. Which packages count is tried in detail by the tests of the engine.

#[path = "../../crates/engine/tests/common/go_program.rs"]
mod go_program;

use std::io::Write;

use akbuild_nar::{Algo, Digest};
use serde_json::Value;

use self::go_program::go_program;
use crate::server::Reply;
use crate::world::{World, text};

/// Two programs, of which one ships, pages from npm packages, and Debian packages of which some do not ship.
const STAGES: &str = r##"
[sources.docs]
path = "docs"

[sources.unused]
path = "unused"

[sysroots.runtime]
packages = ["extra"]
essential = false

[stages.vendor]
kind = "go-vendor"
source = "app"
include = ["**"]
env = { "BASH_FUNC_go%%" = '() { mkdir -p vendor/example.org/dep; echo example.org/dep > vendor/modules.txt; cat LICENSE > vendor/example.org/dep/LICENSE; }' }

[stages.server]
kind = "go-build"
source = "app"
include = ["programs/**"]
vendor = "vendor"
output = "server"
env = { "BASH_FUNC_go%%" = '() { cp programs/server "$out/server"; }' }

[stages.generator]
kind = "go-build"
source = "app"
include = ["programs/**"]
vendor = "vendor"
output = "generator"
env = { "BASH_FUNC_go%%" = '() { cp programs/generator "$out/generator"; }' }

[stages.deps]
kind = "npm-ci"
source = "app"
folder = "web"
env = { "BASH_FUNC_npm%%" = '() { mkdir node_modules; echo 1 > node_modules/x; }', "BASH_FUNC_node%%" = '() { :; }', "BASH_FUNC_find%%" = '() { :; }', "BASH_FUNC_xargs%%" = '() { :; }' }

[stages.web]
kind = "run"
script = 'cat /deps/web/node_modules/x index.html > "$out/index.html"'
copies = [{ from = "docs" }]
mounts = [{ from = "deps", to = "/deps" }, { from = "generator", to = "/generator" }]

[stages.last]
kind = "tree"
pieces = [{ from = "server", to = "bin" }, { from = "web", to = "web" }]

[stages.image]
kind = "image"
tree = "last"
layers = [{ name = "web", from = ["web"] }]
entrypoint = ["{prefix}/bin/server"]
"##;

const SERVER: &str = "path\texample.org/app\nmod\texample.org/app\t(devel)\t\ndep\texample.org/dep\tv1.0.0\n";
const GENERATOR: &str = "path\texample.org/gen\ndep\texample.org/tool\tv0.1.0\n";
const GO_MOD: &str =
    "module example.org/app\n\ngo 1.21\n\nrequire (\n\texample.org/dep v1.0.0\n\texample.org/tool v0.1.0\n)\n";
const MIT: &str = include_str!("../../crates/attest/tests/texts/mit.txt");
const PACKAGE: &[u8] = b"what npm would unpack";

/// Puts a module into the proxy; gives its lines of `go.sum`.
fn publish(world: &World, module: &str, version: &str) -> String {
    let go_mod = format!("module {module}\n");
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in [("go.mod", go_mod.as_str()), ("code.go", "package code\n")] {
        zip.start_file(format!("{module}@{version}/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    let zip = zip.finish().unwrap().into_inner();
    let files = [(Algo::GoZip, "zip", "", zip), (Algo::GoMod, "mod", "/go.mod", go_mod.into_bytes())];
    let lines = files.map(|(algo, end, name, bytes)| {
        let file = world.path("module");
        std::fs::write(&file, &bytes).unwrap();
        let digest = Digest::of_file(algo, &std::fs::File::open(&file).unwrap()).unwrap();
        world.server.put(&format!("/go/{module}/@v/{version}.{end}"), Reply::File(bytes));
        // The same base 64 as in an SRI string.
        let sha256 = Digest::new(Algo::Sha256, digest.as_bytes()).unwrap().to_string();
        format!("{module} {version}{name} h1:{}\n", sha256.strip_prefix("sha256-").unwrap())
    });
    lines.concat()
}

fn world(stages: &str) -> World {
    let world = World::unlocked(stages);
    let overlay = world.read("akbuild.local.toml");
    let lines = overlay.lines().map(|line| match line.split(' ').next() {
        Some(own @ ("npm" | "go")) => format!("{own} = [\"{}\"]", world.server.url(&format!("/{own}/"))),
        _ => line.to_owned(),
    });
    world.write("akbuild.local.toml", &lines.collect::<Vec<_>>().join("\n"));
    let sums = [publish(&world, "example.org/dep", "v1.0.0"), publish(&world, "example.org/tool", "v0.1.0")].concat();
    world.server.put("/npm/@lit/context/-/context-1.1.6.tgz", Reply::File(PACKAGE.to_vec()));
    world.server.put("/npm/esbuild/-/esbuild-0.27.0.tgz", Reply::File(PACKAGE.to_vec()));
    let integrity = Digest::sha256(PACKAGE);
    let npm = format!(
        r#"{{"lockfileVersion": 3, "packages": {{
            "node_modules/@lit/context": {{"version": "1.1.6", "license": "BSD-3-Clause", "integrity": "{integrity}"}},
            "node_modules/esbuild": {{"version": "0.27.0", "dev": true, "integrity": "{integrity}"}}
        }}}}"#
    );
    for (path, text) in [
        ("app/go.mod", GO_MOD),
        ("app/go.sum", &sums),
        ("app/LICENSE", MIT),
        ("app/web/package-lock.json", &npm),
        ("app/web/package.json", "{}"),
        ("docs/index.html", "<html>"),
        ("unused/file", "unused"),
    ] {
        world.write(path, text);
    }
    for (name, modules) in [("server", SERVER), ("generator", GENERATOR)] {
        world.write(&format!("app/programs/{name}"), "");
        let path = world.path("project/app/programs").join(name);
        std::fs::write(&path, go_program(modules)).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    world.lock();
    world
}

/// The components of the bill beside an archive, each with its licences.
fn bill(world: &World, args: &[&str]) -> String {
    let _ = world.run(&[&["image", "--output", "image.tar"], args].concat()).ok();
    let bill: Value = serde_json::from_str(&world.read("image.tar.cdx.json")).unwrap();
    let line = |component: &Value| {
        let licences = component["licenses"].as_array().into_iter().flatten();
        let licences: Vec<&str> =
            licences.map(|l| l["expression"].as_str().unwrap_or_else(|| text(&l["license"]["id"]))).collect();
        format!("{} [{}]", text(&component["purl"]), licences.join(", "))
    };
    let mut lines: Vec<String> = bill["components"].as_array().unwrap().iter().map(line).collect();
    lines.sort();
    lines.join("\n")
}

#[test]
fn a_bill_lists_what_ships() {
    let world = world(STAGES);
    let first = bill(&world, &[]);
    insta::assert_snapshot!(first, @"
    pkg:deb/debian/extra@2?arch=amd64 []
    pkg:generic/app@local []
    pkg:generic/docs@local []
    pkg:golang/example.org/dep@v1.0.0 [MIT]
    pkg:npm/%40lit/context@1.1.6 [BSD-3-Clause]
    ");
    // The same where everything is there already, and where hardly anything is.
    assert_eq!(bill(&world, &[]), first);
    let trees = world.bucket("trees-v1").len();
    let _ = world.run(&["cache", "gc", "--floor", "0", "--keep", "0"]).ok();
    assert!(world.bucket("trees-v1").len() < trees);
    assert_eq!(bill(&world, &[]), first);
}

#[test]
fn a_program_that_does_not_tell_what_is_in_it() {
    let world = world(&STAGES.replace("cp programs/server \"$out/server\"", "cp programs/x \"$out/server\""));
    world.write("app/programs/x", "no program\n");
    let path = world.path("project/app/programs/x");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    insta::assert_snapshot!(world.run(&["image", "--quiet", "--output", "image.tar"]), @"
    --- exit 1
    error: `server` of stage `server` does not say which modules are in it: it is not an ELF file; is it a program for Linux?
      help: ship it as `go build` leaves it, neither packed nor stripped afterwards; `akbuild image --bare` writes no bill of materials
    ");
    let _ = world.run(&["image", "--quiet", "--output", "image.tar", "--bare"]).ok();
}
