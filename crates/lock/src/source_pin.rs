//! Pins of sources: the commit or archive that a recipe asks for, and the hash of its tree. How a source is fetched is the
//! engine's, as for a build.

use akbuild_nar::{Algo, Digest};
use akbuild_recipe::plan::SourceId;
use akbuild_recipe::{GitRef, Lock, LockedOrigin, LockedSource, RecipeErrors, SourceRequest, Want};

use crate::{LockError, LockHost, LockInput};

/// Fetches a source as it is now.
pub(crate) fn pin<H: LockHost>(
    host: &H,
    input: &LockInput<'_>,
    id: &SourceId,
    request: &SourceRequest,
) -> Result<LockedSource, H::Error> {
    let context = host.context(input.bare_plan(&Lock::default()))?;
    let wrong = |field: &str, found: &str| {
        let urls: Vec<String> = request.urls.iter().map(|address| akbuild_fetch::redact_text(&address.url)).collect();
        let error = akbuild_recipe::wrong_pin(input.written, input.overlay, id, field, found, &urls.join(", "));
        LockError::from(RecipeErrors::from(error))
    };
    let url = request.url.clone();
    let (origin, hash) = match &request.want {
        Want::Git { reference, commit } => {
            let full = if request.by_commit { None } else { full_name(reference) };
            let urls: Vec<String> = request.urls.iter().map(|address| address.url.clone()).collect();
            let found = akbuild_engine::pin_commit(&context, id, &urls, full.as_deref(), commit.as_deref());
            let (commit, hash) = found.map_err(LockError::from)?;
            (LockedOrigin::Git { url, reference: reference.clone(), commit }, hash)
        }
        Want::Tarball { digest: pinned } => {
            let check = |found: Digest| match pinned {
                Some(pinned) if *pinned != found && pinned.algo() == Algo::Sha256 => {
                    Err(wrong("digest", &found.to_string()))
                }
                _ => Ok(()),
            };
            let (digest, hash) = akbuild_engine::pin_archive(&context, id, &request.urls, check)?;
            (LockedOrigin::Tarball { url, digest: pinned.unwrap_or(digest) }, hash)
        }
        Want::Path { .. } => return Err(LockError::LocalFolder(id.clone()).into()),
    };
    match request.hash {
        Some(expected) if expected != hash => Err(wrong("hash", &hash.to_string()).into()),
        _ => Ok(LockedSource { origin, hash }),
    }
}

/// The full name of a tag or branch: a tag is not a branch of the same name, nor the reverse. A revision has none.
fn full_name(reference: &GitRef) -> Option<String> {
    match reference {
        GitRef::Tag(name) | GitRef::Branch(name) if name.starts_with("refs/") => Some(name.clone()),
        GitRef::Tag(name) => Some(format!("refs/tags/{name}")),
        GitRef::Branch(name) => Some(format!("refs/heads/{name}")),
        GitRef::Rev(_) => None,
    }
}
