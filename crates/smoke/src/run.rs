//! The course of a smoke test: services, commands, processes, probes, pages, checks, the end. The first thing that is
//! found wrong ends it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use akbuild_recipe::plan::{Page, Probe, Smoke, SmokeCommand, SmokeProcess, SysrootId};
use akbuild_sandbox::{Mount, MountKind, Spec};
use tokio::runtime::Handle;

use crate::cause::causes;
use crate::error::Doing;
use crate::http::{self, Answer};
use crate::page::{self, Kind};
use crate::process::{Answers, Process};
use crate::report::{Done, Finding, Memory, Report};
use crate::root::{Mounted, Root};
use crate::SmokeError;

/// Between two looks at something that is awaited.
const PAUSE: Duration = Duration::from_millis(200);
/// Lines of a log that a finding shows.
const TAIL: usize = 15;
/// The most files that a page may name, with what those name.
const ASSETS: usize = 5000;

/// What happens.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Something is begun that may take a while.
    Begin(&'a str),
    /// It went well.
    Done(&'a Done),
}

/// What it takes to make a smoke test.
pub struct Smoking<'a> {
    /// What is to be done.
    pub plan: &'a Smoke,
    /// The image.
    pub image: &'a Root,
    /// An image that makes the database first, as the one that ran before this one.
    pub previous: Option<&'a Root>,
    /// An empty folder for what is written.
    pub scratch: &'a Path,
    /// The sandbox of a script in a sysroot.
    pub script: &'a dyn Fn(&SysrootId, &str, &BTreeMap<String, String>) -> Result<Spec, SmokeError>,
    /// A new log.
    pub log: &'a dyn Fn(&str) -> Result<File, SmokeError>,
    /// Is told what happens.
    pub event: &'a dyn Fn(Event<'_>),
    /// Whether to go on.
    pub go_on: &'a dyn Fn() -> bool,
    /// Where connections are passed on.
    pub runtime: Handle,
}

/// How a step ends: well, with a finding, or not at all.
enum Stop {
    Found(Box<Finding>),
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

impl Smoking<'_> {
    /// Makes it. Blocks; must be called from outside of the runtime's threads.
    pub fn run(&self) -> Result<Report, SmokeError> {
        let mut course = Course { of: self, services: Vec::new(), answers: Vec::new(), report: Report::default(), n: 0 };
        match course.all() {
            Ok(()) => Ok(course.report),
            Err(Stop::Found(finding)) => Ok(Report { finding: Some(*finding), ..course.report }),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}

struct Course<'a> {
    of: &'a Smoking<'a>,
    services: Vec<Process>,
    answers: Vec<Answers>,
    report: Report,
    /// Numbers folders.
    n: usize,
}

impl Course<'_> {
    fn all(&mut self) -> Result<(), Stop> {
        let of = self.of;
        self.step("the image is sound", |_| match of.image.inspect(&of.plan.env) {
            Some(finding) => Err(finding.into()),
            None => Ok(None),
        })?;
        for i in 0..of.plan.services.len() {
            self.service(i)?;
        }
        if let Some(previous) = of.previous {
            self.generation(previous, " of the previous image", false)?;
        }
        self.generation(of.image, "", true)
    }

    /// Does something, and notes how it went.
    fn step(
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

    fn scratch(&mut self) -> std::path::PathBuf {
        self.n += 1;
        self.of.scratch.join(self.n.to_string())
    }

    fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_secs(self.of.plan.timeout)
    }

    fn go_on(&self) -> Result<(), Stop> {
        if (self.of.go_on)() { Ok(()) } else { Err(SmokeError::Interrupted.into()) }
    }

    /// A sandbox for a script, with a `/tmp` on the disk.
    fn script(&mut self, sysroot: &SysrootId, script: &str, env: &BTreeMap<String, String>) -> Result<Spec, SmokeError> {
        let tmp = self.scratch();
        std::fs::create_dir(&tmp).doing("make", &tmp)?;
        let (uid, gid) = akbuild_sandbox::build_owner();
        std::os::unix::fs::chown(&tmp, Some(uid), Some(gid)).doing("change the owner of", &tmp)?;
        let mut spec = (self.of.script)(sysroot, script, env)?;
        spec.mounts.push(Mount { at: "/tmp".into(), what: MountKind::ReadWrite(tmp) });
        spec.listen = self.answers.iter().map(|answers| answers.port).collect();
        Ok(spec)
    }

    fn service(&mut self, i: usize) -> Result<(), Stop> {
        let service = &self.of.plan.services[i];
        self.step(&format!("service `{}` listens on port {}", service.name, service.port), |course| {
            let mut spec = course.script(&service.sysroot, &service.script, &service.env)?;
            spec.listen.clear();
            let log = (course.of.log)(&service.name)?;
            let process = Process::start(&service.name, &spec, &[], Vec::new(), log, &course.of.runtime)?;
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

    /// One image from its commands to the end of its processes; with `whole`, everything is looked at.
    fn generation(&mut self, root: &Root, whose: &str, whole: bool) -> Result<(), Stop> {
        let plan = self.of.plan;
        for command in &plan.commands {
            self.command(root, command, whose)?;
        }
        let mut processes = Vec::new();
        for process in &plan.processes {
            processes.push(self.start(root, process, whose)?);
        }
        for (i, process) in plan.processes.iter().enumerate() {
            for probe in &process.probes {
                self.probe(&mut processes, i, probe, whose)?;
            }
        }
        if whole {
            for (i, process) in plan.processes.iter().enumerate() {
                for text in &process.expect {
                    self.expect(&mut processes, i, text)?;
                }
            }
            for page in &plan.pages {
                self.page(&mut processes, page)?;
            }
            for i in 0..plan.checks.len() {
                self.check(&mut processes, i)?;
            }
        }
        let stopped = self.stop(root, &mut processes, whose);
        if whole {
            let limit = Some(plan.memory).filter(|limit| *limit > 0);
            let enforced = limit.is_some() && akbuild_sandbox::counts_memory();
            let memory = |p: &Process| Memory { process: p.name.clone(), peak: p.peak, limit, enforced };
            self.report.memory = processes.iter().map(memory).collect();
        }
        stopped
    }

    fn spawn(&mut self, root: &Root, name: &str, mounted: Mounted<'_>, expect: &[String]) -> Result<Process, Stop> {
        let plan = self.of.plan;
        let mut env = plan.env.clone();
        env.extend(mounted.env);
        let ports = self.answers.iter().map(|answers| answers.port).collect();
        let memory = Some(plan.memory).filter(|memory| *memory > 0);
        let spec = root.spec(&self.scratch(), &Mounted { env, ports, memory, ..mounted })??;
        let log = (self.of.log)(name)?;
        Ok(Process::start(name, &spec, &self.answers, expect.to_vec(), log, &self.of.runtime)?)
    }

    fn command(&mut self, root: &Root, command: &SmokeCommand, whose: &str) -> Result<(), Stop> {
        self.step(&format!("command `{}`{whose} succeeds", command.name), |course| {
            let mounted = Mounted { args: &command.args, env: command.env.clone(), files: &command.files, ..Mounted::default() };
            let mut process = course.spawn(root, &log_name(&command.name, whose), mounted, &[])?;
            let deadline = course.deadline();
            while process.ended().is_none() {
                course.go_on()?;
                process.measure();
                if Instant::now() > deadline {
                    let what = format!("command `{}` does not end", command.name);
                    return Err(course.about(&process, what).into());
                }
                std::thread::sleep(PAUSE);
            }
            process.join();
            if process.succeeded() {
                return Ok(None);
            }
            let how = process.ended().unwrap_or_default();
            Err(course.blame(root, &process, format!("command `{}`{whose} {how}", command.name)).into())
        })
    }

    fn start(&mut self, root: &Root, process: &SmokeProcess, whose: &str) -> Result<Process, Stop> {
        let mounted = Mounted { args: &process.args, env: process.env.clone(), files: &process.files, ..Mounted::default() };
        self.spawn(root, &log_name(&process.name, whose), mounted, &process.expect)
    }

    /// Waits until something has come true, while all processes go on.
    fn wait(
        &mut self,
        processes: &mut [Process],
        who: usize,
        mut seen: impl FnMut(&mut Self, &mut [Process]) -> Result<Result<Option<String>, String>, Stop>,
        what: impl Fn(&str) -> String,
    ) -> Result<Option<String>, Stop> {
        let deadline = self.deadline();
        loop {
            self.go_on()?;
            self.alive(processes)?;
            let problem = match seen(self, processes)? {
                Ok(note) => return Ok(note),
                Err(problem) => problem,
            };
            if Instant::now() > deadline {
                let root = self.of.image;
                return Err(self.blame(root, &processes[who], what(&problem)).into());
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Fails if a process or a service has ended by itself.
    fn alive(&mut self, processes: &mut [Process]) -> Result<(), Stop> {
        for process in processes.iter_mut() {
            process.measure();
            if let Some(how) = process.ended() {
                process.join();
                let what = format!("process `{}` {how}, and should go on", process.name);
                let root = self.of.image;
                return Err(self.blame(root, process, what).into());
            }
        }
        for service in &self.services {
            if let Some(how) = service.ended() {
                return Err(self.about(service, format!("service `{}` {how}", service.name)).into());
            }
        }
        Ok(())
    }

    fn probe(&mut self, processes: &mut [Process], who: usize, probe: &Probe, whose: &str) -> Result<(), Stop> {
        let name = processes[who].name.clone();
        let at = format!("{}{}", probe.port, probe.path);
        let plan_name = &self.of.plan.processes[who].name;
        self.step(&format!("process `{plan_name}`{whose} answers {} at :{at}", probe.status), |course| {
            let runtime = course.of.runtime.clone();
            let ask = |_: &mut Self, processes: &mut [Process]| {
                Ok(match http::get(&processes[who].control, probe.port, &probe.path, &runtime) {
                    Ok(answer) if answer.status == probe.status => Ok(None),
                    Ok(answer) => Err(format!("it answers {}", answer.status)),
                    Err(error) => Err(format!("it does not answer: {error}")),
                })
            };
            course.wait(processes, who, ask, |problem| format!("process `{name}` is not well at :{at}: {problem}"))
        })
    }

    fn expect(&mut self, processes: &mut [Process], who: usize, text: &str) -> Result<(), Stop> {
        let name = processes[who].name.clone();
        self.step(&format!("process `{name}` writes `{text}`"), |course| {
            let look = |_: &mut Self, processes: &mut [Process]| {
                let open = processes[who].awaited().is_some_and(|awaited| awaited == text);
                Ok(if open { Err(String::new()) } else { Ok(None) })
            };
            course.wait(processes, who, look, |_| format!("process `{name}` does not write `{text}`"))
        })
    }

    fn page(&mut self, processes: &mut [Process], page: &Page) -> Result<(), Stop> {
        let who = self.of.plan.processes.iter().position(|process| process.name == page.process).unwrap_or(0);
        self.step(&format!("page {} is there", page.path), |course| {
            let mut found = None;
            // What is on it may yet be put together by a process that has just begun.
            let look = |course: &mut Self, processes: &mut [Process]| {
                let answer = match course.fetch(processes, who, page, &page.path, 5) {
                    Ok(answer) => answer,
                    Err(Stop::Found(finding)) => return Ok(Err(finding.what)),
                    Err(stop) => return Err(stop),
                };
                let text = String::from_utf8_lossy(&answer.body);
                let lacking = page.contains.iter().find(|wanted| !text.contains(wanted.as_str()));
                Ok(match lacking {
                    Some(lacking) => Err(format!("it does not have `{lacking}`")),
                    None => {
                        found = Some(answer);
                        Ok(None)
                    }
                })
            };
            course.wait(processes, who, look, |problem| format!("page {} is not there: {problem}", page.path))?;
            let Some(answer) = found.filter(|_| page.assets) else { return Ok(None) };
            let (files, bytes) = course.assets(processes, who, page, &answer)?;
            Ok(Some(format!("{files} files that it names, {bytes} bytes")))
        })
    }

    /// Fetches everything that a page names, and what that names.
    fn assets(&mut self, processes: &mut [Process], who: usize, page: &Page, top: &Answer) -> Result<(usize, usize), Stop> {
        let names = |answer: &Answer, path: &str| match Kind::of(&answer.content_type) {
            Some(kind) => page::named(kind, &String::from_utf8_lossy(&answer.body), path, page.port),
            None => Vec::new(),
        };
        let mut open: VecDeque<(String, String)> = VecDeque::new();
        let mut seen: BTreeSet<String> = BTreeSet::from([page.path.clone()]);
        let mut add = |open: &mut VecDeque<_>, found: Vec<String>, by: &str| {
            for path in found {
                if seen.len() < ASSETS && seen.insert(path.clone()) {
                    open.push_back((path, by.to_owned()));
                }
            }
        };
        add(&mut open, names(top, &page.path), &page.path);
        let (mut files, mut bytes) = (0, 0);
        while let Some((path, by)) = open.pop_front() {
            let answer = course_answer(self.fetch(processes, who, page, &path, 5), &by)?;
            if Kind::of(&answer.content_type) == Some(Kind::Html) && !path.contains(".htm") {
                let finding = Finding::new(format!("{path} is a page, and not the file that {by} names"));
                return Err(finding.into());
            }
            (files, bytes) = (files + 1, bytes + answer.body.len());
            add(&mut open, names(&answer, &path), &path);
        }
        Ok((files, bytes))
    }

    fn fetch(&mut self, processes: &mut [Process], who: usize, page: &Page, path: &str, hops: u32) -> Result<Answer, Stop> {
        self.go_on()?;
        self.alive(processes)?;
        let process = &processes[who];
        match http::get(&process.control, page.port, path, &self.of.runtime) {
            Ok(answer) if answer.status == 200 && answer.body.is_empty() => {
                Err(Finding::new(format!("{path} is empty")).into())
            }
            Ok(answer) if answer.status == 200 => Ok(answer),
            Ok(answer) if (300..400).contains(&answer.status) && hops > 0 => {
                let location = answer.location.unwrap_or_default();
                match page::resolve(&location, path, page.port) {
                    Some(next) => self.fetch(processes, who, page, &next, hops - 1),
                    None => Err(Finding::new(format!("{path} leads to another server: {location}")).into()),
                }
            }
            Ok(answer) => {
                let what = format!("{path} is answered with {}", answer.status);
                let root = self.of.image;
                let finding = if answer.status >= 500 { self.blame(root, process, what) } else { Finding::new(what) };
                Err(finding.into())
            }
            Err(error) => Err(self.about(process, format!("{path} is not answered: {error}")).into()),
        }
    }

    fn check(&mut self, processes: &mut [Process], i: usize) -> Result<(), Stop> {
        let check = &self.of.plan.checks[i];
        self.step(&format!("check `{}` comes true", check.name), |course| {
            let mut last: Vec<String> = Vec::new();
            let look = |course: &mut Self, _: &mut [Process]| {
                let spec = course.script(&check.sysroot, &check.script, &check.env)?;
                let log = (course.of.log)(&check.name)?;
                let mut process = Process::start(&check.name, &spec, &course.answers, Vec::new(), log, &course.of.runtime)?;
                if !process.wait_until(Instant::now() + Duration::from_secs(60)) {
                    return Ok(Err("it does not end".to_owned()));
                }
                process.join();
                last = process.lines();
                Ok(if process.succeeded() { Ok(None) } else { Err(process.ended().unwrap_or_default()) })
            };
            let result = course.wait(processes, 0, look, |problem| format!("check `{}` does not come true: {problem}", check.name));
            result.map_err(|stop| match stop {
                Stop::Found(finding) if finding.what.starts_with("check ") => {
                    let tail = last.split_off(last.len().saturating_sub(TAIL));
                    let process = Some(check.name.clone());
                    Stop::Found(Box::new(Finding { tail, process, ..*finding }))
                }
                stop => stop,
            })
        })
    }

    fn stop(&mut self, root: &Root, processes: &mut [Process], whose: &str) -> Result<(), Stop> {
        let grace = self.of.plan.grace;
        self.step(&format!("the processes{whose} end within {grace} s of SIGTERM"), |course| {
            if let Some(signal) = root.other_stop_signal() {
                let cause = format!("its `stop_signal` is {signal}");
                return Err(Finding::new("the image is not ended by SIGTERM").because(cause).into());
            }
            course.alive(processes)?;
            processes.iter().for_each(Process::terminate);
            let begun = Instant::now();
            let mut notes = Vec::new();
            for process in processes.iter_mut() {
                if !process.wait_until(begun + Duration::from_secs(grace)) {
                    let what = format!("process `{}` goes on for more than {grace} s after SIGTERM", process.name);
                    return Err(course.about(process, what).into());
                }
                process.join();
                let how = process.ended().unwrap_or_default();
                notes.push(format!("`{}` {how} after {:.1} s", process.name, begun.elapsed().as_secs_f64()));
            }
            Ok(Some(notes.join(", ")))
        })
    }

    /// A finding about a process, with the end of its log.
    fn about(&self, process: &Process, what: String) -> Finding {
        let mut lines = process.lines();
        let tail = lines.split_off(lines.len().saturating_sub(TAIL));
        Finding { tail, process: Some(process.name.clone()), ..Finding::new(what) }
    }

    /// The same for a process of an image, with what its log says of the cause.
    fn blame(&self, root: &Root, process: &Process, what: String) -> Finding {
        let causes = causes(&process.lines(), root);
        Finding { causes, ..self.about(process, what) }
    }
}

/// A finding about a file says who names it.
fn course_answer(result: Result<Answer, Stop>, by: &str) -> Result<Answer, Stop> {
    result.map_err(|stop| match stop {
        Stop::Found(finding) => Stop::Found(Box::new(finding.because(format!("{by} names it")))),
        stop => stop,
    })
}

fn log_name(name: &str, whose: &str) -> String {
    if whose.is_empty() { name.to_owned() } else { format!("{name}-previous") }
}
