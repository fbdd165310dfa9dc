//! Making the nodes that come from outside: sources, sysroots and tools, each published as a tree.

pub(crate) mod local;
pub(crate) mod local_folder;
pub(crate) mod patch;

use std::path::Path;

use akbuild_fetch::{
    ClientConfig, DownloadAddress, FetchError, GitRequest, Locations, Progress, RefusedAddress, StripTop, Wanted,
    redact_text,
};
use akbuild_names::{Artifact, NpmTarball, PackageFile};
use akbuild_nar::{Digest, TreeHash};
use akbuild_recipe::plan::{
    AddressAuthor, Edit, HostRoot, Origin, Patch, Source, SourceAddress, SourceId, Sysroot, Tool, ToolPackage, TreeRef,
};
use akbuild_store::Publish;
use akbuild_sysroot::{DebFile, UnpackEvent, UnpackOptions};
use akbuild_tree::{EntryKind, TreeDir, TreeError};

use crate::ecosystem::python::pinned;
use crate::ecosystem::{debian, locations};
use crate::engine::Engine;
use crate::error::{EngineError, Io, PatchError};
use crate::event::Event;
use crate::graph::NodeId;
use crate::stage::work;
use crate::{registries, room};

/// Fetches a source as it is outside, checks it and publishes it.
pub(crate) fn raw_source(engine: &Engine, source: &Source) -> Result<TreeHash, EngineError> {
    if let Some(hash) = source.hash.filter(|hash| engine.store.has_tree(hash)) {
        return Ok(hash);
    }
    let scratch = engine.store.scratch(&format!("source-{}", source.id))?;
    let made = bring_source(engine, source, &scratch.path().join("tree"));
    made.map_err(|error| room::no_room(engine, Some(scratch.path()), error))
}

fn bring_source(engine: &Engine, source: &Source, tree: &Path) -> Result<TreeHash, EngineError> {
    let from = match &source.origin {
        Origin::Git { urls, reference, commit } => {
            fetch_commit(engine, source, urls, reference.as_deref(), commit, akbuild_fetch::git_fetch)?;
            akbuild_fetch::git_checkout(&akbuild_fetch::git_repository(&engine.git_cache(), &urls[0]), commit, tree)?;
            shown(urls.iter())
        }
        Origin::Tarball { urls, digest } => {
            let wanted = vec![archive(source, urls, *digest)?];
            engine.runtime.block_on(download(engine, &NodeId::Source(source.id.clone()), wanted))?;
            let file = engine.store.blob_path(digest);
            akbuild_fetch::unpack_archive(&file, tree, StripTop::IfSingle)?;
            shown(urls.iter().map(|address| &address.url))
        }
        Origin::Path(path) => {
            let top = crate::make::local_folder::open(source, path)?;
            let subset = source.subset.matcher().map_err(|error| EngineError::Glob(error.to_string()))?;
            let outside = |relative: &Path| {
                let kind = top.entry(relative).ok().flatten();
                let is_link = matches!(kind, Some(EntryKind::Link(_)));
                let name = relative.file_name().unwrap_or_default();
                let is_folder = kind.is_some_and(|kind| kind.is_folder());
                crate::make::local_folder::is_left_out(name, is_link) || (!is_folder && !subset.matches(relative))
            };
            akbuild_fetch::copy_tree(top.top(), tree, &outside)?;
            path.display().to_string()
        }
    };
    let published = engine.store.publish(tree, &Publish { listing: true, ..Publish::default() })?;
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
pub(crate) fn use_repository(engine: &Engine, node: &NodeId) -> Result<(), EngineError> {
    if let NodeId::Source(id) = node
        && let Origin::Git { urls, .. } = &engine.source(id)?.origin
    {
        engine.store.use_repository(&akbuild_fetch::git_repository(&engine.git_cache(), &urls[0]))?;
    }
    Ok(())
}

fn fetch_commit(
    engine: &Engine,
    source: &Source,
    urls: &[String],
    reference: Option<&str>,
    commit: &str,
    fetch: fn(&GitRequest<'_>) -> Result<String, FetchError>,
) -> Result<(), EngineError> {
    let node = NodeId::Source(source.id.clone());
    engine.phase(&node, "fetch");
    let progress = |bytes| engine.sink.event(Event::Download { node: node.clone(), progress: Progress::Bytes(bytes) });
    let config = ClientConfig {
        offline: engine.options.offline,
        cancel: engine.cancel.clone(),
        ..engine.network.config().clone()
    };
    let request = GitRequest {
        urls,
        reference,
        commit: Some(commit),
        cache: &engine.git_cache(),
        credentials: &engine.credentials,
        config: &config,
        progress: &progress,
    };
    fetch(&request)?;
    Ok(())
}

/// Writes a bare repository with the pinned commit of a source to `dest`. With its history: a plain
/// `git fetch` takes nothing from a shallow one.
pub(crate) fn export_git(engine: &Engine, id: &SourceId, dest: &Path) -> Result<(), EngineError> {
    let source = engine.source(id)?;
    let Origin::Git { urls, reference, commit } = &source.origin else {
        return Err(EngineError::NotGit { id: id.to_string() });
    };
    fetch_commit(engine, source, urls, reference.as_deref(), commit, akbuild_fetch::git_fetch_history)?;
    let repository = akbuild_fetch::git_repository(&engine.git_cache(), &urls[0]);
    Ok(akbuild_fetch::git_export(&repository, commit, dest)?)
}

pub(crate) async fn download(engine: &Engine, node: &NodeId, wanted: Vec<Wanted>) -> Result<(), EngineError> {
    engine.phase(node, "fetch");
    let progress = |progress| engine.sink.event(Event::Download { node: node.clone(), progress });
    let (_, client) = registries::network(engine)?;
    tokio::select! {
        biased;
        () = engine.cancel.thrown() => return Err(EngineError::Cancelled),
        fetched = client.fetch(&engine.store, wanted, &progress) => drop(fetched?),
    }
    Ok(())
}

/// A source with its patches made.
pub(crate) fn patched_source(engine: &Engine, source: &Source, raw: &TreeHash) -> Result<TreeHash, EngineError> {
    let scratch = engine.store.scratch(&format!("source-{}", source.id))?;
    let tree = scratch.path().join("tree");
    engine.store.link(&engine.tree(raw), &tree)?;
    let files = TreeDir::open(&tree, format!("source `{}`", source.id))?;
    for patch in &source.patches {
        apply(source, patch, &files)?;
    }
    Ok(engine.store.publish(&tree, &Publish { listing: true, ..Publish::default() })?.hash)
}

/// Writes the tree that the machine's own folders are mounted over.
fn make_host_root(engine: &Engine, sysroot: &Sysroot, host: &HostRoot) -> Result<TreeHash, EngineError> {
    let scratch = engine.store.scratch(&format!("sysroot-{}", sysroot.id))?;
    let tree = scratch.path().join("tree");
    work::make_folder(&tree)?;
    crate::root::write(host, &tree)?;
    Ok(engine.store.publish(&tree, &Publish::default())?.hash)
}

/// The packages of a sysroot; none of one of this machine.
pub(crate) fn packages(engine: &Engine, sysroot: &Sysroot) -> Result<Vec<Wanted>, EngineError> {
    if sysroot.packages.is_empty() {
        return Ok(Vec::new());
    }
    let (mirrors, _) = registries::network(engine)?;
    let wanted = sysroot.packages.iter().map(|pin| Wanted {
        digest: pin.digest,
        name: format!("{} {}", pin.name, pin.version),
        why: format!("sysroot `{}` needs it", sysroot.id),
        urls: debian::locations(&pin.path, &mirrors),
        size: Some(pin.size),
    });
    Ok(wanted.collect())
}

/// Downloads a sysroot's packages and unpacks them.
pub(crate) fn make_sysroot(engine: &Engine, sysroot: &Sysroot) -> Result<TreeHash, EngineError> {
    if let Some(host) = &sysroot.host {
        return make_host_root(engine, sysroot, host);
    }
    let node = NodeId::Sysroot(sysroot.id.clone());
    engine.runtime.block_on(download(engine, &node, packages(engine, sysroot)?))?;
    engine.phase(&node, "unpack");
    let scratch = engine.store.scratch(&format!("sysroot-{}", sysroot.id))?;
    let made = unpack_sysroot(engine, sysroot, &node, &scratch.path().join("tree"));
    made.map_err(|error| room::no_room(engine, Some(scratch.path()), error))
}

fn unpack_sysroot(engine: &Engine, sysroot: &Sysroot, node: &NodeId, tree: &Path) -> Result<TreeHash, EngineError> {
    work::make_folder(tree)?;
    let debs: Vec<DebFile<'_>> =
        sysroot.packages.iter().map(|pin| DebFile { pin, path: engine.store.blob_path(&pin.digest) }).collect();
    let progress = |event: UnpackEvent<'_>| {
        if let UnpackEvent::Package { done, total, .. } = event {
            engine.sink.event(Event::Unpacked { node: node.clone(), done: done as u64, total: total as u64 });
        }
    };
    let options = UnpackOptions { threads: engine.options.threads, progress: &progress, slim: true };
    akbuild_sysroot::unpack(&debs, tree, &options)?;
    engine.phase(node, "publish");
    Ok(engine.store.publish(tree, &Publish::default())?.hash)
}

/// The package of a tool.
pub(crate) fn tool_package(engine: &Engine, tool: &Tool) -> Result<Wanted, EngineError> {
    let artifact = match &tool.package {
        ToolPackage::Python(pin) => pinned(pin),
        ToolPackage::Npm(pin) => Artifact {
            digest: pin.digest,
            size: None,
            what: PackageFile::Npm(NpmTarball { name: pin.name.clone(), version: pin.version.clone(), url: None }),
        },
    };
    let (mirrors, _) = registries::network(engine)?;
    Ok(Wanted {
        digest: artifact.digest,
        name: artifact.what.label(),
        why: format!("tool `{}` is pinned to it", tool.id),
        urls: locations(&artifact.what, &mirrors),
        size: None,
    })
}

/// Downloads a tool's package and unpacks it.
pub(crate) fn make_tool(engine: &Engine, tool: &Tool) -> Result<TreeHash, EngineError> {
    let wanted = tool_package(engine, tool)?;
    let blob = engine.store.blob_path(&wanted.digest);
    engine.runtime.block_on(download(engine, &NodeId::Tool(tool.id.clone()), vec![wanted]))?;
    let scratch = engine.store.scratch(&format!("tool-{}", tool.id))?;
    let made = unpack_tool(engine, tool, &blob, &scratch.path().join("tree"));
    made.map_err(|error| room::no_room(engine, Some(scratch.path()), error))
}

fn unpack_tool(engine: &Engine, tool: &Tool, blob: &Path, tree: &Path) -> Result<TreeHash, EngineError> {
    match &tool.package {
        ToolPackage::Python(_) => {
            akbuild_fetch::unpack_archive(blob, tree, StripTop::No)?;
            wheel_programs(tree)?;
        }
        ToolPackage::Npm(_) => drop(akbuild_fetch::unpack_archive(blob, tree, StripTop::IfSingle)?),
    }
    Ok(engine.store.publish(tree, &Publish::default())?.hash)
}

/// The output of a tree that a step names, among `outputs`.
pub(crate) fn output_of(tree: &TreeRef, outputs: &crate::keys::Outputs) -> Result<TreeHash, EngineError> {
    let node = match tree {
        TreeRef::Source(id) => NodeId::Source(id.clone()),
        TreeRef::Stage(id) => NodeId::Stage(id.clone()),
    };
    outputs.get(&node).copied().ok_or_else(|| EngineError::Bug(format!("{node} was read before it was made")))
}

/// Addresses for a message.
fn shown<'a>(urls: impl Iterator<Item = &'a String>) -> String {
    urls.map(|url| redact_text(url)).collect::<Vec<_>>().join(", ")
}

/// The addresses that may be downloaded from.
///
/// # Errors
/// One of them is refused: the recipe names a file of this machine.
pub fn source_addresses(urls: &[SourceAddress]) -> Result<Vec<DownloadAddress>, RefusedAddress> {
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

/// Puts a wheel's programs (`NAME.data/scripts/*`) where programs are looked for: in `bin`, executable.
fn wheel_programs(tree: &Path) -> Result<(), EngineError> {
    let tree = TreeDir::open(tree, "the wheel")?;
    for name in tree.folders("")? {
        let scripts = Path::new(&name).join("scripts");
        let is_data = Path::new(&name).extension().is_some_and(|extension| extension == "data");
        if is_data && tree.entry(&scripts)?.is_some_and(|kind| kind.is_folder()) {
            tree.rename(&scripts, "bin")?;
            for (program, kind) in tree.entries("bin")? {
                if kind.is_file() {
                    tree.set_mode(Path::new("bin").join(program), 0o755)?;
                }
            }
        }
    }
    Ok(())
}

/// Makes one patch in a tree of hard links: the file is replaced, never written into.
fn apply(source: &Source, patch: &Patch, tree: &TreeDir) -> Result<(), EngineError> {
    let wrong = |problem| EngineError::Patch {
        source_id: source.id.to_string(),
        file: patch.file.clone(),
        at: patch.at.clone(),
        problem,
    };
    let refused = |error| match error {
        error @ TreeError::Io { .. } => EngineError::Tree(error),
        error => wrong(PatchError::Tree(error)),
    };
    let old = match tree.real_entry(&patch.file).map_err(refused)? {
        Some(EntryKind::File { executable, .. }) => Some(executable),
        Some(EntryKind::Folder) => return Err(wrong(PatchError::NoFile(patch.file.clone()))),
        _ => None,
    };
    let text = match &patch.edit {
        Edit::Replace { from, to } => {
            old.ok_or_else(|| wrong(PatchError::NoFile(patch.file.clone())))?;
            let text = String::from_utf8(tree.read(&patch.file)?).map_err(|_| wrong(PatchError::NotText))?;
            patch::replace_once(&text, from, to).map_err(wrong)?.into_bytes()
        }
        Edit::With { path, digest } => {
            let bytes = read_own(path)?;
            if Digest::sha256(&bytes) != *digest {
                return Err(wrong(PatchError::Changed(path.display().to_string())));
            }
            bytes
        }
    };
    let mode = if old.unwrap_or(false) { 0o755 } else { 0o644 };
    tree.write(&patch.file, &text, mode).map_err(refused)
}

/// Reads a file beside the recipe.
#[allow(clippy::disallowed_methods, reason = "the file is the recipe's own")]
fn read_own(path: &Path) -> Result<Vec<u8>, EngineError> {
    std::fs::read(path).doing("read", path)
}
