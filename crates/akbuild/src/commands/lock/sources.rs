//! Sources: the commit or archive that a recipe asks for, and the hash of its tree.

use akbuild_engine::EngineError;
use akbuild_fetch::GitRequest;
use akbuild_nar::Algo;
use akbuild_recipe::plan::SourceId;
use akbuild_recipe::{GitRef, LockedOrigin, LockedSource, RecipeErrors, SourceRequest, Want};

use super::tools;
use crate::failure::{Failure, Outcome};
use crate::project::Project;
use crate::session::Session;

/// Fetches a source as it is now.
pub(super) fn pin(
    session: &Session,
    project: &Project,
    id: &SourceId,
    request: &SourceRequest,
) -> Outcome<LockedSource> {
    let scratch = session.store.scratch(&format!("lock-{id}"))?;
    let tree = scratch.path().join("tree");
    let wrong = |field: &str, found: &str| {
        let urls: Vec<String> = request.urls.iter().map(|address| akbuild_fetch::redact_text(&address.url)).collect();
        let error = akbuild_recipe::wrong_pin(&project.written, &project.overlay, id, field, found, &urls.join(", "));
        Failure::from(RecipeErrors::from(error))
    };
    let origin = match &request.want {
        Want::Git { reference, commit } => {
            let commit = commit_of(session, project, request, reference, commit.as_deref())?;
            let repository = akbuild_fetch::git_repository(&session.store.home().join("git-v1"), &request.urls[0].url);
            akbuild_fetch::git_checkout(&repository, &commit, &tree)?;
            LockedOrigin::Git { url: request.url.clone(), reference: reference.clone(), commit }
        }
        Want::Tarball { digest: pinned } => {
            let digest = tools::tarball(session, project, &request.urls, scratch.path())?;
            if pinned.is_some_and(|pinned| pinned != digest && pinned.algo() == Algo::Sha256) {
                return Err(wrong("digest", &digest.to_string()));
            }
            let file = scratch.path().join("archive");
            akbuild_fetch::unpack_archive(&file, &tree, akbuild_fetch::StripTop::IfSingle)
                .map_err(EngineError::from)?;
            LockedOrigin::Tarball { url: request.url.clone(), digest: pinned.unwrap_or(digest) }
        }
        Want::Path { .. } => return Err(Failure::Say(format!("source `{id}` is a local folder: it has no pin"))),
    };
    let options = akbuild_store::Publish { listing: true, ..Default::default() };
    let hash = session.store.publish(&tree, &options)?.hash;
    match request.hash {
        Some(expected) if expected != hash => Err(wrong("hash", &hash.to_string())),
        _ => Ok(LockedSource { origin, hash }),
    }
}

/// Fetches the commit that a reference means.
fn commit_of(
    session: &Session,
    project: &Project,
    request: &SourceRequest,
    reference: &GitRef,
    commit: Option<&str>,
) -> Outcome<String> {
    let cache = session.store.home().join("git-v1");
    // A tag is not a branch of the same name, nor the reverse.
    let full = match reference {
        _ if request.by_commit => None,
        GitRef::Tag(name) | GitRef::Branch(name) if name.starts_with("refs/") => Some(name.clone()),
        GitRef::Tag(name) => Some(format!("refs/tags/{name}")),
        GitRef::Branch(name) => Some(format!("refs/heads/{name}")),
        GitRef::Rev(_) => None,
    };
    let urls: Vec<String> = request.urls.iter().map(|address| address.url.clone()).collect();
    session.store.use_repository(&akbuild_fetch::git_repository(&cache, &urls[0]))?;
    Ok(akbuild_fetch::git_fetch(&GitRequest {
        urls: &urls,
        reference: full.as_deref(),
        commit,
        cache: &cache,
        credentials: &akbuild_fetch::Credentials::read(&session.machine)?,
        config: &session.client_config(project),
        progress: &|_| {},
    })?)
}
