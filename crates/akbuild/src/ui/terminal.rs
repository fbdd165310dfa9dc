//! The terminal on stderr, as the bars draw on it: all text is escaped, and the cursor is moved by calls.

use std::fmt;
use std::io;
use std::sync::Arc;

use console::Term;
use indicatif::TermLike;

use super::escape::for_terminal;
use super::rows::Size;
use super::streams::OutputStreams;

/// A terminal, apart from what indicatif draws on it.
pub(crate) trait Screen: Send + Sync {
    /// How large it is now.
    fn size(&self) -> Size;
    /// Writes lines that stay.
    fn write(&self, text: &str);
    /// Moves the cursor so many lines up, to the first column, and clears all that follows.
    fn clear(&self, up: usize);
}

/// The terminal on stderr.
pub(crate) struct Terminal {
    term: Term,
    streams: Arc<OutputStreams>,
}

impl Terminal {
    pub(crate) fn new(streams: Arc<OutputStreams>) -> Self {
        Self { term: Term::buffered_stderr(), streams }
    }
}

impl Screen for Terminal {
    fn size(&self) -> Size {
        let (rows, columns) = self.term.size();
        Size { rows: rows.into(), columns: columns.into() }
    }

    fn write(&self, text: &str) {
        self.streams.err(text);
    }

    fn clear(&self, up: usize) {
        // A terminal that takes nothing shows nothing either.
        let _ = self.term.move_cursor_up(up);
        let _ = self.term.write_str("\r");
        let _ = self.term.clear_to_end_of_screen();
        let _ = self.term.flush();
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Terminal")
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        self.term.size().1
    }

    fn height(&self) -> u16 {
        self.term.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.term.write_line(&for_terminal(text))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.term.write_str(&for_terminal(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.term.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.term.flush()
    }
}
