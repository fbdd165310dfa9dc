//! The plan: a recipe and its lock, resolved. Everything is concrete here: no optional pins, no
//! globs over names, no variables left in strings. The engine takes nothing else.
//!
//! Knows nothing of TOML, spans or stage kinds; a kind has already turned its options into a [`Step`].

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use akbuild_nar::{Digest, TreeHash};
use serde::{Deserialize, Serialize};

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

/// A tree that comes from outside.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name.
    pub id: SourceId,
    /// Where it comes from.
    pub origin: Origin,
    /// Which of a local folder's files are taken, for an [`Origin::Path`] of the recipe; else all.
    pub subset: Subset,
    /// The NAR hash it must have; `None` for a local folder that nothing pins.
    pub hash: Option<TreeHash>,
    /// Whether `--source NAME=PATH` stands in for what the recipe says: the result is marked as such.
    pub replaced: bool,
    /// Changes made to it, in order, before any stage sees it.
    pub patches: Vec<Patch>,
}

/// Where a source comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A commit of a git repository; the addresses are tried in turn.
    Git {
        /// Addresses of the repository and its mirrors.
        urls: Vec<String>,
        /// The tag or branch to ask for, if any (cheaper than a bare commit with most servers).
        reference: Option<String>,
        /// The commit, 40 hex digits.
        commit: String,
    },
    /// An archive; its single top folder, if it has one, is stripped.
    Tarball {
        /// Addresses, tried in turn.
        urls: Vec<String>,
        /// The digest of the archive file.
        digest: Digest,
    },
    /// A folder on this machine. A `.git` folder in it is left out.
    Path(PathBuf),
}

/// A change to one file of a source.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The file, relative to the source's root.
    pub file: String,
    /// What is done to it.
    pub edit: Edit,
    /// Where the patch is written, for messages: `akbuild.toml:12`.
    pub at: String,
}

/// What a patch does.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Replaces the single occurrence of `from`; none or several stop the build.
    Replace {
        /// The text that must occur exactly once.
        from: String,
        /// What stands there afterwards.
        to: String,
    },
    /// Puts this file of the local machine in its place (also where there was none).
    With {
        /// The file whose bytes are taken.
        path: PathBuf,
        /// Their digest when the plan was made.
        digest: Digest,
    },
}

/// A root file system: a closure of Debian packages.
#[derive(Clone, Debug)]
pub struct Sysroot {
    /// Its name.
    pub id: SysrootId,
    /// The pinned packages, sorted by name; none for a [`HostRoot`].
    pub packages: Vec<DebPin>,
    /// The machine's own programs, if they stand in for the packages.
    pub host: Option<HostRoot>,
}

/// Programs and folders of this machine in the place of a sysroot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HostRoot {
    /// The programs asked for, sorted by name.
    pub programs: Vec<HostProgram>,
    /// The version of the C library, if it is glibc.
    pub glibc: Option<(u64, u64)>,
    /// The machine's name for its processor, `x86_64`.
    pub machine: String,
    /// The folders that programs are looked for in, in order; absolute.
    pub path: Vec<String>,
    /// Symbolic links of the root (`bin` to `usr/bin`), and where they lead.
    pub links: Vec<(String, String)>,
    /// What is mounted read-only; one that lies in another stands after it.
    pub mounts: Vec<HostMount>,
}

/// One program of this machine: what it is recognised by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HostProgram {
    /// The name it is called by.
    pub name: String,
    /// The file, all links followed.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// What it says of its version; may be empty.
    pub version: String,
}

/// A file or folder of this machine that stages see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HostMount {
    /// Where they see it, absolute.
    pub at: String,
    /// What it is on this machine.
    pub from: PathBuf,
}

/// One pinned Debian package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebPin {
    /// Package name.
    pub name: String,
    /// Debian version.
    pub version: String,
    /// Path below a mirror's base address, `pool/...`.
    pub path: String,
    /// SHA-256 of the `.deb`.
    pub digest: Digest,
    /// Size of the `.deb` in bytes.
    pub size: u64,
    /// The sysroots that contain it, sorted.
    pub sysroots: Vec<String>,
}

/// A program that comes as a package of a language's registry, unpacked as it is.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its name.
    pub id: ToolId,
    /// What to fetch and unpack.
    pub package: ToolPackage,
}

/// The pinned package of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolPackage {
    /// A wheel, unpacked as the zip archive that it is.
    Python(PythonPin),
    /// An npm tarball; its `package/` folder is stripped.
    Npm(NpmPin),
}

/// One pinned file of a Python index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PythonPin {
    /// Normalised project name (PEP 503).
    pub name: String,
    /// Version.
    pub version: String,
    /// File name in the index.
    pub file: String,
    /// SHA-256 of the file.
    pub digest: Digest,
}

/// One pinned npm tarball.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NpmPin {
    /// Package name, with its scope.
    pub name: String,
    /// Version.
    pub version: String,
    /// SHA-512 of the tarball.
    pub digest: Digest,
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

/// A script in a sandbox, with everything it can see.
#[derive(Clone, Debug)]
pub struct Exec {
    /// The root file system.
    pub sysroot: SysrootId,
    /// Tools, each mounted at `TOOLS/<id>`.
    pub tools: Vec<ToolId>,
    /// Sources whose pinned commit is mounted as a bare repository at `GIT/<id>.git`.
    pub git: Vec<SourceId>,
    /// Writable copies below [`WORK`].
    pub copies: Vec<Copy>,
    /// Read-only mounts, in order; a later one may lie inside an earlier one.
    pub mounts: Vec<Mount>,
    /// Files that akbuild writes before the script runs; paths absolute, below [`WORK`].
    pub files: Vec<WrittenFile>,
    /// The script, for `bash -euo pipefail`.
    pub script: String,
    /// Variables beside those that every stage has.
    pub env: BTreeMap<String, String>,
    /// The folder the script starts in, absolute.
    pub cwd: String,
    /// Where the output folder, empty at first, is mounted. The script finds it as `$out`.
    pub out: String,
    /// What the loopback registry serves; `None`: nothing listens.
    pub artifacts: Option<Artifacts>,
    /// What must hold of the output before it is published.
    pub checks: Vec<Check>,
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

/// The kind of the stages that an `image` stage brings with it, one for each of its layers.
pub const LAYER_KIND: &str = "image-layer";
/// The version of [`LAYER_KIND`].
pub const LAYER_VERSION: u32 = 1;

/// One layer of an image: its files, and how they are packed. All of its paths are relative to the image's root.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// A root file system that is all in it, and which of its files.
    pub sysroot: Option<(SysrootId, Subset)>,
    /// Trees, or parts of them.
    pub pieces: Vec<Piece>,
    /// Files that akbuild writes.
    pub files: Vec<WrittenFile>,
    /// Folders with a mode of their own.
    pub folders: Vec<Folder>,
    /// How it is packed.
    pub compression: Compression,
}

/// A folder of an image with a mode of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Folder {
    /// Where, relative to the image's root.
    pub path: String,
    /// Its permission bits, such as `0o1777`.
    pub mode: u32,
}

/// How a layer is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// Zstandard, at this level.
    Zstd(i32),
    /// gzip, at this level.
    Gzip(u32),
}

impl Default for Compression {
    fn default() -> Self {
        Compression::Gzip(6)
    }
}

/// A container image.
#[derive(Clone, Debug)]
pub struct Image {
    /// What ships: every file of it is in one of the layers.
    pub tree: TreeRef,
    /// Where the tree lives in the image, absolute.
    pub at: String,
    /// The root file system that it runs in, and which of its files: the lowest layer.
    pub sysroot: (SysrootId, Subset),
    /// Files that akbuild writes, relative to the image's root: in the highest layer.
    pub files: Vec<WrittenFile>,
    /// Folders with a mode of their own: in the highest layer.
    pub folders: Vec<Folder>,
    /// How layers are packed.
    pub compression: Compression,
    /// Its layers, the lowest first. Each is a stage of its own.
    pub layers: Vec<ImageLayer>,
    /// How it is run.
    pub config: ImageConfig,
    /// Where it is pushed to if nobody says otherwise, with words in braces that are filled in then. Not a part of
    /// the image.
    pub push: Option<String>,
}

/// One layer of an [`Image`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageLayer {
    /// Its name within the image.
    pub name: String,
    /// The stage that packs it.
    pub tree: TreeRef,
    /// The trees whose files go into it; none for the lowest and the highest.
    pub from: Vec<TreeRef>,
}

/// How an image is run: see "Image Configuration" of the OCI image specification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImageConfig {
    /// The processor's name in the terms of Go, `amd64`.
    pub architecture: String,
    /// The program, and its first arguments.
    pub entrypoint: Vec<String>,
    /// Arguments that are used if none are given.
    pub command: Vec<String>,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// `UID`, `UID:GID`, or names; empty: root.
    pub user: String,
    /// The folder that it starts in; empty: the root.
    pub workdir: String,
    /// `PORT/PROTOCOL`, sorted.
    pub ports: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Folders that a run mounts something at, sorted.
    pub volumes: Vec<String>,
    /// The signal that asks it to end; empty: SIGTERM.
    pub stop_signal: String,
    /// How to find out whether it is well, for those who look at that.
    pub healthcheck: Option<Healthcheck>,
}

/// A command that says whether a container is well (Docker's extension of the image configuration).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Healthcheck {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Seconds between two.
    pub interval: u64,
    /// Seconds after which one has failed.
    pub timeout: u64,
    /// Seconds at the start in which failures do not count.
    pub start_period: u64,
    /// Failures in a row that make it unwell.
    pub retries: u64,
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
}

/// A writable copy of part of a tree.
#[derive(Clone, Debug)]
pub struct Copy {
    /// The tree.
    pub from: TreeRef,
    /// Which of its files.
    pub subset: Subset,
    /// The folder that gets them, absolute, below [`WORK`] or the output.
    pub to: String,
    /// Whether the files are taken as they are.
    pub view: View,
}

/// How much of a copied file a stage sees. What it does not see cannot make it run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// The whole file.
    Whole,
    /// Of `.go` files only build constraints, the package clause and imports; others whole.
    GoImports,
}

/// A read-only mount of a tree or of a part of it.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The tree.
    pub from: TreeRef,
    /// The file or folder inside it, relative; empty: all of it.
    pub path: String,
    /// Where it is mounted, absolute.
    pub to: String,
    /// If given, not the folder itself: each outermost folder of this name below it is mounted at
    /// its relative place below `to` (`node_modules` of every npm workspace).
    pub folders: Option<String>,
    /// Whether a path that is not in the tree is passed over instead of being an error.
    pub optional: bool,
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

/// Upstream's lock files that say what the loopback registry serves.
#[derive(Clone, Debug, Default)]
pub struct Artifacts {
    /// `package-lock.json` files.
    pub npm: Vec<LockFile>,
    /// `uv.lock` files, and how the project is synchronised.
    pub python: Vec<PythonLock>,
    /// `go.mod` files; `go.sum` lies beside each.
    pub go: Vec<LockFile>,
}

/// A lock file in a source.
#[derive(Clone, Debug)]
pub struct LockFile {
    /// The source it is in.
    pub source: SourceId,
    /// Its path there.
    pub path: String,
}

/// A `uv.lock` and the choices that decide which of its packages are wanted.
#[derive(Clone, Debug)]
pub struct PythonLock {
    /// The file; `pyproject.toml` lies beside it.
    pub lock: LockFile,
    /// Where the stage has its copy of the lock file: rewritten to name [`REGISTRY`].
    pub at: String,
    /// Extras of the project that are installed, sorted.
    pub extras: Vec<String>,
    /// Dependency groups that are installed, sorted.
    pub groups: Vec<String>,
    /// The interpreter's version, `3.14`.
    pub python: String,
    /// Git dependencies by name, and the source that stands for each.
    pub git: BTreeMap<String, SourceId>,
}

/// What is started of an image, and what must come of it. All times are in seconds.
#[derive(Clone, Debug)]
pub struct Smoke {
    /// The stage of the image.
    pub image: StageId,
    /// The memory that each process of the image may have, in bytes; 0: any.
    pub memory: u64,
    /// How long anything may take until it must have come true.
    pub timeout: u64,
    /// How long a process may take from SIGTERM to its end.
    pub grace: u64,
    /// Variables of every process of the image.
    pub env: BTreeMap<String, String>,
    /// What runs beside the image: a database.
    pub services: Vec<SmokeService>,
    /// What is run to its end first, one after the other.
    pub commands: Vec<SmokeCommand>,
    /// What is then started, all at once.
    pub processes: Vec<SmokeProcess>,
    /// What is then fetched.
    pub pages: Vec<Page>,
    /// What must then come true.
    pub checks: Vec<SmokeCheck>,
}

/// Something that runs beside an image, in a sysroot of its own. Everybody reaches it at 127.0.0.1.
#[derive(Clone, Debug)]
pub struct SmokeService {
    /// Its name.
    pub name: String,
    /// Its root.
    pub sysroot: SysrootId,
    /// The port that it listens on; it is ready when it does.
    pub port: u16,
    /// The script that starts it, for `bash -euo pipefail`.
    pub script: String,
    /// Variables beside those that every stage has.
    pub env: BTreeMap<String, String>,
}

/// An image's entry point with arguments that must end well.
#[derive(Clone, Debug)]
pub struct SmokeCommand {
    /// Its name.
    pub name: String,
    /// Arguments for the image's entry point.
    pub args: Vec<String>,
    /// Variables over the image's own.
    pub env: BTreeMap<String, String>,
    /// Files that are mounted read-only, at absolute paths.
    pub files: Vec<WrittenFile>,
}

/// An image's entry point with arguments that goes on until it is told to end.
#[derive(Clone, Debug)]
pub struct SmokeProcess {
    /// Its name.
    pub name: String,
    /// Arguments for the image's entry point.
    pub args: Vec<String>,
    /// Variables over the image's own.
    pub env: BTreeMap<String, String>,
    /// Files that are mounted read-only, at absolute paths.
    pub files: Vec<WrittenFile>,
    /// What must be answered.
    pub probes: Vec<Probe>,
    /// Texts that must come in what it writes.
    pub expect: Vec<String>,
}

/// A request over HTTP that must be answered with this status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The port.
    pub port: u16,
    /// The path.
    pub path: String,
    /// The status.
    pub status: u16,
}

/// A page that must be there.
#[derive(Clone, Debug)]
pub struct Page {
    /// The process that has it.
    pub process: String,
    /// The port.
    pub port: u16,
    /// The path.
    pub path: String,
    /// Texts that must be in it.
    pub contains: Vec<String>,
    /// Whether everything that it names of the same server must be there too.
    pub assets: bool,
}

/// A script that must succeed sooner or later.
#[derive(Clone, Debug)]
pub struct SmokeCheck {
    /// Its name.
    pub name: String,
    /// Its root.
    pub sysroot: SysrootId,
    /// The script, for `bash -euo pipefail`. It reaches the services.
    pub script: String,
    /// Variables beside those that every stage has.
    pub env: BTreeMap<String, String>,
}

/// What must hold of an output.
#[derive(Clone, Debug)]
pub enum Check {
    /// Every `NEEDED` entry of every ELF file resolves within the output or this sysroot.
    Elf {
        /// The sysroot that the output will run in.
        sysroot: SysrootId,
        /// Where the output will live.
        at: String,
    },
    /// A script that must succeed, with the output mounted read-only at `at`.
    Run {
        /// The sysroot it runs in.
        sysroot: SysrootId,
        /// Where the output is mounted.
        at: String,
        /// The script, for `bash -euo pipefail`.
        script: String,
        /// Variables beside those that every stage has.
        env: BTreeMap<String, String>,
    },
}

impl Plan {
    /// The stage of that name.
    pub fn stage(&self, id: &StageId) -> Option<&Stage> {
        self.stages.iter().find(|s| s.id == *id)
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
