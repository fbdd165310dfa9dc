//! Pins of tools: the file that a name and a version mean, and its digest, as the registries say now.

use akbuild_engine::{EngineContext, EngineError};
use akbuild_fetch::{FetchError, redact};
use akbuild_names::{
    BUILD_ARCHITECTURE, Ecosystem, NpmPackageName, NpmPackageVersion, PythonPackageName, PythonPackageVersion,
};
use akbuild_nar::{Algo, Digest};
use akbuild_recipe::plan::{NpmPin, PythonPin, ToolPackage};
use akbuild_recipe::{LockedTool, ToolRequest, ToolSpec};
use akbuild_registry::{Tags, WheelName, simple};

use crate::{LockError, ToolPinError};

/// Tools run on the machine that builds; their wheels are programs and data, for any recent C library.
const GLIBC: (u64, u64) = (2, 36);
const PYTHON: (u64, u64) = (3, 14);
const PAGE: u64 = 64 << 20;
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, text/html;q=0.5";

/// Pins one tool.
pub(crate) fn pin(context: &EngineContext, tool: &ToolRequest) -> Result<LockedTool, LockError> {
    match package(context, &tool.spec) {
        Ok(package) => Ok(LockedTool { spec: tool.spec.clone(), package }),
        Err(ToolPinError::EngineContext(EngineError::Cancelled) | ToolPinError::Registry(EngineError::Cancelled)) => {
            Err(EngineError::Cancelled.into())
        }
        Err(cause) => Err(LockError::Tool { id: tool.id.clone(), spec: tool.spec.clone(), cause: Box::new(cause) }),
    }
}

fn package(context: &EngineContext, spec: &ToolSpec) -> Result<ToolPackage, ToolPinError> {
    match spec {
        ToolSpec::Python { name, version } => {
            Ok(ToolPackage::Python(python(context, name.parse()?, version.parse()?)?))
        }
        ToolSpec::Npm { name, version } => Ok(ToolPackage::Npm(npm(context, name.parse()?, version.parse()?)?)),
    }
}

fn python(
    context: &EngineContext,
    name: PythonPackageName,
    version: PythonPackageVersion,
) -> Result<PythonPin, ToolPinError> {
    let (mirrors, client) = akbuild_engine::network(context)?;
    let urls: Vec<_> = mirrors.of(Ecosystem::Python).iter().filter_map(|base| base.index_page(&name)).collect();
    let got = context.runtime.block_on(client.get(&urls, Some(ACCEPT), PAGE)).map_err(unknown)?;
    let page = simple::parse(&got.bytes, got.content_type.as_deref(), got.url.as_str())?;
    let of_version = |f: &&simple::IndexFile| WheelName::parse(&f.file).is_some_and(|w| w.version == *version);
    let files: Vec<_> = page.iter().filter(of_version).cloned().collect();
    let best = simple::best_wheel(&files, &Tags::cpython(PYTHON, GLIBC, BUILD_ARCHITECTURE.machine()));
    let Some(best) = best else {
        return Err(ToolPinError::NoWheel { name, version, page: redact(&got.url), last: last_versions(&page) });
    };
    let digest = Digest::from_hex(Algo::Sha256, &best.sha256)?;
    Ok(PythonPin { name, version, file: best.file.parse()?, digest })
}

/// The last versions on a page that have wheels.
fn last_versions(page: &[simple::IndexFile]) -> String {
    let mut all: Vec<String> = page.iter().filter_map(|f| Some(WheelName::parse(&f.file)?.version)).collect();
    all.dedup();
    all[all.len().saturating_sub(5)..].join(", ")
}

/// The failure to get what a registry says of a package, which may be because it has none of that name and version.
fn unknown(error: FetchError) -> ToolPinError {
    ToolPinError::Registry(error.into())
}

fn npm(context: &EngineContext, name: NpmPackageName, version: NpmPackageVersion) -> Result<NpmPin, ToolPinError> {
    let (mirrors, client) = akbuild_engine::network(context)?;
    // The `/` of a scope is escaped: registries have one part of the path for the name.
    let page = |base: &akbuild_fetch::MirrorBase| base.join([name.as_str(), version.as_str()]);
    let urls: Vec<_> = mirrors.npm_for(&name).into_iter().filter_map(page).collect();
    let got = context.runtime.block_on(client.get(&urls, Some("application/json"), PAGE)).map_err(unknown)?;
    let wrong = |problem: String| ToolPinError::NotDescribed {
        page: redact(&got.url),
        package: format!("{name} {version}"),
        problem,
    };
    let page: serde_json::Value = serde_json::from_slice(&got.bytes).map_err(|e| wrong(e.to_string()))?;
    let integrity = page.pointer("/dist/integrity").and_then(|v| v.as_str());
    let integrity = integrity.ok_or_else(|| wrong("it has no dist.integrity".to_owned()))?;
    let digest = Digest::strongest(integrity).map_err(|e| wrong(e.to_string()))?;
    Ok(NpmPin { name, version, digest })
}
