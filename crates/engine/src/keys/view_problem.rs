//! Why a stage cannot be shown a part of a tree: the files that a lock or a schema takes from it are not all there.

/// Why a view cannot show what a stage needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewProblem {
    /// A schema that is not there.
    #[error("there is no file `{0}`\n  help: correct `schema` of the stage")]
    NoSchema(String),
    /// A file of a schema that is not there.
    #[error(
        "`{file}` refers to `{reference}`, and there is no file `{target}`\n  help: correct the `$ref`, or add the file to the source"
    )]
    NoReferredFile {
        /// The file with the reference.
        file: String,
        /// The reference.
        reference: String,
        /// Where it leads.
        target: String,
    },
    /// A reference to another host.
    #[error(
        "`{file}` refers to `{reference}`, and a stage has no network\n  help: put that file into the source, and refer to it by a relative path"
    )]
    RemoteReference {
        /// The file with the reference.
        file: String,
        /// The reference.
        reference: String,
    },
    /// A reference that leads out of the source.
    #[error(
        "`{file}` refers to `{reference}`, which is outside of the source\n  help: refer to a file of the source by a relative path"
    )]
    ReferenceOutside {
        /// The file with the reference.
        file: String,
        /// The reference.
        reference: String,
    },
    /// A package, tarball or patch that a lock takes from the source and that is not there.
    #[error(
        "`{lock}` takes `{entry}` from `{path}`, and there is no file `{missing}`\n  help: add it to the source, whose top folder has to contain all local packages, or write the lock again with `npm install --package-lock-only`"
    )]
    NoLockedFile {
        /// The lock.
        lock: String,
        /// The entry of the lock.
        entry: String,
        /// The path in the entry.
        path: String,
        /// The file that is missing.
        missing: String,
    },
}
