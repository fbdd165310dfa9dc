//! What the recipe knows of stage kinds: their names, and that one turns options into a step.

use crate::error::RecipeError;
use crate::fields::Fields;
use crate::plan::Step;

/// The table of stage kinds.
pub trait Kinds {
    /// The kinds' names, as they are listed in messages.
    fn names(&self) -> Vec<&'static str>;

    /// Parses the options of a stage of that kind and makes its step, together with the kind's
    /// version and its name. `None`: there is no such kind. The caller looks for unknown fields
    /// afterwards; tables inside are finished by the kind itself.
    fn step(&self, kind: &str, fields: &mut Fields<'_>) -> Option<Result<(u32, &'static str, Step), RecipeError>>;
}
