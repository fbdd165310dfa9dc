//! A build's timeline as a value, and pictures of it: [`chrome`] for trace viewers, [`page`] for a browser.
//!
//! Knows what a node of a build is, when it began and how it ended. Knows no engine, no store and no terminal: the
//! timeline is handed in, text is handed out.

mod chrome;
mod critical;
mod graph;
mod lanes;
mod page;
#[cfg(test)]
mod testing;
mod timeline;

pub use chrome::chrome;
pub use critical::critical_path;
pub use page::page;
pub use timeline::{Node, NodeKind, Phase, Sample, Timeline};
