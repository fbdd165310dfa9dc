//! Making an image: each of its layers from trees of the store, and the whole from its layers. Knows trees and
//! folders; how a layer looks is the image crate's.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use akbuild_image::{Contents, Entry, Packed, blob_name, overlay, pack, write_layout};
use akbuild_nar::{Kind, TreeHash};
use akbuild_recipe::plan::{Image, Layer, Subset};
use akbuild_tree::{TreeDir, TreeFile};

use crate::error::{EngineError, Io};
use crate::event::Event;
use crate::graph::NodeId;
use crate::keys::trees;
use crate::stage::job::Job;
use crate::stage::{entry, work};
use crate::tree_name;

/// Packs a layer; gives the folder with it.
pub(crate) fn layer(job: &mut Job<'_>, layer: &Layer) -> Result<PathBuf, EngineError> {
    job.context.phase(job.node, "list");
    let mut contents = Contents::default();
    if let Some((sysroot, subset)) = &layer.sysroot {
        let tree = job.output(NodeId::Sysroot(sysroot.clone()))?;
        add(job, &mut contents, &tree, "", subset, "")?;
    }
    for piece in &layer.pieces {
        let tree = job.output(&piece.from)?;
        add(job, &mut contents, &tree, &piece.path, &piece.subset, &piece.to)?;
    }
    for file in &layer.files {
        let entry = Entry::Text { bytes: file.text.clone().into_bytes(), exec: file.executable };
        contents.add(OsStr::new(&file.path), entry)?;
    }
    for folder in &layer.folders {
        contents.folder(OsStr::new(&folder.path), folder.mode)?;
    }
    job.context.phase(job.node, "pack");
    let out = job.scratch.join("out");
    work::make_folder(&out)?;
    let blob = out.join(blob_name(layer.compression));
    let packed = pack(&contents, layer.compression, job.context.options.threads, &blob)?;
    packed.write(&out, &contents)?;
    let (entries, name) = (contents.len(), packed.digest.oci());
    let line = format!("{entries} entries, {} bytes, {} packed: {name}", packed.diff_size, packed.size);
    writeln!(job.log, "{line}").doing("write", Path::new("the log"))?;
    Ok(out)
}

/// Puts part of a tree into a layer, at `to`.
fn add(
    job: &Job<'_>,
    contents: &mut Contents,
    tree: &TreeHash,
    path: &str,
    subset: &Subset,
    to: &str,
) -> Result<(), EngineError> {
    let listing = job.context.store.listing(tree)?;
    let name = format!("the tree {tree}");
    let top = Arc::new(TreeDir::open(&job.context.tree(tree), name)?);
    for (relative, kind) in trees::select(&listing, path, subset)? {
        let place = join(to, relative);
        if place.is_empty() {
            continue;
        }
        let entry = match kind {
            Kind::Dir => Entry::Folder(0o755),
            Kind::Symlink { target } => Entry::Link(target.clone()),
            Kind::File { exec, size, digest } => {
                // Joined with nothing, a file's name would become a folder's.
                let inside = if relative.is_empty() { PathBuf::from(path) } else { Path::new(path).join(relative) };
                Entry::File { from: TreeFile::new(&top, inside), size: *size, digest: *digest, exec: *exec }
            }
        };
        contents.add(&place, entry)?;
    }
    Ok(())
}

/// Puts an image together; gives its layout. Nothing of what should ship may be missing.
pub(crate) fn image(job: &mut Job<'_>, image: &Image) -> Result<PathBuf, EngineError> {
    job.context.phase(job.node, "link");
    let (mut layers, mut listings, mut blobs) = (Vec::new(), Vec::new(), Vec::new());
    for layer in &image.layers {
        let folder = job.context.tree(&job.output(&layer.tree)?);
        let packed = Packed::read(&folder)?;
        listings.push((layer.name.clone(), Packed::contents(&folder)?));
        blobs.push(folder.join(blob_name(packed.compression)));
        layers.push((layer.name.clone(), packed));
    }
    let tree = job.context.store.listing(&job.output(&image.tree)?)?;
    let stack = overlay(&listings)?;
    if let Some(path) = stack.lacks(&tree, &image.at) {
        return Err(EngineError::NotShipped { path, tree: tree_name::name_of_tree(&image.tree) });
    }
    if let Some(problem) = entry::entry_point_problem(job, image, &stack)? {
        // An image may be meant to be started otherwise: with a command of its own, or with a mounted program.
        let message = format!(
            "the image of stage `{}` cannot be started: {problem}\n  help: change `entrypoint` of the stage, or ship \
             what is missing: with its `tree`, a package of its sysroot, or `files`",
            job.stage.id
        );
        job.context.sink.event(Event::Warning { message });
    }
    let out = job.scratch.join("out");
    let link = |i: usize, place: &Path| Ok::<_, EngineError>(job.context.store.link(&blobs[i], place).map(drop)?);
    let manifest = write_layout(&out, &image.config, &layers, link)?;
    writeln!(job.log, "{} layers: {}", layers.len(), manifest.name()).doing("write", Path::new("the log"))?;
    Ok(out)
}

fn join(folder: &str, path: &OsStr) -> OsString {
    match (folder.is_empty(), path.is_empty()) {
        (true, _) => path.to_owned(),
        (_, true) => folder.into(),
        _ => [OsStr::new(folder), OsStr::new("/"), path].into_iter().collect(),
    }
}
