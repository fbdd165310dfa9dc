//! git against the real thing: `git http-backend` behind a small server, and real checkouts to compare with.
#![allow(missing_docs, clippy::disallowed_methods)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use akbuild_fetch::{
    ClientConfig, Credentials, FetchError, GitRequest, RetryPolicy, TransferLimits, git_checkout, git_export,
    git_fetch, git_fetch_history, git_repository,
};
use akbuild_nar::hash_path;
use common::{Reply, Request, Server, dead};

static CONFIG: LazyLock<ClientConfig> = LazyLock::new(|| {
    let retry = RetryPolicy { retries: 3, backoff: Duration::from_millis(1) };
    ClientConfig { retry, ..ClientConfig::default() }
});

struct Repo {
    dir: tempfile::TempDir,
}

impl Repo {
    fn new() -> Self {
        let repo = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(repo.path()).unwrap();
        repo.git(&["init", "-q", "-b", "main"]);
        repo
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    fn dest(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn git(&self, args: &[&str]) -> String {
        git(&self.path(), args)
    }

    fn write(&self, name: &str, text: &[u8]) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn commit(&self) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn fetch(&self, urls: &[String], reference: Option<&str>, commit: Option<&str>) -> Result<String, FetchError> {
        let credentials = Credentials::default();
        git_fetch(&request(urls, reference, commit, &self.cache(), &credentials))
    }

    fn cached(&self, url: &str) -> PathBuf {
        git_repository(&self.cache(), url)
    }
}

fn request<'a>(
    urls: &'a [String],
    reference: Option<&'a str>,
    commit: Option<&'a str>,
    cache: &'a Path,
    credentials: &'a Credentials,
) -> GitRequest<'a> {
    GitRequest { urls, reference, commit, cache, credentials, config: &CONFIG, progress: &|_| {} }
}

fn git(at: &Path, args: &[&str]) -> String {
    let out = Command::new("git")
        .args(["-c", "user.name=x", "-c", "user.email=x@x.invalid", "-c", "protocol.file.allow=always"])
        .args(args)
        .current_dir(at)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// `git http-backend` as a CGI program. `user` is the Basic credential it wants, if any.
fn backend(root: PathBuf, user: Option<&'static str>) -> Server {
    Server::new(move |request| {
        if user.is_some() && request.header("authorization") != user {
            return Reply::status(401).header("WWW-Authenticate", "Basic realm=\"x\"");
        }
        cgi(&root, request)
    })
}

fn cgi(root: &Path, request: &Request) -> Reply {
    use std::io::Write;
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", &request.path)
        .env("QUERY_STRING", &request.query)
        .env("REQUEST_METHOD", &request.method)
        .env("CONTENT_TYPE", request.header("content-type").unwrap_or(""))
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&request.body).unwrap();
    let out = child.wait_with_output().unwrap().stdout;
    let end = out.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let mut reply = Reply::ok(&out[end + 4..]);
    for line in String::from_utf8_lossy(&out[..end]).lines() {
        match line.split_once(": ") {
            Some(("Status", status)) => reply.status = status[..3].parse().unwrap(),
            Some((name, value)) => reply = reply.header(name, value),
            None => {}
        }
    }
    reply
}

fn address(server: &Server) -> String {
    server.at("work/.git").to_string()
}

/// A repository with two commits, and an annotated tag on the second.
fn tagged() -> (Repo, String, String) {
    let repo = Repo::new();
    repo.write("a", b"1");
    let first = repo.commit();
    repo.write("dir/b", b"2");
    let second = repo.commit();
    repo.git(&["tag", "-a", "-m", "x", "v1.0", &second]);
    (repo, first, second)
}

fn count(repo: &Path, commit: &str) -> usize {
    let shown = git(repo, &["cat-file", "--batch-check", "--batch-all-objects"]);
    assert!(shown.contains(commit), "{shown}");
    shown.lines().filter(|l| l.contains(" commit ")).count()
}

#[test]
fn a_tag_over_http_without_its_history() {
    let (repo, _, second) = tagged();
    let server = backend(repo.dir.path().to_owned(), None);
    let urls = [address(&server)];
    assert_eq!(repo.fetch(&urls, Some("v1.0"), None).unwrap(), second);
    assert_eq!(count(&repo.cached(&urls[0]), &second), 1);
    let asked = server.seen().len();
    assert_eq!(repo.fetch(&urls, Some("v1.0"), Some(&second)).unwrap(), second);
    assert_eq!(server.seen().len(), asked, "what is there is not asked for again");
    git_checkout(&repo.cached(&urls[0]), &second, &repo.dest("out")).unwrap();
    assert_eq!(fs::read(repo.dest("out/dir/b")).unwrap(), b"2");
    assert!(!repo.dest("out/.git").exists());
}

#[test]
fn a_bare_commit_comes_also_from_a_server_that_gives_tips_only() {
    let (repo, first, _) = tagged();
    let server = backend(repo.dir.path().to_owned(), None);
    let urls = [address(&server)];
    assert_eq!(repo.fetch(&urls, None, Some(&first)).unwrap(), first);
    assert_eq!(count(&repo.cached(&urls[0]), &first), 2, "the whole history was needed");

    repo.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let urls = [server.at("/work/.git/").to_string()];
    assert_eq!(repo.fetch(&urls, None, Some(&first)).unwrap(), first);
    assert_eq!(count(&repo.cached(&urls[0]), &first), 1);
}

#[test]
fn a_folder_serves_as_a_repository() {
    let (repo, first, second) = tagged();
    let urls = [repo.path().display().to_string()];
    assert_eq!(repo.fetch(&urls, Some("v1.0"), None).unwrap(), second);
    assert_eq!(count(&repo.cached(&urls[0]), &second), 1);
    let urls = [format!("file://{}", repo.path().display())];
    assert_eq!(repo.fetch(&urls, Some("main"), Some(&first)).unwrap(), first);
}

#[test]
fn a_dead_mirror_is_passed_over_and_all_are_listed() {
    let (repo, _, second) = tagged();
    let server = backend(repo.dir.path().to_owned(), None);
    let urls = ["git@host.invalid:a/b".to_owned(), address(&server)];
    assert_eq!(repo.fetch(&urls, Some("v1.0"), None).unwrap(), second);
    let urls = ["ssh://me:pw@host.invalid/a".to_owned(), repo.dest("none").display().to_string(), address(&server)];
    let error = repo.fetch(&urls, Some("version/1.0"), None).unwrap_err().to_string();
    let error = error.replace(server.url.as_str(), "SERVER/").replace(&repo.dir.path().display().to_string(), "DIR");
    insta::assert_snapshot!(error, @"
    cannot fetch `version/1.0` from any of the given repositories:
      ssh://host.invalid/a: only http, https, file and absolute paths are supported; give the https address of the repository, or a local mirror (`git clone --mirror`)
      DIR/none: cannot open DIR/none: failed to resolve path 'DIR/none': No such file or directory
      SERVER/work/.git: no tag or branch `version/1.0`; there is `v1.0`
    check the addresses and the name, or add a mirror of the repository to akbuild.local.toml
    ");
}
#[test]
fn an_unreachable_server_is_said_to_be_so() {
    let repo = Repo::new();
    let url = dead().to_string();
    let error = repo.fetch(std::slice::from_ref(&url), Some("v1"), None).unwrap_err().to_string();
    assert!(error.contains(&format!("\n  {url}: ")) && error.contains("onnect"), "{error}");
}

#[test]
fn a_moved_tag_names_both_commits() {
    let (repo, first, second) = tagged();
    let server = backend(repo.dir.path().to_owned(), None);
    for url in [address(&server), repo.path().display().to_string()] {
        let error = repo.fetch(std::slice::from_ref(&url), Some("v1.0"), Some(&first)).unwrap_err().to_string();
        let error = error.replace(&first, "FIRST").replace(&second, "SECOND").replace(&url, "URL");
        insta::allow_duplicates! { insta::assert_snapshot!(error, @"
        tag `v1.0` of URL was moved: expected commit FIRST, found SECOND
        find out why before you pin the new commit, with `akbuild lock sources`, or with `commit` where that is written
        "); }
    }
}
#[test]
fn a_missing_commit_is_said_to_be_missing() {
    let (repo, ..) = tagged();
    let server = backend(repo.dir.path().to_owned(), None);
    let absent = "1234567890123456789012345678901234567890";
    let urls = [address(&server), repo.path().display().to_string()];
    let error = repo.fetch(&urls, None, Some(absent)).unwrap_err().to_string();
    let error = error.replace(server.url.as_str(), "SERVER/").replace(&repo.dir.path().display().to_string(), "DIR");
    insta::assert_snapshot!(error, @"
    cannot fetch commit 1234567890123456789012345678901234567890 from any of the given repositories:
      SERVER/work/.git: commit 1234567890123456789012345678901234567890 is on none of its branches and tags
      DIR/work: commit 1234567890123456789012345678901234567890 is not in it
    check the addresses and the name, or add a mirror of the repository to akbuild.local.toml
    ");
    let error = repo.fetch(&urls, None, Some("1234")).unwrap_err().to_string();
    assert!(error.contains("`1234` is no commit; expected 40 hex digits"), "{error}");
}
#[test]
fn credentials_come_from_address_token_file_and_helper_and_are_never_shown() {
    let (repo, _, second) = tagged();
    // base64 of `oauth2:s3cret`
    let server = backend(repo.dir.path().to_owned(), Some("Basic b2F1dGgyOnMzY3JldA=="));
    let urls = [address(&server)];
    let none = Credentials::default();
    let error = git_fetch(&request(&urls, Some("v1.0"), None, &repo.cache(), &none)).unwrap_err().to_string();
    assert!(error.contains("401") && error.contains("credential"), "{error}");

    fs::write(repo.dest("token"), "s3cret\n").unwrap();
    let host = format!("127.0.0.1:{}", server.url.port().unwrap());
    let token = Credentials { tokens: vec![(host, repo.dest("token"))], ..none.clone() };
    let cache = repo.dest("cache-token");
    assert_eq!(git_fetch(&request(&urls, Some("v1.0"), None, &cache, &token)).unwrap(), second);

    let helper = "[credential]\n\thelper = \"!f() { echo username=oauth2; echo password=s3cret; }; f\"\n";
    fs::write(repo.dest("gitconfig"), helper).unwrap();
    let helped = Credentials { git_config: vec![repo.dest("gitconfig")], ..none.clone() };
    let cache = repo.dest("cache-helper");
    assert_eq!(git_fetch(&request(&urls, Some("v1.0"), None, &cache, &helped)).unwrap(), second);

    let mut with_user = server.at("work/.git");
    with_user.set_username("oauth2").unwrap();
    with_user.set_password(Some("s3cret")).unwrap();
    let urls = [with_user.to_string()];
    let error = git_fetch(&request(&urls, Some("nope"), None, &repo.cache(), &none)).unwrap_err().to_string();
    assert!(error.contains("no tag or branch `nope`") && !error.contains("s3cret"), "{error}");
}

#[test]
fn a_checkout_is_what_git_leaves() {
    let repo = Repo::new();
    repo.write(
        ".gitattributes",
        b"*.crlf eol=crlf\n*.id ident\n*.bin -text\nauto text=auto eol=crlf\n[attr]win text eol=crlf\nsub/w win\n",
    );
    repo.write("a.crlf", b"one\ntwo\n");
    repo.write("!first.crlf", b"one\ntwo\n");
    repo.write("auto", b"x\ny\n");
    repo.write("b.id", b"$Id$\n");
    repo.write("c.bin", b"a\r\nb\n");
    repo.write("sub/.gitattributes", b"*.crlf -eol -text\n");
    repo.write("sub/a.crlf", b"one\n");
    repo.write("sub/w", b"one\n");
    repo.write("run.sh", b"#!/bin/sh\n");
    fs::set_permissions(repo.path().join("run.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("sub/none", repo.path().join("link")).unwrap();
    let odd: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"odd-\xff\xfe");
    fs::write(repo.path().join(odd), "x").unwrap();
    let commit = repo.commit();
    let clone = repo.dest("clone");
    git(repo.dir.path(), &["clone", "-q", "--", repo.path().to_str().unwrap(), clone.to_str().unwrap()]);
    fs::remove_dir_all(clone.join(".git")).unwrap();
    let url = repo.path().display().to_string();
    repo.fetch(std::slice::from_ref(&url), None, Some(&commit)).unwrap();
    git_checkout(&repo.cached(&url), &commit, &repo.dest("out")).unwrap();
    assert_eq!(fs::read(repo.dest("out/a.crlf")).unwrap(), b"one\r\ntwo\r\n");
    assert_eq!(fs::read(repo.dest("out/!first.crlf")).unwrap(), b"one\r\ntwo\r\n");
    assert_eq!(hash_path(&repo.dest("out")).unwrap(), hash_path(&clone).unwrap());
    let again = git_checkout(&repo.cached(&url), &commit, &repo.dest("out")).unwrap_err().to_string();
    assert!(again.ends_with("out: is not empty; a checkout needs a fresh folder"), "{again}");
}

fn refused(repo: &Repo) -> String {
    let commit = repo.commit();
    let url = repo.path().display().to_string();
    repo.fetch(std::slice::from_ref(&url), None, Some(&commit)).unwrap();
    let error = git_checkout(&repo.cached(&url), &commit, &repo.dest("out")).unwrap_err();
    assert_eq!(fs::read_dir(repo.dest("out")).unwrap().count(), 0, "nothing was written");
    error.to_string().replace(&commit, "COMMIT")
}

#[test]
fn what_a_checkout_would_get_wrong_is_refused() {
    let lfs = Repo::new();
    lfs.write(".gitattributes", b"*.png -text\n*.big filter=lfs diff=lfs -text\n*.small -filter\n");
    lfs.write("x.small", b"1");
    lfs.write("sub/x.big", b"version https://git-lfs\n");
    insta::assert_snapshot!(refused(&lfs), @"commit COMMIT: `sub/x.big` has a `filter` attribute (Git LFS or similar): the repository holds a stand-in and not the file; use an archive of the release, or a mirror without the filter");
    let encoded = Repo::new();
    encoded.write("sub/.gitattributes", b"*.txt working-tree-encoding=UTF-8\n");
    encoded.write("sub/x.txt", b"x");
    insta::assert_snapshot!(refused(&encoded), @"commit COMMIT: `sub/x.txt` has a `working-tree-encoding` attribute, which is not supported; use an archive of the release");
    let (inner, ..) = tagged();
    let outer = Repo::new();
    outer.git(&["submodule", "--quiet", "add", inner.path().to_str().unwrap(), "vendor/inner"]);
    insta::assert_snapshot!(refused(&outer), @"commit COMMIT: `vendor/inner` is a submodule, whose files are in another repository; pin that repository as a source of its own");
}

#[test]
fn an_export_is_the_same_every_time_and_git_can_clone_it() {
    let (repo, _, second) = tagged();
    let url = repo.path().display().to_string();
    repo.fetch(std::slice::from_ref(&url), None, Some(&second)).unwrap();
    for name in ["one.git", "two.git"] {
        git_export(&repo.cached(&url), &second, &repo.dest(name)).unwrap();
    }
    assert_eq!(hash_path(&repo.dest("one.git")).unwrap(), hash_path(&repo.dest("two.git")).unwrap());
    let from = format!("file://{}", repo.dest("one.git").display());
    assert_eq!(fetched(&repo, &["--depth", "1", &from, &second]), b"2");
    git(repo.dir.path(), &["clone", "-q", repo.dest("one.git").to_str().unwrap(), "cloned"]);
    assert_eq!(git(&repo.dest("cloned"), &["rev-parse", "main"]), second);
    git(&repo.dest("one.git"), &["fsck", "--strict"]);
}

/// What `dir/b` holds after a `git fetch` into a fresh repository.
fn fetched(repo: &Repo, args: &[&str]) -> Vec<u8> {
    let into = repo.dest("into");
    fs::create_dir(&into).unwrap();
    git(&into, &["init", "-q"]);
    git(&into, &[&["fetch", "-q"], args].concat());
    git(&into, &["checkout", "-q", "FETCH_HEAD"]);
    fs::read(into.join("dir/b")).unwrap()
}

#[test]
fn with_its_history_an_export_can_be_fetched_from_plainly() {
    let (repo, first, second) = tagged();
    let server = backend(repo.dir.path().to_owned(), None);
    for (number, url) in [address(&server), repo.path().display().to_string()].into_iter().enumerate() {
        let (cache, none) = (repo.dest(&format!("cache-{number}")), Credentials::default());
        let urls = [url.clone()];
        git_fetch(&request(&urls, Some("v1.0"), Some(&second), &cache, &none)).unwrap();
        assert_eq!(count(&git_repository(&cache, &url), &second), 1);
        git_fetch_history(&request(&urls, Some("v1.0"), Some(&second), &cache, &none)).unwrap();
        assert_eq!(count(&git_repository(&cache, &url), &first), 2);
        git_export(&git_repository(&cache, &url), &second, &repo.dest(&format!("{number}.git"))).unwrap();
    }
    assert_eq!(hash_path(&repo.dest("0.git")).unwrap(), hash_path(&repo.dest("1.git")).unwrap());
    let from = format!("file://{}", repo.dest("0.git").display());
    assert_eq!(fetched(&repo, &[&from, &second]), b"2");
}

#[test]
fn a_commit_is_carried_in_one_file() {
    let (repo, first, second) = tagged();
    let url = repo.path().display().to_string();
    let (cached, carried) = (repo.cached(&url), repo.dest("carried.git"));
    let packed = |commit: &str| {
        let mut pack = Vec::new();
        akbuild_fetch::git_pack(&cached, commit, &mut pack).map(|()| pack)
    };
    repo.fetch(std::slice::from_ref(&url), None, Some(&second)).unwrap();
    let error = packed(&second).unwrap_err().to_string();
    assert!(error.contains(&format!("the history of commit {second} is not in it")), "{error}");
    let none = Credentials::default();
    git_fetch_history(&request(std::slice::from_ref(&url), None, Some(&second), &repo.cache(), &none)).unwrap();
    let pack = packed(&second).unwrap();
    assert_eq!(pack, packed(&second).unwrap());

    let unpack = |pack: &[u8], commit: &str| akbuild_fetch::git_unpack(&carried, commit, &mut &pack[..]);
    for end in [0, 20, pack.len() - 1] {
        assert!(unpack(&pack[..end], &second).is_err(), "cut off after {end} bytes");
    }
    let mut wrong = pack.clone();
    *wrong.last_mut().unwrap() ^= 1;
    assert!(unpack(&wrong, &second).is_err());
    unpack(&pack, &second).unwrap();
    git_checkout(&carried, &first, &repo.dest("out")).unwrap();
    git_checkout(&carried, &second, &repo.dest("out2")).unwrap();
    assert!(unpack(&packed(&first).unwrap(), "1234567890123456789012345678901234567890").is_err());
    assert_eq!(fs::read_dir(carried.join("objects/pack")).unwrap().count() % 2, 0, "nothing is half there");
}

#[test]
fn a_pack_has_a_largest_size() {
    let repo = Repo::new();
    // Numbers, which do not compress to much less than a fifth.
    let text: String = (0..100_000u64).map(|n| format!("{:x}\n", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
    repo.write("big", text.as_bytes());
    repo.commit();
    let server = backend(repo.dir.path().to_owned(), None);
    let limits = TransferLimits { max_bytes: 50_000, ..CONFIG.limits };
    let (config, credentials) = (ClientConfig { limits, ..CONFIG.clone() }, Credentials::default());
    for url in [server.at("work/.git").to_string(), repo.path().display().to_string()] {
        let (urls, cache) = ([url], repo.cache());
        let request = GitRequest { config: &config, ..request(&urls, Some("main"), None, &cache, &credentials) };
        let shown = git_fetch(&request).unwrap_err().to_string();
        assert!(shown.contains("than 50000 bytes, which is the limit"), "{shown}");
    }
}

#[test]
fn the_name_in_the_cache_stays() {
    // Caches of users have repositories of these names.
    let name = |url: &str| git_repository(Path::new(""), url).display().to_string();
    let names = [
        "https://me:secret@forge.example/a/b.git?x",
        "https://forge.example/a/b.git",
        "git@forge.example:a/b",
        "/srv/a",
    ];
    insta::assert_snapshot!(names.map(name).join("\n"), @"
    bgitx-005f3361ec876eeb.git
    bgit-005f3361ec876eeb.git
    b-4c77d853c22e3d6e.git
    a-b068a6cef8334eeb.git
    ");
}
