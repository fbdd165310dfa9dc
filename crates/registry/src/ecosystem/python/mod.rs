//! `uv.lock`: which files `uv sync --frozen` asks for, and the lock as a stage sees it; and the index that serves them. The
//! parts are Python's own rules (versions, markers, tags, the simple API) and uv's format and choices.

mod choice_problem;
mod choices;
mod client;
mod condition;
mod configuration;
mod dependency;
mod edit;
mod environment;
mod index_page;
mod lock;
mod manifest;
mod marker;
mod pages;
mod project;
mod project_facts;
mod python_version;
mod rewrite;
mod select;
mod selection;
mod settings;
mod shelf;
pub mod simple;
mod sync_choice;
mod tags;
mod toml;
mod walk;
mod walk_conditions;

pub use choice_problem::ChoiceProblem;
pub use choices::BuildChoices;
pub use client::ClientSettings;
pub(super) use configuration::CLIENT;
pub use index_page::{IndexLink, LONGEST_INDEX_PAGE, index_links};
pub use lock::PythonLock;
pub use project::rewrite_project;
pub use selection::{GitDependency, LocalFile, LocalMember, PythonSelection, PythonWant, SourceBuild};
pub(super) use shelf::PROTOCOL;
pub use simple::IndexFile;
pub use tags::{Tags, WheelName};
