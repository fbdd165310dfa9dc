//! The Go kinds: what they see by default, which variables they set, and what they refuse.

mod common;

use akbuild_recipe::plan::{Exec, Step};
use common::{plan, with};

fn recipe(stage: &str) -> String {
    with("[stages.web]\n", &format!("[stages.go]\n{stage}\n\n[stages.web]\n"))
}

fn exec(stage: &str) -> Exec {
    let plan = plan(&recipe(stage)).unwrap_or_else(|errors| panic!("{errors}"));
    let stage = plan.stages.into_iter().find(|stage| stage.id.as_str() == "go").unwrap();
    match stage.step {
        Step::Exec(exec) => *exec,
        other => panic!("{other:?}"),
    }
}

fn refused(kind: &str, env: &str) -> String {
    let options = if kind == "go-build" { "output = \"x\"\n" } else { "" };
    let text = recipe(&format!("kind = \"{kind}\"\nsource = \"app\"\n{options}env = {{ {env} }}"));
    let complaint = plan(&text).expect_err("the recipe is sound").to_string();
    let lines = complaint.lines().filter(|line| line.starts_with("error") || line.trim_start().starts_with("= help"));
    lines.collect::<Vec<_>>().join("\n")
}

const BUILD: &str = "kind = \"go-build\"\nsource = \"app\"\noutput = \"bin/x\"";

#[test]
fn go_build_sees_the_module_in_its_folder() {
    let seen = |stage: &str, path: &str| exec(stage).copies[0].subset.matcher().unwrap().matches(path);
    let root = BUILD.to_owned();
    let folder = format!("{BUILD}\nfolder = \"srv\"");
    for (path, of_root, of_folder) in [
        ("main.go", true, false),
        ("go.mod", true, false),
        ("srv/go.mod", false, true),
        ("srv/go.sum", false, true),
        ("srv/main.go", true, true),
        ("srv/a/b_amd64.s", true, true),
        ("srv/a/b.h", true, true),
        ("srv/a/b.syso", true, true),
        ("srv/vendor/modules.txt", false, true),
        ("srv/README.md", false, false),
        ("other/srv/main.go", true, false),
        ("srv.go", true, false),
    ] {
        assert_eq!((seen(&root, path), seen(&folder, path)), (of_root, of_folder), "{path}");
    }
    let odd = format!("{BUILD}\nfolder = \"s[rv]*\"");
    assert!(seen(&odd, "s[rv]*/main.go") && !seen(&odd, "sr/main.go"));
}

#[test]
fn variables_leave_go_no_way_past_the_registry() {
    let vendor = exec("kind = \"go-vendor\"\nsource = \"app\"");
    let env: Vec<String> = vendor.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    insta::assert_snapshot!(env.join("\n"), @r"
GO111MODULE=on
GOAUTH=off
GOCACHE=/tmp/go-cache
GOENV=off
GOFLAGS=-modcacherw
GONOPROXY=none
GOPATH=/tmp/go
GOPROXY=http://127.0.0.1:4873/go
GOSUMDB=off
GOTELEMETRY=off
GOTOOLCHAIN=local
GOVCS=*:off
GOWORK=off
");
    let build =
        exec(&format!("{BUILD}\nenv = {{ GOFLAGS = \"-tags=x -race\", GOARCH = \"arm64\", CGO_ENABLED = \"1\" }}"));
    let value = |name: &str| build.env[name].clone();
    assert_eq!((value("GOPROXY"), value("GOFLAGS")), ("off".to_owned(), "-modcacherw -tags=x -race".to_owned()));
    assert_eq!((value("GOARCH"), value("CGO_ENABLED")), ("arm64".to_owned(), "1".to_owned()));
}

#[test]
fn variables_that_akbuild_decides_are_refused() {
    insta::assert_snapshot!(refused("go-vendor", "GOPROXY = \"direct\""), @r"
error: a Go stage cannot set `GOPROXY`
   = help: modules come from akbuild's own registry; proxies and credentials belong into the environment that akbuild runs in
");
    insta::assert_snapshot!(refused("go-build", "GOSUMDB = \"sum.invalid\""), @r"
error: a Go stage cannot set `GOSUMDB`
   = help: modules are checked against go.sum before the stage begins; leave the variable out
");
    insta::assert_snapshot!(refused("go-build", "GOTOOLCHAIN = \"auto\""), @r"
error: a Go stage cannot set `GOTOOLCHAIN`
   = help: the go command of the sysroot is used: choose it with `packages` of the sysroot
");
    insta::assert_snapshot!(refused("go-vendor", "GOENV = \"/build/env\""), @r"
error: a Go stage cannot set `GOENV`
   = help: no file of settings is read: write them as variables into `env`
");
    insta::assert_snapshot!(refused("go-vendor", "GOWORK = \"auto\""), @r"
error: a Go stage cannot set `GOWORK`
   = help: the module in `folder` is built by itself; a `replace` in its go.mod names other folders
");
    insta::assert_snapshot!(refused("go-vendor", "GO111MODULE = \"off\""), @r"
error: a Go stage cannot set `GO111MODULE`
   = help: only modules are built; leave the variable out
");
    insta::assert_snapshot!(refused("go-build", "GOCACHEPROG = \"x\""), @r"
error: a Go stage cannot set `GOCACHEPROG`
   = help: nothing is kept between runs; leave the variable out
");
    insta::assert_snapshot!(refused("go-build", "GOFLAGS = \"-v -mod=mod\""), @r"
error: a Go stage cannot set `-mod=mod` in `GOFLAGS`
   = help: the kind of the stage decides it: a vendor folder comes from the option `vendor`
");
    insta::assert_snapshot!(refused("go-vendor", "GOFLAGS = \"--modfile=other.mod\""), @r"
error: a Go stage cannot set `--modfile=other.mod` in `GOFLAGS`
   = help: go.mod in `folder` is the one that is locked
");
    for name in
        ["GONOPROXY", "GOPRIVATE", "GOINSECURE", "GOAUTH", "GOVCS", "GIT_ALLOW_PROTOCOL", "GONOSUMDB", "GONOSUMCHECK"]
    {
        for kind in ["go-vendor", "go-build"] {
            let complaint = refused(kind, &format!("{name} = \"x\""));
            assert!(complaint.starts_with(&format!("error: a Go stage cannot set `{name}`\n")), "{complaint}");
        }
    }
}
