//! What an image is made of, for documents about it: read from the plan, from upstream's locks in the sources, and from
//! what the tools themselves have recorded in their outputs. Nothing is guessed from the names of files.
//!
//! What counts as shipped:
//! - Debian: every package of the image's sysroot.
//! - Python: every package that the lock of a stage installs whose output goes into the image; what source distributions
//!   are built with does not.
//! - Go: the modules that the build information of each program names, with the hashes of `go.sum`.
//! - npm: what a lock installs without `dev`, for this platform. Bundlers leave no record of what they took of it.
//! - Sources: all that the image needs.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use akbuild_attest::{Component, Ecosystem, Licence, Material, Origin as From, Purl, Ships, debian, go, npm, python};
use akbuild_nar::{Algo, Digest, Kind, TreeHash};
use akbuild_recipe::plan::{Artifacts, Exec, Image, Origin, Source, StageId, Step, TreeRef};
use akbuild_registry::{GoLock, Platform, What, normalise};
use akbuild_store::Key;

use crate::engine::Engine;
use crate::error::{EngineError, Io};
use crate::graph::{Graph, NodeId};
use crate::keys::Outputs;

/// The hash that `go.sum` has of each module and version.
type Sums = HashMap<(String, String), Digest>;

impl Engine {
    fn image(&self, id: &StageId) -> Result<&Image, EngineError> {
        match &self.stage(id)?.step {
            Step::Image(image) => Ok(image),
            _ => Err(EngineError::Bug(format!("`{id}` is no image"))),
        }
    }

    /// The stages that an image needs, in order.
    fn closure(&self, image: &StageId) -> Result<Vec<StageId>, EngineError> {
        let graph = Graph::new(&self.plan, std::slice::from_ref(image), false);
        let stage = |at| match &graph.node(at).id {
            NodeId::Stage(id) => Some(id.clone()),
            _ => None,
        };
        Ok(graph.indices().filter_map(stage).collect())
    }

    /// The stages whose outputs themselves are in an image.
    fn shipped(&self, image: &StageId) -> Result<Vec<StageId>, EngineError> {
        let mut all = Vec::new();
        for layer in &self.image(image)?.layers {
            let TreeRef::Stage(id) = &layer.tree else { continue };
            let Step::Layer(layer) = &self.stage(id)?.step else { continue };
            for piece in &layer.pieces {
                if let TreeRef::Stage(id) = &piece.from
                    && !all.contains(id)
                {
                    all.push(id.clone());
                }
            }
        }
        Ok(all)
    }

    /// The nodes whose outputs are read to say what an image is made of.
    pub(crate) fn told_by(&self, image: &StageId) -> Vec<NodeId> {
        let read = || -> Result<Vec<NodeId>, EngineError> {
            let mut nodes = vec![NodeId::Sysroot(self.image(image)?.sysroot.0.clone())];
            nodes.extend(self.shipped(image)?.into_iter().map(NodeId::Stage));
            for id in self.closure(image)? {
                let Step::Exec(exec) = &self.stage(&id)?.step else { continue };
                let Some(artifacts) = &exec.artifacts else { continue };
                let locks = artifacts.npm.iter().chain(&artifacts.go).chain(artifacts.python.iter().map(|p| &p.lock));
                nodes.extend(locks.map(|lock| NodeId::Source(lock.source.clone())));
                if !artifacts.go.is_empty() {
                    nodes.push(NodeId::Stage(id));
                }
            }
            Ok(nodes)
        };
        // What is wrong with the plan is said by those who ask for the bill itself.
        read().unwrap_or_default()
    }

    /// Everything that ships in an image. `outputs` are those of a run with [`Options::bill`](crate::Options::bill).
    pub fn components(&self, image: &StageId, outputs: &Outputs) -> Result<Vec<Component>, EngineError> {
        let mut all = self.debian_packages(image, outputs)?;
        let shipped = self.shipped(image)?;
        let (mut sums, mut vendors) = (Sums::new(), Vec::new());
        for id in self.closure(image)? {
            let Step::Exec(exec) = &self.stage(&id)?.step else { continue };
            let Some(artifacts) = &exec.artifacts else { continue };
            for lock in &artifacts.npm {
                let text = self.lock_text(lock, None, outputs)?;
                all.extend(npm::production(&text, &lock.path, &Platform::linux_glibc("x64"))?.into_iter().map(npm_package));
            }
            if shipped.contains(&id) {
                all.extend(self.python(&id, exec, artifacts, outputs)?);
            }
            for lock in &artifacts.go {
                let (go_mod, go_sum) = (self.lock_text(lock, None, outputs)?, self.lock_text(lock, Some("go.sum"), outputs)?);
                for artifact in GoLock::parse(&go_mod, &go_sum, &lock.path)?.artifacts()? {
                    if let What::GoZip { module, version } = artifact.what {
                        sums.insert((module, version), artifact.digest);
                    }
                }
                vendors.extend(outputs.get(&NodeId::Stage(id.clone())).map(|tree| self.tree(tree)));
            }
        }
        for id in shipped.iter().filter(|id| self.stage(id).is_ok_and(|stage| stage.kind == "go-build")) {
            all.extend(self.go_modules(id, outputs, &sums, &vendors)?);
        }
        for source in self.sources_of(image) {
            let (origin, archive) = origin(source, outputs)?;
            let component = Component::source(source.id.as_str(), &version(source), origin, archive);
            all.push(component.ships(Ships::Bundled));
        }
        Ok(all)
    }

    fn debian_packages(&self, image: &StageId, outputs: &Outputs) -> Result<Vec<Component>, EngineError> {
        let id = &self.image(image)?.sysroot.0;
        let sysroot = self.sysroot(id)?;
        let tree = outputs.get(&NodeId::Sysroot(id.clone())).map(|tree| self.tree(tree));
        let licences = |name: &str| {
            let path = tree.as_ref()?.join("usr/share/doc").join(name).join("copyright");
            debian::licences(&fs::read(path).ok()?)
        };
        let package = |pin: &akbuild_recipe::plan::DebPin| {
            Component::debian(&pin.name, &pin.version, "amd64")
                .digest(pin.digest)
                .licensed(licences(&pin.name).into_iter().flatten())
        };
        Ok(sysroot.packages.iter().map(package).collect())
    }

    /// The packages of a stage's `uv.lock`, with the licences that they say they have once installed.
    fn python(
        &self,
        id: &StageId,
        exec: &Exec,
        artifacts: &Artifacts,
        outputs: &Outputs,
    ) -> Result<Vec<Component>, EngineError> {
        if artifacts.python.is_empty() {
            return Ok(Vec::new());
        }
        let licences = match outputs.get(&NodeId::Stage(id.clone())) {
            Some(tree) => self.installed(tree)?,
            None => HashMap::new(),
        };
        let licensed = |component: Component| {
            let known = licences.get(&component.name).cloned().unwrap_or_default();
            component.licensed(known)
        };
        let mut all = Vec::new();
        for lock in &artifacts.python {
            let (_, selection) = self.python_packages(exec, lock, outputs)?;
            for artifact in selection.artifacts {
                if let What::Python { name, version, file, .. } = artifact.what {
                    all.push(licensed(Component::python(&name, &version, &file).digest(artifact.digest)));
                }
            }
            for git in selection.git {
                let (name, version) = (normalise(&git.name), git.version.unwrap_or_default());
                let purl = Purl::python_git(&name, &version, &git.url, &git.rev);
                let (ecosystem, ships) = (Ecosystem::Python, Ships::Installed);
                let component = Component { purl, ecosystem, name, version, digests: vec![], licences: vec![], ships };
                all.push(licensed(component));
            }
        }
        Ok(all)
    }

    /// The licences of the Python packages in a tree, by their normalised names.
    fn installed(&self, tree: &TreeHash) -> Result<HashMap<String, Vec<Licence>>, EngineError> {
        let listing = self.store.listing(tree)?;
        let mut all = HashMap::new();
        for entry in &listing.entries {
            let path = Path::new(&entry.path);
            let folder = path.parent().and_then(Path::extension);
            if path.file_name() != Some("METADATA".as_ref()) || folder != Some("dist-info".as_ref()) {
                continue;
            }
            let path = self.tree(tree).join(path);
            if let Ok(package) = python::metadata(&fs::read(&path).doing("read", &path)?) {
                all.insert(normalise(&package.name), package.licences);
            }
        }
        Ok(all)
    }

    /// The modules in the programs that a stage has built.
    fn go_modules(
        &self,
        id: &StageId,
        outputs: &Outputs,
        sums: &Sums,
        vendors: &[std::path::PathBuf],
    ) -> Result<Vec<Component>, EngineError> {
        let Some(tree) = outputs.get(&NodeId::Stage(id.clone())) else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for entry in &self.store.listing(tree)?.entries {
            if !matches!(entry.kind, Kind::File { exec: true, .. }) {
                continue;
            }
            let path = self.tree(tree).join(&entry.path);
            let bytes = fs::read(&path).doing("read", &path)?;
            let binary = go::binary(&bytes).map_err(|problem| EngineError::Modules { path: path.clone(), problem })?;
            for module in &binary.deps {
                let module = module.effective();
                // A folder that stands for a module is of a source, which is listed as such.
                if module.path.starts_with(['.', '/']) {
                    continue;
                }
                let known = sums.get(&(module.path.clone(), module.version.clone())).copied().or(module.sum);
                let digest = known.ok_or_else(|| EngineError::Unlocked {
                    module: module.path.clone(),
                    version: module.version.clone(),
                    program: entry.path.display().to_string(),
                })?;
                let licences = vendors.iter().find_map(|vendor| {
                    go::vendored(vendor, &module.path).ok().filter(|licences| !licences.is_empty())
                });
                let component = Component::go(&module.path, &module.version).digest(digest);
                all.push(component.licensed(licences.into_iter().flatten()));
            }
        }
        Ok(all)
    }

    /// The sources that an image needs.
    fn sources_of(&self, image: &StageId) -> Vec<&Source> {
        let graph = Graph::new(&self.plan, std::slice::from_ref(image), false);
        let wanted = |source: &&Source| graph.find(&NodeId::Source(source.id.clone())).is_some();
        self.plan.sources.iter().filter(wanted).collect()
    }

    /// Everything that came from outside and was used: sources, and the downloads of every stage, sysroot and tool.
    pub fn materials(&self, image: &StageId, outputs: &Outputs) -> Result<Vec<Material>, EngineError> {
        let mut all = Vec::new();
        for source in self.sources_of(image) {
            let (origin, archive) = origin(source, outputs)?;
            all.push(Material::source(source.id.as_str(), &version(source), &origin, archive.as_ref()));
        }
        let graph = Graph::new(&self.plan, std::slice::from_ref(image), false);
        for node in graph.indices().map(|at| &graph.node(at).id) {
            let list = match node {
                NodeId::Stage(_) => self.would_use(node, outputs).unwrap_or_default(),
                _ => self.artifact_list(node)?,
            };
            for artifact in list {
                all.extend(Purl::parse(&artifact.name).map(|purl| Material::artifact(&purl, [&artifact.digest])));
            }
        }
        Ok(all)
    }

    /// The keys of the stages that an image needs, as far as what they are made from is here.
    pub fn stage_keys(&self, image: &StageId, outputs: &Outputs) -> Result<BTreeMap<String, Key>, EngineError> {
        let mut keys = BTreeMap::new();
        for id in self.closure(image)? {
            let there = crate::graph::needs(&self.stage(&id)?.step).iter().all(|node| outputs.contains_key(node));
            if there && let Ok(manifest) = self.manifest(&NodeId::Stage(id.clone()), outputs) {
                keys.insert(id.to_string(), manifest.key());
            }
        }
        Ok(keys)
    }
}

fn npm_package(package: npm::NpmPackage) -> Component {
    let component = Component::npm(&package.name, &package.version).licensed(package.licence);
    let component = package.integrity.into_iter().fold(component, Component::digest);
    component.ships(if package.optional { Ships::Optional } else { Ships::Bundled })
}

/// The version that a source's tag or branch says, or its commit.
fn version(source: &Source) -> String {
    match &source.origin {
        Origin::Git { reference: Some(reference), .. } => reference.rsplit('/').next().unwrap_or(reference).to_owned(),
        Origin::Git { commit, .. } => commit.clone(),
        Origin::Tarball { digest, .. } => digest.hex(),
        Origin::Path(_) => "local".to_owned(),
    }
}

fn origin(source: &Source, outputs: &Outputs) -> Result<(From, Option<Digest>), EngineError> {
    let tree = source.hash.or_else(|| outputs.get(&NodeId::Source(source.id.clone())).copied());
    let tree = tree.ok_or_else(|| EngineError::Bug(format!("source `{}` is not here", source.id)))?;
    let tree = Digest::new(Algo::Sha256, tree.as_bytes()).map_err(|e| EngineError::Bug(e.to_string()))?;
    Ok(match &source.origin {
        Origin::Git { urls, commit, .. } => {
            (From { address: urls.first().cloned(), commit: Some(commit.clone()), tree }, None)
        }
        Origin::Tarball { urls, digest } => (From { address: urls.first().cloned(), commit: None, tree }, Some(*digest)),
        Origin::Path(_) => (From { address: None, commit: None, tree }, None),
    })
}
