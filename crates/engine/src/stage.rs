//! The node of a stage: its step runs in folders of its own, and the output is published. A check runs it as well, so it
//! must not depend on keys or records.

pub(crate) mod compose;
pub(crate) mod elf;
pub(crate) mod entry;
pub(crate) mod exec;
pub(crate) mod job;
pub(crate) mod output_check;
pub(crate) mod pack;
pub(crate) mod shell;
pub(crate) mod stray;
pub(crate) mod work;

use std::path::{Path, PathBuf};

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Exec, Stage, Step};
use akbuild_store::Publish;
use akbuild_tree::TreeDir;

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::event::Report;
use crate::graph::NodeId;
use crate::node_inputs::NodeInputs;
use crate::room;
use crate::stage::job::{Job, Used};
use crate::stage::work::make_folder;

pub(crate) fn run_stage(
    context: &EngineContext,
    stage: &Stage,
    node: &NodeId,
    given: &NodeInputs,
    report: &mut Report,
) -> Result<TreeHash, EngineError> {
    let scratch = context.store.scratch(&node.to_string())?;
    let build = context.build.as_ref().ok_or_else(|| EngineError::Bug("a stage runs outside of a build".into()))?;
    let (path, log) = context.store.create_log(build, &node.to_string())?;
    report.log = Some(path);
    let upstream = context.upstream();
    let mut job = Job { context, stage, node, given, scratch: scratch.path(), log, upstream };
    let result =
        run_step(&mut job).and_then(|(out, used)| publish(context, stage, node, (scratch.path(), &out), used, report));
    let result = result.map_err(|error| room::no_room(context, Some(scratch.path()), error));
    if result.is_err() && context.options.keep_failed && !context.cancel.is_thrown() {
        report.kept = Some(scratch.keep()?);
    }
    result
}

fn publish(
    context: &EngineContext,
    stage: &Stage,
    node: &NodeId,
    (scratch, out): (&Path, &Path),
    used: Used,
    report: &mut Report,
) -> Result<TreeHash, EngineError> {
    context.phase(node, "publish");
    // What ships is rarely taken apart again: its listing can be made when somebody asks.
    let listing = matches!(stage.step, Step::Exec(_));
    let published = context.store.publish(out, &Publish { listing, ..Publish::default() })?;
    if let Step::Exec(exec) = &stage.step {
        refuse_stray_links(context, stage, exec, scratch, &published.hash)?;
    }
    report.max_rss = used.max_rss;
    (report.bytes, report.files) = (published.stats.bytes, published.stats.files);
    match stage.output_hash {
        // A check compares with what is stored, which was held against the pin.
        Some(expected) if expected != published.hash && matches!(node, NodeId::Stage(_)) => {
            Err(EngineError::OutputHash {
                stage: stage.id.to_string(),
                expected,
                found: published.hash,
                at: stage.at.clone(),
            })
        }
        _ => Ok(published.hash),
    }
}

/// Fails if the output of a stage has links into folders of its build.
fn refuse_stray_links(
    context: &EngineContext,
    stage: &Stage,
    exec: &Exec,
    scratch: &Path,
    output: &TreeHash,
) -> Result<(), EngineError> {
    let tmp = TreeDir::open(scratch, "the folders of the stage").and_then(|scratch| scratch.open_dir("tmp")).ok();
    let is_in_tmp =
        |inside: &Path| tmp.as_ref().is_some_and(|tmp| tmp.real_entry(inside).is_ok_and(|entry| entry.is_some()));
    let links = stray::links(exec, &context.store.listing(output)?, is_in_tmp);
    match links.is_empty() {
        true => Ok(()),
        false => Err(EngineError::BuildLinks { stage: stage.id.to_string(), links }),
    }
}

/// Runs the step and its checks; the output is then in the folder that is returned.
fn run_step(job: &mut Job<'_>) -> Result<(PathBuf, Used), EngineError> {
    let stage = job.stage;
    let (out, mut used) = match &stage.step {
        Step::Exec(exec) => exec::run_script(job, exec)?,
        Step::Compose(compose) => {
            job.context.phase(job.node, "link");
            let out = job.scratch.join("out");
            make_folder(&out)?;
            let tree = |tree: &_| job.output(tree);
            crate::stage::compose::compose(&job.context.store, stage.id.as_str(), compose, tree, &out)?;
            (out, Used::default())
        }
        Step::Layer(layer) => (pack::layer(job, layer)?, Used::default()),
        Step::Image(image) => (pack::image(job, image)?, Used::default()),
    };
    // While locking, a stage runs to see what it asks the registry for. Its checks say nothing about that, and what
    // comes of it is not recorded: whoever builds makes it, and them, with the pins.
    let checks = if job.upstream.is_some() { &[] } else { stage.step.checks() };
    for check in checks {
        job.context.phase(job.node, "check");
        used.max_rss = used.max_rss.max(output_check::check(job, check, &out)?.max_rss);
    }
    Ok((out, used))
}
