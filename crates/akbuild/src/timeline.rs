//! The timeline of a build, put together from the engine's events and reports, and its two pictures in the
//! folder of the build. Knows what an event means for a timeline; nothing of how one is drawn.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use akbuild_engine::{EngineContext, Event, Graph, NodeId, Outcome as RunOutcome, Report};
use akbuild_fetch::Progress;
use akbuild_recipe::plan::StageId;
use akbuild_trace::{Node, NodeKind, Phase, Sample, Timeline};

use crate::failure::Outcome;
use crate::replacement::replace;

/// The page, in the folder of a build.
pub(crate) const PAGE: &str = "build.html";
/// The same for trace viewers.
pub(crate) const CHROME: &str = "trace.json";
/// Seconds between two samples of a download.
const PAUSE: f64 = 0.1;

/// What only the events tell: how downloads went, and who was waited for.
pub(crate) struct Watch {
    begun: Instant,
    state: Mutex<HashMap<NodeId, Seen>>,
}

#[derive(Default)]
struct Seen {
    /// The last one goes on changing until the next one is due.
    samples: Vec<Sample>,
    waited_for: Option<String>,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), state: Mutex::default() }
    }

    /// Takes what an event tells.
    pub(crate) fn event(&self, event: &Event) {
        match event {
            Event::Download { node, progress } => {
                let at = self.begun.elapsed().as_secs_f64();
                self.state().entry(node.clone()).or_default().download(progress, at);
            }
            Event::Waiting { node, holder } => {
                self.state().entry(node.clone()).or_default().waited_for = Some(holder.clone());
            }
            _ => {}
        }
    }

    fn state(&self) -> MutexGuard<'_, HashMap<NodeId, Seen>> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Draws a build that has ended, into its folder, and gives the path of the page.
    pub(crate) fn draw(
        &self,
        context: &EngineContext,
        targets: &[StageId],
        outcome: &RunOutcome,
    ) -> Outcome<Option<PathBuf>> {
        let Some(build) =
            context.build.as_ref().and_then(|id| context.store.build_without_stages(id).transpose()).transpose()?
        else {
            return Ok(None);
        };
        let mut graph = Graph::new(&context.plan.stages, targets, context.network.needs_sysroot()?);
        graph.check(&context.options.check);
        let timeline = Timeline {
            akbuild: context.maker.akbuild.clone(),
            project: build.project,
            build: build.id.to_string(),
            argv: build.argv,
            started: build.started,
            seconds: build.seconds.unwrap_or_default(),
            ok: outcome.ok,
            cancelled: outcome.cancelled,
            jobs: context.options.jobs,
            nodes: self.nodes(&graph, &outcome.reports),
        };
        let folder = context.store.build_dir(&build.id);
        let page = folder.join(PAGE);
        replace(&folder.join(CHROME), &akbuild_trace::chrome(&timeline))?;
        replace(&page, &akbuild_trace::page(&timeline))?;
        Ok(Some(page))
    }

    fn nodes(&self, graph: &Graph, reports: &[Report]) -> Vec<Node> {
        let reports: HashMap<&NodeId, &Report> = reports.iter().map(|report| (&report.node, report)).collect();
        let state = self.state();
        let node = |at: akbuild_engine::Index| {
            let node = graph.node(at);
            let needs = node.needs.iter().map(|need| need.index()).collect();
            draft(&node.id, needs, reports.get(&node.id).copied(), state.get(&node.id))
        };
        graph.indices().map(node).collect()
    }
}

impl Seen {
    fn download(&mut self, progress: &Progress, at: f64) {
        let now = self.samples.last().copied().unwrap_or(Sample { at, files: 0, bytes: 0 });
        let next = match progress {
            Progress::Bytes(more) => Sample { at, bytes: now.bytes + more, ..now },
            Progress::File { .. } => Sample { at, files: now.files + 1, ..now },
            Progress::Start { .. } | Progress::Retry { .. } => Sample { at, ..now },
        };
        let before = self.samples.len().checked_sub(2).map(|i| self.samples[i].at);
        match self.samples.last_mut() {
            Some(last) if before.is_some_and(|before| at < before + PAUSE) => *last = next,
            _ => self.samples.push(next),
        }
    }
}

/// A node without a report was not needed, since what needs it was there.
fn draft(id: &NodeId, needs: Vec<usize>, report: Option<&Report>, seen: Option<&Seen>) -> Node {
    let phase = |phase: &akbuild_store::Phase| Phase {
        name: phase.name.clone(),
        started: phase.started,
        seconds: phase.seconds,
    };
    Node {
        name: id.to_string(),
        kind: match id {
            NodeId::Stage(_) | NodeId::Check(_) => NodeKind::Stage,
            NodeId::Source(_) => NodeKind::Source,
            NodeId::Sysroot(_) => NodeKind::Sysroot,
            NodeId::Tool(_) => NodeKind::Tool,
            NodeId::Fetch(_) => NodeKind::Fetch,
        },
        status: report.map_or("cached", |r| r.status.as_str()).to_owned(),
        reason: report.and_then(|r| r.reason.as_ref()).map(ToString::to_string),
        needs,
        started: report.map_or(0.0, |r| r.started),
        seconds: report.map_or(0.0, |r| r.seconds),
        phases: report.map(|r| r.phases.iter().map(phase).collect()).unwrap_or_default(),
        downloads: seen.map(|s| s.samples.clone()).unwrap_or_default(),
        waited_for: seen.and_then(|s| s.waited_for.clone()),
        bytes: report.map_or(0, |r| r.bytes),
        files: report.map_or(0, |r| r.files),
        max_rss: report.map_or(0, |r| r.max_rss),
        output: report.and_then(|r| r.output).map(|output| output.to_string()),
        key: report.and_then(|r| r.key).map(|key| key.to_string()),
        error: report.and_then(|r| r.error.clone()),
        log: report.and_then(|r| Some(r.log.as_ref()?.file_name()?.to_string_lossy().into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_stands_for_a_tenth_of_a_second() {
        let mut seen = Seen::default();
        let file = || Progress::File { name: "a".into(), bytes: 10, done: 1 };
        seen.download(&Progress::Start { total_files: 2, total_bytes: None }, 1.0);
        for i in 0..25 {
            seen.download(&Progress::Bytes(1), 1.0 + f64::from(i) * 0.01);
        }
        seen.download(&file(), 1.25);
        let last = seen.samples.last().copied();
        assert_eq!(last, Some(Sample { at: 1.25, files: 1, bytes: 25 }));
        assert!((4..=6).contains(&seen.samples.len()), "{:?}", seen.samples);
    }
}
