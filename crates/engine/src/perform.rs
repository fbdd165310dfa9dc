//! Making one node: look for it once more, wait for whoever else is making it, make it, publish it, record it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Source, Step};
use akbuild_store::{Action, Key};

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::event::{Event, Report, Status};
use crate::graph::NodeId;
use crate::keys::manifest::Manifest;
use crate::keys::manifest_field::ManifestField;
use crate::keys::{self, Outputs};
use crate::node_input_name::NodeInputName;
use crate::node_inputs::NodeInputs;
use crate::run_reason::RunReason;
use crate::served::Served;
use crate::{artifacts, check, room, source, stage, sysroot, tool, why};

/// Trees that something is made from, by the nodes that gave them.
type Inputs = BTreeMap<NodeInputName, TreeHash>;

/// Lines of a failed stage's log that are shown.
const TAIL: usize = 25;

/// Makes a node. Blocks; the report says how it went.
pub(crate) fn perform(context: &EngineContext, node: &NodeId, given: &NodeInputs) -> Report {
    let begun = Instant::now();
    let mut report = Report::new(node.clone(), Status::Built);
    if let Err(error) = try_perform(context, node, given, &mut report) {
        report.status = if matches!(error, EngineError::Cancelled) { Status::Skipped } else { Status::Failed };
        report.error = Some(room::no_room(context, None, error).to_string());
        report.tail = report.log.as_ref().and_then(|log| tail(log).ok()).unwrap_or_default();
    }
    report.seconds = begun.elapsed().as_secs_f64();
    report.phases = context.phases_of(node);
    report
}

fn try_perform(
    context: &EngineContext,
    node: &NodeId,
    given: &NodeInputs,
    report: &mut Report,
) -> Result<(), EngineError> {
    match node {
        NodeId::Source(id) => perform_source(context, context.source(id)?, report),
        NodeId::Sysroot(id) => {
            let manifest = keys::manifest(context, node, &given.outputs)?;
            once(context, &manifest, (&Inputs::new(), None), report, |_| {
                sysroot::make_sysroot(context, context.sysroot(id)?)
            })
        }
        NodeId::Tool(id) => {
            let manifest = keys::manifest(context, node, &given.outputs)?;
            once(context, &manifest, (&Inputs::new(), None), report, |_| tool::make_tool(context, context.tool(id)?))
        }
        NodeId::Stage(id) => {
            let manifest = keys::manifest(context, node, &given.outputs)?;
            let stage = context.stage(id)?;
            let inputs = (&inputs(&stage.step, &given.outputs), given.served.as_deref());
            once(context, &manifest, inputs, report, |report| stage::run_stage(context, stage, node, given, report))
        }
        NodeId::Check(id) => check::check_stage(context, id, given, report),
        NodeId::Fetch(_) => Err(EngineError::Bug("downloads are not made here".into())),
    }
}

fn perform_source(context: &EngineContext, source: &Source, report: &mut Report) -> Result<(), EngineError> {
    let raw = source::raw_source(context, source)?;
    if source.patches.is_empty() {
        report.output = Some(raw);
        return Ok(());
    }
    let inputs = Inputs::from([(NodeInputName::Unpatched(source.id.clone()), raw)]);
    once(context, &keys::source(source, &raw), (&inputs, None), report, |_| {
        source::patched_source(context, source, &raw)
    })
}

/// Takes the output of a former run, or makes it while every other process that wants it waits.
fn once(
    context: &EngineContext,
    manifest: &Manifest,
    (inputs, served): (&Inputs, Option<&Served>),
    report: &mut Report,
    make: impl FnOnce(&mut Report) -> Result<TreeHash, EngineError>,
) -> Result<(), EngineError> {
    let key = manifest.key();
    report.key = Some(key);
    let forced = is_forced(context, &report.node);
    if !forced && found(context, &key, report)? {
        return Ok(());
    }
    let node = report.node.clone();
    // The store calls this several times a second: it is told once for each holder, as soon as that one
    // has said who it is.
    let mut told = None;
    let mut waiting = |holder: &akbuild_store::Holder| {
        if holder.pid != 0 && told.replace(holder.pid) != Some(holder.pid) {
            context.sink.event(Event::Waiting { node: node.clone(), holder: format!("process {}", holder.pid) });
        }
        !context.cancel.is_thrown()
    };
    let what = report.node.to_string();
    let Some(_lock) = context.store.lock_key(&key, &what, &mut waiting)? else { return Err(EngineError::Cancelled) };
    if !forced && found(context, &key, report)? {
        return Ok(());
    }
    let begun = Instant::now();
    report.reason = match forced {
        true => Some(RunReason::AskedFor),
        false => why::reason(context, &node, manifest, (inputs, served)).map(RunReason::Differs),
    };
    let output = make(report)?;
    report.output = Some(output);
    if context.upstream().is_some() && matches!(report.node, NodeId::Stage(_)) {
        return Ok(());
    }
    context.store.record_action(&Action {
        key,
        project: context.plan.name.clone(),
        stage: report.node.to_string(),
        kind: manifest.value(&ManifestField::Kind).unwrap_or_default().to_owned(),
        output,
        manifest: manifest.to_json(),
        seconds: begun.elapsed().as_secs_f64(),
        max_rss: report.max_rss,
        created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
        log: report.log.as_ref().and_then(|l| l.strip_prefix(context.store.home()).ok()).map(PathBuf::from),
        bytes: report.bytes,
        files: report.files,
        inputs: inputs.iter().map(|(name, tree)| (name.to_string(), *tree)).collect(),
        artifacts: artifacts::artifacts(context, &report.node, served)?,
        phases: context.phases_of(&report.node),
        build: context.build.clone(),
        maker: context.maker.clone(),
    })?;
    Ok(())
}

fn is_forced(context: &EngineContext, node: &NodeId) -> bool {
    matches!(node, NodeId::Stage(id) if context.options.rebuild.contains(id))
}

fn found(context: &EngineContext, key: &Key, report: &mut Report) -> Result<bool, EngineError> {
    let Some(output) = context.backends.find_output(key)? else { return Ok(false) };
    if !context.backends.bring_tree(&output.tree)? {
        return Ok(false);
    }
    report.status = Status::Cached;
    report.output = Some(output.tree);
    (report.bytes, report.files, report.max_rss) = (output.bytes, output.files, output.max_rss);
    Ok(true)
}

/// The trees that a step reads, by the nodes that gave them.
fn inputs(step: &Step, outputs: &Outputs) -> Inputs {
    let output = |node: NodeId| {
        let tree = *outputs.get(&node)?;
        Some((NodeInputName::Output(node), tree))
    };
    crate::graph::needs(step).into_iter().filter_map(output).collect()
}

/// The last lines of a log.
#[allow(clippy::disallowed_methods, reason = "the path is akbuild's own")]
fn tail(log: &std::path::Path) -> Result<Vec<String>, std::io::Error> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(64 << 10)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(TAIL)..].iter().map(|l| (*l).to_owned()).collect())
}
