//! `uv.lock`: which files `uv sync --frozen` asks for, and the lock as a stage sees it. The parts
//! are Python's own rules (versions, markers, tags) and uv's format and choices.

mod lock;
mod marker;
mod rewrite;
mod select;
mod settings;
mod tags;
mod toml;
mod walk;

pub use lock::PythonLock;
pub use select::{GitDependency, LocalMember, PythonSelection, PythonWant, SourceBuild};
pub use tags::{Tags, WheelName};
