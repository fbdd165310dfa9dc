//! `akbuild log`: the log of a stage's last build, of a former one, or of one that is being written.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use akbuild_engine::{Graph, NodeId};
use akbuild_recipe::PlanDraft;
use akbuild_recipe::plan::StageId;
use akbuild_store::{BuildId, StageRecord, Store};

use crate::failure::{Exit, Failure, Outcome, io};
use crate::project::{self, Project};
use crate::session::Session;
use crate::ui::clean;

/// Whoever follows a log looks this often whether there is more.
const PAUSE: Duration = Duration::from_millis(100);

/// A log, and what is to be said of it.
struct Log {
    path: PathBuf,
    note: Option<String>,
}

/// What somebody who follows a stage is to do.
enum Next {
    /// It is being built, and writes this.
    Read(PathBuf),
    /// A build that goes on has not come to it.
    Wait(BuildId),
    /// Nobody builds it.
    End,
}

pub(crate) fn run(session: &Session, project: &Project, stage: &str, follow: bool, build: Option<&str>) -> Outcome {
    let plan = project.plan()?;
    if follow {
        return self::follow(session, &plan, &super::plan::one(&plan, stage)?);
    }
    let build = build.map(|name| named(&session.store, plan.name(), name)).transpose()?;
    for id in project::stages(&plan, &[stage.to_owned()])? {
        match &build {
            None => print(session, &newest(&session.store, plan.name(), &id)?)?,
            Some(build) => print(session, &of_build(&session.store, &id, build)?)?,
        }
    }
    Ok(())
}

fn print(session: &Session, log: &Log) -> Outcome {
    log.note.iter().for_each(|note| session.ui.note(note));
    let bytes = io(std::fs::read(&log.path), "read the log", &log.path)?;
    show(session, &bytes);
    Ok(())
}

/// Prints lines of a log: as they are, or on a terminal as [`clean`] shows them.
fn show(session: &Session, bytes: &[u8]) {
    if !session.ui.streams().out_is_terminal() {
        return session.ui.out_bytes(bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    session.ui.out(&text.lines().map(|line| format!("{}\n", clean(line))).collect::<String>());
}

/// The log of what came last of a stage: where that was cached, of what made its output.
fn newest(store: &Store, project: &str, id: &StageId) -> Outcome<Log> {
    let last = store.last_log(project, id.as_str())?;
    if let Some((build, record)) = store.runs(project, id.as_str(), 1)?.pop()
        && last.as_ref().and_then(|log| build_of(log)).is_none_or(|of| of < build.as_str())
        && let Some(log) = cached(store, id, &build, &record)?
    {
        return Ok(log);
    }
    let none =
        || Failure::Say(format!("stage `{id}` has no log\n  help: build it with `akbuild build {id} --rebuild`"));
    Ok(Log { path: last.ok_or_else(none)?, note: None })
}

fn of_build(store: &Store, id: &StageId, build: &BuildId) -> Outcome<Log> {
    let path = store.log_path(build, id.as_str());
    if path.is_file() {
        return Ok(Log { path, note: None });
    }
    let record = store.stages(build)?.into_iter().find(|record| record.stage == id.as_str());
    if let Some(log) = record.map(|record| cached(store, id, build, &record)).transpose()?.flatten() {
        return Ok(log);
    }
    let help = format!("`akbuild log {id}` prints its newest log");
    Err(Failure::Say(format!("stage `{id}` has no log in build {build}: it did not run there\n  help: {help}")))
}

/// The log of what made the output of a stage that a build found in the store.
fn cached(store: &Store, id: &StageId, build: &BuildId, record: &StageRecord) -> Outcome<Option<Log>> {
    let Some(key) = record.key.filter(|_| record.status == "cached") else { return Ok(None) };
    let Some(path) = store.action(&key)?.and_then(|action| action.log) else { return Ok(None) };
    let path = store.home().join(path);
    let of = build_of(&path).unwrap_or("another one");
    let note = format!("stage `{id}` was cached in build {build}; this is its log of build {of}");
    Ok(path.is_file().then_some(Log { path, note: Some(note) }))
}

/// The name of the build that a log is of.
fn build_of(log: &Path) -> Option<&str> {
    log.parent()?.file_name()?.to_str()
}

/// The build of a project whose name begins so; zeros at the beginning may be left out.
fn named(store: &Store, project: &str, name: &str) -> Outcome<BuildId> {
    let short = |name: &str| name.trim_start_matches('0').to_owned();
    let builds = store.builds(project)?;
    let found: Vec<&BuildId> = builds.iter().filter(|b| short(b.as_str()).starts_with(&short(name))).collect();
    let (what, list) = match &found[..] {
        [one] => return Ok((*one).clone()),
        [] if builds.is_empty() => {
            let none = format!("project `{project}` was never built\n  help: build it with `akbuild all`");
            return Err(Failure::Say(none));
        }
        [] => (format!("no build of `{project}` is called `{name}`"), builds.iter().collect()),
        several => (format!("{} builds of `{project}` are called `{name}`", several.len()), several.to_vec()),
    };
    let mut text = format!("{what}\n  help: name one of these:");
    for id in list.iter().take(20) {
        let argv = store.build(id)?.map(|build| build.argv).unwrap_or_default();
        text += &format!("\n    {id}  akbuild {}", argv.get(1..).unwrap_or_default().join(" "));
    }
    if list.len() > 20 {
        text += &format!("\n    and {} more", list.len() - 20);
    }
    Err(Failure::Say(text))
}

/// Prints the log of a stage until the stage ends; waits for the stage if a build that goes on will come to it.
fn follow(session: &Session, plan: &PlanDraft, id: &StageId) -> Outcome {
    let mut told = None;
    loop {
        match next(&session.store, plan, id)? {
            Next::Read(log) => return read(session, &log),
            Next::End => return print(session, &newest(&session.store, plan.name(), id)?),
            Next::Wait(build) if told.as_ref() == Some(&build) => pause(session)?,
            Next::Wait(build) => {
                session.ui.note(&format!("stage `{id}` has not begun; build {build} will come to it"));
                told = Some(build);
            }
        }
    }
}

fn next(store: &Store, plan: &PlanDraft, id: &StageId) -> Outcome<Next> {
    let mut next = Next::End;
    for build in store.builds(plan.name())?.into_iter().filter(|build| store.is_running(build)) {
        let log = store.log_path(&build, id.as_str());
        if store.is_written(&log) {
            return Ok(Next::Read(log));
        }
        if matches!(next, Next::End) && !log.exists() && will_come_to(store, plan, &build, id)? {
            next = Next::Wait(build);
        }
    }
    Ok(next)
}

/// Whether a build that goes on has a stage before it.
fn will_come_to(store: &Store, plan: &PlanDraft, build: &BuildId, id: &StageId) -> Outcome<bool> {
    let Some(build) = store.build(build)? else { return Ok(false) };
    let targets: Vec<StageId> =
        plan.stages().iter().map(|s| s.id.clone()).filter(|s| build.targets.iter().any(|t| t == s.as_str())).collect();
    let wanted = Graph::new(plan.stages(), &targets, false).find(&NodeId::Stage(id.clone())).is_some();
    Ok(wanted && !build.stages.iter().any(|record| record.stage == id.as_str()))
}

/// Prints a log, and what is written to it from now on.
fn read(session: &Session, path: &Path) -> Outcome {
    let mut log = io(File::open(path), "read the log", path)?;
    let mut unsaid = Vec::new();
    loop {
        // Asked before reading: what is read once nobody writes any more is all.
        let more = session.store.is_written(path);
        io(log.read_to_end(&mut unsaid), "read the log", path)?;
        // Whole lines: a character must not be cut.
        let end =
            if more { unsaid.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1) } else { unsaid.len() };
        let lines: Vec<u8> = unsaid.drain(..end).collect();
        show(session, &lines);
        if !more || session.ui.streams().failure().is_some() {
            return Ok(());
        }
        pause(session)?;
    }
}

fn pause(session: &Session) -> Outcome {
    if session.is_interrupted() {
        return Err(Failure::Told(Exit::Interrupted));
    }
    std::thread::sleep(PAUSE);
    Ok(())
}
