//! `akbuild run`: what was built, started on this machine without an image.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use akbuild_launch::LaunchOptions;
use akbuild_recipe::plan::TreeRef;
use akbuild_sandbox::{Signal, Status};

use super::build::make;
use crate::args::Bind;
use crate::failure::{Failure, Outcome, io};
use crate::project::{self, Project};
use crate::session::Session;

/// How long a program has to end after an interrupt.
const GRACE: Duration = Duration::from_secs(30);

/// What was asked for.
pub(crate) struct Wanted<'a> {
    pub(crate) image: Option<&'a str>,
    pub(crate) env: &'a [String],
    pub(crate) bind: &'a [Bind],
    pub(crate) args: &'a [String],
}

pub(crate) fn run(session: &Session, project: &Project, wanted: &Wanted<'_>) -> Outcome {
    let plan = project.plan()?;
    let (_, image) = super::image::one(&plan, wanted.image)?;
    let TreeRef::Stage(tree) = image.tree.clone() else {
        return Err(Failure::Say("the image's tree is no stage".to_owned()));
    };
    let env = variables(session, wanted.env)?;
    let binds = wanted.bind.iter().map(bind).collect::<Outcome<Vec<_>>>()?;
    let made = make(session, project, plan, session.options(None, Vec::new()), &tree)?;
    let sysroot = session.block_on(akbuild_engine::make_one_sysroot(&made.context, &image.sysroot.0))?;
    let scratch = session.store.scratch("run")?;
    let start = LaunchOptions { args: wanted.args, env, binds };
    let spec = akbuild_engine::image_sandbox(&made.context, &image, (&sysroot, &made.output), &start, scratch.path())?;
    session.be_patient(GRACE);
    let running = akbuild_sandbox::spawn(&spec)?;
    let control = running.control();
    // One that has ended meanwhile needs not be told.
    let _told = session.on_interrupt(move || drop(control.signal(Signal::Terminate)));
    let finished = running.wait()?;
    match finished.status {
        Status::Exited(0) => Ok(()),
        Status::Exited(code) => Err(Failure::Passed(u8::try_from(code).unwrap_or(1))),
        Status::Signalled(signal) => Err(Failure::Passed(u8::try_from(128 + signal).unwrap_or(1))),
    }
}

/// `NAME=VALUE` as it is; a name or a pattern stands for what is set here.
fn variables(session: &Session, wanted: &[String]) -> Outcome<BTreeMap<String, String>> {
    let mut env = BTreeMap::new();
    for text in wanted {
        if let Some((name, value)) = text.split_once('=') {
            env.insert(name.to_owned(), value.to_owned());
            continue;
        }
        let own = session.machine.env.iter();
        let found: Vec<_> = own.filter(|(name, _)| project::matches(text.as_bytes(), name.as_bytes())).collect();
        if found.is_empty() {
            let message = format!("no variable is called `{text}` here");
            return Err(Failure::Say(format!("{message}\n  help: set it, or write `--env NAME=VALUE`")));
        }
        env.extend(found.into_iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    Ok(env)
}

fn bind(bind: &Bind) -> Outcome<(PathBuf, PathBuf, bool)> {
    let from = io(std::fs::canonicalize(&bind.from), "open", &bind.from)?;
    Ok((from, bind.to.clone(), bind.writable))
}
