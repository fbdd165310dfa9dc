//! `uv.lock`: which files `uv sync --frozen` asks for, and the lock as a stage sees it. The parts
//! are Python's own rules (versions, markers, tags) and uv's format and choices.

mod choice_problem;
mod choices;
mod client;
mod condition;
mod edit;
mod environment;
mod lock;
mod manifest;
mod marker;
mod project;
mod project_facts;
mod python_version;
mod rewrite;
mod select;
mod settings;
mod sync_choice;
mod tags;
mod toml;
mod walk;
mod walk_conditions;

pub use choice_problem::ChoiceProblem;
pub use choices::BuildChoices;
pub use client::ClientSettings;
pub use lock::PythonLock;
pub use project::rewrite_project;
pub use select::{GitDependency, LocalFile, LocalMember, PythonSelection, PythonWant, SourceBuild};
pub use tags::{Tags, WheelName};
