//! The process's stdout and stderr. Knows nothing of what is written.

use std::io::{ErrorKind, IsTerminal, Write};

/// This process's stdout for data that is too long to be handed over whole; `None` if it is a terminal, and the
/// data nothing for it. Unlike with [`Streams::out`], every failure is the writer's to tell.
pub(crate) fn data() -> Option<impl Write> {
    let stdout = std::io::stdout();
    (!stdout.is_terminal()).then(|| stdout.lock())
}

/// Where text goes.
pub(crate) trait Streams: Send + Sync {
    /// Writes data.
    fn out(&self, data: &[u8]);
    /// Writes talk.
    fn err(&self, text: &str);
}

/// Those of this process. A reader of stdout that has gone away (`akbuild graph | head`) has what
/// it wanted; any other failure to write data is told on stderr, where a failure has nowhere to go.
pub(crate) struct Standard;

impl Streams for Standard {
    fn out(&self, data: &[u8]) {
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(data).and_then(|()| stdout.flush());
        if let Err(error) = written.as_ref().map_err(|e| e.kind())
            && error != ErrorKind::BrokenPipe
        {
            self.err(&format!("warning: cannot write to stdout: {error}\n"));
        }
    }

    fn err(&self, text: &str) {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}
