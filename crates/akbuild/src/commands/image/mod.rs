//! `akbuild image`: builds an image, writes it to a file, pushes it.

mod documents;
mod push;
mod reference;
mod write;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use akbuild_engine::{Engine, NodeId, Options, Outcome as RunOutcome};
use akbuild_image::Layout;
use akbuild_recipe::plan::{Image, Plan, StageId, Step};
use serde_json::json;

use super::build::{Ended, tell};
use crate::args::Image as Wanted;
use crate::failure::{Exit, Failure, Outcome};
use crate::project::{self, Project};
use crate::session::Session;
use crate::toolchain;

pub(super) use push::{Progress, client};

/// The link to the layout of the image that was built last.
const LINK: &str = "result-image";

/// An image that is there.
pub(super) struct Built {
    pub(super) engine: Arc<Engine>,
    pub(super) stage: StageId,
    pub(super) layout: Layout,
    pub(super) outcome: RunOutcome,
    begun: Instant,
}

impl Built {
    /// When its build began.
    pub(super) fn begun(&self) -> Instant {
        self.begun
    }
}

pub(crate) fn run(session: &Session, project: &Project, wanted: &Wanted, json: bool) -> Outcome {
    let plan = project.plan()?;
    let (stage, image) = one(&plan, wanted.stage.as_deref())?;
    let to = to(&image, wanted)?;
    if wanted.print_reference {
        let engine = session.engine(project, plan, session.options(None, Vec::new()))?;
        let to = to.ok_or_else(nowhere)?;
        let filled = reference::fill(session, project, &engine, &stage, &to)?;
        session.ui.out(&format!("{}\n", push::parse(&filled)?));
        return Ok(());
    }
    if wanted.output.as_deref() == Some("-".as_ref()) {
        write::check_stdout(wanted, json)?;
    }
    // What is wrong with where it goes is said before anything is built.
    let early = |template: &String| {
        let engine = session.engine(project, project.plan()?, session.options(None, Vec::new()))?;
        reference::fill(session, project, &engine, &stage, template)
    };
    let pushed_to = match (&wanted.push, &to) {
        (None, _) => None,
        (Some(_), Some(to)) => {
            let to = push::parse(&early(to)?)?;
            push::try_out(session, &to, wanted)?;
            Some(to)
        }
        (Some(_), None) => return Err(nowhere()),
    };
    let name = match (&wanted.name, &wanted.output, &to) {
        (Some(name), ..) => Some(name.clone()),
        (None, Some(_), Some(to)) => match early(to) {
            Ok(name) => Some(name),
            Err(failure) => {
                let why = failure.render(false).0.unwrap_or_default();
                session
                    .ui
                    .warn(&format!("the image gets no name in what is written: {}", why.trim_start_matches("error: ")));
                None
            }
        },
        _ => None,
    };
    let told = !wanted.bare && (wanted.output.is_some() || pushed_to.is_some());
    let built = build(session, project, &stage, told)?;
    let link = project.root.join(LINK);
    if let Some(output) = built.outcome.outputs.get(&NodeId::Stage(stage.clone())) {
        session.store.link_result(&link, output)?;
    }
    if !json {
        tell(session, &built.engine, Ended::new(built.outcome.clone(), built.begun));
    }
    let documents = if told { Some(documents::make(session, project, &built)?) } else { None };
    let written = match &wanted.output {
        Some(output) => {
            write::write(session, &built.layout, wanted.format, name.as_slice(), output, documents.as_ref())?
        }
        None => Vec::new(),
    };
    let pushed = match &pushed_to {
        Some(to) => Some(push::push(session, &built.layout, to, wanted, documents.as_ref())?),
        None => None,
    };
    let digest = built.layout.manifest.name();
    session.ui.document(line(&built, &link, &written, pushed.as_ref()));
    match (&pushed, json, wanted.output.as_deref() == Some("-".as_ref())) {
        (_, true, _) => tell(session, &built.engine, Ended::new(built.outcome.clone(), built.begun)),
        (_, _, true) => session.ui.note(&digest),
        (Some(pushed), ..) => session.ui.out(&format!("{}\n", pushed.whole)),
        (None, ..) => session.ui.out(&format!("{digest}\n")),
    }
    Ok(())
}

/// Where it is pushed to, not filled in: as asked for, or as the recipe says.
fn to(image: &Image, wanted: &Wanted) -> Outcome<Option<String>> {
    let asked = wanted.push.as_ref().and_then(Clone::clone);
    let to = asked.or_else(|| image.push.clone());
    // Not shown: it may be what should not have been typed.
    if to.as_ref().is_some_and(|to| to.split('/').next().is_some_and(|host| host.contains('@'))) {
        let help =
            format!("put them into `{}` and `{}`, or into the files of container tools", push::USER, push::PASSWORD);
        return Err(Failure::Say(format!("credentials do not belong in a reference\n  help: {help}")));
    }
    Ok(to)
}

fn nowhere() -> Failure {
    let message = "nothing says where the image is pushed to";
    let help = "write `--push REGISTRY/NAME:TAG`, or `push = \"...\"` in the recipe's stage";
    Failure::Say(format!("{message}\n  help: {help}"))
}

/// The stage of that name, or the only image of the recipe.
pub(super) fn one(plan: &Plan, name: Option<&str>) -> Outcome<(StageId, Image)> {
    let images = || {
        plan.stages.iter().filter_map(|stage| match &stage.step {
            Step::Image(image) => Some((stage.id.clone(), (**image).clone())),
            _ => None,
        })
    };
    let names: Vec<String> = images().map(|(id, _)| format!("`{id}`")).collect();
    let Some(name) = name else {
        let mut all: Vec<_> = images().collect();
        return match (all.pop(), all.is_empty()) {
            (Some(only), true) => Ok(only),
            (None, _) => {
                let help = "add a stage of the kind `image` (docs/stages.md)";
                Err(Failure::Say(format!("the recipe has no image\n  help: {help}")))
            }
            _ => Err(Failure::Say(format!("the recipe has several images\n  help: name one: {}", names.join(", ")))),
        };
    };
    let stages = project::stages(plan, &[name.to_owned()])?;
    let found = images().find(|(id, _)| stages.as_slice() == [id.clone()]);
    found.ok_or_else(|| {
        let help = if names.is_empty() {
            "the recipe has no image".into()
        } else {
            format!("images are {}", names.join(", "))
        };
        Failure::Say(format!("stage `{name}` makes no image\n  help: {help}"))
    })
}

/// Makes an image there; if it is to be told what it is made of, with what that is read from.
pub(super) fn build(session: &Session, project: &Project, stage: &StageId, told: bool) -> Outcome<Built> {
    if project.local.host {
        let message = "an image is made of packages, and not of this machine's own programs";
        return Err(Failure::Say(format!("{message}\n  help: leave out `--toolchain host`")));
    }
    let begun = Instant::now();
    let targets = std::slice::from_ref(stage);
    let plan = toolchain::complete(session, project, project.plan()?, targets)?;
    for (name, path) in &project.local.sources {
        session.ui.warn(&format!("source `{name}` is the local folder `{}`: the image is not pinned", path.display()));
    }
    let options = Options { bill: told.then(|| stage.clone()), ..session.options(None, Vec::new()) };
    let engine = session.build(project, plan, options, targets)?;
    let outcome = session.run(&engine, targets)?;
    let output = outcome.outputs.get(&NodeId::Stage(stage.clone())).filter(|_| outcome.ok).copied();
    let Some(output) = output else {
        let exit = if outcome.cancelled { Exit::Interrupted } else { Exit::Failed };
        tell(session, &engine, Ended::new(outcome, begun));
        return Err(Failure::Told(exit));
    };
    let layout = Layout::open(&session.store.tree_path(&output))?;
    Ok(Built { engine, stage: stage.clone(), layout, outcome, begun })
}

fn line(built: &Built, link: &std::path::Path, written: &[PathBuf], pushed: Option<&push::Done>) -> serde_json::Value {
    let layer = |layer: &akbuild_image::Descriptor| json!({"digest": layer.name(), "bytes": layer.size, "media_type": layer.media_type});
    json!({
        "reason": "image",
        "stage": built.stage.as_str(),
        "digest": built.layout.manifest.name(),
        "config": built.layout.config.name(),
        "layers": built.layout.layers.iter().map(layer).collect::<Vec<_>>(),
        "bytes": built.layout.size(),
        "layout": link.display().to_string(),
        "written": written.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "pushed": pushed.map(push::Done::json),
    })
}
