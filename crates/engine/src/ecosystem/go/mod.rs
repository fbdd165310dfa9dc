//! Go: the files of modules that a `go.mod` needs, and their locations.

mod bill;
pub(crate) mod imports;
mod modules;

use akbuild_attest::Component;
use akbuild_fetch::{Locations, Mirrors};
use akbuild_names::{Ecosystem, GoFileKind, GoModuleFile};
use akbuild_recipe::plan::LockReference;

use super::support::EcosystemSupport;
use crate::bill::contents::ImageContents;
use crate::error::EngineError;
use crate::lock_reader::{LockContent, LockReader};

pub(super) struct Go;

impl EcosystemSupport for Go {
    fn read_lock(&self, reader: &LockReader<'_>, lock: &LockReference) -> Result<LockContent, EngineError> {
        let needed = modules::go_files(reader, lock.file())?;
        let (artifacts, optional) = (needed.artifacts, needed.optional);
        Ok(LockContent { artifacts, optional, is_partial: !needed.is_complete, ..LockContent::default() })
    }

    fn components(&self, image: &ImageContents<'_>) -> Result<Vec<Component>, EngineError> {
        bill::components(image)
    }

    /// The vendor folders have the licences.
    fn reads_locked_stages(&self) -> bool {
        true
    }
}

pub(super) fn locations(file: &GoModuleFile, mirrors: &Mirrors) -> Locations {
    let ending = match file.kind {
        GoFileKind::Mod => "mod",
        GoFileKind::Zip => "zip",
    };
    let (module, name) = (file.module.escaped(), format!("{}.{ending}", file.version.escaped()));
    let segments = || module.split('/').chain(["@v", &name]);
    Locations::Urls(mirrors.of(Ecosystem::Go).iter().filter_map(|base| base.join(segments())).collect())
}
