//! `akbuild cache export`: stages, and all that they need, in one file.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use akbuild_export::{Contents, Written, export};
use serde_json::json;

use super::what::What;
use crate::args::Global;
use crate::failure::{Failure, Outcome, io};
use crate::project::{self, Project};
use crate::replacement::ReplacementFile;
use crate::session::Session;
use crate::ui::{Meter, size};

/// What was asked for.
pub(super) struct Wanted<'a> {
    pub(super) what: &'a [String],
    pub(super) output: &'a Path,
    pub(super) outputs_only: bool,
}

pub(super) fn run(session: &Session, global: &Global, wanted: &Wanted<'_>) -> Outcome {
    let to_stdout = wanted.output == Path::new("-");
    if to_stdout && global.json {
        let message = "the export goes to stdout, where `--json` would be in it";
        return Err(Failure::Say(format!("{message}\n  help: name a file with `--output FILE`")));
    }
    if to_stdout {
        let message = "an export is nothing for a terminal\n  help: name a file with `--output FILE`, or use a pipe";
        let mut out = session.ui.streams().data().ok_or_else(|| Failure::Say(message.to_owned()))?;
        let contents = contents(session, global, wanted)?;
        let written = write(session, &contents, &mut out)?;
        session.ui.note(&format!("sha256 {}, {}", written.digest.hex(), size(written.bytes)));
        return Ok(());
    }
    let contents = contents(session, global, wanted)?;
    let written = to_file(session, &contents, wanted.output)?;
    let digest = written.digest.hex();
    session.ui.out(&match global.json {
        true => {
            let (file, bytes) = (wanted.output, written.bytes);
            format!("{:#}\n", json!({"schema": 1, "file": file, "bytes": bytes, "sha256": digest}))
        }
        // As sha256sum writes it, and reads it.
        false => format!("{digest}  {}\n", wanted.output.display()),
    });
    Ok(())
}

/// What is asked for: stages of the recipe by name, all else as records have it.
fn contents(session: &Session, global: &Global, wanted: &Wanted<'_>) -> Outcome<Contents> {
    let mut contents = Contents::new(wanted.outputs_only);
    let name = Project::name(global)?;
    let mut others: Vec<&String> = wanted.what.iter().collect();
    if name.is_some() {
        let project = Project::read(global)?;
        let plan = project.plan()?;
        let is_stage = |pattern: &&String| {
            plan.stages().iter().any(|stage| project::matches(pattern.as_bytes(), stage.id.as_str().as_bytes()))
        };
        let patterns: Vec<String> = others.extract_if(.., |pattern| is_stage(&&**pattern)).cloned().collect();
        let targets = if wanted.what.is_empty() { plan.targets().to_vec() } else { project::stages(&plan, &patterns)? };
        if !targets.is_empty() {
            let context = session.look(&project, plan, session.options(None, Vec::new()), &targets)?;
            contents.add_stages(&context, &targets)?;
        }
    } else if others.is_empty() {
        let message = "there is no recipe here that would say what to export";
        return Err(Failure::Say(format!("{message}\n  help: name stages, or the beginning of hashes")));
    }
    for text in others {
        match What::find(session, name.as_deref(), text)? {
            What::Action(action) => contents.add_action(&session.store, *action)?,
            What::Tree(tree) => match session.store.makers(&tree)?.into_iter().next() {
                Some(maker) => contents.add_action(&session.store, maker)?,
                None => contents.add_tree(tree, text),
            },
            What::Blob(blob) => contents.add_download(blob),
        }
    }
    Ok(contents)
}

/// Writes an export to a file, a device or a pipe.
fn to_file(session: &Session, contents: &Contents, path: &Path) -> Outcome<Written> {
    if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        // A device or a pipe.
        let mut file = io(File::options().write(true).open(path), "open", path)?;
        return write(session, contents, &mut file);
    }
    let mut new = ReplacementFile::create(path)?;
    let written = write(session, contents, new.file())?;
    new.finish()?;
    Ok(written)
}

fn write(session: &Session, contents: &Contents, out: &mut impl Write) -> Outcome<Written> {
    let mut meter = Meter::new(&*session.ui, "exporting", contents.bytes(&session.store)?);
    Ok(export(&session.store, contents, out, &mut |bytes| {
        meter.add(bytes);
        !session.is_interrupted()
    })?)
}
