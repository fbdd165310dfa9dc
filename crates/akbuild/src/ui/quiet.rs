//! For those who want to hear of trouble only: warnings, errors and what failed.

use std::sync::Arc;

use akbuild_engine::{Event, Sink};

use super::display::Ui;
use super::paint::Paint;
use super::streams::OutputStreams;
use super::summary::{self, Summary};

/// Says nothing of what goes well.
pub(crate) struct Quiet {
    paint: Paint,
    streams: Arc<OutputStreams>,
}

impl Quiet {
    /// On these streams.
    pub(crate) fn new(paint: Paint, streams: Arc<OutputStreams>) -> Self {
        Self { paint, streams }
    }
}

impl Sink for Quiet {
    fn event(&self, event: Event) {
        if let Event::Warning { message } = event {
            self.warn(&message);
        }
    }
}

impl Ui for Quiet {
    fn finish(&self, end: &Summary) {
        self.streams.err(&summary::failures(end, self.paint));
    }

    fn note(&self, _text: &str) {}

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
    use super::super::testing::{Captured, Hands, play};
    use super::*;

    #[test]
    fn only_trouble_is_told() {
        let (clock, streams) = (Hands::default(), Captured::default());
        let quiet = Quiet::new(Paint(false), streams.streams());
        quiet.note("not shown");
        play(&quiet, &clock, || {});
        insta::assert_snapshot!(streams.text(), @"
        err: warning: the record lacks a line
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
        ");
    }
}
