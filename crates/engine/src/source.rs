//! The node of a source: fetched as it is outside, checked against its hash, then patched. Must not depend on how stages
//! see its files.

pub(crate) mod local;
pub(crate) mod local_folder;
mod patch;
pub(crate) mod pin;

use std::path::Path;

use akbuild_fetch::{
    ClientConfig, DownloadAddress, FetchError, GitRequest, Locations, Progress, RefusedAddress, StripTop, Wanted,
    redact_text,
};
use akbuild_nar::{Digest, TreeHash};
use akbuild_recipe::plan::{AddressAuthor, Origin, Source, SourceAddress, SourceId};
use akbuild_store::Publish;
use akbuild_tree::{EntryKind, TreeDir};

use crate::context::EngineContext;
use crate::download::download;
use crate::error::EngineError;
use crate::event::Event;
use crate::graph::NodeId;
use crate::room;

/// Fetches a source as it is outside, checks it and publishes it.
pub(crate) fn raw_source(context: &EngineContext, source: &Source) -> Result<TreeHash, EngineError> {
    if let Some(hash) = source.hash
        && context.backends.bring_tree(&hash)?
    {
        return Ok(hash);
    }
    let scratch = context.store.scratch(&format!("source-{}", source.id))?;
    let made = bring_source(context, source, &scratch.path().join("tree"));
    made.map_err(|error| room::no_room(context, Some(scratch.path()), error))
}

fn bring_source(context: &EngineContext, source: &Source, tree: &Path) -> Result<TreeHash, EngineError> {
    let from = match &source.origin {
        Origin::Git { urls, reference, commit } => {
            let node = NodeId::Source(source.id.clone());
            fetch_commit(context, Some(&node), urls, (reference.as_deref(), Some(commit)), akbuild_fetch::git_fetch)?;
            akbuild_fetch::git_checkout(&akbuild_fetch::git_repository(&context.git_cache(), &urls[0]), commit, tree)?;
            shown(urls.iter())
        }
        Origin::Tarball { urls, digest } => {
            let wanted = vec![archive(source, urls, *digest)?];
            context.runtime.block_on(download(context, &NodeId::Source(source.id.clone()), wanted))?;
            let file = context.store.blob_path(digest);
            akbuild_fetch::unpack_archive(&file, tree, StripTop::IfSingle)?;
            shown(urls.iter().map(|address| &address.url))
        }
        Origin::Path(path) => {
            let top = local_folder::open(source, path)?;
            let subset = source.subset.matcher().map_err(|error| EngineError::Glob(error.to_string()))?;
            let outside = |relative: &Path| {
                let kind = top.entry(relative).ok().flatten();
                let is_link = matches!(kind, Some(EntryKind::Link(_)));
                let name = relative.file_name().unwrap_or_default();
                let is_folder = kind.is_some_and(|kind| kind.is_folder());
                local_folder::is_left_out(name, is_link) || (!is_folder && !subset.matches(relative))
            };
            akbuild_fetch::copy_tree(top.top(), tree, &outside)?;
            path.display().to_string()
        }
    };
    let published = context.store.publish(tree, &Publish { listing: true, ..Publish::default() })?;
    match source.hash {
        Some(expected) if expected != published.hash => {
            let (id, found) = (source.id.to_string(), published.hash);
            Err(EngineError::SourceHash { id, expected, found, from })
        }
        _ => Ok(published.hash),
    }
}

/// Says that the repository of a source from git is in use, also where its tree is there already: a stage
/// can ask for the repository itself.
pub(crate) fn use_repository(context: &EngineContext, node: &NodeId) -> Result<(), EngineError> {
    if let NodeId::Source(id) = node
        && let Origin::Git { urls, .. } = &context.source(id)?.origin
    {
        context.store.use_repository(&akbuild_fetch::git_repository(&context.git_cache(), &urls[0]))?;
    }
    Ok(())
}

/// Fetches a commit by its reference, its name or both; gives its name. A node's progress is shown.
fn fetch_commit(
    context: &EngineContext,
    node: Option<&NodeId>,
    urls: &[String],
    (reference, commit): (Option<&str>, Option<&str>),
    fetch: fn(&GitRequest<'_>) -> Result<String, FetchError>,
) -> Result<String, EngineError> {
    if let Some(node) = node {
        context.phase(node, "fetch");
    }
    let progress = |bytes| {
        if let Some(node) = node {
            context.sink.event(Event::Download { node: node.clone(), progress: Progress::Bytes(bytes) });
        }
    };
    let config = ClientConfig {
        offline: context.options.offline,
        cancel: context.cancel.clone(),
        ..context.network.config().clone()
    };
    let request = GitRequest {
        urls,
        reference,
        commit,
        cache: &context.git_cache(),
        credentials: &context.credentials,
        config: &config,
        progress: &progress,
    };
    Ok(fetch(&request)?)
}

/// Writes a bare repository with the pinned commit of a source to `dest`. With its history: a plain
/// `git fetch` takes nothing from a shallow one.
pub(crate) fn export_git(context: &EngineContext, id: &SourceId, dest: &Path) -> Result<(), EngineError> {
    let source = context.source(id)?;
    let Origin::Git { urls, reference, commit } = &source.origin else {
        return Err(EngineError::NotGit { id: id.to_string() });
    };
    let (node, wanted) = (NodeId::Source(id.clone()), (reference.as_deref(), Some(commit.as_str())));
    fetch_commit(context, Some(&node), urls, wanted, akbuild_fetch::git_fetch_history)?;
    let repository = akbuild_fetch::git_repository(&context.git_cache(), &urls[0]);
    Ok(akbuild_fetch::git_export(&repository, commit, dest)?)
}

/// A source with its patches made.
pub(crate) fn patched_source(
    context: &EngineContext,
    source: &Source,
    raw: &TreeHash,
) -> Result<TreeHash, EngineError> {
    let scratch = context.store.scratch(&format!("source-{}", source.id))?;
    let tree = scratch.path().join("tree");
    context.store.link(&context.tree(raw), &tree)?;
    let files = TreeDir::open(&tree, format!("source `{}`", source.id))?;
    for patch in &source.patches {
        patch::apply(source, patch, &files)?;
    }
    Ok(context.store.publish(&tree, &Publish { listing: true, ..Publish::default() })?.hash)
}

/// Addresses for a message.
fn shown<'a>(urls: impl Iterator<Item = &'a String>) -> String {
    urls.map(|url| redact_text(url)).collect::<Vec<_>>().join(", ")
}

/// The addresses that may be downloaded from.
fn source_addresses(urls: &[SourceAddress]) -> Result<Vec<DownloadAddress>, RefusedAddress> {
    let address = |address: &SourceAddress| match address.author {
        AddressAuthor::Recipe => DownloadAddress::upstream(&address.url),
        AddressAuthor::Overlay => DownloadAddress::configured(&address.url),
    };
    urls.iter().map(address).collect()
}

/// The archive of a source.
pub(crate) fn archive(source: &Source, urls: &[SourceAddress], digest: Digest) -> Result<Wanted, EngineError> {
    Ok(Wanted {
        digest,
        name: format!("source {}", source.id),
        why: format!("source `{}` is pinned to it", source.id),
        urls: Locations::Urls(source_addresses(urls).map_err(FetchError::from)?),
        size: None,
    })
}
