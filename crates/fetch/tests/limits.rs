//! Servers that send too much, too slowly or nothing at all; and files of this machine that nobody configured.
#![allow(missing_docs)]

mod common;

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use akbuild_fetch::{
    Cancel, Client, ClientConfig, Credentials, DownloadAddress, FailureKind, FetchError, GitRequest, IndexFile,
    Locations, MirrorBase, Progress, RetryPolicy, TransferLimits, WaitListener, Wanted, git_fetch,
};
use akbuild_nar::Digest;
use akbuild_store::{Blob, Store};
use common::{Reply, Request, Server, Stall};
use url::Url;

/// A test that hangs ends with a failure after this.
const PATIENCE: Duration = Duration::from_secs(60);

fn config() -> ClientConfig {
    let retry = RetryPolicy { retries: 3, backoff: Duration::from_millis(1) };
    ClientConfig { retry, ..ClientConfig::default() }
}

fn configured(url: &Url) -> DownloadAddress {
    DownloadAddress::configured(url.as_str()).unwrap()
}

fn wanted(urls: Locations) -> Wanted {
    let (name, why) = ("a@1".to_owned(), "webui-deps needs it".to_owned());
    Wanted { digest: Digest::sha256(b"x"), name, why, urls, size: None }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}

/// Runs something on a thread of its own, which has to end.
fn ends<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(PATIENCE).expect("it ends")
}

fn fetch(config: ClientConfig, wanted: Wanted, progress: impl Fn(Progress) + Send + Sync) -> Result<(), FailureKind> {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    fetch_into(&store, config, wanted, progress)
}

fn fetch_into(
    store: &Store,
    config: ClientConfig,
    wanted: Wanted,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<(), FailureKind> {
    let client = Client::new(config).unwrap();
    let fetched = run(client.fetch(store, vec![wanted], &progress));
    fetched.map(drop).map_err(|failures| failures.0[0].kind.clone())
}

/// A configuration whose switch is thrown by a server as soon as it is asked for something, and that server.
fn cancelled_by(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (ClientConfig, Server) {
    let cancel = Cancel::new();
    let switch = cancel.clone();
    let server = Server::new(move |request| {
        let reply = reply(request);
        // What drips is cancelled by whoever sees a byte.
        if reply.stall != Some(Stall::Drip) && reply.status != 429 {
            switch.throw();
        }
        reply
    });
    let switch = cancel.clone();
    let waits = WaitListener::new(move |_| switch.throw());
    (ClientConfig { cancel, waits, ..config() }, server)
}

fn busy() -> Reply {
    Reply::status(429).header("Retry-After", "3600")
}

#[test]
fn a_download_is_cancelled_while_it_waits_for_headers_or_for_a_busy_server() {
    for reply in [Reply::stalled(Stall::Silent), busy()] {
        let (config, server) = cancelled_by(move |_| reply.clone());
        let urls = Locations::Urls(vec![configured(&server.at("a"))]);
        assert_eq!(ends(|| fetch(config, wanted(urls), |_| {})), Err(FailureKind::Cancelled));
    }
}

#[test]
fn a_download_is_cancelled_while_bytes_drip() {
    let (config, server) = cancelled_by(|_| Reply::stalled(Stall::Drip));
    let urls = Locations::Urls(vec![configured(&server.at("a"))]);
    let cancel = config.cancel.clone();
    let progress = move |progress| {
        if matches!(progress, Progress::Bytes(_)) {
            cancel.throw();
        }
    };
    assert_eq!(ends(|| fetch(config, wanted(urls), progress)), Err(FailureKind::Cancelled));
}

#[test]
fn a_download_is_cancelled_while_it_waits_for_a_page_of_an_index() {
    for reply in [Reply::stalled(Stall::Silent), busy()] {
        let (config, server) = cancelled_by(move |_| reply.clone());
        let bases = vec![MirrorBase { url: server.at("simple/"), from: "pip.conf".to_owned() }].into();
        let urls = Locations::PythonIndex(IndexFile { bases, name: "a".into(), file: "a.whl".into() });
        assert_eq!(ends(|| fetch(config, wanted(urls), |_| {})), Err(FailureKind::Cancelled));
    }
}

#[test]
fn a_download_is_cancelled_while_another_writer_has_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let Blob::Missing(_writer) = store.blob_writer(&Digest::sha256(b"x")).unwrap() else { panic!("it is not there") };
    let config = config();
    let cancel = config.cancel.clone();
    let progress = move |progress| {
        if matches!(progress, Progress::Start { .. }) {
            let cancel = cancel.clone();
            std::thread::spawn(move || cancel.throw());
        }
    };
    let server = Server::new(|_| Reply::ok("x"));
    let urls = Locations::Urls(vec![configured(&server.at("a"))]);
    let other = store.clone();
    assert_eq!(ends(move || fetch_into(&other, config, wanted(urls), progress)), Err(FailureKind::Cancelled));
    assert!(server.seen().is_empty());
}

#[test]
fn pages_and_unpinned_files_are_cancelled() {
    for reply in [Reply::stalled(Stall::Silent), busy()] {
        let (config, server) = cancelled_by(move |_| reply.clone());
        let at = configured(&server.at("a"));
        let client = Client::new(config.clone()).unwrap();
        let got = ends(move || run(async move { client.get(&[at], None, 9).await }));
        assert!(matches!(got, Err(FetchError::Cancelled)), "{got:?}");
    }
    let (config, server) = cancelled_by(|_| Reply::stalled(Stall::Silent));
    let (at, dir) = (configured(&server.at("a")), tempfile::tempdir().unwrap());
    let (client, path) = (Client::new(config).unwrap(), dir.path().join("a"));
    let got = ends(move || run(async move { client.fetch_unpinned(&[at], &path).await }));
    assert!(matches!(got, Err(FetchError::Cancelled)), "{got:?}");
}

/// What comes of fetching a repository from there.
fn fetch_git(config: ClientConfig, url: &Url) -> Result<String, FetchError> {
    let (urls, dir) = (vec![url.to_string()], tempfile::tempdir().unwrap());
    ends(move || {
        git_fetch(&GitRequest {
            urls: &urls,
            reference: None,
            commit: None,
            cache: dir.path(),
            credentials: &Credentials::default(),
            config: &config,
            progress: &|_| {},
        })
    })
}

#[test]
fn a_fetch_from_git_is_cancelled() {
    for reply in [Reply::stalled(Stall::Silent), busy()] {
        let (config, server) = cancelled_by(move |_| reply.clone());
        let got = fetch_git(config, &server.at("a.git"));
        assert!(matches!(got, Err(FetchError::Cancelled)), "{got:?}");
    }
}

#[test]
fn a_list_of_references_has_a_largest_length() {
    let line = format!("{} refs/heads/a\n", "0".repeat(40));
    let mut body = b"001e# service=git-upload-pack\n0000".to_vec();
    while body.len() <= 64 << 20 {
        body.extend(format!("{:04x}{line}", line.len() + 4).bytes());
    }
    let server = Server::new(move |_| Reply::ok(body.clone()));
    let shown = fetch_git(config(), &server.at("a.git")).unwrap_err().to_string();
    assert!(shown.contains("longer than 67108864 bytes"), "{shown}");
}

#[test]
fn what_is_slower_than_the_least_rate_is_given_up() {
    let server = Server::new(|_| Reply::stalled(Stall::Drip));
    let limits = TransferLimits { min_rate: 1 << 20, rate_window: Duration::from_millis(100), ..config().limits };
    let retry = RetryPolicy { retries: 0, ..config().retry };
    let config = ClientConfig { limits, retry, ..config() };
    let client = Client::new(config.clone()).unwrap();
    let at = configured(&server.at("a"));
    let shown = ends(move || run(async move { client.get(&[at], None, 1 << 20).await })).unwrap_err().to_string();
    assert!(shown.contains("too slow") && shown.contains("at least 1048576 bytes/s are required"), "{shown}");
    let urls = Locations::Urls(vec![configured(&server.at("a"))]);
    assert_eq!(ends(|| fetch(config, wanted(urls), |_| {})), Err(FailureKind::Network));
}

#[test]
fn a_download_of_unknown_size_has_a_largest_size() {
    let server = Server::new(|_| Reply::ok(vec![0; 100_000]));
    let limits = TransferLimits { max_bytes: 99_999, ..config().limits };
    let config = ClientConfig { limits, ..config() };
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("big"), vec![0; 100_000]).unwrap();
    let local = Url::from_file_path(dir.path().join("big")).unwrap();
    for url in [server.at("a"), local] {
        let urls = Locations::Urls(vec![configured(&url)]);
        let outcome = fetch(config.clone(), wanted(urls), |_| {});
        assert_eq!(outcome, Err(FailureKind::Http), "{url}");
        let client = Client::new(config.clone()).unwrap();
        let got = run(client.fetch_unpinned(&[configured(&url)], &dir.path().join("new")));
        std::fs::remove_file(dir.path().join("new")).unwrap();
        let shown = got.unwrap_err().to_string().replace(url.as_str(), "URL");
        insta::allow_duplicates! {
            insta::assert_snapshot!(shown, @"
            URL: the file is longer than 99999 bytes, which is the limit
              help: if it is the right file, raise `download_limit_mib` in akbuild.local.toml
            ");
        }
        assert!(matches!(run(client.get_file(&[configured(&url)], 9)), Err(FetchError::TooLarge { limit: 9, .. })));
    }
}

#[test]
fn a_compressed_page_is_measured_as_it_is_read() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, &vec![b'x'; 1 << 20]).unwrap();
    let packed = packed.finish().unwrap();
    let server = Server::new(move |_| Reply::ok(packed.clone()).header("Content-Encoding", "gzip"));
    let client = Client::new(config()).unwrap();
    let got = run(client.get(&[configured(&server.at("a"))], None, 1 << 19));
    assert!(matches!(got, Err(FetchError::TooLarge { limit: 524_288, .. })), "{got:?}");
    assert_eq!(run(client.get(&[configured(&server.at("a"))], None, 1 << 20)).unwrap().bytes.len(), 1 << 20);
}

#[test]
fn an_unpinned_file_comes_byte_for_byte_and_once_more_after_an_error() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let body: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    let whole = body.clone();
    let server = Server::new(move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Reply::ok(whole.clone()).cut(700_000),
        _ => Reply::ok(whole.clone()),
    });
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("archive");
    let client = Client::new(config()).unwrap();
    let file = run(client.fetch_unpinned(&[configured(&server.at("a"))], &path)).unwrap();
    assert_eq!((file.digest, file.bytes), (Digest::sha256(&body), body.len() as u64));
    assert!(std::fs::read(&path).unwrap() == body);
    assert!(server.seen().iter().all(|request| request.header("accept-encoding") == Some("identity")));
    run(client.get_file(&[configured(&server.at("b"))], 1 << 22)).unwrap();
    assert_eq!(server.seen().last().unwrap().header("accept-encoding"), Some("identity"));
}

/// Python indexes whose only page links to `target`.
fn index(url: &Url) -> Locations {
    let bases = vec![MirrorBase { url: url.clone(), from: "pip.conf".to_owned() }].into();
    Locations::PythonIndex(IndexFile { bases, name: "a".into(), file: "a.whl".into() })
}

fn message(wanted: Wanted) -> String {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let client = Client::new(config()).unwrap();
    let failures = ends(move || run(async move { client.fetch(&store, vec![wanted], &|_| {}).await }));
    failures.unwrap_err().0[0].urls_tried.iter().map(|(_, reason)| format!("{reason}\n")).collect()
}

#[test]
fn a_page_from_the_web_does_not_lead_to_files_of_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("a.whl");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    let html = format!("<a href='file://{}'>a</a>", fifo.display());
    let json = serde_json::json!({"files": [{"filename": "a.whl", "url": "file:///dev/zero", "hashes": {}}]});
    for (page, kind) in [(html, "text/html"), (json.to_string(), "application/json")] {
        let server = Server::new(move |_| Reply::ok(page.clone()).header("Content-Type", kind));
        let shown = message(wanted(index(&server.at("simple/"))));
        assert!(shown.starts_with("its link to a.whl: `file:///"), "{shown}");
        assert!(shown.contains("only the configuration of this machine"), "{shown}");
    }
}

#[test]
fn a_configured_folder_serves_regular_files_below_it_only() {
    let dir = tempfile::tempdir().unwrap();
    let page = |href: &str| {
        let folder = dir.path().join("simple/a");
        std::fs::create_dir_all(&folder).unwrap();
        // The page of a folder is what a web server would give for it.
        std::fs::write(dir.path().join("page"), format!("<a href='{href}'>a.whl</a>")).unwrap();
        folder
    };
    page("x");
    let base = Url::from_directory_path(dir.path()).unwrap();
    let client = Client::new(config()).unwrap();
    let get = |path: &str| {
        let base = MirrorBase { url: base.clone(), from: "akbuild.local.toml".to_owned() };
        let address = base.below(path).expect("it is below");
        let client = client.clone();
        ends(move || run(async move { client.get_file(&[address], 100).await })).map(|got| got.bytes)
    };
    rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join("fifo"), rustix::fs::Mode::RWXU).unwrap();
    std::os::unix::fs::symlink("/dev/zero", dir.path().join("zero")).unwrap();
    assert!(get("page").unwrap().starts_with(b"<a href"));
    for path in ["fifo", "zero", "simple"] {
        let shown = get(path).unwrap_err().to_string();
        assert!(shown.contains("is not a regular file"), "{shown}");
    }
    let urls = |name: &str| Locations::Urls(vec![configured(&base.join(name).unwrap())]);
    assert_eq!(message(wanted(urls("fifo"))), "is not a regular file\n");
    assert_eq!(message(wanted(urls("zero"))), "is not a regular file\n");
    assert!(Path::new("/dev/zero").exists());
}

#[test]
fn a_redirect_does_not_leave_the_web() {
    for target in ["file:///etc/passwd", "ftp://a.example/x"] {
        let server = Server::new(move |_| Reply::status(302).header("Location", target));
        let shown = message(wanted(Locations::Urls(vec![configured(&server.at("a"))])));
        assert!(shown.contains(&format!("it redirects to {target}, which is neither http nor https")), "{shown}");
    }
}
