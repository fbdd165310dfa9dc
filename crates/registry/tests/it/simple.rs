//! Pages of a Python index, and the choice among their files.

use akbuild_registry::simple::{best_wheel, parse};
use akbuild_registry::{IndexFile, Tags};

const URL: &str = "https://index.invalid/simple/pkg/";

const HTML: &str = r#"<!DOCTYPE html><html><head><title>Links</title></head><body><h1>Links</h1>
<abbr>not a link</abbr>
<a href="../../packages/pkg-1.0-py3-none-any.whl#sha256=AA" data-requires-python="&gt;=3.9,&lt;4" data-core-metadata="sha256=bb">pkg-1.0</a><br/>
<A  data-yanked='broken' href = '/f/pkg-2.0%2Blocal.tar.gz#sha256=cc' >pkg-2.0</A>
<a href="https://files.invalid/pkg-3.0.zip#md5=dd">no sha256</a>
<a name="x">no address</a>
</body></html>"#;

const JSON: &str = r#"{"meta": {"api-version": "1.1"}, "name": "pkg", "files": [
 {"filename": "pkg-1.0-py3-none-any.whl", "url": "../../packages/pkg-1.0-py3-none-any.whl", "hashes": {"sha256": "aa"}, "requires-python": ">=3.9,<4", "core-metadata": {"sha256": "bb"}, "yanked": false},
 {"filename": "pkg-2.0+local.tar.gz", "url": "/f/pkg-2.0%2Blocal.tar.gz", "hashes": {"sha256": "cc"}, "yanked": "broken"},
 {"filename": "pkg-3.0.zip", "url": "https://files.invalid/pkg-3.0.zip", "hashes": {"md5": "dd"}}]}"#;

#[test]
fn both_forms_of_a_page_say_the_same() {
    let html = parse(HTML.as_bytes(), Some("text/html"), URL).unwrap();
    let json = parse(JSON.as_bytes(), Some("application/vnd.pypi.simple.v1+json"), URL).unwrap();
    assert_eq!(html, json);
    assert_eq!(parse(HTML.as_bytes(), None, URL).unwrap(), parse(JSON.as_bytes(), None, URL).unwrap());
    insta::assert_debug_snapshot!(html, @r#"
[
    IndexFile {
        file: "pkg-1.0-py3-none-any.whl",
        url: "https://index.invalid/packages/pkg-1.0-py3-none-any.whl",
        sha256: "aa",
        requires_python: Some(
            ">=3.9,<4",
        ),
        yanked: false,
        core_metadata: true,
        size: None,
        upload_time: None,
    },
    IndexFile {
        file: "pkg-2.0+local.tar.gz",
        url: "https://index.invalid/f/pkg-2.0%2Blocal.tar.gz",
        sha256: "cc",
        requires_python: None,
        yanked: true,
        core_metadata: false,
        size: None,
        upload_time: None,
    },
]
"#);
}

#[test]
fn the_time_of_an_upload_is_read() {
    let page = r#"{"files": [{"filename": "a-1.zip", "url": "a-1.zip", "hashes": {"sha256": "aa"}, "upload-time": "2026-01-01T00:00:00Z"}]}"#;
    let files = parse(page.as_bytes(), None, URL).unwrap();
    assert_eq!(files[0].upload_time.as_deref(), Some("2026-01-01T00:00:00Z"));
}

#[test]
fn says_what_is_no_page() {
    let wrong = |page: &[u8], kind| parse(page, kind, URL).unwrap_err().to_string();
    insta::assert_snapshot!(wrong(b"<p>", None), @"https://index.invalid/simple/pkg/ is not a page of a Python package index: it has no links; check the address of the index");
    insta::assert_snapshot!(wrong(b"{", None), @"https://index.invalid/simple/pkg/ is not a page of a Python package index: EOF while parsing an object at line 1 column 1; check the address of the index");
    insta::assert_snapshot!(wrong(b"{}", None), @"https://index.invalid/simple/pkg/ is not a page of a Python package index: it has no `files`; check the address of the index");
    insta::assert_snapshot!(wrong(b"\xff", None), @"https://index.invalid/simple/pkg/ is not a page of a Python package index: it has no links; check the address of the index");
    insta::assert_snapshot!(parse(b"", None, "index").unwrap_err(), @"index is not a page of a Python package index: relative URL without a base; check the address of the index");
}

#[test]
fn unfinished_html_is_read_as_far_as_it_goes() {
    for end in 0..HTML.len() {
        let page = HTML.as_bytes().get(..end).unwrap();
        // Either a page or an error; never a panic, nor more files than the whole has.
        assert!(parse(page, Some("text/html"), URL).map_or(0, |files| files.len()) <= 2);
    }
}

fn file(name: &str) -> IndexFile {
    IndexFile { file: name.to_owned(), ..IndexFile::default() }
}

#[test]
fn takes_the_best_wheel_of_the_newest_version_that_fits() {
    let tags = Tags::cpython((3, 14), (2, 41), "x86_64");
    let yanked = IndexFile { yanked: true, ..file("p-9.0-py3-none-any.whl") };
    let too_new = IndexFile { requires_python: Some(">=3.15".to_owned()), ..file("p-8.0-py3-none-any.whl") };
    let files = [
        file("p-1.9-cp314-cp314-manylinux_2_28_x86_64.whl"),
        file("p-1.10-py3-none-any.whl"),
        file("p-1.10-cp39-abi3-manylinux2014_x86_64.whl"),
        file("p-1.10-cp314-cp314-musllinux_1_2_x86_64.whl"),
        file("p-1.11-cp313-cp313-manylinux_2_28_x86_64.whl"),
        file("p-2.0rc1-py3-none-any.whl"),
        file("p-3.0.tar.gz"),
        too_new,
        yanked,
    ];
    assert_eq!(best_wheel(&files, &tags).map(|f| f.file.as_str()), Some("p-1.10-cp39-abi3-manylinux2014_x86_64.whl"));
    assert_eq!(best_wheel(&files[5..], &tags).map(|f| f.file.as_str()), Some("p-2.0rc1-py3-none-any.whl"));
    assert_eq!(best_wheel(&files[6..], &tags), None);
}
