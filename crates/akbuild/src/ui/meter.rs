//! How far a long piece of work is that is no run of stages: one row that changes in place.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::units::size_of;

/// Shows what it is told, until it is dropped. The default shows nothing.
#[derive(Default)]
pub(crate) struct Meter(Option<Row>);

struct Row {
    bar: ProgressBar,
    what: String,
    done: u64,
    bytes: u64,
}

impl Meter {
    /// A row for work on so many bytes.
    pub(super) fn new(what: &str, bytes: u64, target: ProgressDrawTarget) -> Self {
        let style = ProgressStyle::with_template("{msg}").expect("the template is valid");
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        Self(Some(Row { bar, what: what.to_owned(), done: 0, bytes }))
    }

    /// So many bytes more are done.
    pub(crate) fn add(&mut self, bytes: u64) {
        if let Some(row) = &mut self.0 {
            // The total may be an estimate.
            row.done = row.bytes.min(row.done + bytes);
            row.bar.set_message(format!("{}  {}", row.what, size_of(row.done, row.bytes)));
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(row) = &self.0 {
            row.bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;

    use super::*;

    #[test]
    fn a_row_that_goes_away() {
        let term = InMemoryTerm::new(5, 60);
        let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
        let mut meter = Meter::new("reading", 3_000_000, target);
        meter.add(1_200_000);
        if let Some(row) = &meter.0 {
            row.bar.force_draw();
        }
        insta::assert_snapshot!(term.contents(), @"reading  1.2/3.0 MB");
        meter.add(9_000_000);
        if let Some(row) = &meter.0 {
            row.bar.force_draw();
        }
        insta::assert_snapshot!(term.contents(), @"reading  3.0/3.0 MB");
        drop(meter);
        assert_eq!(term.contents(), "");
    }
}
