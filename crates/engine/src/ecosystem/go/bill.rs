//! Go modules of an image: those that are in its programs, by what Go itself has written into them, with the hashes of
//! `go.sum` and the licences in vendor folders.

use std::collections::HashMap;

use akbuild_attest::go::GoError;
use akbuild_attest::{Component, go};
use akbuild_names::{Ecosystem, GoFileKind, GoModulePath, GoModuleVersion, PackageFile};
use akbuild_nar::{Digest, Kind};
use akbuild_recipe::plan::StageId;
use akbuild_tree::TreeDir;

use super::modules;
use crate::bill::contents::ImageContents;
use crate::error::EngineError;
use crate::graph::NodeId;

/// What the stages of an image know of Go modules.
#[derive(Default)]
struct Known {
    /// The hash that `go.sum` has of each module and version.
    sums: HashMap<(GoModulePath, GoModuleVersion), Digest>,
    /// Folders with the modules' files.
    vendors: Vec<TreeDir>,
}

/// The modules in the programs that stages have built whose outputs ship.
pub(super) fn components(image: &ImageContents<'_>) -> Result<Vec<Component>, EngineError> {
    let known = known_modules(image)?;
    let mut all = Vec::new();
    for id in &image.shipped {
        let is_go = image.context.stage(id)?.kind == "go-build";
        programs(image, id, |program, bytes| {
            let binary = match go::binary(bytes) {
                Ok(binary) => binary,
                // What else ships may be of any language.
                Err(GoError::Elf | GoError::NoBuildInfo) if !is_go => return Ok(()),
                Err(problem) => return Err(EngineError::Modules { stage: id.to_string(), program, problem }),
            };
            let modules = binary.deps.iter().map(go::GoModule::effective);
            // A folder that stands for a module is of a source, which is listed as such.
            for module in modules.filter(|module| !module.path.starts_with(['.', '/'])) {
                all.push(known.component(module, &program)?);
            }
            Ok(())
        })?;
    }
    Ok(all)
}

fn known_modules(image: &ImageContents<'_>) -> Result<Known, EngineError> {
    let mut known = Known::default();
    for (id, reader, lock) in image.locks(Ecosystem::Go) {
        for artifact in modules::go_lock(&reader, lock.file())?.pinned_files() {
            if let PackageFile::Go(file) = artifact.what
                && file.kind == GoFileKind::Zip
            {
                known.sums.insert((file.module, file.version), artifact.digest);
            }
        }
        known.vendors.extend(image.open_output(id)?);
    }
    Ok(known)
}

/// Hands on each executable file of a stage's output: its path there, and its bytes.
fn programs(
    image: &ImageContents<'_>,
    id: &StageId,
    mut each: impl FnMut(String, &[u8]) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let Some(tree) = image.outputs.get(&NodeId::Stage(id.clone())) else { return Ok(()) };
    let Some(output) = image.open_output(id)? else { return Ok(()) };
    for entry in &image.context.store.listing(tree)?.entries {
        if let Kind::File { exec: true, size, .. } = entry.kind {
            each(entry.path.display().to_string(), &output.read_at_most(&entry.path, size)?)?;
        }
    }
    Ok(())
}

impl Known {
    fn component(&self, module: &go::GoModule, program: &str) -> Result<Component, EngineError> {
        let unlocked = || EngineError::Unlocked {
            module: module.path.clone(),
            version: module.version.clone(),
            program: program.to_owned(),
        };
        let published = module.published().ok_or_else(unlocked)?;
        let digest = self.sums.get(&published).copied().or(module.sum).ok_or_else(unlocked)?;
        let (path, version) = published;
        let licences = self
            .vendors
            .iter()
            .find_map(|vendor| go::vendored(vendor, &path).ok().filter(|licences| !licences.is_empty()));
        let component = Component::go(&path, &version).digest(digest);
        Ok(component.licensed(licences.into_iter().flatten()))
    }
}
