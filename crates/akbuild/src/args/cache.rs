//! `akbuild cache`, as it is written.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

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
    /// Print a file of an output
    Cat {
        /// A stage, `STAGE~1` for the one before, a link such as ./result, or the beginning of a hash
        what: String,
        /// The file's path in it
        path: PathBuf,
    },
    /// Say how much room everything takes on the disk; what is shared is counted once
    Du,
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
