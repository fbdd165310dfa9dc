//! Tools and archives: the file that a name and a version mean, and its digest.

use std::path::Path;
use std::str::FromStr;

use akbuild_engine::Engine;
use akbuild_names::{
    NameError, NpmPackageName, NpmPackageVersion, PythonPackageName, PythonPackageVersion, index_page, join_below,
};
use akbuild_nar::{Algo, Digest};
use akbuild_recipe::plan::{NpmPin, PythonPin, ToolPackage};
use akbuild_recipe::{LockedTool, ToolRequest, ToolSpec};
use akbuild_registry::{Tags, WheelName, simple};

use crate::failure::{Failure, Outcome, io};
use crate::project::Project;
use crate::session::Session;

/// Tools run on the machine that builds; their wheels are programs and data, for any recent C library.
const GLIBC: (u64, u64) = (2, 36);
const PYTHON: (u64, u64) = (3, 14);
const PAGE: u64 = 64 << 20;
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, text/html;q=0.5";

/// Pins one tool.
pub(super) fn lock(session: &Session, engine: &Engine, tool: &ToolRequest) -> Outcome<LockedTool> {
    let package = match &tool.spec {
        ToolSpec::Python { name, version } => {
            let (name, version) = (parsed(name)?, parsed(version)?);
            ToolPackage::Python(python(session, engine, name, version)?)
        }
        ToolSpec::Npm { name, version } => ToolPackage::Npm(npm(session, engine, parsed(name)?, parsed(version)?)?),
    };
    Ok(LockedTool { spec: tool.spec.clone(), package })
}

/// A part of what the recipe says of a tool.
fn parsed<T: FromStr<Err = NameError>>(text: &str) -> Outcome<T> {
    text.parse().map_err(|e: NameError| Failure::Say(format!("{e}\n  help: correct the recipe's tools")))
}

fn python(
    session: &Session,
    engine: &Engine,
    name: PythonPackageName,
    version: PythonPackageVersion,
) -> Outcome<PythonPin> {
    let (mirrors, client) = engine.network()?;
    let urls: Vec<_> = mirrors.python.iter().filter_map(|b| index_page(&b.url, &name)).collect();
    let got = session.block_on(client.get(&urls, Some(ACCEPT), PAGE))?;
    let page = simple::parse(&got.bytes, got.content_type.as_deref(), got.url.as_str());
    let page = page.map_err(|error| Failure::Say(error.to_string()))?;
    let of_version = |f: &&simple::IndexFile| WheelName::parse(&f.file).is_some_and(|w| w.version == *version);
    let files: Vec<_> = page.iter().filter(of_version).cloned().collect();
    let best = simple::best_wheel(&files, &Tags::cpython(PYTHON, GLIBC, "x86_64"));
    let Some(best) = best else {
        let message = format!("the Python index has no wheel of {name} {version} for this machine");
        return Err(Failure::Say(format!("{message}\n  help: look at {} and correct the recipe's tools", got.url)));
    };
    let digest = Digest::from_hex(Algo::Sha256, &best.sha256).map_err(|e| Failure::Say(e.to_string()))?;
    Ok(PythonPin { name, version, file: parsed(&best.file)?, digest })
}

fn npm(session: &Session, engine: &Engine, name: NpmPackageName, version: NpmPackageVersion) -> Outcome<NpmPin> {
    let (mirrors, client) = engine.network()?;
    // The `/` of a scope is escaped: registries have one part of the path for the name.
    let page = |base: &akbuild_fetch::Base| join_below(&base.url, [name.as_str(), version.as_str()]);
    let urls: Vec<_> = mirrors.npm_for(&name).into_iter().filter_map(page).collect();
    let got = session.block_on(client.get(&urls, Some("application/json"), PAGE))?;
    let wrong = |what: String| Failure::Say(format!("{} does not describe {name} {version}: {what}", got.url));
    let page: serde_json::Value = serde_json::from_slice(&got.bytes).map_err(|e| wrong(e.to_string()))?;
    let integrity = page.pointer("/dist/integrity").and_then(|v| v.as_str());
    let integrity = integrity.ok_or_else(|| wrong("it has no dist.integrity".to_owned()))?;
    let digest = Digest::strongest(integrity).map_err(|e| wrong(e.to_string()))?;
    Ok(NpmPin { name, version, digest })
}

/// Downloads an archive to `archive` in the folder; its digest.
pub(super) fn tarball(
    session: &Session,
    project: &Project,
    urls: &[String],
    pin: Option<Digest>,
    folder: &Path,
) -> Outcome<Digest> {
    let urls: Vec<_> = urls.iter().filter_map(|u| url::Url::parse(u).ok()).collect();
    let (_, client) = session.mirrors(project)?;
    let got = session.block_on(client.get(&urls, None, 4 << 30))?;
    let digest = Digest::sha256(&got.bytes);
    if let Some(pin) = pin.filter(|pin| *pin != digest && pin.algo() == Algo::Sha256) {
        return Err(Failure::Say(format!(
            "{} has another digest than the pinned one\n  expected {pin}\n     found {digest}",
            got.url
        )));
    }
    let file = folder.join("archive");
    io(std::fs::write(&file, &got.bytes), "write", &file)?;
    Ok(digest)
}
