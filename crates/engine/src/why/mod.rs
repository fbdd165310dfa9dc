//! Why a node ran, or would run: its manifest against an earlier one, and where an input is another, why whatever
//! made that ran, down to what nobody made. Says the same as a value, in words, and in a line.
//!
//! Reads the store's records and runs nothing. `cause` is the value, `fields` and `compare` the differences of two manifests, `part`
//! and `files` what of a tree a stage sees and which files of it differ, `versions` who made a tree and when,
//! `follow` the way through the inputs, `past` why a node ran, `words` the sentences. Why a node would run is in `would_run`.

mod cause;
mod compare;
mod fields;
mod files;
mod follow;
mod part;
mod past;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod versions;
mod words;

pub use cause::{Cause, Explained, FieldChange, FileChange, Made, Package, State, What, Why};
pub(crate) use files::Detail;
pub(crate) use follow::Explainer;
pub use part::Part;
pub use past::{changed_files, why_between};
pub(crate) use past::{reason, records};
pub(crate) use versions::{Version, names};
