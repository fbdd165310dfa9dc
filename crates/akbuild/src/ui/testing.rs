//! For the tests of this module: a clock set by hand, streams that keep what is written, and a
//! scripted build.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use akbuild_differ::{Change, Difference};
use akbuild_engine::{Event, NodeId, Report, Status};
use akbuild_fetch::Progress;
use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{StageId, SysrootId};

use super::clock::Clock;
use super::streams::{OutputStreams, RawStreams};
use super::{Checked, Differing, Summary, Ui};

/// A clock that shows what it was set to.
#[derive(Default)]
pub(crate) struct Hands(AtomicU64);

impl Hands {
    /// Sets the clock, in seconds.
    pub(crate) fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::Relaxed);
    }
}

impl Clock for Hands {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// Keeps what is written, each line behind the stream it went to.
#[derive(Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<String>>);

impl Captured {
    /// All that was written.
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    /// The streams that lead here.
    pub(crate) fn streams(&self) -> Arc<OutputStreams> {
        Arc::new(OutputStreams::new(Box::new(self.clone())))
    }

    fn add(&self, stream: &str, bytes: &[u8]) -> io::Result<()> {
        *self.0.lock().unwrap() += &super::text::indent(&String::from_utf8_lossy(bytes), stream);
        Ok(())
    }
}

impl RawStreams for Captured {
    fn out(&self, bytes: &[u8]) -> io::Result<()> {
        self.add("out: ", bytes)
    }

    fn err(&self, bytes: &[u8]) -> io::Result<()> {
        self.add("err: ", bytes)
    }

    fn out_is_terminal(&self) -> bool {
        false
    }
}

/// A stage's node.
pub(crate) fn stage(name: &str) -> NodeId {
    NodeId::Stage(StageId::new(name))
}

/// A report with an output if one was made.
pub(crate) fn report(node: NodeId, status: Status) -> Report {
    let made = matches!(status, Status::Built | Status::Cached);
    Report {
        node,
        status,
        key: made.then(|| [9; 32].into()),
        output: made.then(|| TreeHash::from([7; 32])),
        differs: None,
        seconds: 1.25,
        started: 0.5,
        reason: None,
        phases: Vec::new(),
        bytes: 0,
        files: 0,
        max_rss: 0,
        log: None,
        tail: Vec::new(),
        error: None,
        kept: None,
    }
}

/// The end of [`play`].
pub(crate) fn ending() -> Summary {
    let mut built = report(NodeId::Sysroot(SysrootId::new("build")), Status::Built);
    (built.seconds, built.bytes, built.files) = (30.0, 310_000_000, 9_000);
    let mut failed = report(stage("webui"), Status::Failed);
    (failed.seconds, failed.started) = (14.0, 31.0);
    failed.error = Some("stage `webui` exited with status 2".into());
    failed.tail = vec!["added 12 packages".into(), "\x1b[31mnpm error\x1b[0m code 2".into()];
    failed.log = Some("/home/me/akbuild/builds/1/webui.log".into());
    failed.kept = Some("/home/me/akbuild/tmp/webui-1".into());
    let mut cached = report(stage("client-go"), Status::Cached);
    (cached.seconds, cached.started) = (0.0, 0.0);
    let mut skipped = report(stage("assembled"), Status::Skipped);
    (skipped.seconds, skipped.started) = (0.0, 0.0);
    Summary {
        reports: vec![cached, failed, built, skipped],
        order: ["client-go", "webui", "assembled"].map(StageId::new).to_vec(),
        seconds: 45.0,
        ..Summary::default()
    }
}

/// A check whose output has another file.
pub(crate) fn checked_stage() -> Checked {
    let change = Change::Content { old_size: 9, new_size: 1_234 };
    let difference = Difference { path: "dist/\x1b[1mpage".into(), change };
    let differing = vec![Differing { difference, lines: vec!["text: 1 line added".into(), "+\x1b[2J".into()] }];
    let (stored, found) = (TreeHash::from([7; 32]), TreeHash::from([8; 32]));
    Checked { stage: StageId::new("webui"), stored, found, files: 640, differing }
}

/// Plays a build in which one stage fails. `tick` is called whenever the clock was set.
pub(crate) fn play(ui: &dyn Ui, clock: &Hands, tick: impl Fn()) {
    let tell = |seconds, event| {
        clock.set(seconds);
        tick();
        ui.event(event);
    };
    let end = ending();
    let [cached, failed, built, skipped] = &end.reports[..] else { panic!("four reports") };
    let (root, webui) = (built.node.clone(), failed.node.clone());
    let to_run = vec![root.clone(), webui.clone(), skipped.node.clone()];
    tell(0, Event::Planned { to_run, cached: vec![cached.node.clone()] });
    tell(0, Event::Finished(Box::new(cached.clone())));
    tell(0, Event::Started { node: root.clone() });
    tell(0, Event::Phase { node: root.clone(), phase: "fetch" });
    let download = |progress| Event::Download { node: root.clone(), progress };
    tell(0, download(Progress::Start { total_files: 2, total_bytes: Some(4_000_000) }));
    tell(6, download(Progress::Bytes(3_000_000)));
    tell(7, download(Progress::Retry { name: "libc6".into(), attempt: 1, error: "timed out".into() }));
    tell(12, download(Progress::File { name: "libc6".into(), bytes: 3_000_000, done: 1 }));
    tell(13, Event::Phase { node: root.clone(), phase: "unpack" });
    tell(13, Event::Unpacked { node: root.clone(), done: 1, total: 2 });
    tell(25, Event::Warning { message: "the record lacks a line".into() });
    tell(30, Event::Finished(Box::new(built.clone())));
    tell(31, Event::Started { node: webui.clone() });
    tell(31, Event::Waiting { node: webui.clone(), holder: "process 4711".into() });
    tell(32, Event::Phase { node: webui.clone(), phase: "run" });
    tell(33, Event::Line { node: webui.clone(), line: "\x1b[1madded\x1b[0m 12 packages".into() });
    tell(44, Event::Line { node: webui, line: "npm error code 2".into() });
    tell(45, Event::Finished(Box::new(failed.clone())));
    tell(45, Event::Finished(Box::new(skipped.clone())));
    ui.finish(&end);
}
