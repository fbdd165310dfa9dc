//! The loopback registry, asked over HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use akbuild_nar::Digest;
use akbuild_registry::{IndexFile, Upstream};
use futures::future::BoxFuture;

use crate::http::{Files, Registry, ask};

fn registry() -> (Files, Registry) {
    let mut files = Files::new();
    files.npm("left-pad", "1.3.0", Some("https://r.invalid/left-pad/-/left-pad-1.3.0.tgz"), b"left");
    files.npm("left-pad", "1.10.0", None, b"left 1.10");
    files.npm("@s/name", "1.0.0-rc.1", None, b"scoped");
    files.npm("remote", "1.0.0", Some("https://files.invalid/npm/some%20where/x.tgz?v=1"), b"remote");
    files.python("My_Pkg", "1.0", "my_pkg-1.0-py3-none-any.whl", b"wheel");
    files.python("my-pkg", "2.0+x", "my_pkg-2.0+x.tar.gz", b"sdist");
    files.go("a.invalid/Upper/x", "v1.0.0", "module a.invalid/Upper/x\n", &crate::http::zip(&[]));
    files.go("a.invalid/Upper/x", "v0.0.0-20210101000000-abcdefabcdef", "module x\n", &crate::http::zip(&[]));
    let registry = files.serve(None);
    (files, registry)
}

#[test]
fn serves_npm_by_digests_kept_addresses_and_names() {
    let (_files, registry) = registry();
    for path in ["/npm/left-pad/-/left-pad-1.3.0.tgz", "/left-pad/-/left-pad-1.3.0.tgz"] {
        assert_eq!(registry.get(path).text(), "left", "{path}");
    }
    for path in ["/npm/some%20where/x.tgz", "/npm/npm/some%20where/x.tgz?v=1"] {
        assert_eq!(registry.get(path).text(), "remote", "{path}");
    }
    for path in ["/npm/@s/name", "/npm/@s%2fname"] {
        assert!(registry.get(path).text().contains("name-1.0.0-rc.1.tgz"), "{path}");
    }
    let page: serde_json::Value = serde_json::from_str(&registry.get("/npm/left-pad").text()).unwrap();
    let tarball = page["versions"]["1.10.0"]["dist"]["tarball"].as_str().unwrap().to_owned();
    let path = tarball.strip_prefix(&format!("http://{}", registry.address)).unwrap();
    assert_eq!(registry.get(path).text(), "left 1.10");
    let port = registry.address.port().to_string();
    insta::assert_snapshot!(registry.get("/npm/left-pad").text().replace(&port, "PORT"), @r#"{"name":"left-pad","dist-tags":{"latest":"1.10.0"},"versions":{"1.10.0":{"name":"left-pad","version":"1.10.0","dist":{"tarball":"http://127.0.0.1:PORT/npm/-/files/bb5c29671dad18021c5ad8650a820d295711224fa92d042e922521bfe5c343f3c78560e399cf3bb59535ab81ad41e56f3ca2783dd74acacf3ce0692ba340d205/left-pad-1.10.0.tgz","integrity":"sha512-u1wpZx2tGAIcWthlCoINKVcRIk+pLQQukiUhv+XDQ/PHhWDjmc87tZU1q4GtQeVvPKJ4PddKys884Gkro0DSBQ=="}},"1.3.0":{"name":"left-pad","version":"1.3.0","dist":{"tarball":"http://127.0.0.1:PORT/npm/-/files/5451c782f1cdff4337bb4a47280d10418870b4997fa82c748a1f74fe9fde2a75504ad83f95ad09595e6d48baccd59a97193e9d31756daadae93f870260e4af1c/left-pad-1.3.0.tgz","integrity":"sha512-VFHHgvHN/0M3u0pHKA0QQYhwtJl/qCx0ih90/p/eKnVQStg/la0JWV5tSLrM1ZqXGT6dMXVtqtrpP4cCYOSvHA=="}}}}"#);
}

#[test]
fn serves_a_simple_index_in_both_forms() {
    let (_files, registry) = registry();
    let html = registry.get("/pypi/simple/My.Pkg/");
    assert_eq!(html.header("content-type"), Some("text/html; charset=utf-8"));
    insta::assert_snapshot!(html.text(), @r#"
<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>my-pkg</title></head><body>
<a href="../../files/ba59926159d2aa256eb8739b8da7e2b574b960e1202c6d624cbe981cef996c91/my_pkg-1.0-py3-none-any.whl#sha256=ba59926159d2aa256eb8739b8da7e2b574b960e1202c6d624cbe981cef996c91">my_pkg-1.0-py3-none-any.whl</a><br>
<a href="../../files/714772a9f82b2aeb4fa5f7092d00fe4ac4c9cdeb6800840b6ed39ea64c4d785a/my_pkg-2.0+x.tar.gz#sha256=714772a9f82b2aeb4fa5f7092d00fe4ac4c9cdeb6800840b6ed39ea64c4d785a">my_pkg-2.0+x.tar.gz</a><br>
</body></html>
"#);
    let accept = "accept: text/html;q=0.1, application/vnd.pypi.simple.v1+json\r\n";
    let json = ask(registry.address, "GET", "/pypi/simple/my-pkg/", accept);
    assert_eq!(json.header("content-type"), Some("application/vnd.pypi.simple.v1+json"));
    insta::assert_snapshot!(json.text(), @r#"{"meta":{"api-version":"1.0"},"name":"my-pkg","files":[{"filename":"my_pkg-1.0-py3-none-any.whl","url":"../../files/ba59926159d2aa256eb8739b8da7e2b574b960e1202c6d624cbe981cef996c91/my_pkg-1.0-py3-none-any.whl","hashes":{"sha256":"ba59926159d2aa256eb8739b8da7e2b574b960e1202c6d624cbe981cef996c91"},"yanked":false,"upload-time":"1980-01-01T00:00:00Z"},{"filename":"my_pkg-2.0+x.tar.gz","url":"../../files/714772a9f82b2aeb4fa5f7092d00fe4ac4c9cdeb6800840b6ed39ea64c4d785a/my_pkg-2.0+x.tar.gz","hashes":{"sha256":"714772a9f82b2aeb4fa5f7092d00fe4ac4c9cdeb6800840b6ed39ea64c4d785a"},"yanked":false,"upload-time":"1980-01-01T00:00:00Z"}]}"#);
    // Each form, read again, leads to the files.
    for page in [html, json] {
        let url = format!("http://{}/pypi/simple/my-pkg/", registry.address);
        let files = akbuild_registry::simple::parse(&page.body, page.header("content-type"), &url).unwrap();
        assert_eq!(files.len(), 2);
        for (file, expected) in files.iter().zip(["wheel", "sdist"]) {
            let path = file.url.strip_prefix(&format!("http://{}", registry.address)).unwrap();
            assert_eq!(registry.get(path).text(), expected);
        }
    }
    assert!(registry.get("/pypi/simple/").text().contains("<a href=\"my-pkg/\">"));
}

#[test]
fn speaks_the_go_proxy_protocol() {
    let (_files, registry) = registry();
    let base = "/go/a.invalid/!upper/x/@v";
    assert_eq!(registry.get(&format!("{base}/list")).text(), "v1.0.0\n");
    assert_eq!(registry.get(&format!("{base}/v1.0.0.info")).text(), r#"{"Version":"v1.0.0"}"#);
    assert_eq!(registry.get(&format!("{base}/v1.0.0.mod")).text(), "module a.invalid/Upper/x\n");
    assert_eq!(registry.get(&format!("{base}/v1.0.0.zip")).status, 200);
    assert_eq!(registry.server.served(), 4);
    for path in
        ["/go/a.invalid/!upper/x/@latest", "/go/sumdb/sum.invalid/supported", "/npm/-/npm/v1/audit", "/etc/passwd/../x"]
    {
        assert_eq!(registry.get(path).status, 404, "{path}");
    }
    assert_eq!(registry.server.misses(), []);
    assert_eq!(registry.server.served(), 4);
}

#[test]
fn a_miss_says_what_to_do_and_is_remembered_once() {
    let (_files, registry) = registry();
    let missed: Vec<String> = [
        "/npm/left-pad/-/left-pad-9.9.9.tgz",
        "/npm/left-pad/-/left-pad-9.9.9.tgz",
        "/npm/@s/other",
        "/pypi/simple/absent/",
        "/pypi/files/00ff/absent-1.0.tar.gz",
        "/go/a.invalid/!upper/x/@v/v9.0.0.zip",
        "/go/b.invalid/y/@v/list",
    ]
    .iter()
    .map(|path| {
        let reply = registry.get(path);
        format!("{} {path}\n  {}", reply.status, reply.text().trim())
    })
    .collect();
    insta::assert_snapshot!(missed.join("\n"), @r#"
404 /npm/left-pad/-/left-pad-9.9.9.tgz
  {"error":"left-pad@9.9.9 is in no locked package-lock.json; `akbuild lock` pins it once it is in one"}
404 /npm/left-pad/-/left-pad-9.9.9.tgz
  {"error":"left-pad@9.9.9 is in no locked package-lock.json; `akbuild lock` pins it once it is in one"}
404 /npm/@s/other
  {"error":"@s/other is in no locked package-lock.json; `akbuild lock` pins it once it is in one"}
404 /pypi/simple/absent/
  absent is in neither uv.lock nor akbuild.lock; `akbuild lock` pins it, or `uv lock` upstream
404 /pypi/files/00ff/absent-1.0.tar.gz
  absent-1.0.tar.gz is in neither uv.lock nor akbuild.lock; `akbuild lock` pins it, or `uv lock` upstream
404 /go/a.invalid/!upper/x/@v/v9.0.0.zip
  a.invalid/Upper/x@v9.0.0 is not among the modules that go.mod and go.sum pin; `akbuild lock` takes it once `go mod tidy` has added it
404 /go/b.invalid/y/@v/list
  b.invalid/y is not among the modules that go.mod and go.sum pin; `akbuild lock` takes it once `go mod tidy` has added it
"#);
    let misses: Vec<String> =
        registry.server.misses().iter().map(|miss| format!("{miss} [{}]", miss.request)).collect();
    insta::assert_snapshot!(misses.join("\n"), @r"
npm: left-pad@9.9.9 is in no locked package-lock.json; `akbuild lock` pins it once it is in one [/npm/left-pad/-/left-pad-9.9.9.tgz]
npm: @s/other is in no locked package-lock.json; `akbuild lock` pins it once it is in one [/npm/@s/other]
Python: absent is in neither uv.lock nor akbuild.lock; `akbuild lock` pins it, or `uv lock` upstream [/pypi/simple/absent/]
Python: absent-1.0.tar.gz is in neither uv.lock nor akbuild.lock; `akbuild lock` pins it, or `uv lock` upstream [/pypi/files/00ff/absent-1.0.tar.gz]
Go: a.invalid/Upper/x@v9.0.0 is not among the modules that go.mod and go.sum pin; `akbuild lock` takes it once `go mod tidy` has added it [/go/a.invalid/!upper/x/@v/v9.0.0.zip]
Go: b.invalid/y is not among the modules that go.mod and go.sum pin; `akbuild lock` takes it once `go mod tidy` has added it [/go/b.invalid/y/@v/list]
");
}

#[test]
fn a_locked_file_that_is_gone_is_a_miss_that_says_so() {
    let (files, registry) = registry();
    for entry in std::fs::read_dir(files.dir.path()).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let reply = registry.get("/npm/left-pad/-/left-pad-1.3.0.tgz");
    insta::assert_snapshot!(format!("{} {}", reply.status, reply.text()), @r#"404 {"error":"the locked file of left-pad@1.3.0 cannot be read: No such file or directory (os error 2); remove it from the store, and the next build fetches it again"}"#);
    assert_eq!(registry.server.misses().len(), 1);
}

#[test]
fn sends_ranges_heads_and_tags() {
    let mut files = Files::new();
    let bytes: Vec<u8> = (0..600_000u32).map(|n| (n % 251) as u8).collect();
    files.python("big", "1.0", "big-1.0.tar.gz", &bytes);
    let registry = files.serve(None);
    let path = format!("/pypi/files/{}/big-1.0.tar.gz", Digest::sha256(&bytes).hex());
    let whole = registry.get(&path);
    assert!(whole.status == 200 && whole.body == bytes);
    assert_eq!(whole.header("content-length"), Some("600000"));
    let tag = whole.header("etag").unwrap().to_owned();

    let get = |headers: &str| ask(registry.address, "GET", &path, headers);
    for (range, part) in
        [("0-0", 0..1), ("262143-262145", 262_143..262_146), ("-7", 599_993..600_000), ("10-", 10..600_000)]
    {
        let reply = get(&format!("range: bytes={range}\r\n"));
        assert_eq!(reply.status, 206);
        assert!(reply.body == bytes[part.clone()], "{range}");
        let expected = format!("bytes {}-{}/600000", part.start, part.end - 1);
        assert_eq!(reply.header("content-range"), Some(expected.as_str()));
    }
    let beyond = get("range: bytes=600000-\r\n");
    assert_eq!((beyond.status, beyond.header("content-range"), beyond.body.len()), (416, Some("bytes */600000"), 0));
    assert_eq!(get("range: bytes=0-1\r\nif-range: \"other\"\r\n").status, 200);
    assert_eq!(get(&format!("range: bytes=0-1\r\nif-range: {tag}\r\n")).status, 206);
    let unchanged = get(&format!("if-none-match: \"x\", {tag}\r\n"));
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));

    let head = ask(registry.address, "HEAD", &path, "");
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("600000"), 0));
    assert_eq!(head.header("accept-ranges"), Some("bytes"));
    assert_eq!(ask(registry.address, "PUT", &path, "").status, 405);
}

#[test]
fn keeps_connections_alive_and_ends_them_on_shutdown() {
    let (_files, registry) = registry();
    let mut stream = TcpStream::connect(registry.address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    for _ in 0..3 {
        write!(stream, "GET /npm/left-pad/-/left-pad-1.3.0.tgz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"left") {
            let mut buffer = [0; 1024];
            let n = stream.read(&mut buffer).unwrap();
            assert_ne!(n, 0, "the connection was closed");
            seen.extend_from_slice(&buffer[..n]);
        }
    }
    registry.server.shutdown();
    let end = stream.read(&mut [0; 16]).map_err(|error| error.kind());
    assert!(matches!(end, Ok(0) | Err(std::io::ErrorKind::ConnectionReset)), "{end:?}");
}

struct Outside {
    pages: AtomicU32,
    files: AtomicU32,
    path: PathBuf,
    bytes: &'static [u8],
}

impl Upstream for Outside {
    fn simple(&self, name: &str) -> BoxFuture<'_, Result<Vec<IndexFile>, String>> {
        self.pages.fetch_add(1, Ordering::Relaxed);
        let entry = |file: &str| IndexFile {
            file: file.to_owned(),
            sha256: Digest::sha256(self.bytes).hex(),
            requires_python: Some(">=3.9".to_owned()),
            ..IndexFile::default()
        };
        let answer = match name {
            "broken" => Err("connection reset".to_owned()),
            "outside" => Ok(vec![entry("outside-1.0.tar.gz"), entry("outside-bad-1.0.tar.gz")]),
            "my-pkg" => Ok(vec![entry("my_pkg-1.0-py3-none-any.whl"), entry("my_pkg-3.0.tar.gz")]),
            _ => Ok(Vec::new()),
        };
        Box::pin(async { answer })
    }

    fn file(&self, name: &str, index: &IndexFile) -> BoxFuture<'_, Result<PathBuf, String>> {
        self.files.fetch_add(1, Ordering::Relaxed);
        assert!(index.file.starts_with(&name.replace('-', "_")));
        let answer =
            if index.file.contains("bad") { Err("no mirror has it".to_owned()) } else { Ok(self.path.clone()) };
        Box::pin(async { answer })
    }
}

#[test]
fn what_is_not_locked_comes_from_outside_while_locking() {
    let mut files = Files::new();
    files.python("my-pkg", "1.0", "my_pkg-1.0-py3-none-any.whl", b"locked");
    let path = files.dir.path().join("outside");
    std::fs::write(&path, b"from outside").unwrap();
    let outside =
        Arc::new(Outside { pages: AtomicU32::new(0), files: AtomicU32::new(0), path, bytes: b"from outside" });
    let registry = files.serve(Some(Arc::clone(&outside) as Arc<dyn Upstream>));
    let hex = Digest::sha256(b"from outside").hex();

    // A file is known only once a page has named it.
    assert_eq!(registry.get(&format!("/pypi/files/{hex}/outside-1.0.tar.gz")).status, 404);
    for _ in 0..2 {
        let page = registry.get("/pypi/simple/outside/").text();
        assert!(page.contains("outside-1.0.tar.gz") && page.contains("data-requires-python=\"&gt;=3.9\""), "{page}");
        assert_eq!(registry.get(&format!("/pypi/files/{hex}/outside-1.0.tar.gz")).text(), "from outside");
    }
    assert_eq!((outside.pages.load(Ordering::Relaxed), outside.files.load(Ordering::Relaxed)), (1, 1));
    // A locked file stands for one of the same name outside.
    let page = registry.get("/pypi/simple/my-pkg/").text();
    assert!(page.contains(&Digest::sha256(b"locked").hex()) && page.contains("my_pkg-3.0.tar.gz"), "{page}");
    assert_eq!(page.matches("my_pkg-1.0").count(), 2, "one link, with the name in its address and its text: {page}");

    for path in ["/pypi/simple/broken/", &format!("/pypi/files/{hex}/outside-bad-1.0.tar.gz")] {
        assert_eq!(registry.get(path).status, 502, "{path}");
    }
    assert_eq!(registry.get("/pypi/simple/absent/").status, 404);
    let misses: Vec<String> = registry.server.misses().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(misses.join("\n"), @r"
Python: outside-1.0.tar.gz is in neither uv.lock nor akbuild.lock; `akbuild lock` pins it, or `uv lock` upstream
Python: the package index could not be asked for broken: connection reset
Python: the package index could not be asked for outside-bad-1.0.tar.gz: no mirror has it
Python: absent is in neither uv.lock nor akbuild.lock; `akbuild lock` pins it, or `uv lock` upstream
");
}
