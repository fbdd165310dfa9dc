//! Pins that people write, in the recipe or the overlay, and that are missing or wrong. Knows where each is written;
//! fetches nothing: whoever has fetched says what was found.

use akbuild_nar::TreeHash;
use toml_span::Span;

use crate::error::RecipeError;
use crate::lock::Lock;
use crate::merge::{SourceRequest, merge};
use crate::overlay::{Overlay, OverlaySource};
use crate::plan::SourceId;
use crate::stale;
use crate::written::{Place, Written};

/// A source whose commit or archive the overlay replaces without giving the hash of its tree. The lock cannot have it: it
/// is shared, and holds what the recipe asks for.
#[derive(Debug, Clone)]
pub struct OverlayGap {
    /// The source.
    pub id: SourceId,
    /// What the overlay makes of it.
    pub request: SourceRequest,
    field: &'static str,
    place: Place,
}

impl OverlayGap {
    /// What is missing, and where. With the hash that the tree has, the line to write.
    pub fn error(&self, found: Option<TreeHash>) -> RecipeError {
        let (id, field) = (&self.id, self.field);
        let message = format!("the overlay gives another `{field}` for source `{id}`, and no `hash` of its tree");
        let help = match found {
            Some(hash) => format!("add this line to `[sources.{id}]` of the overlay: `hash = \"{hash}\"`"),
            None => {
                "add `hash = \"sha256-…\"` beside it; `akbuild lock` fetches the source and prints the line".to_owned()
            }
        };
        RecipeError::new(message)
            .at(&self.place.file, self.place.span)
            .with_note("the lock is shared, and holds only what the recipe asks for")
            .with_help(help)
    }
}

/// The sources of which the overlay pins a part only, and which the lock does not pin by chance.
pub fn overlay_gaps(written: &Written, overlay: &Overlay, lock: &Lock) -> Vec<OverlayGap> {
    let mut gaps = Vec::new();
    for (id, request) in merge(written, overlay).sources {
        let Some((field, over)) = overlay.sources.get(id.as_str()).and_then(|over| Some((pinned_field(over)?, over)))
        else {
            continue;
        };
        let locked = || lock.sources.get(&id).is_some_and(|locked| stale::fits(&request, locked));
        if request.is_pinned() || over.hash.is_some() || locked() {
            continue;
        }
        let place = over.place_of(field);
        gaps.push(OverlayGap { id, request, field, place });
    }
    gaps
}

/// The field of an overlay by which it names what a source is.
fn pinned_field(over: &OverlaySource) -> Option<&'static str> {
    let rev = matches!(over.reference, Some(crate::written::GitRef::Rev(_)));
    match (over.commit.is_some(), over.digest.is_some()) {
        (true, _) if rev => Some("rev"),
        (true, _) => Some("commit"),
        (_, true) => Some("digest"),
        _ => None,
    }
}

/// The error for a `hash` or `digest` that somebody has written and that is not what was found; `from` is where that was
/// fetched.
pub fn wrong_pin(
    written: &Written,
    overlay: &Overlay,
    id: &SourceId,
    field: &str,
    found: &str,
    from: &str,
) -> RecipeError {
    let over =
        overlay.sources.get(id.as_str()).and_then(|over| over.spans.get(field).map(|span| (&over.place.file, *span)));
    let own = written.sources.get(id).and_then(|own| own.spans.get(field).map(|span| (&own.place.file, *span)));
    let what = if field == "hash" { "the tree" } else { "the archive" };
    let error =
        RecipeError::new(format!("{what} of source `{id}` has another {field} than the one that is pinned here"));
    let error = match over.or(own) {
        Some((file, span)) => error.at(file, span),
        None => error,
    };
    error
        .with_note(format!("found {found}"))
        .with_note(format!("from {from}"))
        .with_help(format!("find out why; if it is meant, write `{field} = \"{found}\"` here, or remove the line"))
}

impl OverlaySource {
    /// Where one of its fields is written.
    fn place_of(&self, field: &str) -> Place {
        let span: Span = self.spans.get(field).copied().unwrap_or(self.place.span);
        Place { file: self.place.file.clone(), span }
    }
}
