//! What the paths of requests mean.

use akbuild_registry::{Route, parse_path};
use proptest::prelude::*;

#[test]
fn paths_mean_what_the_protocols_say() {
    let routes: Vec<String> = [
        "/npm/left-pad",
        "/npm/@s%2fname",
        "/npm/@s/name",
        "/left-pad",
        "/npm/@s/name/-/name-1.0.0.tgz",
        "/left-pad/-/left-pad-1.3.0.tgz?cache=1",
        "/npm/some/where/x.tgz",
        "/npm/npm",
        "/npm/npm/",
        "/npm/-",
        "/npm/@npm/npm",
        "/npm/pypi",
        "/npm/npm/-/npm-10.9.0.tgz",
        "/npm/-/files/00ff/npm-10.9.0.tgz",
        "/npm/-/npm/v1/security/audits/quick",
        "/-/ping",
        "/pypi/simple/",
        "/pypi/simple/My_Project/",
        "/pypi/files/00ff/a%2B1.whl",
        "/go/github.com/!azure/x/@v/list",
        "/go/github.com/!azure/x/@v/v1.0.0-!r!c1.info",
        "/go/a.invalid/x/v2/@v/v2.0.0+incompatible.mod",
        "/go/a.invalid/x/@v/v1.2.3.zip",
        "/go/a.invalid/x/@latest",
        "/go/sumdb/sum.invalid/supported",
    ]
    .iter()
    .map(|path| format!("{path} -> {:?}", parse_path(path)))
    .collect();
    insta::assert_snapshot!(routes.join("\n"), @r#"
    /npm/left-pad -> NpmPackument { name: "left-pad" }
    /npm/@s%2fname -> NpmPackument { name: "@s/name" }
    /npm/@s/name -> NpmPackument { name: "@s/name" }
    /left-pad -> Unknown
    /npm/@s/name/-/name-1.0.0.tgz -> NpmAddress { path: "/npm/@s/name/-/name-1.0.0.tgz" }
    /left-pad/-/left-pad-1.3.0.tgz?cache=1 -> Unknown
    /npm/some/where/x.tgz -> NpmAddress { path: "/npm/some/where/x.tgz" }
    /npm/npm -> NpmPackument { name: "npm" }
    /npm/npm/ -> NpmPackument { name: "npm" }
    /npm/- -> NpmPackument { name: "-" }
    /npm/@npm/npm -> NpmPackument { name: "@npm/npm" }
    /npm/pypi -> NpmPackument { name: "pypi" }
    /npm/npm/-/npm-10.9.0.tgz -> NpmAddress { path: "/npm/npm/-/npm-10.9.0.tgz" }
    /npm/-/files/00ff/npm-10.9.0.tgz -> NpmFile { hex: "00ff", file: "npm-10.9.0.tgz" }
    /npm/-/npm/v1/security/audits/quick -> NpmService
    /-/ping -> Unknown
    /pypi/simple/ -> PythonIndex
    /pypi/simple/My_Project/ -> PythonPage { name: "my-project" }
    /pypi/files/00ff/a%2B1.whl -> PythonFile { hex: "00ff", file: "a+1.whl" }
    /go/github.com/!azure/x/@v/list -> GoList { module: "github.com/Azure/x" }
    /go/github.com/!azure/x/@v/v1.0.0-!r!c1.info -> GoInfo { module: "github.com/Azure/x", version: "v1.0.0-RC1" }
    /go/a.invalid/x/v2/@v/v2.0.0+incompatible.mod -> GoMod { module: "a.invalid/x/v2", version: "v2.0.0+incompatible" }
    /go/a.invalid/x/@v/v1.2.3.zip -> GoZip { module: "a.invalid/x", version: "v1.2.3" }
    /go/a.invalid/x/@latest -> GoLatest { module: "a.invalid/x" }
    /go/sumdb/sum.invalid/supported -> GoSumdb
    "#);
}

#[test]
fn nonsense_means_nothing() {
    for path in [
        "",
        "/",
        "/npm",
        "/npm/",
        "x",
        "/npm/-/files/00ff",
        "/npm/-/files/XX/a.tgz",
        "/npm/-/files/00ff/a/b",
        "/npm/../etc/passwd",
        "/npm/%2e%2e/x",
        "/pypi/files/00ff/..",
        "/pypi/files/00ff/a/b",
        "/pypi/files/XX/a",
        "/pypi/files/00ff/",
        "/pypi/files//a",
        "/pypi/simple/a/b/",
        "/pypi/simplex",
        "/pypi/",
        "/go/",
        "/go/x",
        "/go/Upper.invalid/@v/list",
        "/go/x/@v/v1.0.0.exe",
        "/go/x/@v/.mod",
        "/go/!/@v/list",
        "/%ff",
        "/a%0ab",
        "/a%00",
        "/a\\b",
    ] {
        assert_eq!(parse_path(path), Route::Unknown, "{path}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_harm(path in "(/(npm|pypi|go|simple|files|@v|-|%2[eEfF]|\\.\\.|[a-zA-Z@!%.-]{0,4})){0,6}") {
        let route = format!("{:?}", parse_path(&path));
        let parts = route.split(['/', '"', '\\']);
        prop_assert!(parts.into_iter().all(|part| part != ".."), "{}", route);
    }

    #[test]
    fn any_bytes_are_read_without_harm(path in ".{0,64}") {
        parse_path(&path);
    }
}
