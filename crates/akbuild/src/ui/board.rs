//! What is going on: the running nodes and the counts, kept up to date from the engine's events.
//!
//! Knows no terminal and no wording; the ways of showing read it.

use std::collections::VecDeque;
use std::time::Duration;

use akbuild_engine::{Event, NodeId, Report, Status};
use akbuild_fetch::Progress;

use super::text::clean;

/// How far back a download's rate looks.
const RATE_WINDOW: Duration = Duration::from_secs(5);

/// Files and bytes that were downloaded; each way of showing counts them from the events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DownloadCount {
    /// Complete files.
    pub(crate) files: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
}

/// The state of a run.
#[derive(Debug, Default)]
pub(crate) struct Board {
    /// Nodes that have started and not ended, the oldest first.
    pub(crate) running: Vec<Running>,
    /// Stages of this run, those that are up to date and their checks included.
    pub(crate) stages: usize,
    /// Stages whose outputs are there.
    pub(crate) done: usize,
    /// Nodes that failed.
    pub(crate) failed: usize,
    /// Columns of the longest name of a node that will run.
    pub(crate) name_width: usize,
    /// What was downloaded so far.
    pub(crate) downloads: DownloadCount,
}

/// A running node.
#[derive(Debug)]
pub(crate) struct Running {
    /// Which.
    pub(crate) node: NodeId,
    /// When it began.
    pub(crate) began: Duration,
    /// What it is doing; empty at first.
    pub(crate) phase: &'static str,
    /// The last line it wrote in this phase, cleaned.
    pub(crate) line: String,
    /// The other process that it waits for.
    pub(crate) holder: Option<String>,
    /// Its downloads, while there are any.
    pub(crate) download: Option<Download>,
    /// Packages unpacked, of how many.
    pub(crate) unpacked: Option<(u64, u64)>,
}

/// The downloads of a node.
#[derive(Debug)]
pub(crate) struct Download {
    /// When they began.
    pub(crate) began: Duration,
    /// Complete files.
    pub(crate) files: u64,
    /// Files wanted.
    pub(crate) total_files: u64,
    /// Bytes that have arrived.
    pub(crate) bytes: u64,
    /// Bytes wanted, if every size is known.
    pub(crate) total_bytes: Option<u64>,
    /// Attempts that failed.
    pub(crate) retries: u64,
    /// The last reason for one.
    pub(crate) reason: String,
    samples: VecDeque<(Duration, u64)>,
}

impl Board {
    /// Takes one event. For an end, returns whether the node had been running.
    pub(crate) fn apply(&mut self, event: &Event, now: Duration) -> bool {
        match event {
            Event::Planned { to_run, cached } => self.plan(to_run, cached),
            Event::Started { node } => self.running.push(Running::new(node.clone(), now)),
            Event::Waiting { node, holder } => self.with(node, |r| r.holder = Some(clean(holder))),
            Event::Phase { node, phase } => self.with(node, |r| r.enter(phase)),
            Event::Line { node, line } => self.with(node, |r| r.line = clean(line)),
            Event::Unpacked { node, done, total } => self.with(node, |r| r.unpacked = Some((*done, *total))),
            Event::Download { node, progress } => self.download(node, progress, now),
            Event::Finished(report) => return self.finish(report),
            Event::Warning { .. } => {}
        }
        false
    }

    /// The running node of that name.
    pub(crate) fn find(&self, node: &NodeId) -> Option<&Running> {
        self.running.iter().find(|r| r.node == *node)
    }

    fn with(&mut self, node: &NodeId, change: impl FnOnce(&mut Running)) {
        if let Some(running) = self.running.iter_mut().find(|r| r.node == *node) {
            change(running);
        }
    }

    fn plan(&mut self, to_run: &[NodeId], cached: &[NodeId]) {
        self.stages = to_run.iter().chain(cached).filter(|n| is_stage(n)).count();
        self.name_width = to_run.iter().map(|n| n.to_string().chars().count()).max().unwrap_or(0);
        (self.done, self.failed) = (0, 0);
    }

    fn download(&mut self, node: &NodeId, progress: &Progress, now: Duration) {
        if let Progress::File { bytes, .. } = progress {
            self.downloads.files += 1;
            self.downloads.bytes += bytes;
        }
        self.with(node, |running| running.download(progress, now));
    }

    fn finish(&mut self, report: &Report) -> bool {
        let before = self.running.len();
        self.running.retain(|r| r.node != report.node);
        match (report.status, &report.node) {
            (Status::Built | Status::Cached, node) if is_stage(node) => self.done += 1,
            (Status::Failed, _) => self.failed += 1,
            _ => {}
        }
        self.running.len() < before
    }
}

/// A stage, or a further run of one.
fn is_stage(node: &NodeId) -> bool {
    matches!(node, NodeId::Stage(_) | NodeId::Check(_))
}

impl Running {
    fn new(node: NodeId, began: Duration) -> Self {
        Self { node, began, phase: "", line: String::new(), holder: None, download: None, unpacked: None }
    }

    /// What belonged to the last phase goes.
    fn enter(&mut self, phase: &'static str) {
        self.phase = phase;
        self.line.clear();
        (self.holder, self.download, self.unpacked) = (None, None, None);
    }

    fn download(&mut self, progress: &Progress, now: Duration) {
        if let Progress::Start { total_files, total_bytes } = progress {
            self.download = Some(Download::new(*total_files, *total_bytes, now));
            return;
        }
        let Some(download) = &mut self.download else { return };
        match progress {
            Progress::Bytes(more) => download.arrived(*more, now),
            Progress::File { done, .. } => download.files = (*done).max(download.files),
            Progress::Retry { name, error, .. } => {
                download.retries += 1;
                download.reason = clean(&format!("{name}: {}", error.lines().next().unwrap_or("")));
            }
            Progress::Start { .. } => {}
        }
    }
}

impl Download {
    fn new(total_files: u64, total_bytes: Option<u64>, began: Duration) -> Self {
        let samples = VecDeque::from([(began, 0)]);
        Self { began, files: 0, total_files, bytes: 0, total_bytes, retries: 0, reason: String::new(), samples }
    }

    fn arrived(&mut self, more: u64, now: Duration) {
        self.bytes += more;
        if self.samples.back().is_some_and(|(at, _)| now < *at + Duration::from_millis(200)) {
            return;
        }
        self.samples.push_back((now, self.bytes));
        while self.samples.get(1).is_some_and(|(at, _)| *at + RATE_WINDOW < now) {
            self.samples.pop_front();
        }
    }

    /// Bytes a second over the last few seconds; `None` while it is too early to say.
    pub(crate) fn rate(&self, now: Duration) -> Option<u64> {
        let (at, bytes) = *self.samples.front()?;
        let time = now.checked_sub(at)?.as_secs_f64();
        (time >= 1.0).then(|| ((self.bytes - bytes) as f64 / time) as u64)
    }

    /// How much is done, from 0 to 1: of the bytes if their number is known, else of the files.
    pub(crate) fn fraction(&self) -> f64 {
        let of = |done: u64, total: u64| if total == 0 { 0.0 } else { (done as f64 / total as f64).min(1.0) };
        self.total_bytes.map_or_else(|| of(self.files, self.total_files), |total| of(self.bytes, total))
    }

    /// How much longer it takes if it goes on as so far; `None` while it is too early to say.
    pub(crate) fn left(&self, now: Duration) -> Option<Duration> {
        let (time, fraction) = (now.saturating_sub(self.began), self.fraction());
        let sayable = time >= Duration::from_secs(2) && fraction > 0.01;
        sayable.then(|| Duration::from_secs_f64(time.as_secs_f64() * (1.0 - fraction) / fraction))
    }
}

#[cfg(test)]
mod tests {
    use akbuild_recipe::plan::{SourceId, StageId};

    use super::*;

    fn stage(name: &str) -> NodeId {
        NodeId::Stage(StageId::new(name))
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_new_phase_forgets_the_last_ones_line_and_downloads() {
        let (mut board, node) = (Board::default(), stage("a"));
        board.apply(&Event::Started { node: node.clone() }, at(0));
        let start = Progress::Start { total_files: 2, total_bytes: None };
        board.apply(&Event::Download { node: node.clone(), progress: start }, at(0));
        board.apply(&Event::Line { node: node.clone(), line: "x".into() }, at(0));
        board.apply(&Event::Phase { node: node.clone(), phase: "run" }, at(1));
        let running = board.find(&node).unwrap();
        assert!(running.line.is_empty() && running.download.is_none() && running.phase == "run");
    }

    #[test]
    fn only_stages_are_counted_as_done() {
        let mut board = Board::default();
        let source = NodeId::Source(SourceId::new("s"));
        board.apply(&Event::Planned { to_run: vec![stage("a"), source.clone()], cached: vec![stage("b")] }, at(0));
        for node in [stage("b"), source] {
            let report = super::super::testing::report(node, Status::Cached);
            assert!(!board.apply(&Event::Finished(Box::new(report)), at(0)));
        }
        assert_eq!((board.stages, board.done), (2, 1));
    }

    #[test]
    fn rate_looks_at_the_last_seconds_only() {
        let mut download = Download::new(1, Some(30_000), at(0));
        assert_eq!(download.rate(at(0)), None);
        download.arrived(1_000, at(1));
        assert_eq!(download.rate(at(1)), Some(1_000));
        for second in 2..=10 {
            download.arrived(2_000, at(second));
        }
        assert_eq!(download.rate(at(10)), Some(2_000));
        assert_eq!(download.left(at(10)).unwrap().as_secs(), 5);
    }

    #[test]
    fn what_arrives_twice_does_not_make_more_than_all() {
        let mut download = Download::new(1, Some(1_000), at(0));
        download.arrived(1_500, at(1));
        assert_eq!(download.fraction(), 1.0);
    }
}
