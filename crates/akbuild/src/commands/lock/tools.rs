//! Tools and archives: the file that a name and a version mean, and its digest.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use akbuild_engine::Engine;
use akbuild_fetch::{FetchError, redact};
use akbuild_names::{
    BUILD_ARCHITECTURE, Ecosystem, NameError, NpmPackageName, NpmPackageVersion, PythonPackageName,
    PythonPackageVersion,
};
use akbuild_nar::{Algo, Digest};
use akbuild_recipe::plan::{NpmPin, Plan, PythonPin, SourceAddress, Sysroot, SysrootId, ToolPackage};
use akbuild_recipe::{Lock, LockedTool, ToolRequest, ToolSpec};
use akbuild_registry::{Tags, WheelName, simple};

use crate::failure::{Failure, Outcome};
use crate::project::Project;
use crate::session::Session;

/// Tools run on the machine that builds; their wheels are programs and data, for any recent C library.
const GLIBC: (u64, u64) = (2, 36);
const PYTHON: (u64, u64) = (3, 14);
const PAGE: u64 = 64 << 20;
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, text/html;q=0.5";

/// An engine on a plan that has sysroots only; they are made if nothing else names a registry.
pub(super) fn bare_engine(session: &Session, project: &Project, lock: &Lock) -> Outcome<Arc<Engine>> {
    let sysroot = |id: &SysrootId| Sysroot {
        id: id.clone(),
        packages: lock.debs.iter().filter(|d| d.sysroots.iter().any(|s| s == id.as_str())).cloned().collect(),
        host: None,
        suites: None,
    };
    let vars = project.written.vars().clone();
    let plan = Plan {
        name: vars.name,
        version: vars.version,
        prefix: vars.prefix,
        root: project.root.clone(),
        sources: Vec::new(),
        sysroots: lock.sysroots.keys().map(sysroot).collect(),
        tools: Vec::new(),
        stages: Vec::new(),
        targets: Vec::new(),
        smoke: None,
        python_pins: Vec::new(),
    };
    let engine = session.engine(project, plan, session.options(None, Vec::new()))?;
    if engine.network.needs_sysroot()? {
        session.block_on(akbuild_engine::make_sysroots(&engine))?;
    }
    Ok(engine)
}

/// Pins one tool.
pub(super) fn lock(session: &Session, engine: &Engine, tool: &ToolRequest) -> Outcome<LockedTool> {
    package(session, engine, tool).map_err(|failure| match failure {
        Failure::Say(error) => Failure::Say(format!("cannot pin tool `{}` ({}): {error}", tool.id, tool.spec)),
        other => other,
    })
}

fn package(session: &Session, engine: &Engine, tool: &ToolRequest) -> Outcome<LockedTool> {
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
    let (mirrors, client) = akbuild_engine::network(engine)?;
    let urls: Vec<_> = mirrors.of(Ecosystem::Python).iter().filter_map(|base| base.index_page(&name)).collect();
    let got = session.block_on(client.get(&urls, Some(ACCEPT), PAGE)).map_err(unknown)?;
    let page = simple::parse(&got.bytes, got.content_type.as_deref(), got.url.as_str());
    let page = page.map_err(|error| Failure::Say(error.to_string()))?;
    let of_version = |f: &&simple::IndexFile| WheelName::parse(&f.file).is_some_and(|w| w.version == *version);
    let files: Vec<_> = page.iter().filter(of_version).cloned().collect();
    let best = simple::best_wheel(&files, &Tags::cpython(PYTHON, GLIBC, BUILD_ARCHITECTURE.machine()));
    let Some(best) = best else {
        let message = format!("the Python index has no wheel of {name} {version} for this machine");
        let help = format!("look at {} and correct the recipe's tools", redact(&got.url));
        let there = versions(&page);
        let there = if there.is_empty() { there } else { format!("; the last ones there are {there}") };
        return Err(Failure::Say(format!("{message}{there}\n  help: {help}")));
    };
    let digest = Digest::from_hex(Algo::Sha256, &best.sha256).map_err(|e| Failure::Say(e.to_string()))?;
    Ok(PythonPin { name, version, file: parsed(&best.file)?, digest })
}

/// The last versions on a page that have wheels.
fn versions(page: &[simple::IndexFile]) -> String {
    let mut all: Vec<String> = page.iter().filter_map(|f| Some(WheelName::parse(&f.file)?.version)).collect();
    all.dedup();
    all[all.len().saturating_sub(5)..].join(", ")
}

/// The failure to get what a registry says of a package, which may be because it has none of that name and version.
fn unknown(error: FetchError) -> Failure {
    match error.into() {
        Failure::Say(text) => {
            Failure::Say(format!("{text}\n  help: correct the package or its version in the recipe's tools"))
        }
        other => other,
    }
}

fn npm(session: &Session, engine: &Engine, name: NpmPackageName, version: NpmPackageVersion) -> Outcome<NpmPin> {
    let (mirrors, client) = akbuild_engine::network(engine)?;
    // The `/` of a scope is escaped: registries have one part of the path for the name.
    let page = |base: &akbuild_fetch::MirrorBase| base.join([name.as_str(), version.as_str()]);
    let urls: Vec<_> = mirrors.npm_for(&name).into_iter().filter_map(page).collect();
    let got = session.block_on(client.get(&urls, Some("application/json"), PAGE)).map_err(unknown)?;
    let wrong = |what: String| Failure::Say(format!("{} does not describe {name} {version}: {what}", redact(&got.url)));
    let page: serde_json::Value = serde_json::from_slice(&got.bytes).map_err(|e| wrong(e.to_string()))?;
    let integrity = page.pointer("/dist/integrity").and_then(|v| v.as_str());
    let integrity = integrity.ok_or_else(|| wrong("it has no dist.integrity".to_owned()))?;
    let digest = Digest::strongest(integrity).map_err(|e| wrong(e.to_string()))?;
    Ok(NpmPin { name, version, digest })
}

/// Downloads an archive to `archive` in the folder; its digest.
pub(super) fn tarball(session: &Session, project: &Project, urls: &[SourceAddress], folder: &Path) -> Outcome<Digest> {
    let addresses = akbuild_engine::source_addresses(urls).map_err(FetchError::from)?;
    let (_, client) = session.mirrors(project)?;
    Ok(session.block_on(client.fetch_unpinned(&addresses, &folder.join("archive")))?.digest)
}
