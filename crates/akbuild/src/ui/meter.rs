//! How far a long piece of work on so many bytes is, that is no run of stages.

use super::Ui;
use super::units::size_of;

/// Shows how far it is, until it is dropped.
pub(crate) struct Meter<'a> {
    ui: &'a dyn Ui,
    what: &'static str,
    done: u64,
    bytes: u64,
    /// The last that was shown.
    shown: String,
}

impl<'a> Meter<'a> {
    /// Work called `what` begins.
    pub(crate) fn new(ui: &'a dyn Ui, what: &'static str, bytes: u64) -> Self {
        Self { ui, what, done: 0, bytes, shown: String::new() }
    }

    /// So many bytes more are done.
    pub(crate) fn add(&mut self, bytes: u64) {
        // The total may be an estimate.
        self.done = self.bytes.min(self.done + bytes);
        let now = size_of(self.done, self.bytes);
        if now != self.shown {
            self.ui.progress(&format!("{}: {now}", self.what));
            self.shown = now;
        }
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        self.ui.progress("");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::paint::Paint;
    use super::super::plain::Plain;
    use super::super::testing::{Captured, Hands};
    use super::*;

    #[test]
    fn what_is_done_never_exceeds_what_there_is() {
        let (clock, streams) = (Arc::new(Hands::default()), Captured::default());
        let plain = Plain::new(Paint(false), 0, clock.clone(), streams.streams());
        let mut meter = Meter::new(&plain, "reading", 3_000_000);
        for (second, bytes) in [(0, 100_000), (10, 1_100_000), (20, 1), (30, 9_000_000)] {
            clock.set(second);
            meter.add(bytes);
        }
        insta::assert_snapshot!(streams.text(), @"
        err: reading: 1.2/3.0 MB
        err: reading: 3.0/3.0 MB
        ");
    }
}
