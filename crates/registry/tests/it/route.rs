//! What the paths of requests mean.

use akbuild_registry::parse_path;
use proptest::prelude::*;

fn route(path: &str) -> String {
    parse_path(path).map_or("Unknown".to_owned(), |route| format!("{route:?}"))
}

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
    .map(|path| format!("{path} -> {}", route(path)))
    .collect();
    insta::assert_snapshot!(routes.join("\n"), @r#"
    /npm/left-pad -> Packument { name: "left-pad" }
    /npm/@s%2fname -> Packument { name: "@s/name" }
    /npm/@s/name -> Packument { name: "@s/name" }
    /left-pad -> Unknown
    /npm/@s/name/-/name-1.0.0.tgz -> Address { path: "/npm/@s/name/-/name-1.0.0.tgz" }
    /left-pad/-/left-pad-1.3.0.tgz?cache=1 -> Unknown
    /npm/some/where/x.tgz -> Address { path: "/npm/some/where/x.tgz" }
    /npm/npm -> Packument { name: "npm" }
    /npm/npm/ -> Packument { name: "npm" }
    /npm/- -> Packument { name: "-" }
    /npm/@npm/npm -> Packument { name: "@npm/npm" }
    /npm/pypi -> Packument { name: "pypi" }
    /npm/npm/-/npm-10.9.0.tgz -> Address { path: "/npm/npm/-/npm-10.9.0.tgz" }
    /npm/-/files/00ff/npm-10.9.0.tgz -> File { hex: "00ff", file: "npm-10.9.0.tgz" }
    /npm/-/npm/v1/security/audits/quick -> Service
    /-/ping -> Unknown
    /pypi/simple/ -> Index
    /pypi/simple/My_Project/ -> Page { name: "my-project" }
    /pypi/files/00ff/a%2B1.whl -> File { hex: "00ff", file: "a+1.whl" }
    /go/github.com/!azure/x/@v/list -> List { module: "github.com/Azure/x" }
    /go/github.com/!azure/x/@v/v1.0.0-!r!c1.info -> Info { module: "github.com/Azure/x", version: "v1.0.0-RC1" }
    /go/a.invalid/x/v2/@v/v2.0.0+incompatible.mod -> Mod { module: "a.invalid/x/v2", version: "v2.0.0+incompatible" }
    /go/a.invalid/x/@v/v1.2.3.zip -> Zip { module: "a.invalid/x", version: "v1.2.3" }
    /go/a.invalid/x/@latest -> Latest { module: "a.invalid/x" }
    /go/sumdb/sum.invalid/supported -> Sumdb
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
        assert_eq!(route(path), "Unknown", "{path}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_harm(path in "(/(npm|pypi|go|simple|files|@v|-|%2[eEfF]|\\.\\.|[a-zA-Z@!%.-]{0,4})){0,6}") {
        let route = route(&path);
        let parts = route.split(['/', '"', '\\']);
        prop_assert!(parts.into_iter().all(|part| part != ".."), "{}", route);
    }

    #[test]
    fn any_bytes_are_read_without_harm(path in ".{0,64}") {
        parse_path(&path);
    }
}
