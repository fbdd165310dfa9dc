//! The commands, one file each.

pub(crate) mod build;
pub(crate) mod cache;
mod check;
pub(crate) mod doctor;
mod explain;
pub(crate) mod graph;
pub(crate) mod image;
pub(crate) mod lock;
pub(crate) mod log;
mod look;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod shell;
pub(crate) mod smoke;
pub(crate) mod trace;
pub(crate) mod update;
pub(crate) mod why;
