//! Whether the entry point of an image can be started: it is there and may be executed, and so is what runs it. Knows the
//! layers' lists, and reads the first bytes of one file.

use std::io::Read;
use std::path::Path;

use akbuild_image::{PROGRAM_START_BYTES, ProgramRunner, Stack, program_runner};
use akbuild_nar::Kind;
use akbuild_recipe::plan::{Image, Step};
use akbuild_tree::TreeDir;

use crate::error::EngineError;
use crate::stage::job::Job;

/// Where programs are looked for, unless an image says.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why the entry point cannot be started.
pub(crate) fn entry_point_problem(
    job: &Job<'_>,
    image: &Image,
    stack: &Stack<'_>,
) -> Result<Option<String>, EngineError> {
    let Some(program) = image.config.entrypoint.first() else { return Ok(None) };
    let Some((place, kind)) = stack.look_up(Path::new(program)) else {
        return Ok(Some(format!("there is no program `{program}` in it")));
    };
    if !matches!(kind, Kind::File { exec: true, .. }) {
        return Ok(Some(format!("`{program}` cannot be executed")));
    }
    let Some(ProgramRunner { path, searched }) = program_runner(&first_bytes(job, image, &place)?) else {
        return Ok(None);
    };
    if !executes(stack, &path) {
        return Ok(Some(format!("`{program}` is for `{}`, which is not in it", path.display())));
    }
    let folders = image.config.env.get("PATH").map_or(PATH, String::as_str);
    let lacks = |name: &String| !folders.split(':').any(|folder| executes(stack, &Path::new(folder).join(name)));
    let runner = path.display();
    Ok(searched
        .filter(lacks)
        .map(|name| format!("`{program}` is for `{runner}`, and there is no program `{name}` in `{folders}`")))
}

/// The first bytes of a file that a layer writes or that is in the tree that ships; none of one of a sysroot.
fn first_bytes(job: &Job<'_>, image: &Image, place: &Path) -> Result<Vec<u8>, EngineError> {
    let inside = place.strip_prefix("/").unwrap_or(place);
    for layer in image.layers.iter().rev() {
        let stage = job.context.plan.stages.iter().find(|stage| stage.id.as_str() == layer.tree.name());
        if let Some(Step::Layer(layer)) = stage.map(|stage| &stage.step)
            && let Some(file) = layer.files.iter().find(|file| Path::new(&file.path) == inside)
        {
            return Ok(file.text.clone().into_bytes());
        }
    }
    let Ok(inside) = place.strip_prefix(&image.at) else { return Ok(Vec::new()) };
    let tree = job.context.tree(&job.output(&image.tree)?);
    let tree = TreeDir::open(&tree, "the tree of the image")?;
    let mut first = Vec::new();
    if tree.real_entry(inside)?.is_some_and(|kind| kind.is_file()) {
        let read = tree.file(inside)?.take(PROGRAM_START_BYTES as u64).read_to_end(&mut first);
        // What cannot be read says nothing.
        read.unwrap_or_default();
    }
    Ok(first)
}

fn executes(stack: &Stack<'_>, path: &Path) -> bool {
    matches!(stack.look_up(path), Some((_, Kind::File { exec: true, .. })))
}
