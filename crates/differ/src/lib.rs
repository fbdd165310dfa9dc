//! How two trees, and two files, differ: in words for a person, and as data.
//!
//! Knows listings, open files and formats. Knows no paths, stages and stores, and never runs anything.
//!
//! Files are read in pieces and may be of any size; what is kept of them is bounded, and so is the
//! work on archives. Contents are not trusted: what is no proper archive or ELF file is compared
//! byte by byte. Names and lines are shown without control characters.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests make the trees that they look at"))]

mod archive;
mod blob;
mod bytes;
mod elf;
mod explain;
mod field;
mod gzip;
mod part;
mod pyc;
mod room;
mod strings;
mod text;
mod tree;
mod words;

pub use archive::{ArchiveDiff, Aspect, ChangedMember, Format, Metadata, Names, Order};
pub use bytes::BytesDiff;
pub use elf::{ElfDiff, SectionChange, SectionDiff};
pub use explain::{Explanation, explain};
pub use field::{Field, Fields};
pub use gzip::GzipDiff;
pub use pyc::PycDiff;
pub use strings::Strings;
pub use text::{TextDiff, first_difference, line_difference, text_difference};
pub use tree::{Change, Difference, What, compare};
