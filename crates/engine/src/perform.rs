//! Making one node: look for it once more, wait for whoever else is making it, make it, publish it, record it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Exec, Source, Stage, Step};
use akbuild_store::{Action, Key, Publish};
use akbuild_tree::TreeDir;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::event::{Event, Report, Status};
use crate::exec::{Job, Used};
use crate::graph::NodeId;
use crate::keys::{self, Outputs};
use crate::manifest::Manifest;
use crate::stray;

/// Trees that something is made from, by the nodes that gave them.
type Inputs = BTreeMap<String, TreeHash>;

/// Lines of a failed stage's log that are shown.
const TAIL: usize = 25;

impl Engine {
    /// Makes a node. Blocks; the report says how it went.
    pub(crate) fn perform(&self, node: &NodeId, outputs: &Outputs) -> Report {
        let begun = Instant::now();
        let mut report = Report::new(node.clone(), Status::Built);
        if let Err(error) = self.try_perform(node, outputs, &mut report) {
            report.status = if matches!(error, EngineError::Cancelled) { Status::Skipped } else { Status::Failed };
            report.error = Some(self.no_room(None, error).to_string());
            report.tail = report.log.as_ref().and_then(|log| tail(log).ok()).unwrap_or_default();
        }
        report.seconds = begun.elapsed().as_secs_f64();
        report.phases = self.phases_of(node);
        report
    }

    fn try_perform(&self, node: &NodeId, outputs: &Outputs, report: &mut Report) -> Result<(), EngineError> {
        match node {
            NodeId::Source(id) => self.perform_source(self.source(id)?, report),
            NodeId::Sysroot(id) => {
                let manifest = self.manifest(node, outputs)?;
                self.once(&manifest, &Inputs::new(), report, |_| self.make_sysroot(self.sysroot(id)?))
            }
            NodeId::Tool(id) => {
                let manifest = self.manifest(node, outputs)?;
                self.once(&manifest, &Inputs::new(), report, |_| self.make_tool(self.tool(id)?))
            }
            NodeId::Stage(id) => {
                let manifest = self.manifest(node, outputs)?;
                let stage = self.stage(id)?;
                let inputs = inputs(&stage.step, outputs);
                self.once(&manifest, &inputs, report, |report| self.run_stage(stage, node, outputs, report))
            }
            NodeId::Check(id) => self.check_stage(id, outputs, report),
            NodeId::Fetch(_) => Err(EngineError::Bug("downloads are not made here".into())),
        }
    }

    fn perform_source(&self, source: &Source, report: &mut Report) -> Result<(), EngineError> {
        let raw = self.raw_source(source)?;
        if source.patches.is_empty() {
            report.output = Some(raw);
            return Ok(());
        }
        let inputs = Inputs::from([(format!("source:{} unpatched", source.id), raw)]);
        self.once(&keys::source(source, &raw), &inputs, report, |_| self.patched_source(source, &raw))
    }

    /// Takes the output of a former run, or makes it while every other process that wants it waits.
    fn once(
        &self,
        manifest: &Manifest,
        inputs: &Inputs,
        report: &mut Report,
        make: impl FnOnce(&mut Report) -> Result<TreeHash, EngineError>,
    ) -> Result<(), EngineError> {
        let key = manifest.key();
        report.key = Some(key);
        let forced = self.is_forced(&report.node);
        if !forced && self.found(&key, report)? {
            return Ok(());
        }
        let node = report.node.clone();
        // The store calls this several times a second: it is told once for each holder, as soon as that one
        // has said who it is.
        let mut told = None;
        let mut waiting = |holder: &akbuild_store::Holder| {
            if holder.pid != 0 && told.replace(holder.pid) != Some(holder.pid) {
                self.sink.event(Event::Waiting { node: node.clone(), holder: format!("process {}", holder.pid) });
            }
            !self.cancel.is_thrown()
        };
        let what = report.node.to_string();
        let Some(_lock) = self.store.lock_key(&key, &what, &mut waiting)? else { return Err(EngineError::Cancelled) };
        if !forced && self.found(&key, report)? {
            return Ok(());
        }
        let begun = Instant::now();
        report.reason = match forced {
            true => Some(crate::why::ASKED_FOR.to_owned()),
            false => self.reason(&node, manifest, inputs),
        };
        let output = make(report)?;
        report.output = Some(output);
        if self.recorder().is_some() && matches!(report.node, NodeId::Stage(_)) {
            return Ok(());
        }
        self.store.record_action(&Action {
            key,
            project: self.plan.name.clone(),
            stage: report.node.to_string(),
            kind: manifest.fields.get("kind").cloned().unwrap_or_default(),
            output,
            manifest: manifest.to_json(),
            seconds: begun.elapsed().as_secs_f64(),
            max_rss: report.max_rss,
            created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
            log: report.log.as_ref().and_then(|l| l.strip_prefix(self.store.home()).ok()).map(PathBuf::from),
            bytes: report.bytes,
            files: report.files,
            inputs: inputs.clone(),
            artifacts: self.artifacts(&report.node)?,
            phases: self.phases_of(&report.node),
            build: self.build.clone(),
            maker: self.maker.clone(),
        })?;
        Ok(())
    }

    fn is_forced(&self, node: &NodeId) -> bool {
        matches!(node, NodeId::Stage(id) if self.options.rebuild.contains(id))
    }

    fn found(&self, key: &Key, report: &mut Report) -> Result<bool, EngineError> {
        let Some(action) = self.store.action(key)? else { return Ok(false) };
        if !self.store.has_tree(&action.output) {
            return Ok(false);
        }
        report.status = Status::Cached;
        report.output = Some(action.output);
        (report.bytes, report.files, report.max_rss) = (action.bytes, action.files, action.max_rss);
        Ok(true)
    }

    pub(crate) fn run_stage(
        &self,
        stage: &Stage,
        node: &NodeId,
        outputs: &Outputs,
        report: &mut Report,
    ) -> Result<TreeHash, EngineError> {
        let scratch = self.store.scratch(&node.to_string())?;
        let build = self.build.as_ref().ok_or_else(|| EngineError::Bug("a stage runs outside of a build".into()))?;
        let (path, log) = self.store.create_log(build, &node.to_string())?;
        report.log = Some(path);
        let upstream = self.recorder().map(|r| r as _);
        let mut job = Job { engine: self, stage, node, outputs, scratch: scratch.path(), log, upstream };
        let result = job.run().and_then(|(out, used)| self.publish(stage, node, (scratch.path(), &out), used, report));
        let result = result.map_err(|error| self.no_room(Some(scratch.path()), error));
        if result.is_err() && self.options.keep_failed && !self.cancel.is_thrown() {
            report.kept = Some(scratch.keep()?);
        }
        result
    }

    fn publish(
        &self,
        stage: &Stage,
        node: &NodeId,
        (scratch, out): (&Path, &Path),
        used: Used,
        report: &mut Report,
    ) -> Result<TreeHash, EngineError> {
        self.phase(node, "publish");
        // What ships is rarely taken apart again: its listing can be made when somebody asks.
        let listing = matches!(stage.step, Step::Exec(_));
        let published = self.store.publish(out, &Publish { listing, ..Publish::default() })?;
        if let Step::Exec(exec) = &stage.step {
            self.refuse_stray_links(stage, exec, scratch, &published.hash)?;
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
}

impl Engine {
    /// Fails if the output of a stage has links into folders of its build.
    fn refuse_stray_links(
        &self,
        stage: &Stage,
        exec: &Exec,
        scratch: &Path,
        output: &TreeHash,
    ) -> Result<(), EngineError> {
        let tmp = TreeDir::open(scratch, "the folders of the stage").and_then(|scratch| scratch.open_dir("tmp")).ok();
        let is_in_tmp =
            |inside: &Path| tmp.as_ref().is_some_and(|tmp| tmp.real_entry(inside).is_ok_and(|entry| entry.is_some()));
        let links = stray::links(exec, &self.store.listing(output)?, is_in_tmp);
        match links.is_empty() {
            true => Ok(()),
            false => Err(EngineError::BuildLinks { stage: stage.id.to_string(), links }),
        }
    }
}

/// The trees that a step reads, by the nodes that gave them.
fn inputs(step: &Step, outputs: &Outputs) -> Inputs {
    let output = |node: NodeId| Some((node.to_string(), *outputs.get(&node)?));
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
