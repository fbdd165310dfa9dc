//! The types of a written recipe: as the person wrote it, variables replaced, pins still optional.
//! Knows no lock and no overlay.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use akbuild_nar::{Digest, TreeHash};
use toml_span::Span;

use crate::expand::Vars;
use crate::file::File;
use crate::plan::{Smoke, SourceId, StageId, Subset, SysrootId, ToolId};
use crate::program::Requirement;
use crate::scope::Scope;
use crate::value::Table;

/// Where something is written.
#[derive(Clone)]
pub struct Place {
    pub(crate) file: Arc<File>,
    pub(crate) span: Span,
}

impl Place {
    /// `akbuild.toml:12`.
    pub fn at(&self) -> String {
        self.file.at(self.span)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.at())
    }
}

/// A recipe that was read and found sound in itself.
#[derive(Debug, Clone)]
pub struct Written {
    /// The file.
    pub file: Arc<File>,
    /// `[project]`.
    pub project: Project,
    /// `[sources.NAME]`.
    pub sources: BTreeMap<SourceId, WrittenSource>,
    /// `[debian]`; there if there is any sysroot.
    pub debian: Option<Debian>,
    /// `[sysroots.NAME]`.
    pub sysroots: BTreeMap<SysrootId, WrittenSysroot>,
    /// `[tools.NAME]`.
    pub tools: BTreeMap<ToolId, WrittenTool>,
    /// `[[patches]]`, in order.
    pub patches: Vec<WrittenPatch>,
    /// `[smoke]`.
    pub smoke: Option<WrittenSmoke>,
    /// `[stages.NAME]`, in the order of the file; parsed by their kinds.
    pub(crate) stages: Vec<WrittenStage>,
    pub(crate) scope: Scope,
}

impl Written {
    /// Name, version and prefix.
    pub fn vars(&self) -> &Vars {
        &self.scope.vars
    }

    /// The stages' names, in the order of the file.
    pub fn stage_ids(&self) -> impl Iterator<Item = &StageId> {
        self.stages.iter().map(|s| &s.id)
    }
}

/// What is built.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// The version that is built.
    pub version: String,
    /// Where the assembled tree finally lives, absolute.
    pub prefix: String,
    /// What `akbuild all` builds, and where each is written.
    pub targets: Vec<(StageId, Place)>,
    /// Where the version's value is written, for a program that changes it: byte offsets of the text
    /// between the quotes.
    pub version_span: (usize, usize),
}

/// A tree that comes from outside, perhaps without pins.
#[derive(Debug, Clone)]
pub struct WrittenSource {
    /// Where it comes from.
    pub origin: WrittenOrigin,
    /// The NAR hash of the tree, if the recipe pins it.
    pub hash: Option<TreeHash>,
    /// Where it is written.
    pub place: Place,
    /// Where its pins are written.
    pub(crate) spans: BTreeMap<&'static str, Span>,
}

/// Where a source comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrittenOrigin {
    /// A git repository.
    Git {
        /// The address and its mirrors.
        urls: Vec<String>,
        /// What is taken of it.
        reference: GitRef,
        /// The commit, if the recipe pins it; always that of a [`GitRef::Rev`].
        commit: Option<String>,
    },
    /// An archive.
    Tarball {
        /// The address and its mirrors.
        urls: Vec<String>,
        /// The digest of the archive, if the recipe pins it.
        digest: Option<Digest>,
    },
    /// A folder beside the recipe.
    Path {
        /// Relative to the recipe's folder, or absolute.
        path: PathBuf,
        /// Which of its files.
        subset: Subset,
    },
}

/// What is taken of a git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitRef {
    /// A tag.
    Tag(String),
    /// A branch.
    Branch(String),
    /// A commit, 40 hex digits.
    Rev(String),
}

impl GitRef {
    /// The field's name: `tag`, `branch` or `rev`.
    pub fn field(&self) -> &'static str {
        match self {
            GitRef::Tag(_) => "tag",
            GitRef::Branch(_) => "branch",
            GitRef::Rev(_) => "rev",
        }
    }

    /// The tag, branch or commit.
    pub fn text(&self) -> &str {
        match self {
            GitRef::Tag(text) | GitRef::Branch(text) | GitRef::Rev(text) => text,
        }
    }
}

impl fmt::Display for GitRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field(), self.text())
    }
}

/// The Debian suites that sysroots are resolved against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debian {
    /// Suites, in order of preference.
    pub suites: Vec<String>,
    /// Components of each.
    pub components: Vec<String>,
    /// Architecture.
    pub architecture: String,
    /// Fingerprints of the keys that may sign; empty: any key of the keyrings.
    pub fingerprints: Vec<String>,
    /// Files with OpenPGP keys; relative ones are relative to the recipe's folder.
    pub keyrings: Vec<PathBuf>,
    /// Whether a release file may be past its `Valid-Until` when locking.
    pub allow_expired: bool,
}

/// A root file system that is asked for.
#[derive(Debug, Clone)]
pub struct WrittenSysroot {
    /// The packages asked for, with those of the sysroots it extends; sorted, each once.
    pub packages: Vec<String>,
    /// Whether all packages marked `Essential` are added.
    pub essential: bool,
    /// The programs that `--toolchain host` takes from the machine instead, with those of the sysroots it
    /// extends; sorted, each once.
    pub host: Vec<Requirement>,
    /// Where it is written.
    pub place: Place,
}

/// A program that comes as a package of a language's registry.
#[derive(Debug, Clone)]
pub struct WrittenTool {
    /// Which package.
    pub spec: ToolSpec,
    /// Where it is written.
    pub place: Place,
}

/// A package of a language's registry, with its exact version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolSpec {
    /// A wheel of the Python index.
    Python {
        /// Normalised name (PEP 503).
        name: String,
        /// Version.
        version: String,
    },
    /// A package of the npm registry.
    Npm {
        /// Name, with its scope.
        name: String,
        /// Version.
        version: String,
    },
}

impl ToolSpec {
    /// The field's name: `python` or `npm`.
    pub fn field(&self) -> &'static str {
        match self {
            ToolSpec::Python { .. } => "python",
            ToolSpec::Npm { .. } => "npm",
        }
    }
}

impl fmt::Display for ToolSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ToolSpec::Python { name, version } => write!(f, "{name}=={version}"),
            ToolSpec::Npm { name, version } => write!(f, "{name}@{version}"),
        }
    }
}

/// What is started of an image; whether there is such an image is not known yet.
#[derive(Debug, Clone)]
pub struct WrittenSmoke {
    /// All of it.
    pub smoke: Smoke,
    /// Where the image is named.
    pub place: Place,
}

/// A change to a source.
#[derive(Debug, Clone)]
pub struct WrittenPatch {
    /// The source.
    pub source: SourceId,
    /// The file in it.
    pub file: String,
    /// What is done.
    pub edit: WrittenEdit,
    /// Why, for messages.
    pub why: Option<String>,
    /// Where it is written.
    pub place: Place,
}

/// What a patch does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrittenEdit {
    /// Replaces the single occurrence of a text.
    Replace {
        /// The text.
        from: String,
        /// What stands there afterwards.
        to: String,
    },
    /// Puts a file in its place; relative to the folder of the file that the patch is written in.
    With(PathBuf),
}

/// A stage whose options only its kind understands.
#[derive(Debug, Clone)]
pub(crate) struct WrittenStage {
    pub(crate) id: StageId,
    pub(crate) place: Place,
    pub(crate) table: Table,
}
