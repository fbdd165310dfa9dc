//! Gets one commit into the cache. Knows which reference or commit is wanted and from where, in
//! which order addresses are tried, and when to try again.

use std::path::Path;

use git2::{ErrorCode, Repository};
use url::Url;

use super::Credentials;
use super::http::GitHttp;
use super::near::{kind_and_name, missing};
use super::repository::{
    PackEnd, add_pack, failed, find_commit, full_id, git_repository, has_history, open, open_or_make, pack_of,
};
use super::smart::{Advert, Remote};
use super::trouble::Trouble;
use crate::auth::host;
use crate::redact::redact_text;
use crate::{ClientConfig, FetchError, WaitNotice};

/// What to fetch.
pub struct GitRequest<'a> {
    /// Addresses of the repository and its mirrors, tried in turn: http, https, file, or a path.
    pub urls: &'a [String],
    /// Tag or branch; `refs/...` as it is. Without it, and without a commit, the default branch.
    pub reference: Option<&'a str>,
    /// The commit, 40 hex digits, if it is known already.
    pub commit: Option<&'a str>,
    /// The folder with the bare repositories.
    pub cache: &'a Path,
    /// Users and passwords.
    pub credentials: &'a Credentials,
    /// How requests are made, repeated, limited and cancelled, and whether only the cache may be asked.
    pub config: &'a ClientConfig,
    /// Called with the number of bytes of each piece that arrives.
    pub progress: &'a (dyn Fn(u64) + Send + Sync),
}

impl GitRequest<'_> {
    fn what(&self) -> String {
        let named = |name| match kind_and_name(name) {
            ("tag or branch", name) => format!("`{name}`"),
            (kind, name) => format!("{kind} `{name}`"),
        };
        match (self.reference, self.commit) {
            (Some(name), Some(commit)) => format!("{} (commit {commit})", named(name)),
            (Some(name), None) => named(name),
            (None, Some(commit)) => format!("commit {commit}"),
            (None, None) => "the default branch".to_owned(),
        }
    }
}

/// Fetches into the cache and returns the commit. Does nothing if the pinned commit is there. The
/// repository is at [`git_repository`] of the cache and the first address.
pub fn git_fetch(request: &GitRequest<'_>) -> Result<String, FetchError> {
    get(&Job { request, history: false })
}

/// The same with the commit's whole history, which an export must have to be fetched from plainly
/// ([`crate::git_export`]).
pub fn git_fetch_history(request: &GitRequest<'_>) -> Result<String, FetchError> {
    get(&Job { request, history: true })
}

/// A request, and how much of the repository it wants.
struct Job<'a> {
    request: &'a GitRequest<'a>,
    history: bool,
}

fn get(job: &Job<'_>) -> Result<String, FetchError> {
    let first = job.request.urls.first().ok_or(FetchError::NoMirror)?;
    let path = git_repository(job.request.cache, first);
    let repo = open_or_make(&path)?;
    if let Some(commit) = job.request.commit
        && is_there(&repo, commit, job)?
    {
        return Ok(commit.to_owned());
    }
    if job.request.config.offline {
        return Err(FetchError::Offline { what: format!("{} of {}", job.request.what(), redact_text(first)) });
    }
    let mut tried = Vec::new();
    for url in job.request.urls {
        match fetch_from(&repo, url, job)? {
            Ok(commit) => return Ok(commit),
            Err(_) if job.request.config.cancel.is_thrown() => return Err(FetchError::Cancelled),
            Err(reason) => tried.push((redact_text(url), reason)),
        }
    }
    let next = "check the addresses and the name, or add a mirror of the repository to akbuild.local.toml".to_owned();
    Err(FetchError::Git { what: job.request.what(), tried, next })
}

/// Whether the cache has what is asked for.
fn is_there(repo: &Repository, commit: &str, job: &Job<'_>) -> Result<bool, FetchError> {
    match find_commit(repo, commit)? {
        None => Ok(false),
        Some(_) if !job.history => Ok(true),
        Some(found) => has_history(repo, found.id()).map_err(failed("read", repo.path())),
    }
}

/// One address. The outer error ends the search; the inner one lets the next address try.
fn fetch_from(repo: &Repository, url: &str, job: &Job<'_>) -> Result<Result<String, String>, FetchError> {
    let parsed = Url::parse(url).ok().filter(|_| url.contains("://"));
    match parsed {
        Some(parsed) if matches!(parsed.scheme(), "http" | "https") => over_http(repo, &parsed, job),
        Some(parsed) if parsed.scheme() == "file" => match parsed.to_file_path() {
            Ok(path) => from_folder(repo, &path, job),
            Err(()) => Ok(Err("not a path of this machine".to_owned())),
        },
        None if Path::new(url).is_absolute() => from_folder(repo, Path::new(url), job),
        _ => Ok(Err("only http, https, file and absolute paths are supported; give the https address of the \
                     repository, or a local mirror (`git clone --mirror`)"
            .to_owned())),
    }
}

fn over_http(repo: &Repository, url: &Url, job: &Job<'_>) -> Result<Result<String, String>, FetchError> {
    let config = job.request.config;
    let http = GitHttp::new(config)?;
    let mut attempt = 0;
    loop {
        let trouble = match http_once(repo, &http, url, job)? {
            Ok(commit) => return Ok(Ok(commit)),
            Err(trouble) => trouble,
        };
        attempt += 1;
        let wait = config.retry.wait(attempt, trouble.asked).filter(|_| trouble.may_pass);
        let Some(wait) = wait else { return Ok(Err(trouble.reason)) };
        tracing::debug!(url = %crate::redact(url), attempt, reason = trouble.reason, "trying git again");
        config.waits.tell(&WaitNotice { host: host(url), wait, reason: trouble.reason.clone(), attempt });
        if http.wait(async move { tokio::time::sleep(wait).await }).is_none() {
            return Err(FetchError::Cancelled);
        }
    }
}

fn http_once(
    repo: &Repository,
    http: &GitHttp,
    url: &Url,
    job: &Job<'_>,
) -> Result<Result<String, Trouble>, FetchError> {
    let (remote, advert) = match Remote::open(http, url, job.request.credentials) {
        Ok(both) => both,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let target = match choose(&advert, url, job)? {
        Ok(target) => target,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let by_id = ["allow-tip-sha1-in-want", "allow-reachable-sha1-in-want"].iter().any(|c| advert.offers(c));
    let advertised = advert.refs.iter().any(|(_, id)| *id == target.want);
    if by_id || advertised {
        let got = receive(repo, &remote, &[&target.want], !job.history, &advert, job);
        match got.map(|()| is_there(repo, &target.commit, job)) {
            Ok(Ok(true)) => return Ok(Ok(target.commit)),
            Ok(Err(error)) => return Err(error),
            Err(trouble) if trouble.may_pass => return Ok(Err(trouble)),
            // Some servers refuse a shallow answer or a bare commit: ask for everything instead.
            Ok(Ok(false)) | Err(_) => {}
        }
    }
    let everything: Vec<&str> = advert
        .refs
        .iter()
        .filter(|(n, _)| !n.ends_with("^{}") && (n.starts_with("refs/heads/") || n.starts_with("refs/tags/")))
        .map(|(_, id)| id.as_str())
        .collect();
    if everything.is_empty() {
        return Ok(Err(Trouble::firm("the repository has no branches and no tags")));
    }
    if let Err(trouble) = receive(repo, &remote, &everything, false, &advert, job) {
        return Ok(Err(trouble));
    }
    Ok(match is_there(repo, &target.commit, job)? {
        true => Ok(target.commit),
        false => Err(Trouble::firm(format!("commit {} is on none of its branches and tags", target.commit))),
    })
}

fn receive(
    repo: &Repository,
    remote: &Remote<'_>,
    wants: &[&str],
    shallow: bool,
    advert: &Advert,
    job: &Job<'_>,
) -> Result<(), Trouble> {
    let mut pack = remote.pack(wants, shallow, advert)?;
    add_pack(repo, &mut pack, &|n| (job.request.progress)(n)).map_err(|e| Trouble {
        may_pass: e.kind() != std::io::ErrorKind::InvalidData,
        reason: format!("the pack did not arrive whole: {e}"),
        asked: None,
    })
}

/// What to ask a server for, and the commit that this gives.
struct Target {
    want: String,
    commit: String,
}

fn choose(advert: &Advert, url: &Url, job: &Job<'_>) -> Result<Result<Target, Trouble>, FetchError> {
    let Some(name) = job.request.reference else {
        let commit = job.request.commit.or_else(|| advert.find("HEAD")).map(str::to_owned);
        let empty = || Trouble::firm("the repository has no default branch");
        return Ok(commit.map(|c| Target { want: c.clone(), commit: c }).ok_or_else(empty));
    };
    let Some((full, want)) = candidates(name).into_iter().find_map(|n| Some((n.clone(), advert.find(&n)?))) else {
        return Ok(Err(Trouble::firm(missing(name, advert.refs.iter().map(|(n, id)| (n.as_str(), id.as_str()))))));
    };
    let found = advert.find(&format!("{full}^{{}}")).unwrap_or(want);
    match job.request.commit {
        Some(commit) if commit != found && full.starts_with("refs/tags/") => {
            Err(moved(name, &crate::redact(url), commit, found))
        }
        Some(commit) if commit != found => Ok(Ok(Target { want: commit.to_owned(), commit: commit.to_owned() })),
        _ => Ok(Ok(Target { want: want.to_owned(), commit: found.to_owned() })),
    }
}

fn candidates(name: &str) -> Vec<String> {
    match name.starts_with("refs/") {
        true => vec![name.to_owned()],
        false => vec![format!("refs/tags/{name}"), format!("refs/heads/{name}")],
    }
}

fn moved(name: &str, url: &str, expected: &str, found: &str) -> FetchError {
    FetchError::TagMoved {
        reference: kind_and_name(name).1.to_owned(),
        url: url.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

/// From a repository on this machine: only the commit and its files are copied.
fn from_folder(repo: &Repository, path: &Path, job: &Job<'_>) -> Result<Result<String, String>, FetchError> {
    let from = match open(path) {
        Ok(from) => from,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let commit = match local_commit(&from, path, job)? {
        Ok(commit) => commit,
        Err(reason) => return Ok(Err(reason)),
    };
    let oid = match find_commit(&from, &commit)? {
        Some(found) => found.id(),
        None => return Ok(Err(format!("commit {commit} is not in it"))),
    };
    let config = job.request.config;
    let limit = config.limits.max_bytes;
    let pack = match pack_of(&from, oid, job.history, limit, &config.cancel) {
        Ok(PackEnd::Whole(pack)) => pack,
        Ok(PackEnd::TooLong) => return Ok(Err(format!("it is larger than {limit} bytes, which is the limit"))),
        Ok(PackEnd::Cancelled) => return Err(FetchError::Cancelled),
        Err(error) => return Ok(Err(error.message().to_owned())),
    };
    let copied = add_pack(repo, &mut pack.as_slice(), &|n| (job.request.progress)(n)).map_err(|e| e.to_string());
    Ok(copied.map(|()| commit))
}

fn local_commit(from: &Repository, path: &Path, job: &Job<'_>) -> Result<Result<String, String>, FetchError> {
    let names = match (job.request.reference, job.request.commit) {
        (Some(name), _) => candidates(name),
        (None, Some(commit)) => return Ok(Ok(commit.to_owned())),
        (None, None) => vec!["HEAD".to_owned()],
    };
    for full in &names {
        let found = match from.find_reference(full).and_then(|r| r.peel_to_commit()) {
            Ok(commit) => commit.id().to_string(),
            Err(e) if e.code() == ErrorCode::NotFound => continue,
            Err(e) => return Ok(Err(e.message().to_owned())),
        };
        return match job.request.commit {
            Some(commit) if commit != found && full.starts_with("refs/tags/") => {
                Err(moved(job.request.reference.unwrap_or(full), &path.display().to_string(), commit, &found))
            }
            Some(commit) => Ok(Ok(full_id(commit).map_or(found, |_| commit.to_owned()))),
            None => Ok(Ok(found)),
        };
    }
    let all = from.references().map_err(failed("read", path))?;
    let named = |r: git2::Reference<'_>| Some((r.name().ok()?.to_owned(), r.peel_to_commit().ok()?.id().to_string()));
    let all: Vec<(String, String)> = all.flatten().filter_map(named).collect();
    let wanted = job.request.reference.unwrap_or("HEAD");
    Ok(Err(missing(wanted, all.iter().map(|(name, commit)| (name.as_str(), commit.as_str())))))
}
