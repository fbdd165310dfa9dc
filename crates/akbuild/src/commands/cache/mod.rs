//! `akbuild cache`: looking into the store, and looking after it. Works outside of a project.

mod diff;
mod du;
mod export;
mod files;
mod gc;
mod import;
mod ls;
mod show;
mod stale_note;
mod verify;
mod what;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::args::Global;
use crate::args::cache::Cache;
use crate::failure::Outcome;
use crate::project::Project;
use crate::session::Session;
use crate::ui::Ui;
use what::What;

pub(crate) fn run(global: &Global, command: &Cache, ui: &Arc<dyn Ui>) -> Outcome {
    let folder = global.directory.as_deref().unwrap_or(Path::new("."));
    let session = Session::open(global, folder, ui.clone())?;
    if let Cache::Verify { repair, reindex } = command {
        return verify::run(global, &session, verify::Wish { repair: *repair, reindex: *reindex });
    }
    let project = Project::name(global)?;
    // A file that is named on the command line; `-` is none.
    let file = |path: &Path| match &global.directory {
        Some(folder) if path != Path::new("-") => folder.join(path),
        _ => path.to_owned(),
    };
    let what = |text: &str| What::find(&session, project.as_deref(), text);
    let noted = |name: &str| {
        let what = what(name)?;
        stale_note::note_changes(&session, global, name, &what)?;
        Ok(what)
    };
    match command {
        Cache::Verify { .. } => Ok(()),
        Cache::Show { what: names, artifacts } => {
            let shown = names.iter().map(|name| noted(name)).collect::<Outcome<Vec<_>>>()?;
            show::run(&session, &shown, *artifacts, global.json)
        }
        Cache::Tree { what: name, path, depth } => files::tree(
            &session,
            &noted(name)?.tree()?,
            &relative(path.as_deref().unwrap_or(Path::new(""))),
            *depth,
            global.json,
        ),
        Cache::Diff { old, new, files } => {
            diff::run(&session, [old, new], [what(old)?, what(new)?], *files, global.json)
        }
        Cache::Export { what, output, outputs_only } => {
            let wanted = export::Wanted { what, output: &file(output), outputs_only: *outputs_only };
            export::run(&session, global, &wanted)
        }
        Cache::Import { file: path } => import::run(&session, &file(path), global.json),
        Cache::Du => du::run(&session, global.json),
        Cache::Cat { what: name, path } => files::cat(&session, &noted(name)?.tree()?, &relative(path)),
        Cache::Gc(asked) => gc::run(&session, asked, global.json),
        Cache::Ls { stage, project, blobs, sort } => {
            let only = ls::Only { stage: stage.as_deref(), project: project.as_deref() };
            if *blobs {
                ls::blobs(&session, &only, *sort, global.json)
            } else {
                ls::trees(&session, &only, *sort, global.json)
            }
        }
    }
}

/// A path of a tree, with or without a slash in front.
fn relative(path: &Path) -> PathBuf {
    path.strip_prefix("/").unwrap_or(path).to_owned()
}
