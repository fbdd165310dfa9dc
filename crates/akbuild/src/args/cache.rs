//! `akbuild cache`, as it is written.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::amount;

#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// List what is in the store
    Ls {
        /// Only what was made for nodes called so; `*` and `?` match as in a shell
        #[arg(long, value_name = "GLOB")]
        stage: Option<String>,
        /// Only what was made for this project
        #[arg(long, value_name = "NAME")]
        project: Option<String>,
        /// List downloads instead of trees
        #[arg(long)]
        blobs: bool,
        /// By what to sort
        #[arg(long, value_name = "BY", default_value = "used")]
        sort: Order,
    },
    /// Show all that is known of something: its manifest, inputs, users, and how it was made
    Show {
        /// A stage, `STAGE~1` for the one before, a link such as ./result, or the beginning of a hash
        #[arg(required = true, value_name = "WHAT")]
        what: Vec<String>,
        /// List the downloads that it could use
        #[arg(long)]
        artifacts: bool,
    },
    /// List the files of an output
    Tree {
        /// A stage, `STAGE~1` for the one before, a link such as ./result, or the beginning of a hash
        what: String,
        /// Only what is at and below this path of it
        path: Option<PathBuf>,
        /// At most so many folders deep
        #[arg(long, value_name = "N")]
        depth: Option<usize>,
    },
    /// Say how two runs differ, in what went in and what came out, or how two trees do
    Diff {
        /// A stage, `STAGE~1` for the run before, a link such as ./result, or the beginning of a hash
        old: String,
        /// What it is compared with, named in the same way
        new: String,
        /// Show of so many files how they differ
        #[arg(long, value_name = "N", default_value = "5")]
        files: usize,
    },
    /// Hash everything in the store again, and say what is not as it was; ends with 3 if something is wrong
    Verify {
        /// Remove what is damaged, and make it again as far as the recipe here names it
        #[arg(long)]
        repair: bool,
        /// Make the index again from the folders of the store
        #[arg(long)]
        reindex: bool,
    },
    /// Print a file of an output
    Cat {
        /// A stage, `STAGE~1` for the one before, a link such as ./result, or the beginning of a hash
        what: String,
        /// The file's path in it
        path: PathBuf,
    },
    /// Say how much room everything takes on the disk; what is shared is counted once
    Du,
    /// Write stages and all that they need to be built again into one file, for a machine without a network
    Export {
        /// Stages, `*` and `?` match as in a shell; or what `cache show` takes [default: the recipe's targets]
        #[arg(value_name = "STAGE")]
        what: Vec<String>,
        /// The file; `-` is stdout
        #[arg(long, short, value_name = "FILE", default_value = "-")]
        output: PathBuf,
        /// Only what the stages made, not what they need
        #[arg(long)]
        outputs_only: bool,
    },
    /// Read what `cache export` wrote; everything is checked first, what is there is passed over
    Import {
        /// The file; `-` is stdin
        file: PathBuf,
    },
    /// Remove what nothing keeps, but for the last 2 GB of it
    ///
    /// Kept are outputs that links such as ./result lead to, all that the last builds used, and what running
    /// processes use. Builds may run meanwhile.
    Gc(Gc),
}

/// Which part of what nothing keeps goes.
#[derive(Debug, Args)]
pub(crate) struct Gc {
    /// Keep what the last N successful builds of each set of targets used
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) keep: usize,
    /// Only what was not used for so long, such as 12h, 30d or 2w
    #[arg(long, value_name = "AGE", value_parser = amount::age)]
    pub(crate) older_than: Option<Duration>,
    /// Only what was used longest ago, until the store is as small as this, such as 500MB or 1.5GiB
    #[arg(long, value_name = "SIZE", value_parser = amount::size)]
    pub(crate) max_size: Option<u64>,
    /// Leave at least this much [default: 2GB, or --max-size if that is less]
    #[arg(long, value_name = "SIZE", value_parser = amount::size)]
    pub(crate) floor: Option<u64>,
    /// Remove nothing; say what would go, what would stay, and why
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// The last used first
    Used,
    /// The newest first
    Age,
    /// The largest first
    Size,
    /// By name
    Stage,
}
