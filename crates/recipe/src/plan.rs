//! The plan: a recipe and its lock, resolved. Everything is concrete here: no optional pins, no
//! globs over names, no variables left in strings. The engine takes nothing else.
//!
//! Knows nothing of TOML, spans or stage kinds; a kind has already turned its options into a [`Step`].

mod exec;
mod image;
mod lock_reference;
mod smoke;
mod source;
mod sysroot;
mod tool;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use akbuild_nar::TreeHash;
use serde::{Deserialize, Serialize};

pub use exec::{Check, Copy, Exec, Mount, View};
pub use image::{Compression, Folder, Healthcheck, Image, ImageConfig, ImageLayer, LAYER_KIND, LAYER_VERSION, Layer};
pub use lock_reference::{LockFile, LockReference, UvLock};
pub use smoke::{Page, Probe, Smoke, SmokeCheck, SmokeCommand, SmokeProcess, SmokeService};
pub use source::{AddressAuthor, Edit, Origin, Patch, Source, SourceAddress};
pub use sysroot::{DebPin, DebianSuites, HostMount, HostProgram, HostRoot, Sysroot};
pub use tool::{NpmPin, PythonPin, Tool, ToolPackage};

/// The loopback registry's address inside a stage's network namespace. Fixed, so that it can stand
/// in files that a stage sees without making them differ from run to run.
pub const REGISTRY: &str = "http://127.0.0.1:4873";
/// The port of [`REGISTRY`].
pub const REGISTRY_PORT: u16 = 4873;
/// Where a stage's writable work folder is mounted.
pub const WORK: &str = "/build";
/// Where a tool is mounted: `TOOLS/<id>`.
pub const TOOLS: &str = "/opt/akbuild/tools";
/// Where the bare repository of a source is mounted, for stages that ask for one: `GIT/<source>.git`.
pub const GIT: &str = "/opt/akbuild/git";

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);
        impl $name {
            /// Makes an id from its text.
            pub fn new(text: impl AsRef<str>) -> Self { Self(Arc::from(text.as_ref())) }
            /// The id as text.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Debug::fmt(&*self.0, f) }
        }
    };
}
id!(
    /// A stage's name in the recipe.
    StageId
);
id!(
    /// A source's name in the recipe.
    SourceId
);
id!(
    /// A sysroot's name in the recipe.
    SysrootId
);
id!(
    /// A tool's name in the recipe.
    ToolId
);

/// A whole resolved recipe.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The project's name.
    pub name: String,
    /// The version that is built.
    pub version: String,
    /// Where the assembled tree finally lives, absolute.
    pub prefix: String,
    /// The folder of the recipe file.
    pub root: PathBuf,
    /// Sources, sorted by id.
    pub sources: Vec<Source>,
    /// Sysroots, sorted by id.
    pub sysroots: Vec<Sysroot>,
    /// Tools, sorted by id.
    pub tools: Vec<Tool>,
    /// Stages in an order in which each stands after those it needs.
    pub stages: Vec<Stage>,
    /// What `akbuild all` builds; the first is what `./result` links to.
    pub targets: Vec<StageId>,
    /// What is started of an image to see whether it works.
    pub smoke: Option<Smoke>,
    /// Python artifacts that the lock adds to what `uv.lock` names (PEP 517 build requirements).
    pub python_pins: Vec<PythonPin>,
}

/// One stage, ready to be keyed and run.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Its name.
    pub id: StageId,
    /// Its kind's name.
    pub kind: &'static str,
    /// Its kind's version: raised when the same options come to mean something else.
    pub kind_version: u32,
    /// What is done.
    pub step: Step,
    /// How many of the `-j` slots it takes.
    pub weight: u32,
    /// The NAR hash its output must have, if the recipe pins it.
    pub output_hash: Option<TreeHash>,
    /// Where the stage is written, for messages: `akbuild.toml:12`.
    pub at: String,
}

/// What a stage does.
#[derive(Clone, Debug)]
pub enum Step {
    /// Runs a script in a sandbox.
    Exec(Box<Exec>),
    /// Puts trees together by hard links, without running anything.
    Compose(Compose),
    /// Packs trees into one layer of an image.
    Layer(Layer),
    /// Puts layers together into an image.
    Image(Box<Image>),
}

/// Trees put together.
#[derive(Clone, Debug)]
pub struct Compose {
    /// What is taken, in order; a path that two pieces both bring as a file is an error.
    pub pieces: Vec<Piece>,
    /// Files that akbuild writes; paths relative to the output.
    pub files: Vec<WrittenFile>,
    /// What must hold of the output before it is published.
    pub checks: Vec<Check>,
}

/// One piece of a [`Compose`] or [`Layer`].
#[derive(Clone, Debug)]
pub struct Piece {
    /// The tree.
    pub from: TreeRef,
    /// The file or folder inside it, relative; empty: all of it.
    pub path: String,
    /// Which of its files, relative to `path`.
    pub subset: Subset,
    /// Where it goes, relative to the output; empty: the output itself.
    pub to: String,
}

/// A tree that some other node makes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TreeRef {
    /// A source, patched.
    Source(SourceId),
    /// A stage's output.
    Stage(StageId),
}

/// A choice of a tree's files: those that some `include` matches and no `exclude` does. A pattern
/// without a wildcard that names a folder means all below it. Empty `include`: everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subset {
    /// Globs relative to the tree's root.
    pub include: Vec<String>,
    /// Globs relative to the tree's root.
    pub exclude: Vec<String>,
    /// Whether `include` is what the kind takes by itself and not what the recipe asks for: a pattern of a recipe that
    /// matches nothing is warned of. It changes nothing about the choice, so it is in no key.
    #[serde(skip)]
    pub by_kind: bool,
}

/// A small file with a fixed text.
#[derive(Clone, Debug)]
pub struct WrittenFile {
    /// Where.
    pub path: String,
    /// What.
    pub text: String,
    /// Whether it gets the executable bits.
    pub executable: bool,
}

impl Plan {
    /// The stage of that name.
    pub fn stage(&self, id: &StageId) -> Option<&Stage> {
        self.stages.iter().find(|s| s.id == *id)
    }
}

impl TreeRef {
    /// The name of what makes it.
    pub fn name(&self) -> &str {
        match self {
            TreeRef::Source(id) => id.as_str(),
            TreeRef::Stage(id) => id.as_str(),
        }
    }
}

impl Step {
    /// The trees that the step reads, each once, sorted.
    pub fn trees(&self) -> Vec<&TreeRef> {
        let mut all: Vec<&TreeRef> = match self {
            Step::Exec(e) => e.copies.iter().map(|c| &c.from).chain(e.mounts.iter().map(|m| &m.from)).collect(),
            Step::Compose(c) => c.pieces.iter().map(|p| &p.from).collect(),
            Step::Layer(l) => l.pieces.iter().map(|p| &p.from).collect(),
            Step::Image(i) => i.layers.iter().map(|l| &l.tree).chain([&i.tree]).collect(),
        };
        all.sort();
        all.dedup();
        all
    }

    /// The checks on the output.
    pub fn checks(&self) -> &[Check] {
        match self {
            Step::Exec(e) => &e.checks,
            Step::Compose(c) => &c.checks,
            Step::Layer(_) | Step::Image(_) => &[],
        }
    }
}
