//! For terminals: rows that change in place, and above them a line for each node that has ended.
//!
//! The rows are one indicatif bar of several lines, drawn ten times a second whatever happens in
//! between; events only change the board. What stays is written while the bar is away, as lines
//! with a real end, so that it survives a change of the terminal's width and can be copied.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use akbuild_engine::{Event, NodeId, Sink, Status};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::board::Board;
use super::clock::Clock;
use super::display::Ui;
use super::paint::Paint;
use super::rows::{Size, rows};
use super::streams::OutputStreams;
use super::summary::{self, Summary};
use super::terminal::{Screen, Terminal};
use super::ticker::Ticking;
use super::{plain, text};

const EVERY: Duration = Duration::from_millis(100);

/// What the events and the drawing thread share.
pub(crate) struct Bars {
    paint: Paint,
    verbose: u8,
    clock: Arc<dyn Clock>,
    streams: Arc<OutputStreams>,
    screen: Box<dyn Screen>,
    bar: ProgressBar,
    state: Mutex<State>,
}

struct State {
    board: Board,
    begun: Duration,
    /// How far something is that is no run.
    progress: String,
    /// Lines that stay, not yet written.
    pending: String,
    /// The rows that stand on the terminal, and its size when they were drawn.
    drawn: Option<(usize, Size)>,
}

/// Bars on stderr, drawn by a thread of their own until the end.
pub(crate) fn start(paint: Paint, verbose: u8, clock: Arc<dyn Clock>, streams: Arc<OutputStreams>) -> Arc<dyn Ui> {
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(Terminal::new(streams.clone())), 20);
    let screen = Box::new(Terminal::new(streams.clone()));
    let bars = Arc::new(Bars::new(paint, verbose, clock, streams, screen, target));
    Arc::new(Ticking::new(bars, EVERY, Bars::draw))
}

impl Bars {
    /// Bars on any target; nothing is drawn until [`Bars::draw`].
    pub(crate) fn new(
        paint: Paint,
        verbose: u8,
        clock: Arc<dyn Clock>,
        streams: Arc<OutputStreams>,
        screen: Box<dyn Screen>,
        target: ProgressDrawTarget,
    ) -> Self {
        let style = ProgressStyle::with_template("{msg}").expect("the template is valid");
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        let begun = clock.now();
        let state = Mutex::new(State {
            board: Board::default(),
            begun,
            progress: String::new(),
            pending: String::new(),
            drawn: None,
        });
        Self { paint, verbose, clock, streams, screen, bar, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Writes what waits to be written, and brings the rows up to date.
    pub(crate) fn draw(&self) {
        let mut state = self.state();
        let idle = state.board.running.is_empty() && state.drawn.is_none() && state.pending.is_empty();
        if idle && state.progress.is_empty() {
            return;
        }
        self.flush(&mut state);
        let size = self.screen.size();
        let rows = match &*state.progress {
            "" => rows(&state.board, size, self.clock.now(), state.begun, self.paint),
            progress => vec![text::cut(progress, size.columns.saturating_sub(1))],
        };
        state.drawn = Some((rows.len(), size));
        if self.bar.is_finished() {
            self.bar.reset();
        }
        self.bar.set_message(rows.join("\n"));
    }

    /// After a change of width, puts the cursor where indicatif takes it to be. Indicatif fills its
    /// rows up with spaces and writes no line ends, so that a terminal that reflows its text has
    /// them in another number of lines now.
    fn catch_up(&self, state: &mut State) {
        let size = self.screen.size();
        let Some((rows, old)) = state.drawn.filter(|(_, old)| old.columns != size.columns) else { return };
        state.drawn = Some((rows, size));
        let now = (rows * old.columns).div_ceil(size.columns.max(1));
        self.screen.clear(now.saturating_sub(1));
        self.screen.write(&"\n".repeat(rows - 1));
    }

    fn flush(&self, state: &mut State) {
        self.catch_up(state);
        let pending = std::mem::take(&mut state.pending);
        if !pending.is_empty() {
            self.bar.suspend(|| self.screen.write(&pending));
        }
    }

    /// Writes lines that stay, after those that wait.
    fn say(&self, lines: &str) {
        let mut state = self.state();
        state.pending += lines;
        self.flush(&mut state);
    }

    /// Writes to stdout, which may be the same terminal, while the bar is away.
    fn aside(&self, write: impl FnOnce()) {
        let mut state = self.state();
        self.flush(&mut state);
        self.bar.suspend(write);
    }

    fn line_of(&self, node: &NodeId, line: &str) -> String {
        format!("{} {}\n", self.paint.dim(&format!("{node} |")), text::clean(line))
    }
}

impl Sink for Bars {
    fn event(&self, event: Event) {
        let now = self.clock.now();
        let mut state = self.state();
        let was_running = state.board.apply(&event, now);
        match &event {
            Event::Planned { .. } => {
                state.begun = now;
                let line = plain::planned(&event);
                state.pending += &line;
            }
            Event::Line { node, line } if self.verbose > 0 => state.pending += &self.line_of(node, line),
            Event::Warning { message } => state.pending += &self.paint.warning(message),
            Event::Finished(report) if was_running || report.status == Status::Failed => {
                let (names, width) = (state.board.name_width, self.screen.size().columns);
                state.pending += &summary::ended(report, names, width, self.paint);
            }
            _ => {}
        }
    }
}

impl Ui for Bars {
    fn finish(&self, end: &Summary) {
        let mut state = self.state();
        self.flush(&mut state);
        self.bar.finish_and_clear();
        state.drawn = None;
        let width = self.screen.size().columns;
        self.screen.write(&summary::render(end, state.board.downloads, width, self.paint));
    }

    fn note(&self, text: &str) {
        self.say(&format!("{text}\n"));
    }

    fn progress(&self, text: &str) {
        let mut state = self.state();
        state.progress = text.to_owned();
        if text.is_empty() {
            self.bar.finish_and_clear();
            state.drawn = None;
        }
    }

    fn warn(&self, text: &str) {
        self.say(&self.paint.warning(text));
    }

    fn error(&self, block: &str) {
        self.say(&self.paint.error(block));
    }

    fn streams(&self) -> &Arc<OutputStreams> {
        &self.streams
    }

    fn out(&self, text: &str) {
        self.aside(|| self.streams.out(text));
    }

    fn out_bytes(&self, data: &[u8]) {
        self.aside(|| self.streams.out_bytes(data));
    }
}

#[cfg(test)]
mod tests {
    use indicatif::{InMemoryTerm, TermLike};

    use super::super::testing::{Captured, Hands, ending, play, stage};
    use super::*;

    /// A terminal in memory.
    struct Memory(InMemoryTerm);

    impl Screen for Memory {
        fn size(&self) -> Size {
            Size { rows: self.0.height().into(), columns: self.0.width().into() }
        }

        fn write(&self, text: &str) {
            self.0.write_str(&text.replace('\n', "\r\n")).unwrap();
        }

        fn clear(&self, _up: usize) {
            unreachable!("its width does not change");
        }
    }

    fn bars(rows: u16, columns: u16, verbose: u8) -> (Bars, Arc<Hands>, InMemoryTerm) {
        let (clock, term) = (Arc::new(Hands::default()), InMemoryTerm::new(rows, columns));
        let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
        let (streams, screen) = (Captured::default().streams(), Box::new(Memory(term.clone())));
        (Bars::new(Paint(false), verbose, clock.clone(), streams, screen, target), clock, term)
    }

    #[test]
    fn after_a_build_only_the_lines_that_stay_are_there() {
        let (bars, clock, term) = bars(50, 100, 0);
        play(&bars, &clock, || bars.draw());
        insta::assert_snapshot!(term.contents(), @"
        to build: 2 stages, up to date: 1
        warning: the record lacks a line
        built    sysroot:build    30.0 s  310.0 MB  sha256-BwcHBwcHBw...
        failed   webui            14.0 s  stage `webui` exited with status 2

        stage      status     time  size  output
        client-go  cached            0 B  sha256-BwcHBwcHBw...
        webui      failed   14.0 s
        assembled  skipped

        sysroots   1 built in 30.0 s
        downloads  1 file, 3.0 MB

        failed webui after 14.0 s
          stage `webui` exited with status 2
          the end of its log:
            | added 12 packages
            | npm error code 2
          log: /home/me/akbuild/builds/1/webui.log
          kept: /home/me/akbuild/tmp/webui-1
          help: `akbuild log webui` prints the log, `akbuild shell webui --failed` opens its sandbox as it w
        as left

        skipped (what they need failed, or the run stopped): assembled

        failed after 45.0 s: 1 failed, 1 cached, 1 skipped
        ");
    }

    #[test]
    fn while_a_build_runs() {
        let (bars, clock, term) = bars(15, 60, 1);
        for name in ["webui", "server"] {
            bars.event(Event::Started { node: stage(name) });
        }
        bars.draw();
        clock.set(12);
        bars.event(Event::Line { node: stage("webui"), line: "\x1b[2J\x1b[Hbuilt in \r3 s".into() });
        bars.event(Event::Finished(Box::new(ending().reports[1].clone())));
        bars.event(Event::Line { node: stage("server"), line: "compiling".into() });
        bars.draw();
        insta::assert_snapshot!(term.contents(), @"
        webui | 3 s
        failed   webui    14.0 s  stage `webui` exited with status 2
        server | compiling
        1 failed, 1 running, 12 s
        - server  12 s  compiling
        ");
        bars.warn("look out");
        bars.out("data\n");
        insta::assert_snapshot!(term.contents(), @"
        webui | 3 s
        failed   webui    14.0 s  stage `webui` exited with status 2
        server | compiling
        warning: look out
        1 failed, 1 running, 12 s
        - server  12 s  compiling
        ");
    }

    #[test]
    fn progress_is_one_line_that_goes_away() {
        let (bars, _, term) = bars(15, 40, 0);
        bars.progress("verifying: 1.2/4.0 GB, 3 of 40 trees and downloads");
        bars.draw();
        bars.note("a note");
        insta::assert_snapshot!(term.contents(), @"
        a note
        verifying: 1.2/4.0 GB, 3 of 40 trees...
        ");
        bars.progress("");
        bars.draw();
        bars.note("another");
        insta::assert_snapshot!(term.contents(), @"
        a note
        another
        ");
        bars.event(Event::Started { node: stage("a") });
        bars.draw();
        insta::assert_snapshot!(term.contents(), @"
        a note
        another
        1 running, 0 s
        - a  0 s
        ");
    }

    #[test]
    fn hundreds_of_nodes_leave_what_stays_in_sight() {
        let (bars, _, term) = bars(15, 40, 0);
        for n in 0..500 {
            bars.event(Event::Started { node: stage(&format!("n{n}")) });
        }
        bars.note("a note");
        bars.draw();
        bars.note("another");
        insta::assert_snapshot!(term.contents(), @"
        a note
        another
        500 running, 0 s
        - n0  0 s
        - n1  0 s
        - n2  0 s
        - n3  0 s
        - n4  0 s
        - n5  0 s
        - n6  0 s
        - n7  0 s
          and 492 more
        ");
    }

    /// Keeps what is written, and has the width it was given.
    #[derive(Clone, Default)]
    struct Recording(Arc<Mutex<(usize, String)>>);

    impl Screen for Recording {
        fn size(&self) -> Size {
            Size { rows: 24, columns: self.0.lock().unwrap().0 }
        }

        fn write(&self, text: &str) {
            self.0.lock().unwrap().1 += text;
        }

        fn clear(&self, up: usize) {
            self.0.lock().unwrap().1 += &format!("({up} up)");
        }
    }

    #[test]
    fn a_change_of_width_erases_the_rows_where_they_are_now() {
        let recording = Recording::default();
        recording.0.lock().unwrap().0 = 100;
        let (clock, streams) = (Arc::new(Hands::default()), Captured::default().streams());
        let screen = Box::new(recording.clone());
        let bars = Bars::new(Paint(false), 0, clock, streams, screen, ProgressDrawTarget::hidden());
        for name in ["a", "b"] {
            bars.event(Event::Started { node: stage(name) });
        }
        bars.draw();
        bars.draw();
        assert_eq!(recording.0.lock().unwrap().1, "");
        // Three rows of 100 columns are 300 characters: 5 rows of 60.
        recording.0.lock().unwrap().0 = 60;
        bars.draw();
        assert_eq!(recording.0.lock().unwrap().1, "(4 up)\n\n");
    }
}
