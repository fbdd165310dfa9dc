//! `akbuild cache verify`: looks whether all that is in the store is whole, and repairs what is not.

mod document;
mod names;
mod shown;
mod words;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use akbuild_engine::{EngineContext, Lost, Restored};
use akbuild_store::{Finding, Problem, Progress, Repair, Thing, Verified, Verify};

use self::names::Names;
use self::shown::{Done, Shown, Told};
use crate::args::Global;
use crate::commands::build::{self, Ended};
use crate::failure::{Exit, Failure, Outcome};
use crate::machine;
use crate::project::Project;
use crate::session::Session;
use crate::ui::{Paint, size_of};

/// What was asked for.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    pub(super) repair: bool,
    pub(super) reindex: bool,
}

pub(super) fn run(global: &Global, session: &Session, wish: Wish) -> Outcome {
    let begun = Instant::now();
    if wish.reindex {
        session.store.reindex()?;
    }
    let mut verified = hash(session, wish)?;
    let names = Names::read(&session.store)?;
    let mut shown = Vec::new();
    if wish.repair && verified.findings.iter().any(|finding| finding.thing == Thing::Index) {
        // Nothing else could be looked at before.
        shown = verified.findings.iter().map(|finding| set_right(session, finding)).collect();
        verified = hash(session, wish)?;
    }
    if wish.reindex {
        verified.findings.retain(|finding| finding.problem != Problem::Unrecorded);
    }
    if wish.repair {
        repair(global, session, &verified.findings, &mut shown)?;
    } else {
        shown.extend(verified.findings.into_iter().map(|finding| Shown { finding, done: None }));
    }
    if wish.repair || wish.reindex {
        session.store.sync()?;
    }
    tell(
        session,
        &Told { checked: verified.checked, shown, names, seconds: begun.elapsed().as_secs_f64() },
        global.json,
    )
}

/// Looks at everything, and tells how far it is.
fn hash(session: &Session, wish: Wish) -> Outcome<Verified> {
    let step = AtomicU64::new(0);
    let progress = |at: Progress| {
        let now = (at.bytes * 1000).checked_div(at.total_bytes).unwrap_or(0) + at.items;
        if step.swap(now, Ordering::Relaxed) != now {
            let items = format!("{} of {} trees and downloads", at.items, at.total_items);
            session.ui.progress(&format!("verifying: {}, {items}", size_of(at.bytes, at.total_bytes)));
        }
    };
    let threads = machine::processors().max(1) as usize;
    let verified = session.store.verify(&Verify { threads, record: wish.repair || wish.reindex, progress: &progress });
    session.ui.progress("");
    if session.is_interrupted() {
        return Err(Failure::Told(Exit::Interrupted));
    }
    Ok(verified?)
}

/// Takes away what is damaged, has made again what this project knows how to make, and then looks after what leads
/// nowhere: what it led to may be there again.
fn repair(global: &Global, session: &Session, findings: &[Finding], shown: &mut Vec<Shown>) -> Outcome {
    let now = |finding: &&Finding| !matches!(finding.problem, Problem::Dangling(_));
    shown.extend(findings.iter().filter(now).map(|finding| set_right(session, finding)));
    let lost = lost(shown);
    if !(lost.trees.is_empty() && lost.blobs.is_empty() && lost.lists.is_empty()) {
        restore(global, session, &lost, shown)?;
    }
    let loose = session.store.loose_ends()?;
    let again = findings.iter().filter(|finding| !now(finding) && !loose.contains(finding));
    shown.extend(again.map(|finding| Shown { finding: finding.clone(), done: Some(Done::There) }));
    let known: HashSet<Thing> = shown.iter().map(|shown| shown.finding.thing.clone()).collect();
    let loose = loose.iter().filter(|finding| !now(finding) || !known.contains(&finding.thing));
    shown.extend(loose.map(|finding| set_right(session, finding)));
    Ok(())
}

fn set_right(session: &Session, finding: &Finding) -> Shown {
    let done = match session.store.repair(finding) {
        Ok(repair) => Done::Repaired(repair),
        Err(error) => Done::Failed(error.to_string()),
    };
    Shown { finding: finding.clone(), done: Some(done) }
}

/// What is no longer in the store.
fn lost(shown: &[Shown]) -> Lost {
    let mut lost = Lost::default();
    for Shown { finding, done } in shown {
        let Some(Done::Repaired(Repair::Removed { .. } | Repair::Dropped)) = done else { continue };
        match &finding.thing {
            Thing::Tree(hash) => drop(lost.trees.insert(*hash)),
            Thing::Blob(digest) => drop(lost.blobs.insert(*digest)),
            Thing::Artifacts(list) => drop(lost.lists.insert(*list)),
            _ => {}
        }
    }
    lost
}

/// Makes again what the project here names. What is wrong with the project is told, and no reason not to go on.
fn restore(global: &Global, session: &Session, lost: &Lost, shown: &mut [Shown]) -> Outcome {
    let context = match context(global, session) {
        Ok(Some(context)) => context,
        Ok(None) => return Ok(()),
        Err(failure) => {
            let (message, _) = failure.render(Paint(false));
            session.ui.warn(&format!("nothing is made again:\n{}", message.unwrap_or_default()));
            return Ok(());
        }
    };
    let begun = Instant::now();
    let (restored, run) = session.restore(&context, lost)?;
    build::tell(session, &context, Ended::new(run, begun));
    if context.cancel.is_thrown() {
        return Err(Failure::Told(Exit::Interrupted));
    }
    for Shown { finding, done } in shown {
        let Some(Done::Repaired(repair @ (Repair::Removed { .. } | Repair::Dropped))) = done else { continue };
        *done = Some(outcome(session, &context, &restored, finding, repair.clone()));
    }
    Ok(())
}

/// What became of something that was lost.
fn outcome(session: &Session, context: &EngineContext, restored: &Restored, finding: &Finding, repair: Repair) -> Done {
    let made = |hash| restored.made.iter().find(|(_, lost, _)| *lost == hash);
    let failed = |node: &akbuild_engine::NodeId| {
        restored.reports.iter().find(|report| report.node == *node).and_then(|report| report.error.clone())
    };
    match &finding.thing {
        Thing::Tree(hash) => match made(*hash) {
            _ if session.store.has_tree(hash) => Done::Again(repair),
            Some((node, _, Some(found))) => Done::Other { repair, node: node.to_string(), found: *found },
            Some((node, _, None)) => {
                let why = failed(node).unwrap_or_else(|| format!("something that `{node}` needs failed"));
                Done::Lost { repair, why }
            }
            None => Done::Repaired(repair),
        },
        Thing::Blob(digest) if session.store.has_blob(digest) => Done::Again(repair),
        Thing::Artifacts(list) if context.store.artifacts(list).is_ok_and(|list| list.is_some()) => Done::Again(repair),
        _ => Done::Repaired(repair),
    }
}

/// An engine for the project here; `None` outside of one.
fn context(global: &Global, session: &Session) -> Outcome<Option<std::sync::Arc<EngineContext>>> {
    if Project::is_none(global) {
        return Ok(None);
    }
    let project = Project::read(global)?;
    let plan = project.plan()?;
    let all: Vec<_> = plan.stages().iter().map(|stage| stage.id.clone()).collect();
    session.build_needs(&project, plan, session.options(None, Vec::new()), &all).map(Some)
}

fn tell(session: &Session, told: &Told, json: bool) -> Outcome {
    session.ui.out(&if json { document::document(told) } else { words::lines(told) });
    session.ui.note(&words::summary(told));
    let left = told.shown.iter().filter(|shown| shown.is_wrong()).count();
    if left == 0 {
        return Ok(());
    }
    if told.shown.iter().all(|shown| shown.done.is_none()) {
        let help = "`akbuild cache verify --repair` removes what is damaged and makes it again";
        session.ui.error(&format!("error: {} wrong\n  help: {help}", things(left)));
    } else {
        session.ui.error(&format!("error: {} still wrong, or not made again", things(left)));
    }
    Err(Failure::Told(Exit::Found))
}

fn things(number: usize) -> String {
    if number == 1 { "1 thing in the store is".to_owned() } else { format!("{number} things in the store are") }
}
