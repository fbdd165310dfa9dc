//! The command line, as it is written. Knows names and help texts, and nothing of what they do.

mod amount;
pub(crate) mod cache;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Builds a project from pinned sources and artifacts, each stage in a sandbox without a network.
#[derive(Debug, Parser)]
#[command(name = "akbuild", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Run as if started in this folder
    #[arg(short = 'C', global = true, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// The recipe [default: akbuild.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) recipe: Option<PathBuf>,
    /// The lock [default: akbuild.lock beside the recipe]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// Where the store is [default: akbuild below the XDG cache folder]
    #[arg(long, global = true, value_name = "DIR", env = "AKBUILD_HOME")]
    pub(crate) home: Option<PathBuf>,
    /// How many stages run at the same time [default: one for each processor]
    #[arg(short, long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) jobs: Option<u32>,
    /// Download nothing: fail where something is missing
    #[arg(long, global = true)]
    pub(crate) offline: bool,
    /// Use a local folder for a source; the result is not pinned
    #[arg(long, global = true, value_name = "NAME=PATH", value_parser = named_path)]
    pub(crate) source: Vec<(String, PathBuf)>,
    /// Where the programs come from that stages run: the recipe's packages, or this machine
    #[arg(long, global = true, value_name = "FROM", default_value = "debian")]
    pub(crate) toolchain: Toolchain,
    /// Print one JSON event a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Show what stages write, and in `why` all of each difference; twice: also akbuild's own trace
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Toolchain {
    /// The sysroots that the lock pins
    Debian,
    /// The programs of this machine that the sysroots' `host` names; the result depends on this machine
    Host,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build every target of the recipe and link ./result to the first
    All(Building),
    /// Build some stages and what they need
    Build {
        /// Stages; `*` and `?` match as in a shell
        #[arg(required = true, value_name = "STAGE")]
        stages: Vec<String>,
        /// Build them even if their outputs are in the store
        #[arg(long, conflicts_with = "check")]
        rebuild: bool,
        #[command(flatten)]
        building: Building,
    },
    /// Say what would be built or downloaded, what may be, how long that takes, and why; build and fetch nothing
    Plan {
        /// Stages [default: the recipe's targets]
        #[arg(value_name = "STAGE")]
        stages: Vec<String>,
    },
    /// Print the graph of stages, and what of it would run
    Graph {
        /// How
        #[arg(long, default_value = "text")]
        format: GraphFormat,
    },
    /// Say why a stage would run, or why it ran the last time; `--verbose` shows all differences whole
    Why {
        /// The stage
        stage: String,
    },
    /// Print the log of a stage's last build
    Log {
        /// The stage
        stage: String,
        /// Go on until the stage ends, if it is being built or will be
        #[arg(short, long, conflicts_with = "build")]
        follow: bool,
        /// The log of another build than the last, by the beginning of its name
        #[arg(long, value_name = "BUILD")]
        build: Option<String>,
    },
    /// Print the path of a build's timeline: a page for a browser
    Trace {
        /// The build, by the beginning of its name [default: the last one]
        build: Option<String>,
        /// The path of the same for trace viewers, in Chrome's format
        #[arg(long)]
        chrome: bool,
    },
    /// Open a shell in the sandbox of a stage
    Shell {
        /// The stage
        stage: String,
        /// In the folders of its last run that failed and was kept with --keep-failed
        #[arg(long)]
        failed: bool,
        /// A program to run in place of the shell; its exit code is passed on
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Start what was built, as its image would, on this machine and with its network
    Run {
        /// The stage of the image [default: the recipe's only one]
        #[arg(long, value_name = "STAGE")]
        image: Option<String>,
        /// A variable: NAME=VALUE, or NAME or a pattern such as 'AUTHENTIK_*' for what is set here
        #[arg(short, long, value_name = "VARIABLE")]
        env: Vec<String>,
        /// A file or folder of this machine that it sees: FROM:TO, read-only, or FROM:TO:rw
        #[arg(long, value_name = "FROM:TO", value_parser = bind)]
        bind: Vec<Bind>,
        /// Arguments of its entry point
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        args: Vec<String>,
    },
    /// Start the image for real, beside what it needs, and find out whether it works
    Smoke {
        /// An image that ran before this one: a reference, or an OCI layout folder; its database is upgraded
        #[arg(long, value_name = "IMAGE")]
        from: Option<String>,
        /// Speak to this registry without encryption (loopback addresses are too, if they let one)
        #[arg(long, value_name = "HOST")]
        plain_http: Vec<String>,
    },
    /// Build the container image; write it to a file, push it to a registry
    Image(Image),
    /// Pin what the recipe and upstream's own lock files leave open, in akbuild.lock
    Lock {
        /// Pin these anew even if their pins still fit
        #[arg(value_enum)]
        anew: Vec<Anew>,
        /// Accept a Debian index that is past its Valid-Until
        #[arg(long)]
        allow_expired: bool,
    },
    /// Move the recipe to another version and lock it
    Update {
        /// The version
        version: String,
        /// Accept a Debian index that is past its Valid-Until
        #[arg(long)]
        allow_expired: bool,
    },
    /// Look into the store, and look after it
    #[command(subcommand)]
    Cache(cache::Cache),
    /// Print the SRI hash of a tree's NAR serialisation
    Hash {
        /// A file or folder
        path: PathBuf,
    },
    /// Say what this machine allows, and what to do about what it does not
    Doctor,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Anew {
    /// Everything
    All,
    /// Sources
    Sources,
    /// Packages of the sysroots
    Sysroots,
    /// Tools
    Tools,
    /// What Python source distributions are built with
    Python,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Text,
    Dot,
    Mermaid,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Building {
    /// After a failure, go on with what does not need the failed stage
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Keep the folders of a failed stage
    #[arg(long)]
    pub(crate) keep_failed: bool,
    /// Run each stage once more, next to its stored output, and say which files differ
    #[arg(long)]
    pub(crate) check: bool,
}

/// `akbuild image`.
#[derive(Debug, Args)]
pub(crate) struct Image {
    /// The stage of the image [default: the recipe's only one]
    pub(crate) stage: Option<String>,
    /// Write it as one file (or folder), or to stdout with `-`
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The form of that
    #[arg(long, value_name = "FORM", default_value = "oci-archive")]
    pub(crate) format: ImageFormat,
    /// The name that it gets where it is loaded, NAME:TAG [default: where the recipe pushes it to]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Push it: REGISTRY/NAME:TAG, in which {version}, {git:7}, {git:SOURCE:7} and {key:12} are filled in [default: the recipe's `push`]
    #[arg(long, value_name = "REF", num_args = 0..=1)]
    pub(crate) push: Option<Option<String>>,
    /// Move a tag that has another image
    #[arg(long, requires = "push")]
    pub(crate) force: bool,
    /// Attach no bill of materials and no provenance
    #[arg(long)]
    pub(crate) bare: bool,
    /// Speak to this registry without encryption (loopback addresses are too, if they let one)
    #[arg(long, value_name = "HOST")]
    pub(crate) plain_http: Vec<String>,
    /// Print where it would be pushed to, and build nothing
    #[arg(long, conflicts_with_all = ["output", "force"])]
    pub(crate) print_reference: bool,
}

/// How an image is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImageFormat {
    /// A folder: the OCI image layout
    Oci,
    /// The same in a tar archive
    OciArchive,
    /// What `docker load` takes
    DockerArchive,
}

/// Something of this machine that a program sees.
#[derive(Clone, Debug)]
pub(crate) struct Bind {
    pub(crate) from: PathBuf,
    pub(crate) to: PathBuf,
    pub(crate) writable: bool,
}

fn bind(text: &str) -> Result<Bind, String> {
    let (rest, writable) = match (text.strip_suffix(":rw"), text.strip_suffix(":ro")) {
        (Some(rest), _) => (rest, true),
        (_, Some(rest)) => (rest, false),
        _ => (text, false),
    };
    match rest.split_once(':') {
        Some((from, to)) if !from.is_empty() && to.starts_with('/') => {
            Ok(Bind { from: from.into(), to: to.into(), writable })
        }
        _ => Err("expected FROM:TO, TO from `/`, such as ./media:/media:rw".to_owned()),
    }
}

fn named_path(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), path.into())),
        _ => Err("expected NAME=PATH, such as app=../app".to_owned()),
    }
}
