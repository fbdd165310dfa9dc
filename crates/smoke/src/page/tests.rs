//! Pages, styles and scripts as servers have them, and what they name.

use super::*;
use crate::address::{address, path};

/// The paths that a text at a path names.
fn named(kind: Kind, text: &str, base: &str) -> Vec<String> {
    super::named(kind, text, &address(9000, base)).own.iter().map(|found| path(found).to_owned()).collect()
}

#[test]
fn a_page_names_what_it_loads() {
    let html = r##"<!doctype html><html><head>
        <link rel="stylesheet" type="text/css" href="/static/a.css?v=1&amp;x=2">
        <link rel='shortcut icon' href=icon.png><link rel="canonical" href="/elsewhere">
        <style>body { background: url("/static/bg.jpg"); } a { b: url(data:image/png;base64,AA==) }</style>
        <script type="module" src="../dist/main.js#x"></script>
        <script src="https://other.example/x.js"></script>
        </head><body><a href="/not">x</a><img alt="a>b" src='/i.svg'/><img src="//other.example/y"></body>"##;
    assert_eq!(
        named(Kind::Html, html, "/if/flow/"),
        ["/static/a.css?v=1&x=2", "/if/flow/icon.png", "/static/bg.jpg", "/if/dist/main.js", "/i.svg"]
    );
}

#[test]
fn scripts_and_styles_name_others() {
    let script = r#"import{a}from"./chunk-1.js";import "./side.js";const b=()=>import("../lazy/c.js");x="from './no' + y";
        import z from "lit"; const t = `import("./${name}.js")`; export * from './d.js'"#;
    assert_eq!(
        named(Kind::Script, script, "/static/dist/main.js"),
        [
            "/static/dist/chunk-1.js",
            "/static/dist/no",
            "/static/dist/d.js",
            "/static/dist/side.js",
            "/static/lazy/c.js"
        ]
    );
    let css = "@import 'base.css'; @import url(\"x/y.css\"); a{src:url(f.woff2?#iefix)}";
    assert_eq!(named(Kind::Css, css, "/s/a.css"), ["/s/x/y.css", "/s/f.woff2?", "/s/base.css"]);
}

#[test]
fn what_is_commented_out_is_not_named() {
    let html = "<!--[if IE 9]><script src=/old.js></script><![endif]--><img src=/a.svg><!-- <img src=/no.svg> -->\
        <!-- <img src=/never.svg>";
    assert_eq!(named(Kind::Html, html, "/"), ["/a.svg"]);
    assert_eq!(named(Kind::Css, "/* url(no.png) */ a { b: url(c.png) } /* url(never.png)", "/"), ["/c.png"]);
}

#[test]
fn html_is_read_as_browsers_read_it() {
    let html = "<SCRIPT SRC=/a.js>'<img src=/no.svg>'</SCRIPT><img alt='>' src='/b&#46;svg'><title><img src=/no.svg></title>\
        <p style='background: url(/c.png)'>&lt;img src=/no.svg&gt;<textarea><img src=/no.svg></textarea><img src='/d.svg";
    assert_eq!(named(Kind::Html, html, "/"), ["/a.js", "/b.svg", "/c.png"]);
    assert!(named(Kind::Html, &"<img src=/a.svg>".repeat(2 * html::MOST_REFERENCES), "/").len() == 1);
}

#[test]
fn a_page_may_have_another_base() {
    let html = "<img src=before.svg><base href='../other/'><base href=/no/><img src='after.svg'><img src=/whole.svg>";
    let found = named(Kind::Html, html, "/if/flow/x/");
    assert_eq!(found, ["/if/flow/other/before.svg", "/if/flow/other/after.svg", "/whole.svg"]);
    let text = "<base href=https://other.example/><img src=a><img src=http://localhost:9000/b>";
    let found = super::named(Kind::Html, text, &address(9000, "/if/"));
    assert_eq!((found.own.iter().map(path).collect::<Vec<_>>(), found.of_others), (vec!["/b"], 1));
}

#[test]
fn every_way_in_which_a_page_loads_a_file_is_known() {
    let html = r##"<script type="importmap">{"imports": {"a": "/map/a.js", "dir/": "/map/dir/", "b": "https://other.example/b.js"},
        "scopes": {"/x/": {"c": "./map/c.js"}}}</script>
        <script type="module">import "./inline.js"; import "bare";</script><script>import("./plain.js"); url(no.png)</script>
        <link rel="modulepreload" href="/pre.js"><link rel=preload as=image imagesrcset="/set1.png 1x, /set2.png 2x">
        <link rel="mask-icon" href="/mask.svg"><link rel=alternate href="/feed.xml"><link rel="dns-prefetch" href="/no">
        <style>@import "style.css"; /* url(no.png) */</style>
        <picture><source srcset="/s1.avif 100w,/s,2.avif 200w, data:image/png;base64,AA== 3x"><img src=/i.png srcset="/i2.png 2x"></picture>
        <video src=/v.mp4 poster=/p.jpg><track src=/t.vtt></video><audio src=/a.ogg></audio><input type=IMAGE src=/in.png>
        <input src=/no.png><svg><use href="/sprite.svg#icon"/><image xlink:href="/old.svg"/></svg><iframe src="/frame"></iframe>
        url(/text.png) <a style="background: url(/style.png)">"##;
    let found = named(Kind::Html, html, "/");
    assert_eq!(
        found.join(" "),
        "/map/c.js /map/a.js /inline.js /pre.js /set1.png /set2.png /mask.svg /style.css /s1.avif /s,2.avif /i.png /i2.png \
         /v.mp4 /p.jpg /t.vtt /a.ogg /in.png /sprite.svg /old.svg /style.png"
    );
    let manifest =
        r#"{"name": "x", "icons": [{"src": "/icon.png"}, {"sizes": "1x1"}], "screenshots": [{"src": "shot.png"}]}"#;
    assert_eq!(named(Kind::Manifest, manifest, "/app/site.webmanifest"), ["/icon.png", "/app/shot.png"]);
    assert_eq!(Kind::of("application/manifest+json"), Some(Kind::Manifest));
}

#[test]
fn a_type_says_what_a_text_is() {
    assert_eq!(Kind::of("Text/HTML; charset=utf-8"), Some(Kind::Html));
    assert_eq!((Kind::of("text/css"), Kind::of("application/javascript")), (Some(Kind::Css), Some(Kind::Script)));
    assert_eq!((Kind::of(""), Kind::of("application/json"), Kind::of("image/svg+xml")), (None, None, None));
}

#[test]
fn hostile_text_is_no_trouble() {
    for text in [
        "<",
        "<!--",
        "/*",
        "<base href=",
        "<a b='",
        "<link rel",
        "<script src=",
        "url(",
        "@import \"",
        "import(\"./",
        "<\u{e9} src=x>",
    ] {
        for kind in [Kind::Html, Kind::Css, Kind::Script, Kind::Manifest] {
            named(kind, text, "/");
        }
    }
}
