//! Python packages of an image: those that the lock of a stage installs, with the licences that they say they have once
//! they are installed. Knows where installed packages say so.

use std::collections::HashMap;
use std::path::Path;

use akbuild_attest::{Component, Licence, python};
use akbuild_names::{Ecosystem, PackageFile, normalise};
use akbuild_nar::{Kind, TreeHash};
use akbuild_registry::PythonSelection;
use akbuild_tree::TreeDir;

use super::selected::{selected_packages, uv_lock};
use crate::bill::contents::ImageContents;
use crate::context::EngineContext;
use crate::error::EngineError;
use crate::graph::NodeId;

/// The packages of the locks of stages that ship.
pub(super) fn components(image: &ImageContents<'_>) -> Result<Vec<Component>, EngineError> {
    let mut all = Vec::new();
    for (id, reader, lock) in image.locks(Ecosystem::Python).filter(|(id, ..)| image.shipped.contains(id)) {
        let tree = image.outputs.get(&NodeId::Stage(id.clone()));
        let licences = match tree.zip(image.open_output(id)?) {
            Some((tree, output)) => installed(image.context, tree, &output)?,
            None => HashMap::new(),
        };
        let licensed = |component: Component| {
            let known = licences.get(&component.name).cloned().unwrap_or_default();
            component.licensed(known)
        };
        let (_, selection) = selected_packages(&reader, uv_lock(lock)?)?;
        all.extend(packages(selection).into_iter().map(licensed));
    }
    Ok(all)
}

fn packages(selection: PythonSelection) -> Vec<Component> {
    let mut all = Vec::new();
    for artifact in selection.artifacts {
        if let PackageFile::Python(what) = artifact.what {
            all.push(Component::python(&what.name, &what.version, &what.file).digest(artifact.digest));
        }
    }
    for file in selection.files {
        let Some(version) = file.version else { continue };
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let component = Component::python(&file.name, &version, name);
        all.push(file.digest.into_iter().fold(component, Component::digest));
    }
    for git in selection.git {
        all.push(Component::python_git(&git.name, git.version.as_ref(), &git.url, &git.rev));
    }
    all
}

/// The licences of the Python packages in a tree, by their normalised names. Packages have others inside; the one
/// that is nearest to the top is the one that was installed.
fn installed(
    context: &EngineContext,
    tree: &TreeHash,
    output: &TreeDir,
) -> Result<HashMap<String, Vec<Licence>>, EngineError> {
    let mut all: HashMap<String, (usize, Vec<Licence>)> = HashMap::new();
    for entry in &context.store.listing(tree)?.entries {
        let path = Path::new(&entry.path);
        let folder = path.parent().and_then(Path::extension);
        if path.file_name() != Some("METADATA".as_ref()) || folder != Some("dist-info".as_ref()) {
            continue;
        }
        // A link says nothing: where it leads is not what was installed here.
        let Kind::File { size, .. } = entry.kind else { continue };
        let depth = path.components().count();
        if let Ok(package) = python::metadata(&output.read_at_most(path, size)?) {
            let name = normalise(&package.name);
            if all.get(&name).is_none_or(|(known, _)| depth < *known) {
                all.insert(name, (depth, package.licences));
            }
        }
    }
    Ok(all.into_iter().map(|(name, (_, licences))| (name, licences)).collect())
}
