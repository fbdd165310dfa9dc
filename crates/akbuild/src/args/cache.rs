//! `akbuild cache`, as it is written.

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
