//! How two archives differ, member by member. Knows members; not how archives are laid out.

mod compare;
mod member;
mod render;
mod tarball;
mod zipped;

use serde::Serialize;

pub use self::member::Aspect;
use crate::bytes::BytesDiff;
use crate::explain::Explanation;
pub(crate) use tarball::{is_tar, tar_files, tars};
pub(crate) use zipped::zips;

/// How two archives differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ArchiveDiff {
    /// What both are.
    pub format: Format,
    /// Members before.
    pub old_members: usize,
    /// Members now.
    pub new_members: usize,
    /// Members that are in the new one only.
    pub added: Names,
    /// Members that are in the old one only.
    pub removed: Names,
    /// How many members that both have differ in their contents.
    pub changed: usize,
    /// The first of these.
    pub contents: Vec<ChangedMember>,
    /// Where the order of what both have differs.
    pub order: Option<Order>,
    /// What differs of what the archives say of members that both have, one entry for each aspect.
    pub metadata: Vec<Metadata>,
    /// How the archives differ, if all of the above is the same, and there is room to say so.
    pub around: Option<BytesDiff>,
    /// For how many lines on order and metadata there is room.
    #[serde(skip)]
    said: usize,
}

/// Which kind of archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Zip: also jars and wheels.
    Zip,
    /// Tar, also within gzip.
    Tar,
}

/// Members, of which the first few are named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Names {
    /// How many there are.
    pub count: usize,
    /// The names of the first.
    pub first: Vec<String>,
}

/// A member whose contents differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedMember {
    /// Its name.
    pub member: String,
    /// Unpacked bytes before.
    pub old_size: u64,
    /// Unpacked bytes now.
    pub new_size: u64,
    /// How the contents differ; none if they are too large or cannot be unpacked.
    pub how: Option<Explanation>,
}

/// The first place at which the order of the members that both have differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Order {
    /// The member that was there.
    pub old: String,
    /// The member that is there.
    pub new: String,
}

/// Something that is said of members, and differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// What it is.
    pub aspect: Aspect,
    /// Of how many members it differs.
    pub count: usize,
    /// The first of them.
    pub member: String,
    /// What was said of that.
    pub old: String,
    /// What is said of that.
    pub new: String,
}
