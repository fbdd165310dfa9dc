//! The interface of all ways of showing a run: bars, lines, JSON, quiet. Must not depend on any of them.

use std::sync::Arc;

use akbuild_engine::Sink;
use akbuild_fetch::WaitNotice;

use super::streams::OutputStreams;
use super::summary::Summary;

/// One way of showing a run. Takes the engine's events, and what the command itself has to say.
pub(crate) trait Ui: Sink {
    /// The end of a run: the summary, or for JSON its last line.
    fn finish(&self, summary: &Summary);
    /// Something worth a line, lower case and without a full stop.
    fn note(&self, text: &str);
    /// A server has to be waited for before a request is repeated.
    fn waiting(&self, notice: &WaitNotice) {
        self.note(&notice.to_string());
    }
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
