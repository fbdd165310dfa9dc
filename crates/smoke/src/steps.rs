//! The steps of a smoke test: what is started, asked, checked and ended. Knows what of each is a finding; pages are in
//! `pages`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use akbuild_launch::ProcessSetup;
use akbuild_recipe::plan::{Probe, SmokeCheck, SmokeCommand, SmokeProcess, SmokeService, WrittenFile};

use crate::SmokeError;
use crate::address::address;
use crate::course::{Course, PAUSE, Stop, tail};
use crate::http;
use crate::process::{Answers, LogWishes, Process};
use crate::report::Finding;

/// How long one run of a check may take.
const CHECK: Duration = Duration::from_secs(60);

impl Course<'_> {
    pub(crate) fn service(&mut self, service: &SmokeService) -> Result<(), Stop> {
        self.step(&format!("service `{}` listens on port {}", service.name, service.port), |course| {
            let mut spec = course.script(&service.sysroot, &service.script, &service.env)?;
            spec.listen.clear();
            let log = (course.of.log)(&service.name)?;
            let process = Process::start(&service.name, &spec, &[], LogWishes::default(), log, &course.of.runtime)?;
            let deadline = course.deadline();
            while process.control.connect(service.port, Duration::from_secs(5)).is_err() {
                course.go_on()?;
                if let Some(how) = process.ended() {
                    return Err(course.about(&process, format!("service `{}` {how}", service.name)).into());
                }
                if Instant::now() > deadline {
                    let what = format!("service `{}` does not listen on port {}", service.name, service.port);
                    return Err(course.about(&process, what).into());
                }
                std::thread::sleep(PAUSE);
            }
            course.answers.push(Answers { port: service.port, by: process.control.clone() });
            course.services.push(process);
            Ok(None)
        })
    }

    pub(crate) fn command(&mut self, command: &SmokeCommand) -> Result<(), Stop> {
        let whose = self.whose;
        self.step(&format!("command `{}`{whose} succeeds", command.name), |course| {
            let wishes = LogWishes { allowed: command.allow_logs.clone(), ..LogWishes::default() };
            let mut process = course.spawn(&command.name, &command.args, &command.env, &command.files, wishes)?;
            if !process.wait_until(course.deadline(), course.of.go_on)? {
                let (name, timeout) = (&command.name, course.of.plan.timeout);
                let what = format!("command `{name}`{whose} does not end within {timeout} s");
                return Err(course.about(&process, what).into());
            }
            if process.succeeded() {
                return match process.crashes().first() {
                    Some(crash) => Err(course.of_crash("command", &process, crash).into()),
                    None => Ok(None),
                };
            }
            let how = process.ended().unwrap_or_default();
            Err(course.blame(&process, format!("command `{}`{whose} {how}", command.name)).into())
        })
    }

    pub(crate) fn start(&mut self, process: &SmokeProcess) -> Result<Process, Stop> {
        let wishes = LogWishes { expected: process.expect.clone(), allowed: process.allow_logs.clone() };
        self.spawn(&process.name, &process.args, &process.env, &process.files, wishes)
    }

    /// Starts the image's entry point beside the services that are there.
    fn spawn(
        &mut self,
        name: &str,
        args: &[String],
        env: &BTreeMap<String, String>,
        files: &[WrittenFile],
        wishes: LogWishes,
    ) -> Result<Process, Stop> {
        let plan = self.of.plan;
        let name = if self.whose.is_empty() { name.to_owned() } else { format!("{name}-previous") };
        let env = plan.env.iter().chain(env).map(|(name, value)| (name.clone(), value.clone())).collect();
        let ports = self.answers.iter().map(|answers| answers.port).collect();
        let memory = Some(plan.memory).filter(|memory| *memory > 0);
        let setup = ProcessSetup { args, env, files, ports, memory };
        let spec = self.root.spec(&self.scratch(), &setup).map_err(SmokeError::from)?.map_err(Finding::from)?;
        let log = (self.of.log)(&name)?;
        Ok(Process::start(&name, &spec, &self.answers, wishes, log, &self.of.runtime)?)
    }

    pub(crate) fn probe(&mut self, who: usize, probe: &Probe) -> Result<(), Stop> {
        let at = format!("{}{}", probe.port, probe.path);
        let (whose, plan_name) = (self.whose, &self.of.plan.processes[who].name);
        self.step(&format!("process `{plan_name}`{whose} answers {} at :{at}", probe.status), |course| {
            let address = address(probe.port, &probe.path);
            let ask = |course: &mut Self| {
                let control = &course.processes[who].control;
                Ok(match http::get(control, &address, &course.of.runtime) {
                    Ok(answer) if answer.status == probe.status => Ok(None),
                    Ok(answer) => Err(format!("it answers {}", answer.status)),
                    Err(error) => Err(format!("it does not answer: {error}")),
                })
            };
            let name = course.processes[who].name.clone();
            course.wait(who, ask, |problem| format!("process `{name}` is not well at :{at}: {problem}"))
        })
    }

    pub(crate) fn expect(&mut self, who: usize, text: &str) -> Result<(), Stop> {
        let name = self.processes[who].name.clone();
        self.step(&format!("process `{name}` writes `{text}`"), |course| {
            let look = |course: &mut Self| {
                let process = &course.processes[who];
                Ok(if process.awaits(text) { Err(wrote(process.line_count())) } else { Ok(None) })
            };
            let timeout = course.of.plan.timeout;
            let what = |wrote: &str| format!("process `{name}` does not write `{text}`; {wrote}");
            course.wait(who, look, what).map_err(|stop| match stop {
                // Not one about a crash, for which nothing was awaited any longer.
                Stop::Found(finding) if finding.line.is_none() => {
                    let finding = finding.because(format!("it was awaited for {timeout} s"));
                    let near = course.processes[who].nearly(text);
                    let near = near.map(|(n, line)| format!("line {n} has it with other capital letters: {line}"));
                    Stop::Found(Box::new(near.into_iter().fold(finding, Finding::because)))
                }
                stop => stop,
            })
        })
    }

    pub(crate) fn check(&mut self, check: &SmokeCheck) -> Result<(), Stop> {
        self.step(&format!("check `{}` comes true", check.name), |course| {
            let (mut last, mut causes) = (Vec::new(), Vec::new());
            let mut look = |course: &mut Self| {
                let spec = course.script(&check.sysroot, &check.script, &check.env)?;
                let log = (course.of.log)(&check.name)?;
                let runtime = &course.of.runtime;
                let mut process =
                    Process::start(&check.name, &spec, &course.answers, LogWishes::default(), log, runtime)?;
                let ended = process.wait_until(Instant::now() + CHECK, course.of.go_on)?;
                last = tail(&process);
                causes = process.with_log(|log| log.complaints());
                if !ended {
                    return Ok(Err("it does not end".to_owned()));
                }
                Ok(if process.succeeded() { Ok(None) } else { Err(process.ended().unwrap_or_default()) })
            };
            let what = |problem: &str| format!("check `{}` does not come true: {problem}", check.name);
            let result = match check.once {
                false => course.wait(0, look, what),
                true => match look(course)? {
                    Ok(note) => Ok(note),
                    Err(problem) => Err(Finding::new(what(&problem)).into()),
                },
            };
            result.map_err(|stop| match stop {
                // What came of it is in the script's own log.
                Stop::Found(finding) if finding.line.is_none() => {
                    let process = Some(check.name.clone());
                    Stop::Found(Box::new(Finding { causes, process, tail: last, ..*finding }))
                }
                stop => stop,
            })
        })
    }

    pub(crate) fn stop(&mut self) -> Result<(), Stop> {
        let (grace, whose) = (self.of.plan.grace, self.whose);
        self.step(&format!("the processes{whose} end within {grace} s of SIGTERM"), |course| {
            course.alive()?;
            course.processes.iter_mut().for_each(Process::terminate);
            let begun = Instant::now();
            let mut notes = Vec::new();
            for who in 0..course.processes.len() {
                let process = &mut course.processes[who];
                if !process.wait_until(begun + Duration::from_secs(grace), course.of.go_on)? {
                    let what = format!("process `{}` goes on for more than {grace} s after SIGTERM", process.name);
                    return Err(course.about(&course.processes[who], what).into());
                }
                let how = process.ended().unwrap_or_default();
                notes.push(format!("`{}` {how} after {:.1} s", process.name, begun.elapsed().as_secs_f64()));
            }
            Ok(Some(notes.join(", ")))
        })
    }
}

/// How much a process has written that was to write something else.
fn wrote(lines: u64) -> String {
    match lines {
        0 => "it wrote nothing".to_owned(),
        1 => "it wrote 1 line without it".to_owned(),
        n => format!("it wrote {n} lines without it"),
    }
}
