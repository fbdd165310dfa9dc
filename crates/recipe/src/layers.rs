//! The stages that pack an image's layers: made from what the recipe says of the image and from how the tree that
//! ships is put together. Knows the plan's stages; no kind, and no file of any tree.
//!
//! A tree that a `tree` stage puts together comes apart again into that stage's pieces, and each piece goes into the
//! layer that names where it comes from. So a layer depends on what is in it and on nothing else: it can be packed
//! before the whole is there, and it stays the same as long as its own part does. What no layer names goes into the
//! highest one, with the files that the stages and the image write.

use toml_span::Span;

use crate::error::RecipeError;
use crate::plan::{Compose, Image, LAYER_KIND, LAYER_VERSION, Layer, Piece, Stage, Step, Subset, TreeRef, WrittenFile};
use crate::suggest::list;
use crate::value::{Kind, Table};
use crate::written::{Written, WrittenStage};

/// Puts the stages of each image's layers before it. `stages` are in an order in which each stands after those it
/// needs.
pub(crate) fn expand(stages: Vec<Stage>, written: &Written) -> Result<Vec<Stage>, RecipeError> {
    let mut all: Vec<Stage> = Vec::with_capacity(stages.len());
    for stage in stages {
        if let Step::Image(image) = &stage.step {
            let layers = Parts::of(&all, image).layers();
            unused(&all, &stage, &layers, written)?;
            let named =
                image.layers.iter().zip(layers).filter_map(|(layer, made)| Some((stage_id(&layer.tree)?, made)));
            let pack = |(id, made)| Stage {
                id,
                kind: LAYER_KIND,
                kind_version: LAYER_VERSION,
                step: Step::Layer(made),
                weight: stage.weight,
                output_hash: None,
                at: stage.at.clone(),
            };
            all.extend(named.map(pack).collect::<Vec<_>>());
        }
        all.push(stage);
    }
    Ok(all)
}

fn stage_id(tree: &TreeRef) -> Option<crate::plan::StageId> {
    if let TreeRef::Stage(id) = tree { Some(id.clone()) } else { None }
}

/// An image's tree, taken apart.
struct Parts<'a> {
    stages: &'a [Stage],
    image: &'a Image,
    /// For each layer what goes into it.
    pieces: Vec<Vec<Piece>>,
    /// What stages write, for the highest.
    files: Vec<WrittenFile>,
}

impl<'a> Parts<'a> {
    fn of(stages: &'a [Stage], image: &'a Image) -> Self {
        let mut parts = Parts { stages, image, pieces: vec![Vec::new(); image.layers.len()], files: Vec::new() };
        let whole =
            Piece { from: image.tree.clone(), path: String::new(), subset: Subset::default(), to: String::new() };
        parts.take(&whole, image.at.trim_matches('/'));
        parts
    }

    /// Puts a piece below `to` into its layer, or takes it apart further.
    fn take(&mut self, piece: &Piece, to: &str) {
        let to = join(to, &piece.to);
        let named = self.image.layers.iter().position(|layer| layer.from.contains(&piece.from));
        let whole = piece.path.is_empty() && piece.subset == Subset::default();
        match (named, composed(self.stages, &piece.from)) {
            (None, Some(inner)) if whole => {
                inner.pieces.iter().for_each(|piece| self.take(piece, &to));
                let below = |file: &WrittenFile| WrittenFile { path: join(&to, &file.path), ..file.clone() };
                self.files.extend(inner.files.iter().map(below));
            }
            _ => self.pieces[named.unwrap_or(self.image.layers.len() - 1)].push(Piece { to, ..piece.clone() }),
        }
    }

    fn layers(self) -> Vec<Layer> {
        let (image, last) = (self.image, self.pieces.len() - 1);
        let mut layers: Vec<Layer> =
            self.pieces.into_iter().map(|pieces| Layer { pieces, ..Layer::default() }).collect();
        layers.iter_mut().for_each(|layer| layer.compression = image.compression);
        layers[0].sysroot = Some(image.sysroot.clone());
        layers[last].files = self.files.into_iter().chain(image.files.iter().cloned()).collect();
        layers[last].folders = image.folders.clone();
        layers
    }
}

fn join(folder: &str, path: &str) -> String {
    match (folder, path) {
        ("", other) | (other, "") => other.to_owned(),
        _ => format!("{folder}/{path}"),
    }
}

/// Fails if a layer names a tree of which nothing ships.
fn unused(stages: &[Stage], stage: &Stage, layers: &[Layer], written: &Written) -> Result<(), RecipeError> {
    let Step::Image(image) = &stage.step else { return Ok(()) };
    for (layer, made) in image.layers.iter().zip(layers) {
        let idle = layer.from.iter().position(|from| made.pieces.iter().all(|piece| piece.from != *from));
        let Some(index) = idle else { continue };
        let idle = &layer.from[index];
        let mut parts: Vec<&TreeRef> = layers.iter().flat_map(|layer| &layer.pieces).map(|piece| &piece.from).collect();
        parts.sort_unstable();
        parts.dedup();
        let (from, tree) = (idle.name(), image.tree.name());
        let message = format!("layer `{}` takes `{from}`, and no piece of `{tree}` comes from it", layer.name);
        let help = match parts.iter().find(|part| holds(stages, part, idle)) {
            Some(part) => format!(
                "`{from}` is in `{0}`, which is not taken apart, since a layer names it or only a part of it ships: name \
                 `{0}` instead",
                part.name()
            ),
            None => format!("name what pieces come from: {}", list(parts.iter().map(|part| part.name()))),
        };
        let error = RecipeError::new(message).with_help(help);
        let place = written.stages.iter().find(|s| s.id == stage.id);
        return Err(place.into_iter().fold(error, |error, s| error.at(&written.file, named_at(s, &layer.name, index))));
    }
    Ok(())
}

/// Whether a tree is put together from another, perhaps through further ones.
fn holds(stages: &[Stage], tree: &TreeRef, inner: &TreeRef) -> bool {
    let pieces = composed(stages, tree).into_iter().flat_map(|compose| &compose.pieces);
    pieces.into_iter().any(|piece| piece.from == *inner || holds(stages, &piece.from, inner))
}

/// How a stage puts its tree together, if it does.
fn composed<'a>(stages: &'a [Stage], tree: &TreeRef) -> Option<&'a Compose> {
    let id = stage_id(tree)?;
    stages.iter().find(|stage| stage.id == id).and_then(|stage| match &stage.step {
        Step::Compose(compose) => Some(compose),
        _ => None,
    })
}

/// Where an image's stage names a tree of a layer.
fn named_at(stage: &WrittenStage, layer: &str, index: usize) -> Span {
    let array = |table: &'_ Table, key: &str| match table.get(key).map(|entry| entry.value.kind.clone()) {
        Some(Kind::Array(items)) => items,
        _ => Vec::new(),
    };
    let found = array(&stage.table, "layers").iter().find_map(|item| {
        let Kind::Table(table) = &item.kind else { return None };
        let is_it = matches!(&table.get("name")?.value.kind, Kind::String(name) if name == layer);
        array(table, "from").get(index).filter(|_| is_it).map(|tree| tree.span)
    });
    found.unwrap_or(stage.place.span)
}
