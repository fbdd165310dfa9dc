//! Why an archive is refused. Knows the words of the messages only.

use std::io;
use std::path::PathBuf;

/// An archive that cannot be, or must not be, unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// Not an archive, or none of a known kind.
    #[error(
        "{}: expected a tar archive (plain, gzip, xz or zstd) or a zip archive, found something else; \
         look at the file: it may be an error page",
        archive.display()
    )]
    Format {
        /// The archive.
        archive: PathBuf,
    },
    /// The archive cannot be read, or ends early.
    #[error("cannot read the archive {}: {source}; it is damaged, or not what its name says", archive.display())]
    Read {
        /// The archive.
        archive: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A file of the result cannot be written.
    #[error("cannot write {} (from the archive {}): {source}", path.display(), archive.display())]
    Write {
        /// The archive.
        archive: PathBuf,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A member that must not be unpacked.
    #[error("{}: member `{member}` {why}; the archive is refused", archive.display())]
    Member {
        /// The archive.
        archive: PathBuf,
        /// The member's name, escaped.
        member: String,
        /// What is wrong with it.
        why: MemberFault,
    },
    /// More than anything sensible.
    #[error("{}: holds more than {limit}; the archive is refused", archive.display())]
    TooMuch {
        /// The archive.
        archive: PathBuf,
        /// The limit, with its unit.
        limit: String,
    },
}

/// What is wrong with a member of an archive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemberFault {
    /// `..` in its name.
    #[error("has `..` in its name")]
    Parent,
    /// A name from the root.
    #[error("has an absolute name")]
    Absolute,
    /// An empty name, or one with a NUL.
    #[error("has a name that no file can have")]
    Name,
    /// A link to an absolute path.
    #[error("is a link to the absolute path `{0}`")]
    AbsoluteLink(String),
    /// A link that leaves the tree.
    #[error("is a link out of the tree, to `{0}`")]
    LinkOut(String),
    /// A hard link to what is not an earlier file.
    #[error("is a hard link to `{0}`, which is no earlier file of the archive")]
    HardLink(String),
    /// A name below a link or a file.
    #[error("lies below `{0}`, which is not a folder")]
    Below(String),
    /// A name that was there already.
    #[error("is there twice")]
    Twice,
    /// Neither file, folder nor link.
    #[error("is a device, pipe or something else that is no file")]
    Special,
    /// Outside the folder that everything should lie in.
    #[error("is not below `{0}/`, where everything was expected")]
    NotBelow(String),
    /// Encrypted, or compressed by a method that is not supported.
    #[error("cannot be read: {0}")]
    Unreadable(String),
}
