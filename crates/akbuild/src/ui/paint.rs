//! Colour, and the word for how a node ended. A colour never says what no word says.

use akbuild_engine::{NodeId, Report, Status};
use akbuild_recipe::ErrorPart;

use super::escape::style;

/// Whether to colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    /// For what is well.
    pub(crate) fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// For what failed.
    pub(crate) fn red(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    /// For what asks for attention.
    pub(crate) fn yellow(self, text: &str) -> String {
        self.wrap("33", text)
    }

    /// For what matters less.
    pub(crate) fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// For headings.
    pub(crate) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// In the colour of a status.
    pub(crate) fn status(self, status: Status, text: &str) -> String {
        match status {
            Status::Built => self.green(text),
            Status::Cached => self.dim(text),
            Status::Failed => self.red(text),
            Status::Skipped => self.yellow(text),
        }
    }

    /// In the colour of how a node ended.
    pub(crate) fn ended(self, report: &Report, text: &str) -> String {
        if report.differs.is_some() { self.red(text) } else { self.status(report.status, text) }
    }

    /// `warning: text`.
    pub(crate) fn warning(self, text: &str) -> String {
        format!("{} {text}\n", self.yellow("warning:"))
    }

    /// A rendered error, with a line end.
    pub(crate) fn error(self, block: &str) -> String {
        let block = block.trim_end();
        match block.strip_prefix("error:") {
            Some(rest) => format!("{}{rest}\n", self.red("error:")),
            None => format!("{block}\n"),
        }
    }

    /// A part of what is wrong with a recipe.
    pub(crate) fn part(self, part: ErrorPart, text: &str) -> String {
        match part {
            ErrorPart::Mark => self.red(text),
            ErrorPart::Frame => self.wrap("1;34", text),
            ErrorPart::Heading => self.bold(text),
        }
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() { format!("{}{text}{}", style(code), style("0")) } else { text.to_owned() }
    }
}

/// The word for how a node ended: what comes from outside is fetched, not built, and a check has a result.
pub(crate) fn word(report: &Report) -> &'static str {
    match (report.status, &report.node) {
        (Status::Built, NodeId::Source(_) | NodeId::Fetch(_)) => "fetched",
        (Status::Built, NodeId::Check(_)) if report.differs.is_some() => "differs",
        (Status::Built, NodeId::Check(_)) => "equal",
        (status, _) => status.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::escape::for_terminal;
    use super::*;

    #[test]
    fn colour_surrounds_the_word_and_nothing_when_off() {
        assert_eq!(for_terminal(&Paint(true).status(Status::Built, "built")), "\x1b[32mbuilt\x1b[0m");
        assert_eq!(Paint(false).status(Status::Built, "built"), "built");
    }

    #[test]
    fn of_an_error_only_the_word_is_coloured() {
        assert_eq!(for_terminal(&Paint(true).error("error: a\n  b\n")), "\x1b[1;31merror:\x1b[0m a\n  b\n");
        assert_eq!(Paint(false).error("error: a\n  b"), "error: a\n  b\n");
    }
}
