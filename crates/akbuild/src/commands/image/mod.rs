//! `akbuild image`: builds an image, writes it to a file, pushes it.

mod attach;
mod built;
mod documents;
mod push;
mod reference;
mod write;

use std::path::{Path, PathBuf};

use akbuild_image::Descriptor;
use akbuild_recipe::plan::{Image, StageId};
use serde_json::{Value, json};

use crate::args::Image as Wanted;
use crate::failure::{Failure, Outcome};
use crate::project::Project;
use crate::session::Session;
use crate::ui::Paint;

pub(super) use built::{Built, build, one};
pub(super) use push::{Progress, client};

/// The link to the layout of the image that was built last.
const LINK: &str = "result-image";

pub(crate) fn run(session: &Session, project: &Project, wanted: &Wanted, json: bool) -> Outcome {
    let to_stdout = wanted.output.as_deref() == Some("-".as_ref());
    if to_stdout {
        write::check_stdout(&*session.ui, wanted, json)?;
    }
    let plan = project.plan()?;
    let (stage, image) = one(&plan, wanted.stage.as_deref())?;
    // What is wrong with where it goes is said before anything is built.
    let to = to(session, project, &stage, &image, wanted)?;
    if wanted.print_reference {
        session.ui.out(&format!("{}\n", push::parse(&to.ok_or_else(nowhere)?)?));
        return Ok(());
    }
    let push_to = match (&wanted.push, &to) {
        (Some(_), Some(to)) => Some(push::parse(to)?),
        _ => None,
    };
    if let Some(to) = &push_to {
        push::try_out(session, to, wanted)?;
    }
    let told = !wanted.bare && (wanted.output.is_some() || push_to.is_some());
    let mut built = build(session, project, plan, &stage, told)?;
    built.made.move_result(session, project)?;
    let link = project.root.join(LINK);
    session.store.link_result(&link, &built.made.output)?;
    if !json {
        built.made.tell(session, true);
    }
    let documents = if told { Some(documents::make(session, project, &built)?) } else { None };
    let name = wanted.name.clone().or(to);
    let write =
        |output| write::write(session, &built.layout, wanted.format, name.as_slice(), output, documents.as_ref());
    let written = wanted.output.as_deref().map(write).transpose()?.unwrap_or_default();
    let push = |to| push::push(session, &built.layout, to, wanted, documents.as_ref());
    let pushed = push_to.as_ref().map(push).transpose()?;
    session.ui.document(line(&built, &link, &written, pushed.as_ref()));
    let digest = built.layout.manifest.name();
    match &pushed {
        _ if json => built.made.tell(session, true),
        _ if to_stdout => session.ui.note(&digest),
        Some(pushed) => session.ui.out(&format!("{}\n", pushed.whole)),
        None => session.ui.out(&format!("{digest}\n")),
    }
    Ok(())
}

/// Where the image is pushed to, filled in, if that is asked for; or what else it may be called where it is loaded.
fn to(
    session: &Session,
    project: &Project,
    stage: &StageId,
    image: &Image,
    wanted: &Wanted,
) -> Outcome<Option<String>> {
    let must = wanted.print_reference || wanted.push.is_some();
    let Some(template) = template(image, wanted)? else { return if must { Err(nowhere()) } else { Ok(None) } };
    if !must && (wanted.output.is_none() || wanted.name.is_some()) {
        return Ok(None);
    }
    match reference::fill(session, project, stage, &template) {
        Err(failure) if !must => {
            let why = failure.render(Paint(false)).0.unwrap_or_default();
            let why = why.trim_start_matches("error: ");
            session.ui.warn(&format!("the image gets no name in what is written: {why}"));
            Ok(None)
        }
        filled => filled.map(Some),
    }
}

/// Where it is pushed to, not filled in: as asked for, or as the recipe says.
fn template(image: &Image, wanted: &Wanted) -> Outcome<Option<String>> {
    let to = wanted.push.clone().flatten().or_else(|| image.push.clone());
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

/// The image, as `--json` tells it.
fn line(built: &Built, link: &Path, written: &[PathBuf], pushed: Option<&push::Done>) -> Value {
    let layer =
        |layer: &Descriptor| json!({"digest": layer.name(), "bytes": layer.size, "media_type": layer.media_type});
    json!({
        "reason": "image",
        "stage": built.made.stage.as_str(),
        "digest": built.layout.manifest.name(),
        "config": built.layout.config.name(),
        "layers": built.layout.layers.iter().map(layer).collect::<Vec<_>>(),
        "bytes": built.layout.size(),
        "layout": link.display().to_string(),
        "written": written.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "pushed": pushed.map(push::Done::json),
    })
}
