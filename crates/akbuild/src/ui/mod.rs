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
mod display;
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

use std::sync::Arc;

pub(crate) use checked::{Checked, Differing};
pub(crate) use display::Ui;
pub(crate) use escape::escape_line;
pub(crate) use look::{ColorChoice, Look, Mode, choose};
pub(crate) use meter::Meter;
pub(crate) use paint::Paint;
pub(crate) use streams::{MessageWriter, OutputStreams};
pub(crate) use summary::Summary;
pub(crate) use table::{Align, table};
pub(crate) use text::clean;
pub(crate) use units::{ago, count, digest, seconds, size, size_of};

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
