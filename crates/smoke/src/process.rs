//! One process of a smoke test: its sandbox, what it writes, and how it ends. Knows nothing of what it is.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use akbuild_sandbox::{Control, Killer, SandboxError, Signal, Spec, Status};
use tokio::runtime::Handle;

use crate::SmokeError;
use crate::error::Doing;
use crate::forward::Forward;

/// Lines that are remembered, to look for causes in.
const LINES: usize = 4000;
/// Bytes of a line that are read at a time: a process may write a line that never ends.
const LONGEST_LINE: u64 = 64 << 10;

/// A service's port, and the sandbox that answers it.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    pub(crate) port: u16,
    pub(crate) by: Control,
}

/// A process that was started. Dropping it kills it.
pub(crate) struct Process {
    pub(crate) name: String,
    pub(crate) control: Control,
    /// The most memory that was seen, in bytes.
    pub(crate) peak: u64,
    measured: Option<Instant>,
    killer: Killer,
    shared: Arc<Mutex<Shared>>,
    /// One reads what it writes, one waits for its end.
    threads: Vec<JoinHandle<()>>,
    _forwards: Vec<Forward>,
}

#[derive(Default)]
struct Shared {
    lines: VecDeque<String>,
    /// Texts that have not come yet.
    expected: Vec<String>,
    ended: Option<Result<Status, String>>,
}

impl Process {
    /// Starts a sandbox, whose ports are those of `answers`, in this order. What it writes goes to `log` too.
    pub(crate) fn start(
        name: &str,
        spec: &Spec,
        answers: &[Answers],
        expected: Vec<String>,
        mut log: File,
        runtime: &Handle,
    ) -> Result<Self, SmokeError> {
        let mut running = akbuild_sandbox::spawn(spec)?;
        let (control, killer) = (running.control(), running.killer());
        let pairs = running.listeners().into_iter().zip(answers);
        let forwards = pairs.map(|(from, to)| Forward::start(from, to.by.clone(), to.port, runtime));
        let forwards = forwards.collect::<Result<_, _>>().doing("listen for", name)?;
        let shared = Arc::new(Mutex::new(Shared { expected, ..Shared::default() }));
        let reader = running.output().map(|output| {
            let shared = shared.clone();
            std::thread::spawn(move || {
                let mut output = BufReader::new(output);
                let mut line = Vec::new();
                while output.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                    // A log that cannot be written is only less to look at.
                    let _ = log.write_all(&line);
                    lock(&shared).take(String::from_utf8_lossy(&line).trim_end().to_owned());
                    line.clear();
                }
            })
        });
        let waiter = {
            let shared = shared.clone();
            std::thread::spawn(move || {
                let ended = running.wait().map(|finished| finished.status).map_err(|e: SandboxError| e.to_string());
                lock(&shared).ended = Some(ended);
            })
        };
        let (name, threads) = (name.to_owned(), reader.into_iter().chain([waiter]).collect());
        Ok(Self { name, control, peak: 0, measured: None, killer, shared, threads, _forwards: forwards })
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&self) -> Option<String> {
        lock(&self.shared).ended.as_ref().map(|ended| match ended {
            Ok(Status::Exited(code)) => format!("exited with status {code}"),
            Ok(Status::Signalled(signal)) => format!("was ended by signal {signal}"),
            Err(error) => error.clone(),
        })
    }

    /// Whether it has ended well.
    pub(crate) fn succeeded(&self) -> bool {
        lock(&self.shared).ended == Some(Ok(Status::Exited(0)))
    }

    /// Whether a text that was expected of it has not come.
    pub(crate) fn awaits(&self, text: &str) -> bool {
        lock(&self.shared).expected.iter().any(|expected| expected == text)
    }

    /// The last lines that it wrote.
    pub(crate) fn lines(&self) -> Vec<String> {
        lock(&self.shared).lines.iter().cloned().collect()
    }

    /// Looks how much memory it holds.
    pub(crate) fn measure(&mut self) {
        // Often enough to see a peak, and seldom enough not to be one.
        if self.measured.is_none_or(|at| at.elapsed() >= Duration::from_millis(500)) {
            self.peak = self.peak.max(self.control.memory().unwrap_or(0));
            self.measured = Some(Instant::now());
        }
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        // One that has ended already needs not be asked.
        let _ = self.control.signal(Signal::Terminate);
    }

    /// Waits for its end, and for its last line, until then; whether it has ended.
    pub(crate) fn wait_until(&mut self, deadline: Instant, go_on: &dyn Fn() -> bool) -> Result<bool, SmokeError> {
        while self.ended().is_none() {
            if !go_on() {
                return Err(SmokeError::Interrupted);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            self.measure();
            std::thread::sleep(Duration::from_millis(20));
        }
        self.join();
        Ok(true)
    }

    /// Waits for the last line, once it has ended.
    pub(crate) fn join(&mut self) {
        // Threads that have panicked have said so, and there is nothing more to wait for.
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.killer.kill();
        self.join();
    }
}

impl Shared {
    fn take(&mut self, line: String) {
        self.expected.retain(|text| !line.contains(text.as_str()));
        self.lines.push_back(line);
        if self.lines.len() > LINES {
            self.lines.pop_front();
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
