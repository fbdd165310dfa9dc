//! The node of a tool: one package of a registry, unpacked as a tree with its programs in `bin`. Must not depend on how
//! stages find their tools.

use std::path::Path;

use akbuild_fetch::{StripTop, Wanted};
use akbuild_names::{Artifact, NpmTarball, PackageFile};
use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Tool, ToolPackage};
use akbuild_store::Publish;
use akbuild_tree::TreeDir;

use crate::context::EngineContext;
use crate::download::download;
use crate::ecosystem::locations;
use crate::ecosystem::python::pinned;
use crate::error::EngineError;
use crate::graph::NodeId;
use crate::{registries, room};

/// The package of a tool.
pub(crate) fn tool_package(context: &EngineContext, tool: &Tool) -> Result<Wanted, EngineError> {
    let artifact = match &tool.package {
        ToolPackage::Python(pin) => pinned(pin),
        ToolPackage::Npm(pin) => Artifact {
            digest: pin.digest,
            size: None,
            what: PackageFile::Npm(NpmTarball { name: pin.name.clone(), version: pin.version.clone(), url: None }),
        },
    };
    let (mirrors, _) = registries::network(context)?;
    Ok(Wanted {
        digest: artifact.digest,
        name: artifact.what.label(),
        why: format!("tool `{}` is pinned to it", tool.id),
        urls: locations(&artifact.what, &mirrors),
        size: None,
    })
}

/// Downloads a tool's package and unpacks it.
pub(crate) fn make_tool(context: &EngineContext, tool: &Tool) -> Result<TreeHash, EngineError> {
    let wanted = tool_package(context, tool)?;
    let blob = context.store.blob_path(&wanted.digest);
    context.runtime.block_on(download(context, &NodeId::Tool(tool.id.clone()), vec![wanted]))?;
    let scratch = context.store.scratch(&format!("tool-{}", tool.id))?;
    let made = unpack_tool(context, tool, &blob, &scratch.path().join("tree"));
    made.map_err(|error| room::no_room(context, Some(scratch.path()), error))
}

fn unpack_tool(context: &EngineContext, tool: &Tool, blob: &Path, tree: &Path) -> Result<TreeHash, EngineError> {
    match &tool.package {
        ToolPackage::Python(_) => {
            akbuild_fetch::unpack_archive(blob, tree, StripTop::No)?;
            wheel_programs(tree)?;
        }
        ToolPackage::Npm(_) => drop(akbuild_fetch::unpack_archive(blob, tree, StripTop::IfSingle)?),
    }
    Ok(context.store.publish(tree, &Publish::default())?.hash)
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
