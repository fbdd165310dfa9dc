//! The node of a sysroot: its packages are downloaded and unpacked into one tree. A sysroot of this machine is a bare
//! root over which the machine's own folders are mounted. Must not depend on what runs in a sysroot.

use std::path::Path;

use akbuild_fetch::Wanted;
use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{HostRoot, Sysroot};
use akbuild_store::Publish;
use akbuild_sysroot::{DebFile, UnpackEvent, UnpackOptions};

use crate::context::EngineContext;
use crate::download::download;
use crate::ecosystem::debian;
use crate::error::EngineError;
use crate::event::Event;
use crate::graph::NodeId;
use crate::stage::work;
use crate::{registries, room};

/// Writes the tree that the machine's own folders are mounted over.
fn make_host_root(context: &EngineContext, sysroot: &Sysroot, host: &HostRoot) -> Result<TreeHash, EngineError> {
    let scratch = context.store.scratch(&format!("sysroot-{}", sysroot.id))?;
    let tree = scratch.path().join("tree");
    work::make_folder(&tree)?;
    crate::root::write(host, &tree)?;
    Ok(context.store.publish(&tree, &Publish::default())?.hash)
}

/// The packages of a sysroot; none of one of this machine.
pub(crate) fn packages(context: &EngineContext, sysroot: &Sysroot) -> Result<Vec<Wanted>, EngineError> {
    if sysroot.packages.is_empty() {
        return Ok(Vec::new());
    }
    let (mirrors, _) = registries::network(context)?;
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
pub(crate) fn make_sysroot(context: &EngineContext, sysroot: &Sysroot) -> Result<TreeHash, EngineError> {
    if let Some(host) = &sysroot.host {
        return make_host_root(context, sysroot, host);
    }
    let node = NodeId::Sysroot(sysroot.id.clone());
    context.runtime.block_on(download(context, &node, packages(context, sysroot)?))?;
    context.phase(&node, "unpack");
    let scratch = context.store.scratch(&format!("sysroot-{}", sysroot.id))?;
    let made = unpack_sysroot(context, sysroot, &node, &scratch.path().join("tree"));
    made.map_err(|error| room::no_room(context, Some(scratch.path()), error))
}

fn unpack_sysroot(
    context: &EngineContext,
    sysroot: &Sysroot,
    node: &NodeId,
    tree: &Path,
) -> Result<TreeHash, EngineError> {
    work::make_folder(tree)?;
    let debs: Vec<DebFile<'_>> =
        sysroot.packages.iter().map(|pin| DebFile { pin, path: context.store.blob_path(&pin.digest) }).collect();
    let progress = |event: UnpackEvent<'_>| {
        if let UnpackEvent::Package { done, total, .. } = event {
            context.sink.event(Event::Unpacked { node: node.clone(), done: done as u64, total: total as u64 });
        }
    };
    let options = UnpackOptions { threads: context.options.threads, progress: &progress, slim: true };
    akbuild_sysroot::unpack(&debs, tree, &options)?;
    context.phase(node, "publish");
    Ok(context.store.publish(tree, &Publish::default())?.hash)
}
