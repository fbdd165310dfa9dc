//! What people see: bars on a terminal, plain lines elsewhere, JSON for programs, and the summary
//! at the end. The only part of the program that writes to stdout and stderr, and all of it through
//! [`OutputStreams`], which escapes what a terminal would obey: stdout is data, stderr is talk.
//!
//! Knows the engine's events and how to word them. Knows nothing of how anything is built, reads no
//! environment and no file; [`choose`] is told all that it decides by.

mod bars;
mod board;
mod checked;
mod clock;
mod escape;
mod json;
mod look;
mod meter;
mod paint;
mod plain;
mod quiet;
mod rows;
mod streams;
mod summary;
mod table;
mod terminal;
#[cfg(test)]
mod testing;
mod text;
mod ticker;
mod units;

use std::path::PathBuf;
use std::sync::Arc;

use akbuild_engine::{Report, Sink};
use akbuild_recipe::plan::StageId;

pub(crate) use checked::{Checked, Differing};
pub(crate) use escape::escape_line;
pub(crate) use look::{ColorChoice, Look, Mode, choose};
pub(crate) use meter::Meter;
pub(crate) use paint::Paint;
pub(crate) use streams::{MessageWriter, OutputStreams};
pub(crate) use table::{Align, table};
pub(crate) use text::clean;
pub(crate) use units::{ago, count, digest, seconds, size, size_of};

/// One way of showing a run. Takes the engine's events, and what the command itself has to say.
pub(crate) trait Ui: Sink {
    /// The end of a run: the summary, or for JSON its last line.
    fn finish(&self, summary: &Summary);
    /// Something worth a line, lower case and without a full stop.
    fn note(&self, text: &str);
    /// Something that the operator should know and that stops nothing; `warning:` is put in front.
    fn warn(&self, text: &str);
    /// How far something is that is no run, in a line that the next one replaces; empty: it is over.
    fn progress(&self, _text: &str) {}
    /// A whole rendered error, `error: ...` and its further lines; shown in every mode.
    fn error(&self, block: &str);
    /// A line for programs, an object with `reason`; where people look, it is passed over.
    fn document(&self, _line: serde_json::Value) {}
    /// The streams that it writes to.
    fn streams(&self) -> &Arc<OutputStreams>;
    /// Text to stdout; a line end is not added.
    fn out(&self, text: &str) {
        self.streams().out(text);
    }
    /// Data to stdout, as it is unless that is a terminal.
    fn out_bytes(&self, data: &[u8]) {
        self.streams().out_bytes(data);
    }
}

/// How a run ended, and what is needed to tell of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    /// Whether every target is there.
    pub(crate) ok: bool,
    /// Whether it was stopped from outside.
    pub(crate) cancelled: bool,
    /// Every node's report.
    pub(crate) reports: Vec<Report>,
    /// What the checks among them found.
    pub(crate) checked: Vec<Checked>,
    /// The plan's stages in their order: that of the table's lines.
    pub(crate) order: Vec<StageId>,
    /// Those of them that put trees together, without a sandbox.
    pub(crate) without_sandbox: Vec<StageId>,
    /// How long it all took, in seconds.
    pub(crate) seconds: f64,
    /// The link to the first target's output, if one was made.
    pub(crate) result: Option<PathBuf>,
    /// The page with the run's timeline, if one was drawn.
    pub(crate) timeline: Option<PathBuf>,
}

/// Files and bytes that were downloaded; each way of showing counts them from the events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Downloads {
    /// Complete files.
    pub(crate) files: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
}

/// The way of showing that `look` asks for, on these streams.
pub(crate) fn new(look: &Look, streams: Arc<OutputStreams>) -> Arc<dyn Ui> {
    let paint = Paint(look.color);
    let clock = Arc::new(clock::Monotonic::new());
    match look.mode {
        Mode::Bars => bars::start(paint, look.verbose, clock, streams),
        Mode::Plain => plain::start(paint, look.verbose, clock, streams),
        Mode::Json => Arc::new(json::Json::new(paint, look.verbose, clock, streams)),
        Mode::Quiet => Arc::new(quiet::Quiet::new(paint, streams)),
    }
}
