//! The course of a smoke test: services, commands, processes, probes, pages, checks, the end. The first thing that is
//! found wrong ends it. Knows the order; each step is in `steps` or `pages`.

use crate::SmokeError;
use crate::course::{Course, Stop};
use crate::report::{Finding, Report};
use crate::smoking::Smoking;

impl Smoking<'_> {
    /// Makes it. Blocks; must be called from outside of the runtime's threads.
    pub fn run(&self) -> Result<Report, SmokeError> {
        let mut course = Course::new(self);
        match all(&mut course) {
            Ok(()) => Ok(course.report),
            Err(Stop::Found(finding) | Stop::Ended(finding)) => Ok(Report { finding: Some(*finding), ..course.report }),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}

/// Services, both images if there are two, what is asked of them, the end.
fn all(course: &mut Course<'_>) -> Result<(), Stop> {
    let of = course.of;
    course.step("the image is sound", |_| match of.image.inspect(&of.plan.env) {
        Some(problem) => Err(Finding::from(problem).into()),
        None => Ok(None),
    })?;
    for service in &of.plan.services {
        course.service(service)?;
    }
    if let Some(previous) = of.previous {
        (course.root, course.whose) = (previous, " of the previous image");
        begin(course)?;
        course.stop()?;
        course.crashed("")?;
    }
    (course.root, course.whose) = (of.image, "");
    begin(course)?;
    look(course)?;
    let stopped = course.stop();
    course.report.memory = course.memory();
    stopped?;
    // What was written last is read now.
    course.crashed("")
}

/// Everything of one image up to where its processes answer.
fn begin(course: &mut Course<'_>) -> Result<(), Stop> {
    let plan = course.of.plan;
    for command in &plan.commands {
        course.command(command)?;
    }
    course.processes.clear();
    for process in &plan.processes {
        let started = course.start(process)?;
        course.processes.push(started);
    }
    for (who, process) in plan.processes.iter().enumerate() {
        for probe in &process.probes {
            course.probe(who, probe)?;
        }
    }
    Ok(())
}

/// Everything that is asked of processes that answer.
fn look(course: &mut Course<'_>) -> Result<(), Stop> {
    let plan = course.of.plan;
    for (who, process) in plan.processes.iter().enumerate() {
        for text in &process.expect {
            course.expect(who, text)?;
        }
    }
    for page in &plan.pages {
        course.page(page)?;
    }
    for check in &plan.checks {
        course.check(check)?;
    }
    Ok(())
}
