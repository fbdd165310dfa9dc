//! One process of a smoke test: its sandbox, what it writes, and how it ends. Knows nothing of what it is.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use akbuild_sandbox::{Control, Finished, Killer, MemoryUse, SandboxError, Signal, Spec, Status};
use tokio::runtime::Handle;

use crate::SmokeError;
use crate::cause::EndOfLog;
use crate::crash::{CrashScanner, LoggedCrash};
use crate::error::Doing;
use crate::forward::Forward;
use crate::line::plain;
use crate::report::{Memory, MemoryScope};

/// Lines that are remembered, to look for causes in.
const LINES: usize = 4000;
/// Bytes of a line that are read at a time: a process may write a line that never ends.
const LONGEST_LINE: u64 = 64 << 10;

/// How long a process that has logged a crash may take to end by it.
const SETTLED: Duration = Duration::from_secs(1);

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
    /// The most memory that was seen, of each value by itself.
    seen: MemoryUse,
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
    crashes: CrashScanner,
    ended: Option<Result<Finished, String>>,
}

/// What is wanted of what a process writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogWishes {
    /// Texts that must come.
    pub(crate) expected: Vec<String>,
    /// Texts of crashes that may come.
    pub(crate) allowed: Vec<String>,
}

impl Process {
    /// Starts a sandbox, whose ports are those of `answers`, in this order. What it writes goes to `log` too.
    pub(crate) fn start(
        name: &str,
        spec: &Spec,
        answers: &[Answers],
        wishes: LogWishes,
        mut log: File,
        runtime: &Handle,
    ) -> Result<Self, SmokeError> {
        let mut running = akbuild_sandbox::spawn(spec)?;
        let (control, killer) = (running.control(), running.killer());
        let pairs = running.listeners().into_iter().zip(answers);
        let forwards = pairs.map(|(from, to)| Forward::start(from, to.by.clone(), to.port, runtime));
        let forwards = forwards.collect::<Result<_, _>>().doing("listen for", name)?;
        let crashes = CrashScanner::new(wishes.allowed);
        let shared = Arc::new(Mutex::new(Shared { expected: wishes.expected, crashes, ..Shared::default() }));
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
                lock(&shared).crashes.end();
            })
        });
        let waiter = {
            let shared = shared.clone();
            std::thread::spawn(move || {
                let ended = running.wait().map_err(|e: SandboxError| e.to_string());
                lock(&shared).ended = Some(ended);
            })
        };
        let (name, threads) = (name.to_owned(), reader.into_iter().chain([waiter]).collect());
        let seen = MemoryUse::default();
        Ok(Self { name, control, seen, measured: None, killer, shared, threads, _forwards: forwards })
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&self) -> Option<String> {
        lock(&self.shared).ended.as_ref().map(|ended| match ended {
            Ok(Finished { status: Status::Exited(code), .. }) => format!("exited with status {code}"),
            Ok(Finished { status: Status::Signalled(signal), .. }) => format!("was ended by signal {signal}"),
            Err(error) => error.clone(),
        })
    }

    /// Whether it has ended well.
    pub(crate) fn succeeded(&self) -> bool {
        matches!(lock(&self.shared).ended, Some(Ok(Finished { status: Status::Exited(0), .. })))
    }

    /// Whether a text that was expected of it has not come.
    pub(crate) fn awaits(&self, text: &str) -> bool {
        lock(&self.shared).expected.iter().any(|expected| expected == text)
    }

    /// The last lines that it wrote.
    pub(crate) fn lines(&self) -> Vec<String> {
        lock(&self.shared).lines.iter().cloned().collect()
    }

    /// How many lines it has written.
    pub(crate) fn line_count(&self) -> u64 {
        lock(&self.shared).crashes.lines()
    }

    /// The number and text of a line that has a text but for the case of its letters, and the number of the first line that
    /// is remembered.
    pub(crate) fn nearly(&self, text: &str) -> Option<(u64, String)> {
        let shared = lock(&self.shared);
        let first = shared.crashes.lines() - shared.lines.len() as u64 + 1;
        let lower = text.to_lowercase();
        let mut numbered = (first..).zip(&shared.lines).map(|(n, line)| (n, plain(line)));
        numbered.find(|(_, line)| line.to_lowercase().contains(&lower)).map(|(n, line)| (n, line.trim().to_owned()))
    }

    /// The crashes that it has logged and that the recipe does not expect.
    pub(crate) fn crashes(&self) -> Vec<LoggedCrash> {
        lock(&self.shared).crashes.crashes().iter().filter(|crash| !crash.is_allowed).cloned().collect()
    }

    /// Hands the end of its log to somebody.
    pub(crate) fn with_log<T>(&self, look: impl FnOnce(&EndOfLog<'_>) -> T) -> T {
        let shared = lock(&self.shared);
        let lines: Vec<String> = shared.lines.iter().cloned().collect();
        look(&EndOfLog { lines: &lines, count: shared.crashes.lines(), crashes: shared.crashes.crashes() })
    }

    /// Looks how much memory its processes hold together; what each of them has held the kernel counts.
    pub(crate) fn measure(&mut self) {
        // Often enough to see a peak, and seldom enough not to be one.
        if self.measured.is_none_or(|at| at.elapsed() >= Duration::from_millis(500)) {
            self.measure_now();
        }
    }

    fn measure_now(&mut self) {
        let found = self.control.memory().unwrap_or_default();
        self.seen.together = self.seen.together.max(found.together);
        self.seen.largest = self.seen.largest.max(found.largest);
        self.seen.processes = self.seen.processes.max(found.processes);
        self.measured = Some(Instant::now());
    }

    /// The most memory that it has held.
    pub(crate) fn memory(&self, limit: Option<u64>, enforced: bool) -> Memory {
        let (group, largest) = match &lock(&self.shared).ended {
            Some(Ok(finished)) => (finished.group_peak, finished.largest_process),
            _ => (None, 0),
        };
        // A process that nobody has waited for is not in the kernel's count of those that have ended.
        let largest = largest.max(self.seen.largest);
        let (peak, scope) = match group {
            Some(peak) => (peak, MemoryScope::Group),
            None if self.seen.together > largest => (self.seen.together, MemoryScope::Processes),
            None => (largest, MemoryScope::Process),
        };
        Memory { process: self.name.clone(), peak, scope, processes: self.seen.processes, largest, limit, enforced }
    }

    /// Asks it to end.
    pub(crate) fn terminate(&mut self) {
        self.measure_now();
        lock(&self.shared).crashes.expect_end();
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

    /// Waits a moment for its end.
    pub(crate) fn settle(&mut self) {
        let deadline = Instant::now() + SETTLED;
        while self.ended().is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        if self.ended().is_some() {
            self.join();
        }
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
        let shown = plain(&line);
        self.expected.retain(|text| !line.contains(text.as_str()) && !shown.contains(text.as_str()));
        self.crashes.push(&line);
        self.lines.push_back(line);
        if self.lines.len() > LINES {
            self.lines.pop_front();
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
