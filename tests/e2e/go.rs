//! Stages of the Go kinds. go itself is a function that does what a test wants; the real one is tried where it is
//! compared with (`crates/registry/tests/it`, `crates/engine/tests/go_view.rs`).

use akbuild_nar::{Algo, Digest};

use crate::server::Reply;
use crate::world::World;

/// A `go-vendor` stage and a `go-build` stage.
fn stages(vendor: &str, build: &str) -> String {
    format!(
        r#"
[stages.vendor]
kind = "go-vendor"
source = "app"
folder = "srv"
env = {{ "BASH_FUNC_go%%" = '''() {{ {vendor}
}}''' }}

[stages.last]
kind = "go-build"
source = "app"
folder = "srv"
output = "bin/srv"
env = {{ "BASH_FUNC_go%%" = '''() {{ {build}
}}''' }}
"#
    )
}

const VENDORS: &str = "mkdir -p vendor/example.org/dep; echo example.org/dep > vendor/modules.txt";
const BUILDS: &str = "mkdir -p \"$out/bin\"; echo '#!/bin/sh' > \"$out/bin/srv\"; chmod +x \"$out/bin/srv\"";

/// A line of `go.sum` for a `go.mod`, which the proxy has.
fn publish(world: &World, module: &str, version: &str, go_mod: &str) -> String {
    let file = world.path("module");
    std::fs::write(&file, go_mod).unwrap();
    let digest = Digest::of_file(Algo::GoMod, &std::fs::File::open(&file).unwrap()).unwrap();
    world.server.put(&format!("/go/{module}/@v/{version}.mod"), Reply::File(go_mod.as_bytes().to_vec()));
    line(module, version, &digest)
}

fn line(module: &str, version: &str, digest: &Digest) -> String {
    let sri = Digest::new(Algo::Sha256, digest.as_bytes()).unwrap().to_string();
    format!("{module} {version}/go.mod h1:{}\n", sri.strip_prefix("sha256-").unwrap())
}

fn world(stages: &str) -> World {
    let world = World::unlocked(stages);
    let overlay = world.read("akbuild.local.toml");
    let lines = overlay.lines().map(|line| match line.split(' ').next() {
        Some("go") => format!("go = [\"{}\"]", world.server.url("/go/")),
        _ => line.to_owned(),
    });
    world.write("akbuild.local.toml", &lines.collect::<Vec<_>>().join("\n"));
    world.write("app/srv/main.go", "package main\n\nfunc main() {}\n");
    world.write("app/srv/go.mod", "module example.org/srv\n\ngo 1.22\n");
    world.lock();
    world
}

/// The end of the log of the stage that failed.
fn said(world: &World, stage: &str) -> String {
    let ran = world.run(&["build", stage]).failed().to_string();
    let log = ran.lines().filter_map(|line| line.strip_prefix("    | "));
    log.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_folder_is_seen_without_an_include() {
    let world = world(&stages(VENDORS, &format!("ls; {BUILDS}")));
    assert_eq!(world.run(&["build", "last", "--json"]).ok().stages(), "last built");
    assert!(world.run(&["log", "last"]).ok().to_string().contains("go.mod\nmain.go\n"));
}

#[test]
fn only_files_that_the_module_graph_needs_are_downloaded() {
    let world = world(&stages(VENDORS, BUILDS));
    let mut sums =
        publish(&world, "example.org/old", "v1.0.0", "module example.org/old\n\nrequire example.org/deep v1.0.0\n");
    sums += &publish(&world, "example.org/deep", "v1.0.0", "module example.org/deep\n");
    // No proxy has these.
    sums += &line("git.internal.example/gone", "v1.0.0", &Digest::sha256(b"gone"));
    world.write("app/srv/go.sum", &sums);
    world.write("app/srv/go.mod", "module example.org/srv\n\ngo 1.22\n\nrequire example.org/old v1.0.0// pinned\n");
    assert_eq!(world.run(&["build", "vendor", "--json"]).ok().stages(), "vendor built");
    let asked = |path: &str| world.server.asked(&format!("/go/{path}"));
    assert_eq!(asked("example.org/old/@v/v1.0.0.mod"), 1);
    assert_eq!(asked("example.org/deep/@v/v1.0.0.mod"), 1);
    assert_eq!(asked("git.internal.example/gone/@v/v1.0.0.mod"), 0);
    // What is here already is read, and nothing is asked for again.
    let again = world.run(&["build", "--rebuild", "vendor", "--offline", "--json"]).ok();
    assert_eq!(again.stages(), "vendor built");
}

#[test]
fn a_go_mod_that_go_may_do_without_may_be_missing() {
    let world = world(&stages(VENDORS, BUILDS));
    let old = "module example.org/old\n\nrequire git.internal.example/gone v1.0.0\n";
    let mut sums = publish(&world, "example.org/old", "v1.0.0", old);
    sums += &line("git.internal.example/gone", "v1.0.0", &Digest::sha256(b"gone"));
    world.write("app/srv/go.sum", &sums);
    world.write("app/srv/go.mod", "module example.org/srv\n\ngo 1.22\n\nrequire example.org/old v1.0.0\n");
    let ran = world.run(&["build", "vendor"]).ok().to_string();
    let warning = ran.lines().find(|line| line.starts_with("warning:")).unwrap_or(&ran);
    insta::assert_snapshot!(warning, @"warning: stage `vendor` goes on without git.internal.example/gone@v1.0.0 (go.mod), which cannot be downloaded: go may do without");
    // Before go 1.17 the whole graph is read.
    world.write("app/srv/go.mod", "module example.org/srv\n\ngo 1.16\n\nrequire example.org/old v1.0.0\n");
    let ran = world.run(&["build", "vendor"]).failed().to_string();
    assert!(ran.contains("git.internal.example/gone@v1.0.0 (go.mod) (stage `vendor` needs it)"), "{ran}");
}

#[test]
fn a_vendor_folder_without_packages_is_an_error() {
    let world = world(&stages("mkdir vendor; echo '# example.org/dep v1.0.0' > vendor/modules.txt", BUILDS));
    insta::assert_snapshot!(said(&world, "vendor"), @r"
no package was vendored: no Go file that this stage sees imports one of a required module
 help: check `folder`, `include` and `exclude`; a file behind `//go:build ignore` does not count
 help: a module that imports nothing needs no go-vendor stage; `go mod tidy` removes what it requires
");
}

#[test]
fn a_module_that_requires_nothing_needs_no_vendor_stage() {
    let world = world(&stages("echo 'go: no dependencies to vendor'", BUILDS));
    insta::assert_snapshot!(said(&world, "vendor"), @r"
go: no dependencies to vendor
this module requires no other: it needs no go-vendor stage
");
}

#[test]
fn a_package_that_is_not_a_program_is_an_error() {
    let world = world(&stages(VENDORS, "mkdir -p \"$out/bin\"; echo '!<arch>' > \"$out/bin/srv\""));
    insta::assert_snapshot!(said(&world, "last"), @r#"
package `.` is not a program: `bin/srv`, the `output` of this stage, would be an archive of compiled code
 help: name a package whose files begin with `package main` in `package`, such as "./cmd/server"
"#);
}

#[test]
fn a_program_that_is_not_written_is_an_error() {
    let world = world(&stages(VENDORS, "echo built > \"$out/other\""));
    insta::assert_snapshot!(said(&world, "last"), @r"
go build left no file at `bin/srv`, the `output` of this stage
 help: check `GOFLAGS` in `env`, and name one main package in `package`
");
}

/// What is said after a line that go has written.
fn help_for(line: &str) -> String {
    let world = world(&stages(VENDORS, &format!("echo \"{line}\" >&2; return 2")));
    said(&world, "last")
}

#[test]
fn complaints_of_go_are_followed_by_help() {
    insta::assert_snapshot!(help_for("main.go:5:12: pattern x.txt: no matching files found"), @r"
main.go:5:12: pattern x.txt: no matching files found
 help: the stage does not see the files that `//go:embed` names: add them to `include`, beside the default patterns of this kind
");
    insta::assert_snapshot!(help_for("main.go:3:8: example.org/lib@v0.0.0: replacement directory ../lib does not exist"), @r#"
main.go:3:8: example.org/lib@v0.0.0: replacement directory ../lib does not exist
 help: go.mod replaces a module by the folder `lib`, of which this stage sees no go.mod; if the source has it, add "lib/**" to `include`
"#);
    insta::assert_snapshot!(help_for("main.go:3:8: example.org/lib@v0.0.0 (replaced by ../../lib): reading /lib/go.mod: open /lib/go.mod: no such file or directory"), @r"
main.go:3:8: example.org/lib@v0.0.0 (replaced by ../../lib): reading /lib/go.mod: open /lib/go.mod: no such file or directory
 help: `../../lib`, which go.mod names in a `replace`, lies outside of the source of this stage
");
    insta::assert_snapshot!(help_for("go: go.mod requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)"), @r"
go: go.mod requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)
 help: go in the sysroot is older than the module wants: take a newer one into `packages` of the sysroot, or lower the `go` line
");
    insta::assert_snapshot!(help_for("main.go:2:8: no required module provides package example.org/srv/sub; to add it:"), @r"
main.go:2:8: no required module provides package example.org/srv/sub; to add it:
 help: if the package is in the source, `include` or `exclude` of the stage hides it; if not, `go mod tidy` adds its module
");
    insta::assert_snapshot!(help_for("main.go:6:2: module lookup disabled by GOPROXY=off"), @r"
main.go:6:2: module lookup disabled by GOPROXY=off
 help: the module needs others: name a `go-vendor` stage of the same source and folder in `vendor`
");
    insta::assert_snapshot!(help_for("go: inconsistent vendoring in /build/srv:"), @r"
go: inconsistent vendoring in /build/srv:
 help: the vendor folder was made from another go.mod: give both stages the same `source` and `folder`, and run `go mod tidy` upstream
");
    insta::assert_snapshot!(help_for("go: cannot write multiple packages to non-directory /out/bin/srv"), @r#"
go: cannot write multiple packages to non-directory /out/bin/srv
 help: name one main package in `package`, such as "./cmd/server"
"#);
    insta::assert_snapshot!(help_for("no Go files in /build/srv"), @r"
no Go files in /build/srv
 help: check `folder` and `package` of the stage, and whether `include` hides the files
");
}
