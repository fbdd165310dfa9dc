//! A smoke test that is being made: its processes, how a step is noted, and how anything is waited for. Must not depend
//! on the steps, which are in `steps` and `pages`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use akbuild_launch::UnpackedImage;
use akbuild_recipe::plan::SysrootId;
use akbuild_sandbox::{Mount, MountKind, Spec};
use akbuild_tree::TreeDir;

use crate::SmokeError;
use crate::cause::{EndOfLog, with_hints};
use crate::crash::LoggedCrash;
use crate::error::Doing;
use crate::process::{Answers, Process};
use crate::report::{Done, Finding, Memory, Report};
use crate::smoking::{Event, Smoking};

/// Between two looks at something that is awaited.
pub(crate) const PAUSE: Duration = Duration::from_millis(200);
/// Lines of a log that a finding shows.
const TAIL: usize = 15;

/// How a step ends: well, with a finding, or not at all.
pub(crate) enum Stop {
    /// What was asked for is not so.
    Found(Box<Finding>),
    /// A process or a service has ended by itself, whatever was asked for.
    Ended(Box<Finding>),
    Failed(SmokeError),
}

impl From<SmokeError> for Stop {
    fn from(error: SmokeError) -> Self {
        Stop::Failed(error)
    }
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        Stop::Found(Box::new(finding))
    }
}

/// A smoke test that is being made.
pub(crate) struct Course<'a> {
    pub(crate) of: &'a Smoking<'a>,
    /// The image whose turn it is.
    pub(crate) root: &'a UnpackedImage,
    /// Words that tell it from another, to be put behind a name.
    pub(crate) whose: &'static str,
    /// Its processes, in the order of the plan.
    pub(crate) processes: Vec<Process>,
    pub(crate) services: Vec<Process>,
    pub(crate) answers: Vec<Answers>,
    pub(crate) report: Report,
    /// Numbers folders.
    n: usize,
}

impl<'a> Course<'a> {
    pub(crate) fn new(of: &'a Smoking<'a>) -> Self {
        let (processes, services, answers) = Default::default();
        Self { of, root: of.image, whose: "", processes, services, answers, report: Report::default(), n: 0 }
    }

    pub(crate) fn memory(&self) -> Vec<Memory> {
        let limit = Some(self.of.plan.memory).filter(|limit| *limit > 0);
        let enforced = limit.is_some() && akbuild_sandbox::counts_memory();
        self.processes.iter().map(|process| process.memory(limit, enforced)).collect()
    }

    /// Does something, and notes how it went.
    pub(crate) fn step(
        &mut self,
        what: &str,
        act: impl FnOnce(&mut Self) -> Result<Option<String>, Stop>,
    ) -> Result<(), Stop> {
        (self.of.event)(Event::Begin(what));
        let begun = Instant::now();
        let result = act(self);
        let seconds = begun.elapsed().as_secs_f64();
        let note = result.as_ref().ok().cloned().flatten();
        let done = Done { what: what.to_owned(), seconds, note };
        if result.is_ok() {
            (self.of.event)(Event::Done(&done));
        }
        self.report.done.push(done);
        result.map(drop)
    }

    /// Waits until something has come true, while all processes go on.
    pub(crate) fn wait(
        &mut self,
        who: usize,
        mut seen: impl FnMut(&mut Self) -> Result<Result<Option<String>, String>, Stop>,
        what: impl Fn(&str) -> String,
    ) -> Result<Option<String>, Stop> {
        let deadline = self.deadline();
        loop {
            self.go_on()?;
            self.alive()?;
            let problem = match seen(self)? {
                Ok(note) => return Ok(note),
                Err(problem) => problem,
            };
            self.crashed(&what(&problem))?;
            if Instant::now() > deadline {
                return Err(self.about(&self.processes[who], what(&problem)).into());
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Fails if a process or a service has ended by itself.
    pub(crate) fn alive(&mut self) -> Result<(), Stop> {
        for who in 0..self.processes.len() {
            let process = &mut self.processes[who];
            process.measure();
            if let Some(how) = process.ended() {
                process.join();
                let what = format!("process `{}` {how}, and should go on", process.name);
                return Err(Stop::Ended(Box::new(self.blame(&self.processes[who], what))));
            }
        }
        for service in &self.services {
            if let Some(how) = service.ended() {
                let what = format!("service `{}` {how}, and should go on", service.name);
                return Err(Stop::Ended(Box::new(self.about(service, what))));
            }
        }
        Ok(())
    }

    /// Fails if a process of the image has logged a crash that the recipe does not expect. `meanwhile` is what was
    /// waited for, if anything was.
    pub(crate) fn crashed(&mut self, meanwhile: &str) -> Result<(), Stop> {
        for who in 0..self.processes.len() {
            if self.processes[who].crashes().is_empty() {
                continue;
            }
            // The rest of what it writes of that, and its end, if it ends by it.
            self.processes[who].settle();
            if !meanwhile.is_empty() {
                self.alive()?;
            }
            if let Some(crash) = self.processes[who].crashes().first() {
                let finding = self.of_crash("process", &self.processes[who], crash);
                let finding =
                    if meanwhile.is_empty() { finding } else { finding.because(format!("meanwhile: {meanwhile}")) };
                return Err(finding.into());
            }
        }
        Ok(())
    }

    /// A finding about a crash, with the part of the log that it is in.
    pub(crate) fn of_crash(&self, noun: &str, process: &Process, crash: &LoggedCrash) -> Finding {
        let what = format!("{noun} `{}` logged {}", process.name, crash.kind.as_words());
        let name = process.name.strip_suffix("-previous").unwrap_or(&process.name);
        let help = format!("if it is expected, add a text of it to `allow_logs` of `{name}` in the recipe");
        Finding {
            causes: with_hints(crash.causes(), self.root),
            process: Some(process.name.clone()),
            tail: crash.excerpt.clone(),
            line: Some(crash.line),
            help: Some(help),
            ..Finding::new(what)
        }
    }

    pub(crate) fn scratch(&mut self) -> PathBuf {
        self.n += 1;
        self.of.scratch.join(self.n.to_string())
    }

    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_secs(self.of.plan.timeout)
    }

    pub(crate) fn go_on(&self) -> Result<(), Stop> {
        if (self.of.go_on)() { Ok(()) } else { Err(SmokeError::Interrupted.into()) }
    }

    /// A sandbox for a script, with a `/tmp` on the disk.
    pub(crate) fn script(
        &mut self,
        sysroot: &SysrootId,
        script: &str,
        env: &BTreeMap<String, String>,
    ) -> Result<Spec, SmokeError> {
        let tmp = self.scratch();
        #[allow(clippy::disallowed_methods, reason = "the path is in a scratch folder")]
        std::fs::create_dir(&tmp).doing("make", &tmp)?;
        TreeDir::open(&tmp, "the folder for temporary files")?.give_to(akbuild_sandbox::build_owner())?;
        let mut spec = (self.of.script)(sysroot, script, env)?;
        spec.mounts.push(Mount { at: "/tmp".into(), what: MountKind::ReadWrite(tmp) });
        spec.listen = self.answers.iter().map(|answers| answers.port).collect();
        Ok(spec)
    }

    /// A finding about a process, with the end of its log.
    pub(crate) fn about(&self, process: &Process, what: String) -> Finding {
        Finding { tail: tail(process), process: Some(process.name.clone()), ..Finding::new(what) }
    }

    /// The same for a process of the image that has ended, with what its log says of the cause.
    pub(crate) fn blame(&self, process: &Process, what: String) -> Finding {
        let causes = process.with_log(|log: &EndOfLog<'_>| log.causes(self.root));
        Finding { causes, ..self.about(process, what) }
    }
}

/// The end of a log.
pub(crate) fn tail(process: &Process) -> Vec<String> {
    let mut lines = process.lines();
    lines.split_off(lines.len().saturating_sub(TAIL))
}
