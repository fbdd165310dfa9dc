//! Writing an image to a file, a folder or stdout, and what is known of it beside that.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use akbuild_image::{Form, Layout, blob_path, write_archive};
use akbuild_tree::TreeDir;

use super::documents::Documents;
use crate::args::{Image, ImageFormat};
use crate::failure::{Failure, Outcome, io};
use crate::replacement::{ReplacementFile, replace};
use crate::session::Session;
use crate::ui::Ui;

/// Fails if stdout is not for an image.
pub(super) fn check_stdout(ui: &dyn Ui, wanted: &Image, json: bool) -> Outcome {
    let refuse = |message: &str| Err(Failure::Say(format!("{message}\n  help: name a file with `--output FILE`")));
    match wanted.format {
        _ if json => refuse("the image goes to stdout, where `--json` would be in it"),
        ImageFormat::Oci => refuse("a layout is a folder, and cannot go to stdout"),
        _ if ui.streams().out_is_terminal() => refuse("an image is nothing for a terminal"),
        _ => Ok(()),
    }
}

/// Writes it; gives the paths of all that was written.
pub(super) fn write(
    session: &Session,
    layout: &Layout,
    format: ImageFormat,
    names: &[String],
    output: &Path,
    documents: Option<&Documents>,
) -> Outcome<Vec<PathBuf>> {
    let form = match format {
        ImageFormat::Oci => return folder(session, layout, names, output, documents),
        ImageFormat::OciArchive => Form::Oci,
        ImageFormat::DockerArchive => Form::Docker,
    };
    if output == Path::new("-") {
        let out =
            session.ui.streams().data().ok_or_else(|| Failure::Say("an image is nothing for a terminal".to_owned()))?;
        write_archive(layout, form, names, out)?;
        return Ok(Vec::new());
    }
    archive(layout, form, names, output)?;
    let mut written = vec![output.to_owned()];
    written.extend(beside(output, documents)?);
    Ok(written)
}

/// Writes an archive to a file, a device or a pipe.
fn archive(layout: &Layout, form: Form, names: &[String], output: &Path) -> Outcome {
    if fs::metadata(output).is_ok_and(|meta| !meta.is_file()) {
        // A device or a pipe.
        let file = io(File::options().write(true).open(output), "open", output)?;
        return Ok(write_archive(layout, form, names, BufWriter::with_capacity(1 << 20, file))?);
    }
    let mut new = ReplacementFile::create(output)?;
    write_archive(layout, form, names, BufWriter::with_capacity(1 << 20, new.file()))?;
    new.finish()
}

/// Copies the layout to a folder that is new, or has one already.
fn folder(
    session: &Session,
    layout: &Layout,
    names: &[String],
    output: &Path,
    documents: Option<&Documents>,
) -> Outcome<Vec<PathBuf>> {
    let there = output.join("oci-layout").is_file();
    let empty = fs::read_dir(output).map(|mut entries| entries.next().is_none());
    if !there && !empty.unwrap_or(true) {
        let message = format!("`{}` is there, and is no image layout", output.display());
        return Err(Failure::Say(format!("{message}\n  help: name a new folder with `--output`")));
    }
    io(fs::create_dir_all(output), "make", output)?;
    // The way to the folder is the caller's, links included. In the folder, nothing is written through one.
    let real = io(output.canonicalize(), "open", output)?;
    TreeDir::open(&real, format!("the image layout `{}`", output.display()))?.create_dir_all("blobs/sha256")?;
    for blob in layout.layers.iter().chain([&layout.config, &layout.manifest]) {
        let to = blob_path(&real, &blob.digest);
        if fs::symlink_metadata(&to).is_ok_and(|meta| meta.is_file() && meta.len() == blob.size) {
            continue;
        }
        let (mut from, mut new) = (layout.open_blob(&blob.digest)?, ReplacementFile::create(&to)?);
        io(std::io::copy(&mut from, new.file()), "copy", &layout.blob(&blob.digest))?;
        new.finish()?;
    }
    let version = TreeDir::open(&layout.folder, "the image")?.read_to_string("oci-layout")?;
    replace(&real.join("oci-layout"), &version)?;
    replace(&real.join("index.json"), &String::from_utf8_lossy(&layout.index(names)))?;
    session.ui.note(&format!("image layout in `{}`", output.display()));
    let mut written = vec![output.to_owned()];
    written.extend(beside(output, documents)?);
    Ok(written)
}

/// Writes what is known of an image beside it.
fn beside(output: &Path, documents: Option<&Documents>) -> Outcome<Vec<PathBuf>> {
    let Some(documents) = documents else { return Ok(Vec::new()) };
    let all = [(".cdx.json", &documents.sbom), (".provenance.json", &documents.provenance)];
    all.into_iter()
        .map(|(ending, text)| {
            let path = added(output, ending);
            replace(&path, text)?;
            Ok(path)
        })
        .collect()
}

fn added(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}
