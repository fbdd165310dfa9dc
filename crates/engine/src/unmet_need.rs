//! A need of a program or library that nothing satisfies where the tree will run. It is part of an error, so it must not
//! depend on how needs are found.

/// Something that a program or a library needs and that would not be found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnmetNeed {
    /// The file that needs it, where it will live.
    pub file: String,
    /// What it needs.
    pub need: ElfNeed,
    /// The folders that were searched before the default ones.
    pub searched: Vec<String>,
}

/// What a file needs to be loaded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ElfNeed {
    /// The program that loads it.
    Loader(String),
    /// A library.
    Library(String),
    /// A version of a library's symbols.
    Version {
        /// The library.
        library: String,
        /// The version.
        version: String,
        /// Where the library was found.
        path: String,
        /// The newest version of the same name that it defines.
        newest: Option<String>,
    },
}

impl ElfNeed {
    /// The name of the file that is missing; `None` if one is there.
    pub(crate) fn missing_file(&self) -> Option<&str> {
        match self {
            ElfNeed::Loader(path) | ElfNeed::Library(path) => path.rsplit('/').next(),
            ElfNeed::Version { .. } => None,
        }
    }
}
