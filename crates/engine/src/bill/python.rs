//! Python packages of an image: those that the lock of a stage installs, with the licences that they say they have once
//! they are installed. Knows where installed packages say so.

use std::collections::HashMap;
use std::path::Path;

use akbuild_attest::{Component, ComponentKind, Licence, Purl, Ships, python};
use akbuild_names::{Ecosystem, normalise};
use akbuild_nar::{Kind, TreeHash};
use akbuild_recipe::plan::{Artifacts, Exec, StageId};
use akbuild_registry::What;
use akbuild_tree::TreeDir;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::graph::NodeId;
use crate::keys::Outputs;
use crate::{bill, served};

/// The packages of a stage's `uv.lock`.
pub(super) fn python(
    engine: &Engine,
    id: &StageId,
    exec: &Exec,
    artifacts: &Artifacts,
    outputs: &Outputs,
) -> Result<Vec<Component>, EngineError> {
    if artifacts.python.is_empty() {
        return Ok(Vec::new());
    }
    let licences = match outputs.get(&NodeId::Stage(id.clone())).zip(bill::open_output(engine, id, outputs)?) {
        Some((tree, output)) => installed(engine, tree, &output)?,
        None => HashMap::new(),
    };
    let licensed = |component: Component| {
        let known = licences.get(&component.name).cloned().unwrap_or_default();
        component.licensed(known)
    };
    let mut all = Vec::new();
    for lock in &artifacts.python {
        let (_, selection) = served::python_packages(engine, exec, lock, outputs)?;
        for artifact in selection.artifacts {
            if let What::Python { name, version, file, .. } = artifact.what {
                all.push(licensed(Component::python(&name, &version, &file).digest(artifact.digest)));
            }
        }
        for file in selection.files {
            let Some(version) = file.version else { continue };
            let name = file.path.rsplit('/').next().unwrap_or_default();
            let component = Component::python(&file.name, &version, name);
            all.push(licensed(match file.digest {
                Some(digest) => component.digest(digest),
                None => component,
            }));
        }
        for git in selection.git {
            let version = git.version.map(|version| version.to_string()).unwrap_or_default();
            let name = git.name.to_string();
            let purl = Purl::python_git(&name, &version, &git.url, &git.rev);
            let (kind, ships) = (ComponentKind::Package(Ecosystem::Python), Ships::Installed);
            let component = Component { purl, kind, name, version, digests: vec![], licences: vec![], ships };
            all.push(licensed(component));
        }
    }
    Ok(all)
}

/// The licences of the Python packages in a tree, by their normalised names. Packages have others inside; the one
/// that is nearest to the top is the one that was installed.
fn installed(engine: &Engine, tree: &TreeHash, output: &TreeDir) -> Result<HashMap<String, Vec<Licence>>, EngineError> {
    let mut all: HashMap<String, (usize, Vec<Licence>)> = HashMap::new();
    for entry in &engine.store.listing(tree)?.entries {
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
