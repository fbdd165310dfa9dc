//! What the fake registry keeps and answers: the endpoints of the specification, in their plainest form.

use std::collections::BTreeMap;

use akbuild_nar::Digest;

use super::{Guard, Reply, Request};

#[derive(Default)]
pub(crate) struct Registry {
    pub(crate) repos: BTreeMap<String, Repo>,
    pub(crate) guard: Guard,
    /// Mounts, if another repository is named.
    pub(crate) mounts: bool,
    /// Finds blobs of all repositories by itself.
    pub(crate) finds: bool,
    /// Keeps lists of referrers.
    pub(crate) referrers: bool,
    /// Tags cannot be changed.
    pub(crate) immutable: bool,
    /// The smallest chunk.
    pub(crate) minimum: Option<usize>,
    /// Knows no chunks.
    pub(crate) no_chunks: bool,
    /// Gives and checks conditions on tags.
    pub(crate) conditions: bool,
    /// The address of an upload is the same for all of its states.
    pub(crate) stateless: bool,
    /// Reads the tag `sha256-HEX` as the digest that it is made of.
    pub(crate) aliases: bool,
    /// Where uploads go, if not here.
    pub(crate) uploads_at: Option<String>,
    pub(crate) count: usize,
}

#[derive(Default)]
pub(crate) struct Repo {
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    /// Media type and bytes.
    pub(crate) manifests: BTreeMap<String, (String, Vec<u8>)>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) uploads: BTreeMap<String, Vec<u8>>,
}

impl Repo {
    pub(crate) fn put(&mut self, tag: &str, media_type: &str, bytes: &[u8]) -> String {
        let digest = Digest::sha256(bytes).oci();
        self.manifests.insert(digest.clone(), (media_type.to_owned(), bytes.to_vec()));
        self.tags.insert(tag.to_owned(), digest.clone());
        digest
    }
}

/// `POST`, `app`, `blobs/uploads/1`.
fn split(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix("/v2/")?;
    let at = ["/blobs/", "/manifests/"].iter().filter_map(|p| path.find(p)).min()?;
    Some((&path[..at], &path[at + 1..]))
}

impl Registry {
    pub(crate) fn repo(&mut self, name: &str) -> &mut Repo {
        self.repos.entry(name.to_owned()).or_default()
    }

    /// The bytes of a request that came before the connection broke.
    pub(super) fn part(&mut self, request: &Request) {
        let Some((name, what)) = split(&request.path) else { return };
        if let Some(id) = what.strip_prefix("blobs/uploads/")
            && let Some(upload) = self.repo(name).uploads.get_mut(id)
        {
            upload.extend_from_slice(&request.body);
        }
    }

    pub(super) fn answer(&mut self, request: &Request, host: &str) -> Reply {
        if let Some(refusal) = self.guard.check(request, host) {
            return refusal;
        }
        let Some((name, what)) = split(&request.path) else { return Reply::status(200) };
        let (name, method) = (name.to_owned(), request.method.as_str());
        let sends = !matches!(method, "GET" | "HEAD");
        assert!(!sends || request.header("content-length").is_some(), "{}: of what length?", request.line());
        if let Some(which) = what.strip_prefix("manifests/") {
            let aliased = if self.aliases { which.replace("sha256-", "sha256:") } else { which.to_owned() };
            let which = aliased.as_str();
            return match method {
                "PUT" => self.put_manifest(request, &name, which),
                _ => self.get_manifest(&name, which),
            };
        }
        match (method, what.strip_prefix("blobs/uploads/")) {
            ("POST", Some("")) => self.open(request, &name),
            (_, Some(id)) => self.upload(request, &name, id),
            (_, None) => self.get_blob(request, &name, what.trim_start_matches("blobs/")),
        }
    }

    fn get_blob(&mut self, request: &Request, name: &str, digest: &str) -> Reply {
        let Some(bytes) = self.repo(name).blobs.get(digest) else {
            return Reply::error(404, "BLOB_UNKNOWN", "blob unknown to registry");
        };
        if request.header("range") == Some("bytes=0-0") && !bytes.is_empty() {
            let range = format!("bytes 0-0/{}", bytes.len());
            let reply = Reply { status: 206, headers: Vec::new(), body: bytes[..1].to_vec() };
            return reply.with("Content-Range", &range);
        }
        let from = request.header("range").and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        let reply = Reply { status: 200, headers: Vec::new(), body: bytes.clone() };
        match from {
            None => reply,
            Some(from) if from < bytes.len() => {
                let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
                Reply { status: 206, body: bytes[from..].to_vec(), ..reply }.with("Content-Range", &range)
            }
            Some(_) => Reply::status(416),
        }
    }

    fn open(&mut self, request: &Request, name: &str) -> Reply {
        if let Some(digest) = request.get("mount") {
            let from = request.get("from");
            let allowed = match (&self.guard, from) {
                (Guard::Tokens(tokens), Some(from)) => tokens.may_mount(request, from),
                _ => true,
            };
            let has = |(n, r): &(&String, &Repo)| {
                let named = from.map_or(self.finds, |f| f == n.as_str() && self.mounts);
                named && allowed && r.blobs.contains_key(digest)
            };
            if let Some(bytes) = self.repos.iter().find(has).map(|(_, r)| r.blobs[digest].clone()) {
                self.repo(name).blobs.insert(digest.to_owned(), bytes);
                return Reply::status(201).with("Location", &format!("/v2/{name}/blobs/{digest}"));
            }
        }
        self.count += 1;
        let id = self.count.to_string();
        self.repo(name).uploads.insert(id.clone(), Vec::new());
        let reply = Reply::status(202).with("Location", &self.location(name, &id, 0));
        match self.minimum {
            Some(minimum) => reply.with("OCI-Chunk-Min-Length", &minimum.to_string()),
            None => reply,
        }
    }

    /// Where an upload goes on: at another address for each state, as with many registries.
    fn location(&self, name: &str, id: &str, bytes: usize) -> String {
        let base = self.uploads_at.as_deref().unwrap_or_default();
        format!("{base}/v2/{name}/blobs/uploads/{id}?_state={bytes}==")
    }

    fn upload(&mut self, request: &Request, name: &str, id: &str) -> Reply {
        let (no_chunks, minimum, stateless) = (self.no_chunks, self.minimum.unwrap_or(0), self.stateless);
        let base = self.uploads_at.clone();
        let locate = |bytes: usize| Self { uploads_at: base.clone(), ..Self::default() }.location(name, id, bytes);
        let repo = self.repo(name);
        let Some(bytes) = repo.uploads.get_mut(id) else {
            return Reply::error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
        };
        let range = |bytes: &[u8]| format!("0-{}", bytes.len().saturating_sub(1));
        let state = request.get("_state");
        let known = stateless || state.is_none() || state == Some(&*format!("{}==", bytes.len()));
        let unknown = || Reply::error(404, "BLOB_UPLOAD_INVALID", "blob upload invalid");
        match request.method.as_str() {
            "GET" => Reply::status(204).with("Location", &locate(bytes.len())).with("Range", &range(bytes)),
            "DELETE" => {
                repo.uploads.remove(id);
                Reply::status(204)
            }
            "PATCH" if no_chunks => Reply::error(405, "UNSUPPORTED", "the operation is unsupported"),
            "PATCH" => {
                let from = request.header("content-range").and_then(|r| r.split_once('-')?.0.parse().ok());
                if from != Some(bytes.len()) {
                    return Reply::status(416);
                }
                if !known {
                    return unknown();
                }
                assert!(request.body.len() >= minimum, "{} is less than {minimum}", request.body.len());
                bytes.extend_from_slice(&request.body);
                Reply::status(202).with("Location", &locate(bytes.len())).with("Range", &range(bytes))
            }
            _ if !known => unknown(),
            _ => {
                bytes.extend_from_slice(&request.body);
                let (bytes, digest) = (repo.uploads.remove(id).unwrap(), request.get("digest").unwrap().to_owned());
                if Digest::sha256(&bytes).oci() != digest {
                    return Reply::error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
                }
                repo.blobs.insert(digest.clone(), bytes);
                Reply::status(201).with("Docker-Content-Digest", &digest)
            }
        }
    }

    fn get_manifest(&mut self, name: &str, which: &str) -> Reply {
        let conditions = self.conditions;
        let repo = self.repo(name);
        let digest = repo.tags.get(which).map_or(which, String::as_str).to_owned();
        match repo.manifests.get(&digest) {
            None => Reply::error(404, "MANIFEST_UNKNOWN", "manifest unknown"),
            Some((media_type, bytes)) => {
                let reply = Reply { status: 200, headers: Vec::new(), body: bytes.clone() };
                let reply = reply.with("Content-Type", media_type).with("Docker-Content-Digest", &digest);
                if conditions { reply.with("ETag", &format!("\"{digest}\"")) } else { reply }
            }
        }
    }

    fn put_manifest(&mut self, request: &Request, name: &str, which: &str) -> Reply {
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        let digest = Digest::sha256(&request.body).oci();
        let media_type = request.header("content-type").unwrap_or_default().to_owned();
        let (immutable, referrers, conditions) = (self.immutable, self.referrers, self.conditions);
        if which.starts_with("sha256:") && which != digest {
            return Reply::error(400, "DIGEST_INVALID", "the digest is that of another manifest");
        }
        let repo = self.repo(name);
        let layers = body["layers"].as_array().into_iter().flatten();
        for part in layers.chain(body.get("config")).map(|d| d["digest"].as_str().unwrap()) {
            if !repo.blobs.contains_key(part) {
                return Reply::error(404, "MANIFEST_BLOB_UNKNOWN", part);
            }
        }
        let before = repo.tags.get(which).cloned();
        if immutable && before.as_ref().is_some_and(|b| *b != digest) {
            return Reply::error(409, "TAG_IMMUTABLE", "tags of this repository cannot be changed");
        }
        let condition = request.header("if-match").filter(|_| conditions);
        if condition.is_some_and(|c| c != format!("\"{}\"", before.clone().unwrap_or_default())) {
            return Reply::status(412);
        }
        repo.manifests.insert(digest.clone(), (media_type, request.body.clone()));
        if which != digest {
            repo.tags.insert(which.to_owned(), digest.clone());
        }
        let reply = Reply::status(201).with("Docker-Content-Digest", &digest);
        match body["subject"]["digest"].as_str().filter(|_| referrers) {
            Some(subject) => reply.with("OCI-Subject", subject),
            None => reply,
        }
    }
}
