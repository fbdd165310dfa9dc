//! For logs: a line when a node starts, now and then while it runs, and when it ends. No line is
//! ever changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use akbuild_engine::{Event, NodeId, Sink, Status};

use super::board::{Board, Running};
use super::clock::Clock;
use super::display::Ui;
use super::paint::Paint;
use super::rows::transfer;
use super::streams::OutputStreams;
use super::summary::{self, Summary};
use super::text;
use super::ticker::Ticking;
use super::units::{count, elapsed};

/// A node that runs is heard of this often while it has something new to say,
const EVERY: Duration = Duration::from_secs(10);
/// and this often if it has not, so that whoever watches the log knows that it lives.
const SILENT: Duration = Duration::from_secs(60);

/// How often it is looked whether one should be heard of.
const TICK: Duration = Duration::from_secs(1);

/// What the events and the ticking thread share.
pub(crate) struct Plain {
    paint: Paint,
    verbose: u8,
    clock: Arc<dyn Clock>,
    streams: Arc<OutputStreams>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    board: Board,
    /// When progress was last told.
    told: Option<Duration>,
    /// When each running node was last heard of, and with what.
    said: HashMap<NodeId, (Duration, String)>,
}

/// Plain lines on stderr, with a thread that speaks for nodes that are silent.
pub(crate) fn start(paint: Paint, verbose: u8, clock: Arc<dyn Clock>, streams: Arc<OutputStreams>) -> Arc<dyn Ui> {
    let plain = Arc::new(Plain::new(paint, verbose, clock, streams));
    Arc::new(Ticking::new(plain, TICK, Plain::tick))
}

/// The line that says what a run will do.
pub(crate) fn planned(event: &Event) -> String {
    let Event::Planned { to_run, cached } = event else { return String::new() };
    let stages = |nodes: &[NodeId]| nodes.iter().filter(|n| matches!(n, NodeId::Stage(_))).count();
    let checks = to_run.iter().filter(|n| matches!(n, NodeId::Check(_))).count();
    let all = [("to build", stages(to_run)), ("to check", checks), ("up to date", stages(cached))];
    let mut some = all.into_iter().filter(|(_, number)| *number > 0);
    let (what, number) = some.next().unwrap_or(all[2]);
    let first = format!("{what}: {}", count(number, "stage"));
    format!("{}\n", some.fold(first, |text, (what, number)| format!("{text}, {what}: {number}")))
}

impl Plain {
    /// Plain lines; nothing ticks.
    pub(crate) fn new(paint: Paint, verbose: u8, clock: Arc<dyn Clock>, streams: Arc<OutputStreams>) -> Self {
        Self { paint, verbose, clock, streams, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Speaks for the running nodes whose time has come.
    pub(crate) fn tick(&self) {
        let now = self.clock.now();
        let mut guard = self.state();
        let State { board, said, .. } = &mut *guard;
        for running in &board.running {
            let Some((at, last)) = said.get_mut(&running.node) else { continue };
            let news = news(running, now);
            let pause = if news == *last { SILENT } else { EVERY };
            if now < *at + pause {
                continue;
            }
            let after = if news.is_empty() { String::new() } else { format!("  {news}") };
            let (name, time) = (text::pad(&running.node.to_string(), board.name_width), elapsed(now - running.began));
            self.streams.err(&format!("{:7}  {name}  {time}{after}\n", "running"));
            (*at, *last) = (now, news);
        }
    }
}

/// What a running node has to say.
fn news(running: &Running, now: Duration) -> String {
    match (&running.holder, &running.download, running.unpacked) {
        (Some(holder), ..) => format!("waits for {holder}"),
        (_, Some(download), _) => transfer(download, now).join(", "),
        (_, _, Some((done, total))) => format!("{done}/{} unpacked", count(total as usize, "package")),
        _ => text::cut(running.line.trim_start(), 200),
    }
}

impl Sink for Plain {
    fn event(&self, event: Event) {
        let now = self.clock.now();
        let mut guard = self.state();
        let was_running = guard.board.apply(&event, now);
        let State { board, said, .. } = &mut *guard;
        let name = |node: &NodeId| text::pad(&node.to_string(), board.name_width);
        match &event {
            Event::Planned { .. } => self.streams.err(&planned(&event)),
            Event::Started { node } => {
                said.insert(node.clone(), (now, String::new()));
                self.streams.err(&format!("{:7}  {}\n", "started", name(node).trim_end()));
            }
            Event::Waiting { node, holder } => {
                self.streams.err(&format!("{:7}  {}  for {}\n", "waiting", name(node), text::clean(holder)));
            }
            Event::Line { node, line } if self.verbose > 0 => {
                let line = text::clean(line);
                self.streams.err(&format!("{node} | {line}\n"));
                said.insert(node.clone(), (now, line));
            }
            Event::Warning { message } => self.streams.err(&self.paint.warning(message)),
            Event::Finished(report) if was_running || report.status == Status::Failed => {
                said.remove(&report.node);
                self.streams.err(&summary::ended(report, board.name_width, usize::MAX, self.paint));
            }
            _ => {}
        }
    }
}

impl Ui for Plain {
    fn finish(&self, end: &Summary) {
        let downloads = self.state().board.downloads;
        self.streams.err(&summary::render(end, downloads, usize::MAX, self.paint));
    }

    fn note(&self, text: &str) {
        self.streams.err(&format!("{text}\n"));
    }

    fn progress(&self, text: &str) {
        let (mut state, now) = (self.state(), self.clock.now());
        if text.is_empty() {
            state.told = None;
        } else if now >= *state.told.get_or_insert(now) + EVERY {
            state.told = Some(now);
            self.streams.err(&format!("{text}\n"));
        }
    }

    fn warn(&self, text: &str) {
        self.streams.err(&self.paint.warning(text));
    }

    fn error(&self, block: &str) {
        self.streams.err(&self.paint.error(block));
    }

    fn streams(&self) -> &Arc<OutputStreams> {
        &self.streams
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Captured, Hands, play, report, stage};
    use super::*;

    fn plain(verbose: u8) -> (Plain, Arc<Hands>, Captured) {
        let (clock, streams) = (Arc::new(Hands::default()), Captured::default());
        (Plain::new(Paint(false), verbose, clock.clone(), streams.streams()), clock, streams)
    }

    #[test]
    fn a_build_from_start_to_end() {
        let (plain, clock, streams) = plain(0);
        play(&plain, &clock, || plain.tick());
        insta::assert_snapshot!(streams.text(), @"
        err: to build: 2 stages, up to date: 1
        err: started  sysroot:build
        err: running  sysroot:build  12 s  0/2 files, 3.0/4.0 MB, 250.0 kB/s, 4 s left, 1 retry (libc6: timed out)
        err: running  sysroot:build  25 s  1/2 packages unpacked
        err: warning: the record lacks a line
        err: built    sysroot:build    30.0 s  310.0 MB  sha256-BwcHBwcHBw...
        err: started  webui
        err: waiting  webui          for process 4711
        err: running  webui          13 s  added 12 packages
        err: failed   webui            14.0 s  stage `webui` exited with status 2
        err: 
        err: stage      status     time  size  output
        err: client-go  cached            0 B  sha256-BwcHBwcHBw...
        err: webui      failed   14.0 s
        err: assembled  skipped
        err: 
        err: sysroots   1 built in 30.0 s
        err: downloads  1 file, 3.0 MB
        err: 
        err: failed webui after 14.0 s
        err:   stage `webui` exited with status 2
        err:   the end of its log:
        err:     | added 12 packages
        err:     | npm error code 2
        err:   log: /home/me/akbuild/builds/1/webui.log
        err:   kept: /home/me/akbuild/tmp/webui-1
        err:   help: `akbuild log webui` prints the log, `akbuild shell webui --failed` opens its sandbox as it was left
        err: 
        err: skipped (what they need failed, or the run stopped): assembled
        err: 
        err: failed after 45.0 s: 1 failed, 1 cached, 1 skipped
        ");
    }

    #[test]
    fn verbose_shows_the_stages_own_lines() {
        let (plain, clock, streams) = plain(1);
        let node = stage("webui");
        plain.event(Event::Started { node: node.clone() });
        plain.event(Event::Line { node: node.clone(), line: "\x1b[32madded\x1b[0m 12 packages".into() });
        clock.set(15);
        plain.tick();
        clock.set(70);
        plain.tick();
        plain.event(Event::Finished(Box::new(report(node, Status::Built))));
        insta::assert_snapshot!(streams.text(), @"
        err: started  webui
        err: webui | added 12 packages
        err: running  webui  1 min 10 s  added 12 packages
        err: built    webui     1.3 s  sha256-BwcHBwcHBw...
        ");
    }

    #[test]
    fn what_was_there_already_has_no_line() {
        let (plain, _, streams) = plain(0);
        plain.event(Event::Planned { to_run: Vec::new(), cached: vec![stage("a")] });
        plain.event(Event::Finished(Box::new(report(stage("a"), Status::Cached))));
        insta::assert_snapshot!(streams.text(), @"err: up to date: 1 stage");
    }

    #[test]
    fn progress_is_told_now_and_then() {
        let (plain, clock, streams) = plain(0);
        for second in 0..25 {
            clock.set(second);
            plain.progress(&format!("verifying: {second} of 25"));
        }
        plain.progress("");
        clock.set(40);
        plain.progress("something else: not yet for long");
        insta::assert_snapshot!(streams.text(), @"
        err: verifying: 10 of 25
        err: verifying: 20 of 25
        ");
    }

    #[test]
    fn what_the_command_says() {
        let (plain, _, streams) = plain(0);
        plain.note("written to akbuild.lock");
        plain.waiting(&akbuild_fetch::WaitNotice {
            host: "mirror.example".into(),
            wait: Duration::from_secs(60),
            reason: "429 Too Many Requests".into(),
            attempt: 1,
        });
        plain.warn("the result is not pinned");
        plain.error("error: no recipe\n  help: write one");
        plain.out("data\n");
        insta::assert_snapshot!(streams.text(), @"
        err: written to akbuild.lock
        err: waiting 60 s for mirror.example before retry 1: 429 Too Many Requests
        err: warning: the result is not pinned
        err: error: no recipe
        err:   help: write one
        out: data
        ");
    }
}
