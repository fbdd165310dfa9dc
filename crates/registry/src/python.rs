//! `uv.lock`: which files `uv sync --frozen` asks for, and the lock as a stage sees it. The parts
//! are Python's own rules (versions, markers, tags) and uv's format and choices.

mod lock;
mod marker;
mod rewrite;
mod select;
mod settings;
mod tags;
mod toml;
mod version;
mod walk;

pub use lock::PythonLock;
pub use select::{GitDependency, LocalMember, PythonSelection, PythonWant, SourceBuild};
pub use tags::{Tags, WheelName};
pub use version::{Specifiers, Version};

/// A project's or an extra's name as PEP 503 normalises it: lower case, runs of `-`, `_` and `.` as
/// one `-`.
pub fn normalise(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.push(c.to_ascii_lowercase()),
        }
    }
    out
}
