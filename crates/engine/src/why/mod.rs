//! Why a node ran, or would run: its manifest against an earlier one, and where an input is another, why whatever
//! made that ran, down to what nobody made. Says the same as a value, in words, and in a line.
//!
//! Reads the store's records and runs nothing. `cause` is the value, `fields` and `compare` the differences of two manifests, `part`
//! and `files` what of a tree a stage sees and which files of it differ, `versions` who made a tree and when,
//! `follow` the way through the inputs, `now` and `past` the two questions, `words` the sentences.

mod cause;
mod compare;
mod fields;
mod files;
mod follow;
mod now;
mod part;
mod past;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod versions;
mod words;

pub use cause::{Cause, Explained, FieldChange, FileChange, Made, Package, State, What, Why};
pub use now::{Reasons, why, why_in_short};
pub use part::Part;
pub(crate) use past::reason;
pub use past::{changed_files, why_between};
pub(crate) use words::ASKED_FOR;
