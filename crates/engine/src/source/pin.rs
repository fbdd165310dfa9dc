//! Sources that are not pinned yet: fetched as they are now, and published under the hash of their tree. Must not depend on
//! how a pin is written.

use akbuild_fetch::{FetchError, StripTop};
use akbuild_nar::{Digest, TreeHash};
use akbuild_recipe::plan::{SourceAddress, SourceId};
use akbuild_store::{Publish, Scratch};

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::registries;
use crate::source::{fetch_commit, source_addresses};

/// Fetches the commit that a full reference, a commit's name or both mean; gives its name and the hash of its tree.
///
/// # Errors
/// No address has it, the reference is another commit, or the tree cannot be published.
pub fn pin_commit(
    context: &EngineContext,
    id: &SourceId,
    urls: &[String],
    reference: Option<&str>,
    commit: Option<&str>,
) -> Result<(String, TreeHash), EngineError> {
    let scratch = scratch(context, id)?;
    let repository = akbuild_fetch::git_repository(&context.git_cache(), &urls[0]);
    context.store.use_repository(&repository)?;
    let commit = fetch_commit(context, None, urls, (reference, commit), akbuild_fetch::git_fetch)?;
    akbuild_fetch::git_checkout(&repository, &commit, &scratch.path().join("tree"))?;
    Ok((commit, publish(context, &scratch)?))
}

/// Downloads an archive; gives its SHA-256 and the hash of its tree. `check` sees the digest before anything is unpacked.
///
/// # Errors
/// No address has it, `check` refuses it, or it cannot be unpacked or published.
pub fn pin_archive<E: From<EngineError>>(
    context: &EngineContext,
    id: &SourceId,
    urls: &[SourceAddress],
    check: impl FnOnce(Digest) -> Result<(), E>,
) -> Result<(Digest, TreeHash), E> {
    let scratch = scratch(context, id)?;
    let file = scratch.path().join("archive");
    let fetch = || -> Result<Digest, EngineError> {
        let addresses = source_addresses(urls).map_err(FetchError::from)?;
        let (_, client) = registries::network(context)?;
        Ok(context.runtime.block_on(client.fetch_unpinned(&addresses, &file))?.digest)
    };
    let digest = fetch()?;
    check(digest)?;
    akbuild_fetch::unpack_archive(&file, &scratch.path().join("tree"), StripTop::IfSingle)
        .map_err(EngineError::from)?;
    Ok((digest, publish(context, &scratch)?))
}

fn scratch(context: &EngineContext, id: &SourceId) -> Result<Scratch, EngineError> {
    Ok(context.store.scratch(&format!("lock-{id}"))?)
}

fn publish(context: &EngineContext, scratch: &Scratch) -> Result<TreeHash, EngineError> {
    let options = Publish { listing: true, ..Publish::default() };
    Ok(context.store.publish(&scratch.path().join("tree"), &options)?.hash)
}
