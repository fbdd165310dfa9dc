//! Which way of showing is chosen, from the command line and what is known of the terminal. A pure
//! function: reads nothing itself.

pub(crate) use clap::ColorChoice;

/// A way of showing a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Lines that change in place, on a terminal.
    Bars,
    /// Lines that a log can hold.
    Plain,
    /// One event a line, on stdout.
    Json,
    /// Only warnings and what failed.
    Quiet,
}

/// How everything is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// The way of showing.
    pub(crate) mode: Mode,
    /// Whether words are coloured.
    pub(crate) color: bool,
    /// From 1: the stages' own lines too.
    pub(crate) verbose: u8,
}

/// Chooses how to show things. `env_no_color`: `NO_COLOR` is set and not empty; `term`: the variable `TERM`.
pub(crate) fn choose(
    json: bool,
    quiet: bool,
    verbose: u8,
    color: ColorChoice,
    env_no_color: bool,
    stderr_is_terminal: bool,
    term: Option<&str>,
) -> Look {
    let capable = stderr_is_terminal && !matches!(term, None | Some("" | "dumb"));
    let mode = match (json, quiet) {
        (true, _) => Mode::Json,
        (false, true) => Mode::Quiet,
        (false, false) if capable => Mode::Bars,
        (false, false) => Mode::Plain,
    };
    let color = match color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => capable && !env_no_color,
    };
    Look { mode, color, verbose }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_terminal(color: ColorChoice, no_color: bool, term: Option<&str>) -> Look {
        choose(false, false, 0, color, no_color, true, term)
    }

    #[test]
    fn bars_need_a_terminal_that_can_move_its_cursor() {
        assert_eq!(on_terminal(ColorChoice::Auto, false, Some("xterm")).mode, Mode::Bars);
        for term in [Some("dumb"), Some(""), None] {
            assert_eq!(on_terminal(ColorChoice::Auto, false, term).mode, Mode::Plain);
        }
        assert_eq!(choose(false, false, 0, ColorChoice::Auto, false, false, Some("xterm")).mode, Mode::Plain);
    }

    #[test]
    fn what_was_asked_for_comes_before_the_terminal() {
        let with = |json, quiet| choose(json, quiet, 1, ColorChoice::Auto, false, true, Some("xterm"));
        assert_eq!((with(true, false).mode, with(true, true).mode, with(false, true).mode), {
            (Mode::Json, Mode::Json, Mode::Quiet)
        });
        assert_eq!(with(false, false).verbose, 1);
    }

    #[test]
    fn colour_follows_the_flag_then_no_color_then_the_terminal() {
        assert!(on_terminal(ColorChoice::Auto, false, Some("xterm")).color);
        assert!(!on_terminal(ColorChoice::Auto, true, Some("xterm")).color);
        assert!(on_terminal(ColorChoice::Always, true, Some("dumb")).color);
        assert!(!on_terminal(ColorChoice::Never, false, Some("xterm")).color);
        assert!(!choose(false, false, 0, ColorChoice::Auto, false, false, Some("xterm")).color);
    }
}
