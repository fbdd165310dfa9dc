//! `akbuild smoke`: the image, started for real, and what came of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use akbuild_image::Layout;
use akbuild_launch::UnpackedImage;
use akbuild_recipe::plan::{Smoke, SysrootId};
use akbuild_smoke::{Event, Finding, Memory, MemoryScope, Report, SmokeError, Smoking};
use serde_json::json;

use super::image::{self, Built};
use crate::failure::{Exit, Failure, Outcome, io};
use crate::project::Project;
use crate::replacement::replace;
use crate::session::Session;
use crate::ui::{clean, seconds, size};

pub(crate) fn run(
    session: &Session,
    project: &Project,
    from: Option<&str>,
    plain_http: &[String],
    json: bool,
) -> Outcome {
    let plan = project.plan()?;
    let Some(smoke) = plan.smoke().cloned() else {
        let help = "add `[smoke]` with what is to be started (docs/recipe.md)";
        return Err(Failure::Say(format!("the recipe does not say how the image is tried\n  help: {help}")));
    };
    let (stage, _) = image::one(&plan, Some(smoke.image.as_str()))?;
    let built = image::build(session, project, plan, &stage, false)?;
    let (report, logs) = try_out(session, &built, &smoke, from, plain_http)?;
    session.ui.document(json!({
        "reason": "smoke", "image": built.layout.manifest.name(), "ok": report.finding.is_none(),
        "done": report.done, "memory": report.memory, "finding": report.finding, "logs": logs.display().to_string(),
    }));
    replace(&logs.join("smoke.json"), &format!("{:#}\n", json!({"schema": 1, "report": report})))?;
    if json {
        built.made.tell(session, report.finding.is_none());
    } else {
        session.ui.out(&text(&report, &smoke, &logs));
    }
    for memory in report.memory.iter().filter(|memory| memory.limit.is_some_and(|limit| memory.peak > limit)) {
        let (peak, limit) = (memory.peak >> 20, memory.limit.unwrap_or(0) >> 20);
        let what = format!("`{}` held {peak} MiB, and may have {limit} MiB", memory.process);
        session.ui.warn(&format!("{what}: where that is enforced, it may be ended"));
    }
    match &report.finding {
        None => Ok(()),
        Some(finding) => {
            session.ui.error(&format!("error: {}", words(finding, &logs)));
            Err(Failure::Told(Exit::Found))
        }
    }
}

/// Starts an image; gives what came of it, and the folder of the record with the logs.
fn try_out(
    session: &Session,
    built: &Built,
    smoke: &Smoke,
    from: Option<&str>,
    plain_http: &[String],
) -> Outcome<(Report, PathBuf)> {
    let context = &built.made.context;
    let mut sysroots = HashMap::new();
    for id in smoke.services.iter().map(|s| &s.sysroot).chain(smoke.checks.iter().map(|c| &c.sysroot)) {
        if !sysroots.contains_key(id) {
            sysroots.insert(id.clone(), session.block_on(akbuild_engine::make_one_sysroot(context, id))?);
        }
    }
    let scratch = session.store.scratch("smoke")?;
    let previous = from.map(|from| previous(session, from, plain_http, scratch.path())).transpose()?;
    session.ui.note("unpacking the image");
    let unpack = |layout: &Layout, name: &str| -> Result<_, SmokeError> {
        Ok(UnpackedImage::unpack(layout, scratch.path().join(name))?)
    };
    let root = unpack(&built.layout, "image")?;
    let previous = previous.map(|layout| unpack(&layout, "previous")).transpose()?;
    let work = scratch.path().join("work");
    io(std::fs::create_dir(&work), "make", &work)?;
    let argv: Vec<String> = std::env::args().collect();
    let record = session.store.begin_build(&argv, &context.plan.name, &[])?;
    let said = |error: &dyn std::fmt::Display| SmokeError::Said(error.to_string());
    let script = |id: &SysrootId, script: &str, env: &_| {
        let tree = sysroots.get(id).ok_or_else(|| SmokeError::Said(format!("sysroot `{id}` is not there")))?;
        akbuild_engine::sysroot_sandbox(context, (id, tree), script, env).map_err(|e| said(&e))
    };
    let log = |name: &str| Ok(session.store.create_log(&record, &format!("smoke:{name}")).map_err(|e| said(&e))?.1);
    let smoking = Smoking {
        plan: smoke,
        image: &root,
        previous: previous.as_ref(),
        scratch: &work,
        script: &script,
        log: &log,
        event: &|event| show(session, event),
        go_on: &|| !session.is_interrupted(),
        runtime: session.handle(),
    };
    session.be_patient(Duration::from_secs(10));
    let report = smoking.run();
    session.ui.progress("");
    session.store.finish_build(&record, report.as_ref().is_ok_and(|report| report.finding.is_none()))?;
    Ok((report?, session.store.build_dir(&record)))
}

/// Shows a step as it goes.
fn show(session: &Session, event: Event<'_>) {
    match event {
        Event::Begin(what) => session.ui.progress(what),
        Event::Done(done) => {
            session.ui.progress("");
            let note = done.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            session.ui.note(&format!("ok {:>9}  {}{note}", seconds(done.seconds), clean(&done.what)));
        }
    }
}

/// The image that ran before: a layout on this machine, or pulled from a registry.
fn previous(session: &Session, from: &str, plain_http: &[String], scratch: &Path) -> Outcome<Layout> {
    if Path::new(from).join("oci-layout").is_file() {
        // The way to the folder is the caller's, links included; in the folder there are none.
        let folder = io(Path::new(from).canonicalize(), "open", Path::new(from))?;
        return Ok(Layout::open(&folder)?);
    }
    if from.starts_with(['.', '/']) || Path::new(from).exists() {
        let message = format!("`{from}` is no folder with an image");
        return Err(Failure::Say(format!(
            "{message}\n  help: make one with `akbuild image --format oci --output FOLDER`, or name a reference"
        )));
    }
    let reference: akbuild_distribution::Reference = from.parse()?;
    if session.is_offline() {
        let message = format!("`{reference}` cannot be pulled with `--offline`");
        return Err(Failure::Say(format!(
            "{message}\n  help: name a folder with an image, or leave one of the two out"
        )));
    }
    let folder = scratch.join("pulled");
    let client = image::client(session, &reference, plain_http, 8)?;
    let progress = image::Progress::new(session, "pulling");
    let report = |event| progress.event(event);
    let options = akbuild_distribution::PullOptions::default();
    session.interruptible(client.pull(&reference, &folder, &options, &report))??;
    progress.end();
    Ok(Layout::open(&folder)?)
}

/// The end of the report as people read it: its steps were told as they went.
fn text(report: &Report, smoke: &Smoke, logs: &Path) -> String {
    let mut lines = Vec::new();
    for memory in &report.memory {
        let limit = match memory.limit {
            Some(limit) if memory.enforced => format!(", of {} that it may have", size(limit)),
            Some(limit) => format!(", of {} that it may have; this machine does not enforce that", size(limit)),
            None => String::new(),
        };
        let (peak, whose) = (size(memory.peak), whose(memory));
        lines.push(format!("peak   {peak:>9}  memory of `{}`{limit}; {whose}", memory.process));
    }
    if report.finding.is_none() {
        let count = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
        let (steps, pages) = (count(report.done.len(), "step"), count(smoke.pages.len(), "page"));
        lines.push(format!("the image works: {steps}, with {pages} and {}", count(smoke.checks.len(), "check")));
    }
    lines.push(format!("report and logs: {}", logs.display()));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Whose memory a peak is, and who has counted it.
fn whose(memory: &Memory) -> String {
    match memory.scope {
        MemoryScope::Group => "all its processes together, by the kernel's count".to_owned(),
        MemoryScope::Process => "its largest process, by the kernel's count".to_owned(),
        MemoryScope::Processes => {
            let (n, largest) = (memory.processes, size(memory.largest));
            format!(
                "its {n} processes together, measured twice a second; the largest had {largest} by the kernel's count"
            )
        }
    }
}

/// A finding, as an error is told.
fn words(finding: &Finding, logs: &Path) -> String {
    let mut lines = vec![clean(&finding.what)];
    lines.extend(finding.causes.iter().map(|cause| format!("  {}", clean(cause))));
    if let Some(process) = &finding.process {
        match finding.line {
            _ if finding.tail.is_empty() => {}
            Some(line) => lines.push(format!("  `{process}` wrote, from line {line} of its log:")),
            None => lines.push(format!("  the last lines of `{process}`:")),
        }
        lines.extend(finding.tail.iter().map(|line| format!("    | {}", clean(line))));
        let help = finding.help.as_ref().map(|help| format!("{help}; ")).unwrap_or_default();
        lines.push(format!("  help: {help}the whole log is `{}`", logs.join(format!("smoke_{process}.log")).display()));
    }
    lines.join("\n")
}
