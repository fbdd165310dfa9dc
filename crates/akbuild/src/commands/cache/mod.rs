//! `akbuild cache`: looking into the store, and looking after it. Works outside of a project.

mod ls;

use std::path::Path;
use std::sync::Arc;

use crate::args::Global;
use crate::args::cache::Cache;
use crate::failure::Outcome;
use crate::session::Session;
use crate::ui::Ui;

pub(crate) fn run(global: &Global, command: &Cache, ui: &Arc<dyn Ui>) -> Outcome {
    let folder = global.directory.as_deref().unwrap_or(Path::new("."));
    let session = Session::open(global, folder, ui.clone())?;
    match command {
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
