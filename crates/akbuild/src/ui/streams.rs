//! The process's stdout and stderr, and the one way to them: text is escaped here, so that no message can pass on
//! what a terminal would obey.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard};

use super::escape::{for_terminal, without_styles};

/// Where bytes go in the end.
pub(crate) trait RawStreams: Send + Sync {
    /// Writes all of it to stdout.
    fn out(&self, bytes: &[u8]) -> io::Result<()>;
    /// Writes all of it to stderr.
    fn err(&self, bytes: &[u8]) -> io::Result<()>;
    /// Whether stdout is a terminal.
    fn out_is_terminal(&self) -> bool;
}

/// The streams of this process.
struct ProcessStreams;

impl RawStreams for ProcessStreams {
    fn out(&self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    fn err(&self, bytes: &[u8]) -> io::Result<()> {
        io::stderr().lock().write_all(bytes)
    }

    fn out_is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }
}

/// Why stdout takes nothing any more.
#[derive(Debug)]
pub(crate) struct OutputFailure {
    pub(crate) error: io::Error,
    /// Whether it was met by a [`DataWriter`], whose user reports it too.
    pub(crate) in_data: bool,
}

impl OutputFailure {
    /// Whether the reader has gone away, as in `akbuild graph | head`: it has what it wanted.
    pub(crate) fn reader_is_gone(&self) -> bool {
        self.error.kind() == ErrorKind::BrokenPipe
    }
}

/// Everything that the program writes goes through here.
pub(crate) struct OutputStreams {
    raw: Box<dyn RawStreams>,
    failure: Mutex<Option<OutputFailure>>,
}

impl OutputStreams {
    /// Those of this process.
    pub(crate) fn of_process() -> Arc<Self> {
        Arc::new(Self::new(Box::new(ProcessStreams)))
    }

    pub(crate) fn new(raw: Box<dyn RawStreams>) -> Self {
        Self { raw, failure: Mutex::default() }
    }

    /// Writes text to stdout.
    pub(crate) fn out(&self, text: &str) {
        self.write(for_terminal(text).as_bytes(), false);
    }

    /// Writes data to stdout: as it is, or escaped where stdout is a terminal.
    pub(crate) fn out_bytes(&self, data: &[u8]) {
        match self.raw.out_is_terminal() {
            true => self.out(&without_styles(&String::from_utf8_lossy(data))),
            false => _ = self.write(data, false),
        }
    }

    /// Writes text to stderr. A failure to do so has nowhere to be reported.
    pub(crate) fn err(&self, text: &str) {
        let _ = self.raw.err(for_terminal(text).as_bytes());
    }

    pub(crate) fn out_is_terminal(&self) -> bool {
        self.raw.out_is_terminal()
    }

    /// Stdout for data that is too long to be handed over whole; `None` if it is a terminal.
    pub(crate) fn data(self: &Arc<Self>) -> Option<impl Write + use<>> {
        (!self.out_is_terminal()).then(|| BufWriter::with_capacity(1 << 16, DataWriter(self.clone())))
    }

    /// The first failure to write to stdout. Nothing is written after one.
    pub(crate) fn failure(&self) -> MutexGuard<'_, Option<OutputFailure>> {
        self.failure.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn write(&self, bytes: &[u8], in_data: bool) -> Option<ErrorKind> {
        let mut failure = self.failure();
        if failure.is_none() {
            *failure = self.raw.out(bytes).err().map(|error| OutputFailure { error, in_data });
        }
        failure.as_ref().map(|failure| failure.error.kind())
    }
}

/// Data on its way to stdout.
struct DataWriter(Arc<OutputStreams>);

impl Write for DataWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes, true).map_or(Ok(bytes.len()), |kind| Err(kind.into()))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Stderr for what writes messages by itself.
pub(crate) struct MessageWriter(pub(crate) Arc<OutputStreams>);

impl Write for MessageWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.err(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::escape::style;
    use super::*;

    /// Keeps what is written; stdout fails once it has `room` bytes.
    #[derive(Clone)]
    struct Narrow {
        written: Arc<Mutex<Vec<u8>>>,
        room: usize,
        is_terminal: bool,
    }

    impl RawStreams for Narrow {
        fn out(&self, bytes: &[u8]) -> io::Result<()> {
            if self.written.lock().unwrap().len() + bytes.len() > self.room {
                return Err(ErrorKind::StorageFull.into());
            }
            self.err(bytes)
        }

        fn err(&self, bytes: &[u8]) -> io::Result<()> {
            self.written.lock().unwrap().extend(bytes);
            Ok(())
        }

        fn out_is_terminal(&self) -> bool {
            self.is_terminal
        }
    }

    fn narrow(room: usize, is_terminal: bool) -> (Arc<OutputStreams>, impl Fn() -> Vec<u8>) {
        let raw = Narrow { written: Arc::default(), room, is_terminal };
        let written = raw.written.clone();
        (Arc::new(OutputStreams::new(Box::new(raw))), move || written.lock().unwrap().clone())
    }

    #[test]
    fn text_is_escaped_always_and_data_only_for_a_terminal() {
        for (is_terminal, data) in [(true, "\\u001bc\\u009b\u{fffd}"), (false, "\x1bc\u{9b}")] {
            let (streams, written) = narrow(1000, is_terminal);
            streams.out("\x1bc|");
            streams.err(&format!("\u{9b}{}|", style("1")));
            streams.out_bytes(b"\x1bc\xc2\x9b\xff");
            let rest: &[u8] = if is_terminal { b"" } else { b"\xff" };
            assert_eq!(written(), [b"\\u001bc|\\u009b\x1b[1m|", data.as_bytes(), rest].concat());
        }
    }

    #[test]
    fn the_first_failure_is_kept_and_nothing_follows_it() {
        let (streams, written) = narrow(4, false);
        streams.out("abc");
        assert!(streams.failure().is_none());
        streams.out("def");
        streams.out("g");
        assert_eq!(written(), b"abc");
        let failure = streams.failure().take().unwrap();
        assert!(failure.error.kind() == ErrorKind::StorageFull && !failure.in_data && !failure.reader_is_gone());
    }

    #[test]
    fn data_that_is_lost_when_its_writer_goes_is_noticed() {
        let (streams, _) = narrow(4, false);
        streams.data().unwrap().write_all(b"12345").unwrap();
        assert!(streams.failure().as_ref().unwrap().in_data);
        assert!(narrow(4, true).0.data().is_none());
    }
}
