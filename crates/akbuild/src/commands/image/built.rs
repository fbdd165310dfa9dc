//! The image of a recipe: which stage makes it, and its layout once it is made. Must not depend on where an image goes.

use akbuild_engine::Options;
use akbuild_image::Layout;
use akbuild_recipe::PlanDraft;
use akbuild_recipe::plan::{Image, StageId, Step};

use crate::commands::build::{Made, make};
use crate::failure::{Failure, Outcome};
use crate::project::{self, Project};
use crate::session::Session;

/// An image that is there.
pub(in crate::commands) struct Built {
    pub(in crate::commands) made: Made,
    pub(in crate::commands) layout: Layout,
}

/// The stage of that name, or the only image of the recipe.
pub(in crate::commands) fn one(plan: &PlanDraft, name: Option<&str>) -> Outcome<(StageId, Image)> {
    let images = || {
        plan.stages().iter().filter_map(|stage| match &stage.step {
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
pub(in crate::commands) fn build(
    session: &Session,
    project: &Project,
    plan: PlanDraft,
    stage: &StageId,
    told: bool,
) -> Outcome<Built> {
    if project.local.host {
        let message = "an image is made of packages, and not of this machine's own programs";
        return Err(Failure::Say(format!("{message}\n  help: leave out `--toolchain host`")));
    }
    for (name, path) in &project.local.sources {
        session.ui.warn(&format!("source `{name}` is the local folder `{}`: the image is not pinned", path.display()));
    }
    let options = Options { bill: told.then(|| stage.clone()), ..session.options(None, Vec::new()) };
    let made = make(session, project, plan, options, stage)?;
    let layout = Layout::open(&session.store.tree_path(&made.output))?;
    Ok(Built { made, layout })
}
