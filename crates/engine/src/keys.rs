//! From a node of the plan, and the outputs of what it needs, to its manifest. This is the one
//! traversal: the key is the manifest's hash, and explanations are differences of manifests.

pub(crate) mod field_value;
pub(crate) mod file_view;
pub(crate) mod manifest;
pub(crate) mod manifest_field;
pub(crate) mod part_digest;
pub(crate) mod part_note;
pub(crate) mod schemarefs;
pub(crate) mod trees;
pub(crate) mod view_problem;

use akbuild_nar::{Listing, TreeHash};
use akbuild_recipe::plan::{
    Check, Compose, Exec, Image, Layer, LockReference, Plan, Source, Stage, Step, Subset, Sysroot, SysrootId, Tool,
    ToolPackage, TreeRef, View, WrittenFile,
};
use akbuild_store::OutputLayers;

use crate::context::EngineContext;
use crate::ecosystem::support;
use crate::error::EngineError;
use crate::graph::NodeId;
pub use crate::graph::Outputs;
use crate::keys::field_value::{CheckValue, LockNote, PatchValue, json};
use crate::keys::manifest::Manifest;
use crate::keys::manifest_field::ManifestField;
use crate::keys::part_note::PartNote;
use crate::near::near_paths;
use crate::tree_name;

/// Raised when the sandbox comes to mean something else for what runs in it.
const SANDBOX_VERSION: &str = "1";
/// Raised when the loopback registry comes to answer otherwise.
const REGISTRY_VERSION: &str = "1";

/// What stands in a manifest for a part of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parts {
    /// The digest of its content.
    Content,
    /// The tree's hash, and which part: the tree need not be there.
    Named,
}

/// A part of a tree that a stage takes: of which tree, the path in it, which files there, and how much of them.
type TakenPart<'a> = (&'a TreeRef, &'a str, &'a Subset, View);

/// The output of a node that another one needs.
pub(crate) fn output_of(outputs: &Outputs, node: &NodeId) -> Result<TreeHash, EngineError> {
    outputs.get(node).copied().ok_or_else(|| EngineError::Bug(format!("{node} was read before it was made")))
}

/// Writes manifests.
pub(crate) struct Keys<'a> {
    pub(crate) backends: &'a OutputLayers,
    pub(crate) parts: Parts,
    pub(crate) plan: &'a Plan,
    pub(crate) outputs: &'a Outputs,
}

impl Keys<'_> {
    fn output(&self, node: NodeId) -> Result<TreeHash, EngineError> {
        output_of(self.outputs, &node)
    }

    fn tree(&self, tree: &TreeRef) -> Result<TreeHash, EngineError> {
        self.output(tree.into())
    }

    /// The manifest of a stage.
    pub(crate) fn stage(&self, stage: &Stage) -> Result<Manifest, EngineError> {
        let mut manifest = Manifest::new(stage.kind, stage.kind_version);
        match &stage.step {
            Step::Exec(exec) => self.exec(stage, exec, &mut manifest)?,
            Step::Compose(compose) => self.compose(stage, compose, &mut manifest)?,
            Step::Layer(layer) => self.layer(stage, layer, &mut manifest)?,
            Step::Image(image) => self.image(stage, image, &mut manifest)?,
        }
        for (i, check) in stage.step.checks().iter().enumerate() {
            let (Check::Elf { sysroot, .. } | Check::Run { sysroot, .. }) = check;
            manifest.set(&ManifestField::Check(i), self.check(check)?);
            manifest.note(&ManifestField::Check(i), sysroot.as_str());
        }
        Ok(manifest)
    }

    fn exec(&self, stage: &Stage, exec: &Exec, manifest: &mut Manifest) -> Result<(), EngineError> {
        manifest.set(&ManifestField::Sandbox, SANDBOX_VERSION);
        manifest.set(&ManifestField::Script, &exec.script);
        manifest.set(&ManifestField::WorkFolder, &exec.cwd);
        manifest.set(&ManifestField::OutputFolder, &exec.out);
        self.sysroot_field(&exec.sysroot, manifest)?;
        let host = self.plan.sysroots.iter().find(|s| s.id == exec.sysroot).and_then(|s| s.host.as_ref());
        for (field, value) in host.map(crate::root::fields).unwrap_or_default() {
            manifest.set(&field, value);
        }
        for tool in &exec.tools {
            manifest.set(&ManifestField::Tool(tool.clone()), self.output(NodeId::Tool(tool.clone()))?.to_string());
        }
        for source in &exec.git {
            manifest.set(&ManifestField::Commit(source.clone()), self.commit(source)?);
        }
        for (number, copy) in exec.copies.iter().enumerate() {
            let field = ManifestField::Copy { number, to: copy.to.clone(), view: copy.view };
            self.set_part(stage, &field, (&copy.from, "", &copy.subset, copy.view), false, manifest)?;
        }
        for mount in &exec.mounts {
            let field = ManifestField::Mount { to: mount.to.clone(), every: mount.folders.clone() };
            let what = (&mount.from, &*mount.path, &Subset::default(), View::Whole);
            self.set_part(stage, &field, what, mount.optional, manifest)?;
        }
        for (name, value) in &exec.env {
            manifest.set(&ManifestField::Variable(name.clone()), value);
        }
        files(&exec.files, manifest);
        if !exec.locks.is_empty() {
            manifest.set(&ManifestField::Registry, REGISTRY_VERSION);
            let source = |lock: &LockReference| NodeId::Source(lock.file().source.clone()).to_string();
            let note = |lock: &LockReference| LockNote(source(lock), lock.file().path.clone());
            manifest.note(&ManifestField::Locks, json(&exec.locks.iter().map(note).collect::<Vec<_>>()));
            for (n, lock) in exec.locks.iter().enumerate() {
                support(lock.ecosystem()).set_key_fields(self.plan, n, lock, manifest);
            }
        }
        Ok(())
    }

    /// The tree of a sysroot; its name is a note, since several may have equal trees.
    fn sysroot_field(&self, id: &SysrootId, manifest: &mut Manifest) -> Result<(), EngineError> {
        manifest.set(&ManifestField::Sysroot, self.output(NodeId::Sysroot(id.clone()))?.to_string());
        manifest.note(&ManifestField::Sysroot, id.as_str());
        Ok(())
    }

    fn compose(&self, stage: &Stage, compose: &Compose, manifest: &mut Manifest) -> Result<(), EngineError> {
        for (number, piece) in compose.pieces.iter().enumerate() {
            let what = (&piece.from, &*piece.path, &piece.subset, View::Whole);
            let field = ManifestField::Piece { number, to: format!("/{}", piece.to) };
            self.set_part(stage, &field, what, false, manifest)?;
        }
        files(&compose.files, manifest);
        Ok(())
    }

    fn layer(&self, stage: &Stage, layer: &Layer, manifest: &mut Manifest) -> Result<(), EngineError> {
        if let Some((sysroot, subset)) = &layer.sysroot {
            self.sysroot_field(sysroot, manifest)?;
            manifest.set(&ManifestField::SysrootFiles, json(subset));
        }
        for (number, piece) in layer.pieces.iter().enumerate() {
            let what = (&piece.from, &*piece.path, &piece.subset, View::Whole);
            let field = ManifestField::Piece { number, to: format!("/{}", piece.to) };
            self.set_part(stage, &field, what, false, manifest)?;
        }
        files(&layer.files, manifest);
        for folder in &layer.folders {
            manifest.set(&ManifestField::MadeFolder(folder.path.clone()), format!("{:o}", folder.mode));
        }
        manifest.set(&ManifestField::Compression, json(&layer.compression));
        Ok(())
    }

    fn image(&self, stage: &Stage, image: &Image, manifest: &mut Manifest) -> Result<(), EngineError> {
        let all = &Subset::default();
        for (number, layer) in image.layers.iter().enumerate() {
            let field = ManifestField::Layer { number, name: layer.name.clone() };
            self.set_part(stage, &field, (&layer.tree, "", all, View::Whole), false, manifest)?;
        }
        let field = ManifestField::ImageTree(image.at.clone());
        self.set_part(stage, &field, (&image.tree, "", all, View::Whole), false, manifest)?;
        manifest.set(&ManifestField::ImageConfig, json(&image.config));
        Ok(())
    }

    /// Sets `field` to the digest of part of a tree, and notes where that part came from.
    fn set_part(
        &self,
        stage: &Stage,
        field: &ManifestField,
        part: TakenPart<'_>,
        optional: bool,
        manifest: &mut Manifest,
    ) -> Result<(), EngineError> {
        manifest.set(field, self.part(stage, part, optional)?);
        if self.parts == Parts::Content {
            let (from, path, subset, view) = part;
            manifest.note(field, PartNote::new(from, self.tree(from)?, path, subset, view).to_json());
        }
        Ok(())
    }

    /// The digest of part of a tree, or where that part is to come from.
    pub(crate) fn part(
        &self,
        stage: &Stage,
        (from, path, subset, view): TakenPart<'_>,
        optional: bool,
    ) -> Result<String, EngineError> {
        let tree = self.tree(from)?;
        if self.parts == Parts::Named {
            return Ok(json(&(tree, path, subset, view)));
        }
        let digest = part_digest::subset_digest(self.backends, &tree, path, subset, view);
        match digest.map_err(|error| error.in_stage(stage.id.as_str(), &tree_name::name_of_tree(from)))? {
            Some(digest) => Ok(digest),
            None if let Some(link) = trees::link_on_the_way(&self.backends.listing(&tree)?, from, path) => {
                Err(EngineError::Unreachable { stage: stage.id.to_string(), source: link })
            }
            None if optional => Ok(part_digest::ABSENT.to_owned()),
            None => {
                let listing = self.backends.listing(&tree)?;
                if path.is_empty() || listing.entries.iter().any(|entry| entry.path == path) {
                    return Err(nothing_matches(stage, (from, path, subset), &listing));
                }
                let near = near_paths(&listing, "", path);
                let (at, path, tree) = (stage.at.clone(), path.to_owned(), tree_name::name_of_tree(from));
                Err(EngineError::NoSuchPath { stage: stage.id.to_string(), at, path, tree, near })
            }
        }
    }

    fn check(&self, check: &Check) -> Result<String, EngineError> {
        let (Check::Elf { sysroot, .. } | Check::Run { sysroot, .. }) = check;
        let root = self.output(NodeId::Sysroot(sysroot.clone()))?;
        Ok(CheckValue::of(check, root).to_json())
    }

    fn commit(&self, id: &akbuild_recipe::plan::SourceId) -> Result<String, EngineError> {
        match self.plan.sources.iter().find(|s| s.id == *id).map(|s| &s.origin) {
            Some(akbuild_recipe::plan::Origin::Git { commit, .. }) => Ok(commit.clone()),
            _ => Ok(self.output(NodeId::Source(id.clone()))?.to_string()),
        }
    }
}

/// The manifest of a source: `raw` is the tree before any patch.
pub(crate) fn source(source: &Source, raw: &TreeHash) -> Manifest {
    let mut manifest = Manifest::new("source", 1);
    manifest.set(&ManifestField::SourceTree, raw.to_string());
    for (number, patch) in source.patches.iter().enumerate() {
        let field = ManifestField::Patch { number, file: patch.file.clone() };
        manifest.set(&field, PatchValue::of(&patch.edit).to_json());
    }
    manifest
}

/// The manifest of a sysroot.
pub(crate) fn sysroot(sysroot: &Sysroot) -> Manifest {
    let mut manifest = Manifest::new("sysroot", akbuild_sysroot::VERSION);
    for (field, value) in sysroot.host.as_ref().map(crate::root::fields).unwrap_or_default() {
        manifest.set(&field, value);
    }
    for pin in &sysroot.packages {
        manifest.set(&ManifestField::DebianPin(pin.name.to_string()), field_value::debian_pin(pin));
    }
    manifest
}

/// The manifest of a tool.
pub(crate) fn tool(tool: &Tool) -> Manifest {
    let mut manifest = Manifest::new("tool", 1);
    let digest = match &tool.package {
        ToolPackage::Python(pin) => &pin.digest,
        ToolPackage::Npm(pin) => &pin.digest,
    };
    manifest.set(&ManifestField::ToolPackage, digest.to_string());
    manifest
}

fn files(files: &[WrittenFile], manifest: &mut Manifest) {
    for file in files {
        manifest.set(&ManifestField::WrittenFile(file.path.clone()), field_value::written_file(file));
    }
}

fn nothing_matches(stage: &Stage, (from, path, subset): (&TreeRef, &str, &Subset), listing: &Listing) -> EngineError {
    let patterns = subset.include.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", ");
    let near = subset.include.first().map(|first| format!(": {}", near_paths(listing, path, first)));
    let (stage, tree) = (stage.id.to_string(), tree_name::name_of_part(from, path));
    EngineError::NothingMatches { stage, tree, patterns, near: near.unwrap_or_default() }
}

/// The manifest of a node that is no source, from the outputs of what it needs.
pub fn manifest(context: &EngineContext, node: &NodeId, outputs: &Outputs) -> Result<Manifest, EngineError> {
    let keys = Keys { backends: &context.backends, parts: Parts::Content, plan: &context.plan, outputs };
    match node {
        NodeId::Sysroot(id) => Ok(sysroot(context.sysroot(id)?)),
        NodeId::Tool(id) => Ok(tool(context.tool(id)?)),
        NodeId::Stage(id) => keys.stage(context.stage(id)?),
        NodeId::Source(_) | NodeId::Fetch(_) | NodeId::Check(_) => {
            Err(EngineError::Bug(format!("{node} has no manifest of this kind")))
        }
    }
}
