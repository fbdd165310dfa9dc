//! Downloads from servers that misbehave.
#![allow(missing_docs)]

mod common;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use akbuild_fetch::{
    AuthRule, Client, ClientConfig, DownloadAddress, Failures, FetchError, Fetched, IndexFile, Locations, MirrorBase,
    Netrc, Progress, RetryPolicy, Secret, Wanted,
};
use akbuild_nar::{Algo, Digest};
use akbuild_store::Store;
use common::{Reply, Request, Server, dead};
use url::Url;

fn config() -> ClientConfig {
    let retry = RetryPolicy { retries: 3, backoff: Duration::from_millis(1) };
    ClientConfig { retry, ..ClientConfig::default() }
}

fn body() -> Vec<u8> {
    (0..200_000u32).flat_map(|n| n.to_le_bytes()).collect()
}

fn wanted(name: &str, bytes: &[u8], urls: Vec<Url>) -> Wanted {
    let why = "webui-deps needs it".to_owned();
    Wanted {
        digest: Digest::sha256(bytes),
        name: name.to_owned(),
        why,
        urls: Locations::Urls(addresses(&urls)),
        size: None,
    }
}

fn addresses(urls: &[Url]) -> Vec<DownloadAddress> {
    urls.iter().map(|url| DownloadAddress::configured(url.as_str()).unwrap()).collect()
}

struct Home {
    _dir: tempfile::TempDir,
    store: Store,
    events: Mutex<Vec<Progress>>,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        Self { _dir: dir, store, events: Mutex::default() }
    }

    fn fetch(&self, config: ClientConfig, wanted: Vec<Wanted>) -> Result<Fetched, Failures> {
        run(async {
            let client = Client::new(config).unwrap();
            client.fetch(&self.store, wanted, &|event| self.events.lock().unwrap().push(event)).await
        })
    }

    fn has(&self, bytes: &[u8]) -> bool {
        let digest = Digest::sha256(bytes);
        self.store.has_blob(&digest) && std::fs::read(self.store.blob_path(&digest)).unwrap() == bytes
    }

    fn retries(&self) -> usize {
        self.events.lock().unwrap().iter().filter(|e| matches!(e, Progress::Retry { .. })).count()
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn message(failures: &Failures, servers: &[(&Url, &str)]) -> String {
    let text = failures.to_string();
    servers.iter().fold(text, |text, (url, name)| text.replace(url.as_str(), name))
}

/// Answers as `first` for the first `times` requests, then with the body, by range if asked.
fn flaky(times: usize, first: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
    let count = AtomicUsize::new(0);
    Server::new(move |request| match count.fetch_add(1, Ordering::SeqCst) < times {
        true => first(request),
        false => ranged(request),
    })
}

fn ranged(request: &Request) -> Reply {
    let body = body();
    match request.from() {
        Some(from) if from >= body.len() => Reply::status(416),
        Some(from) => {
            let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
            Reply { status: 206, ..Reply::ok(&body[from..]) }.header("Content-Range", &range)
        }
        None => Reply::ok(body),
    }
}

#[test]
fn a_server_error_passes_after_a_while() {
    let server = flaky(2, |_| Reply::status(500));
    let home = Home::new();
    let fetched = home.fetch(config(), vec![wanted("a@1", &body(), vec![server.at("a")])]).unwrap();
    assert_eq!(fetched, Fetched { downloaded: 1, bytes: 800_000, present: 0 });
    assert!(home.has(&body()));
    assert_eq!(home.retries(), 2);
    let again = home.fetch(config(), vec![wanted("a@1", &body(), vec![server.at("a")])]).unwrap();
    assert_eq!(again, Fetched { downloaded: 0, bytes: 0, present: 1 });
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn a_broken_download_goes_on_where_it_broke() {
    let server = flaky(1, |r| ranged(r).cut(600_000));
    let home = Home::new();
    home.fetch(config(), vec![wanted("a@1", &body(), vec![server.at("a")])]).unwrap();
    assert!(home.has(&body()));
    let from = server.seen()[1].from().unwrap();
    assert!(from > 0 && from <= 600_000, "{from}");
}

#[test]
fn a_server_without_ranges_starts_again() {
    let server = flaky(1, |r| ranged(r).cut(600_000));
    let plain = Server::new(|_| Reply::ok(body()));
    let home = Home::new();
    let config = ClientConfig { retry: RetryPolicy { retries: 0, ..config().retry }, ..config() };
    home.fetch(config, vec![wanted("a@1", &body(), vec![server.at("a"), plain.at("a")])]).unwrap();
    assert!(home.has(&body()));
    assert!(plain.seen()[0].from().is_some());
}

#[test]
fn a_resumed_file_that_comes_out_wrong_is_fetched_once_more() {
    let wrong = Server::new(|_| Reply::ok(vec![7; 800_000]).cut(500_000));
    let good = Server::new(ranged);
    let home = Home::new();
    let config = ClientConfig { retry: RetryPolicy { retries: 0, ..config().retry }, ..config() };
    home.fetch(config, vec![wanted("a@1", &body(), vec![wrong.at("a"), good.at("a")])]).unwrap();
    assert!(home.has(&body()));
    let from: Vec<bool> = good.seen().iter().map(|r| r.from().is_some()).collect();
    assert_eq!(from, [true, false]);
}

#[test]
fn a_partial_file_that_is_whole_is_only_verified() {
    let home = Home::new();
    let akbuild_store::Blob::Missing(mut writer) = home.store.blob_writer(&Digest::sha256(&body())).unwrap() else {
        panic!("nothing is there yet");
    };
    std::io::Write::write_all(&mut writer, &body()).unwrap();
    drop(writer);
    let server = Server::new(ranged);
    home.fetch(config(), vec![wanted("a@1", &body(), vec![server.at("a")])]).unwrap();
    assert!(home.has(&body()));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn the_next_mirror_has_what_one_has_not() {
    let gone = Server::new(|_| Reply::status(404));
    let good = Server::new(ranged);
    let wrong = Server::new(|_| Reply::ok("something else"));
    let home = Home::new();
    let urls = vec![dead().join("a").unwrap(), gone.at("a"), wrong.at("a"), good.at("a")];
    home.fetch(config(), vec![wanted("a@1", &body(), urls)]).unwrap();
    assert!(home.has(&body()));
    assert_eq!(gone.seen().len(), 1);
}

#[test]
fn all_failures_come_in_one_message_and_none_stops_the_rest() {
    let server = Server::new(|r| match r.path.as_str() {
        "/good" => Reply::ok("good"),
        "/wrong" => Reply::ok("not it"),
        "/busy" => Reply::status(503),
        "/secret" => Reply::status(403),
        "/cut" => Reply::ok("0123456789").cut(4),
        "/long" => Reply::ok("longer than that"),
        _ => Reply::status(404),
    });
    let other = Server::new(|_| Reply::status(410));
    let home = Home::new();
    let one = |name: &str| wanted(&format!("{name}@1"), name.as_bytes(), vec![server.at(name)]);
    let mut all: Vec<Wanted> = ["gone", "wrong", "good", "busy", "secret"].map(one).into();
    all[0].urls = Locations::Urls(addresses(&[server.at("gone"), other.at("gone?token=hidden")]));
    all.push(Wanted { size: Some(4), ..one("long") });
    all.push(wanted("nowhere@1", b"nowhere", Vec::new()));
    let failures = home.fetch(config(), all).unwrap_err();
    assert!(home.has(b"good"));
    insta::assert_snapshot!(message(&failures, &[(&server.url, "ONE/"), (&other.url, "TWO/")]), @"
    6 artifacts could not be fetched:

    busy@1 (webui-deps needs it): no mirror gave it
      ONE/busy: 503 Service Unavailable

    gone@1 (webui-deps needs it): no mirror has it
      ONE/gone: 404 Not Found
      TWO/gone: 410 Gone

    long@1 (webui-deps needs it): no mirror gave it
      ONE/long: the answer is longer than the 4 bytes expected

    nowhere@1 (webui-deps needs it): no address to ask

    secret@1 (webui-deps needs it): no mirror gave it
      ONE/secret: 403 Forbidden

    wrong@1 (webui-deps needs it): wrong contents
      expected sha256-iBCtWB5Z8rw5KLJhcHpxMI9+E56wSCA2bcTVwY2YAiU=
      found    sha256-BhIXJcQzzNBGm1JzCnI+ZqnB4xxnxCsdumtQHwv5TJ0=
      ONE/wrong: 6 bytes that are something else

    no address: configure the ecosystem's own client (npmrc, pip.conf or uv.toml, GOPROXY, apt's sources), or add a mirror to akbuild.local.toml
    not found: add a mirror that still has it to akbuild.local.toml, or pin what there is now: akbuild lock all
    not given: look at the status; 401 and 403 want credentials, in ~/.netrc or the client's own configuration
    wrong contents: find out why a mirror has other bytes than the lock names before you lock again; another mirror can be set in akbuild.local.toml
    ");
    let failures = home.fetch(config(), vec![one("cut")]).unwrap_err();
    assert_eq!(failures.0[0].kind, akbuild_fetch::FailureKind::Network);
}

#[test]
fn offline_lists_what_is_missing_and_asks_nobody() {
    let server = Server::new(ranged);
    let home = Home::new();
    let offline = ClientConfig { offline: true, ..config() };
    let all = vec![wanted("a@1", b"a", vec![server.at("a")]), wanted("b@1", b"b", vec![server.at("b")])];
    let failures = home.fetch(offline.clone(), all).unwrap_err();
    insta::assert_snapshot!(failures, @"
    2 artifacts could not be fetched:

    a@1 (webui-deps needs it): not in the store, and downloading is switched off

    b@1 (webui-deps needs it): not in the store, and downloading is switched off

    downloading is switched off: run the same again without --offline
    ");
    let error =
        run(async { Client::new(offline).unwrap().get(&addresses(&[server.at("x")]), None, 9).await }).unwrap_err();
    insta::assert_snapshot!(error.to_string().replace(server.url.as_str(), "ONE/"), @"ONE/x is not there and downloading is switched off; run the same again without --offline");
    assert!(server.seen().is_empty());
}

#[test]
fn the_same_digest_is_fetched_once() {
    let server = Server::new(|_| Reply::ok("x"));
    let home = Home::new();
    let all = vec![wanted("a@1", b"x", vec![server.at("404")]), wanted("b@1", b"x", vec![server.at("b")])];
    assert_eq!(home.fetch(config(), all).unwrap().downloaded, 1);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn many_small_files_come_in_parallel_and_are_reported() {
    let server = Server::new(|r| Reply::ok(r.path.as_bytes()));
    let home = Home::new();
    let name = |n: usize| format!("/{n}");
    let all = (0..200).map(|n| wanted(&name(n), name(n).as_bytes(), vec![server.at(&name(n))])).collect();
    let fetched = home.fetch(config(), all).unwrap();
    assert_eq!(fetched.downloaded, 200);
    let events = home.events.lock().unwrap();
    assert_eq!(events[0], Progress::Start { total_files: 200, total_bytes: None });
    let bytes: u64 = events.iter().map(|e| if let Progress::Bytes(n) = e { *n } else { 0 }).sum();
    assert_eq!(bytes, fetched.bytes);
    assert!(matches!(events.last(), Some(Progress::File { done: 200, .. })), "{:?}", events.last());
}

#[test]
fn a_go_module_is_checked_by_its_own_hash() {
    let text = b"module example.invalid/a\n";
    let file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut &file, text).unwrap();
    std::io::Seek::rewind(&mut &file).unwrap();
    let digest = Digest::of_file(Algo::GoMod, &file).unwrap();
    let server = Server::new(move |r| if r.path == "/a.mod" { Reply::ok(text) } else { Reply::ok("<html>") });
    let home = Home::new();
    let entry = Wanted { digest, ..wanted("a@v1", b"", vec![server.at("html"), server.at("a.mod")]) };
    assert_eq!(home.fetch(config(), vec![entry]).unwrap().downloaded, 1);
}

#[test]
fn a_python_index_is_looked_up_once_by_hash_or_name() {
    let (one, two) = (Digest::sha256(b"one"), Digest::sha256(b"two"));
    let page = format!("<a href='../../f/renamed.whl#sha256={}'>x</a> <a href=\"/f/two-1.whl\">y</a>", one.hex());
    let server = Server::new(move |r| match r.path.as_str() {
        "/simple/a-b/" => Reply::ok(page.clone()).header("Content-Type", "text/html; charset=utf-8"),
        "/f/renamed.whl" => Reply::ok("one"),
        "/f/two-1.whl" => Reply::ok("two"),
        _ => Reply::status(404),
    });
    let base = |path: &str| MirrorBase { url: server.at(path), from: "pip.conf".to_owned() };
    let bases: std::sync::Arc<[MirrorBase]> = vec![base("empty/"), base("simple/")].into();
    let file = |file: &str| IndexFile { bases: bases.clone(), name: "A_b".into(), file: file.into() };
    let entry = |digest, urls| Wanted { digest, urls, ..wanted("a-b@1", b"", Vec::new()) };
    let home = Home::new();
    let all = vec![
        entry(one, Locations::PythonIndex(file("one-1.whl"))),
        entry(two, Locations::UrlsThenIndex(addresses(&[server.at("f/gone.whl")]), file("two-1.whl"))),
    ];
    assert_eq!(home.fetch(config(), all).unwrap().downloaded, 2);
    assert_eq!(server.seen().iter().filter(|r| r.path == "/simple/a-b/").count(), 1);
    let absent = entry(Digest::sha256(b"three"), Locations::PythonIndex(file("three-1.whl")));
    let failures = home.fetch(config(), vec![absent]).unwrap_err();
    insta::assert_snapshot!(message(&failures, &[(&server.url, "ONE/")]), @"
    1 artifact could not be fetched:

    a-b@1 (webui-deps needs it): no mirror has it
      ONE/empty/a-b/: the index has no such project
      ONE/simple/a-b/: does not list three-1.whl

    not found: add a mirror that still has it to akbuild.local.toml, or pin what there is now: akbuild lock all
    ");
}

#[test]
fn secrets_go_to_their_host_only_and_not_along_with_redirects() {
    let other = Server::new(|_| Reply::ok("x"));
    let target = other.at("x").to_string();
    let server = Server::new(move |_| Reply::status(302).header("Location", &target));
    let host = format!("127.0.0.1:{}", server.url.port().unwrap());
    let rule = AuthRule { host, path: "/".into(), secret: Secret::Bearer("t0ken".into()) };
    let client = Client::new(ClientConfig { auth: vec![rule], ..config() }).unwrap();
    let got = run(client.get(&addresses(&[server.at("a")]), Some("text/x"), 100)).unwrap();
    assert_eq!((got.bytes.as_slice(), &got.url), (b"x".as_slice(), &other.at("x")));
    assert_eq!(server.seen()[0].header("authorization"), Some("Bearer t0ken"));
    assert_eq!(server.seen()[0].header("accept"), Some("text/x"));
    assert_eq!(other.seen()[0].header("authorization"), None);
    let netrc = Netrc::parse("machine 127.0.0.1 login a password b", "netrc").unwrap();
    let client = Client::new(ClientConfig { netrc: Some(netrc), ..config() }).unwrap();
    run(client.get(&addresses(&[other.at("y")]), None, 100)).unwrap();
    assert_eq!(other.seen()[1].header("authorization"), Some("Basic YTpi"));
}

#[test]
fn metadata_is_retried_limited_and_told_apart() {
    let count = AtomicUsize::new(0);
    let server = Server::new(move |r| match r.path.as_str() {
        "/busy" if count.fetch_add(1, Ordering::SeqCst) < 2 => Reply::status(429).header("Retry-After", "0"),
        "/busy" => Reply::ok("{}").header("Content-Type", "Application/JSON; charset=utf-8"),
        "/broken" => Reply::status(502),
        _ => Reply::status(404),
    });
    let client = Client::new(config()).unwrap();
    let get = |path: &str, limit| run(client.get(&addresses(&[server.at(path)]), None, limit));
    let got = get("busy", 2).unwrap();
    assert_eq!((got.bytes.as_slice(), got.content_type.as_deref()), (b"{}".as_slice(), Some("application/json")));
    let text = |e: FetchError| e.to_string().replace(server.url.as_str(), "ONE/");
    insta::assert_snapshot!(text(get("busy", 1).unwrap_err()), @"ONE/busy: the answer is longer than 1 bytes, which is the limit");
    insta::assert_snapshot!(text(get("none", 9).unwrap_err()), @"
    not found on any mirror:
      ONE/none: 404 Not Found
    ");
    insta::assert_snapshot!(text(get("broken", 9).unwrap_err()), @"
    no mirror gave an answer:
      ONE/broken: 502 Bad Gateway
    check the connection, the proxy variables and the credentials, then run the same again
    ");
    insta::assert_snapshot!(text(run(client.get(&addresses(&[]), None, 9)).unwrap_err()), @"no address to ask for; configure a mirror in the ecosystem's own client or in akbuild.local.toml");
    assert!(matches!(run(client.get(&addresses(&[dead()]), None, 9)).unwrap_err(), FetchError::Unreachable { .. }));
}
