//! The executor: carries out a plan, each node once, in an order that the graph allows.
//!
//! `graph` is the shape, `survey` what is known before anything runs, `keys` and `manifest` what
//! decides whether something has to, `run` the loop, `perform` one node, `make` and `exec` the work
//! itself. Knows no recipe text, no stage kind and no terminal: it takes a plan and emits events.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests make the trees that they look at"))]

mod artifacts;
mod ask;
mod bill;
mod check;
mod compose;
mod downloads;
mod elf;
mod engine;
mod entry;
mod error;
mod estimate;
mod event;
mod exec;
mod fetch_node;
mod file_view;
mod go_modules;
mod goimports;
mod graph;
mod input;
mod inspect;
mod keys;
mod local;
mod locate;
mod make;
mod manifest;
mod near;
mod network;
mod node_inputs;
mod npmproject;
mod pack;
mod patch;
mod perform;
mod record;
mod restore;
mod room;
mod root;
mod run;
mod schemarefs;
mod served;
mod shell;
mod started;
mod stray;
mod survey;
mod trees;
mod uv_files;
mod view;
mod view_problem;
mod why;
mod work;

pub use akbuild_fetch::{Cancel, Registered};
pub use ask::{command as registry_question, network};
pub use bill::{components, materials, stage_keys};
pub use downloads::{Downloads, downloads};
pub use elf::{ElfNeed, UnmetNeed};
pub use engine::{Engine, Options, Parts};
pub use error::{EngineError, PatchError};
pub use estimate::{Estimate, estimate};
pub use event::{Event, Report, Sink, Status};
pub use graph::{Graph, Index, Node, NodeId};
pub use input::input_key;
pub use inspect::{SourceInspection, idle_patterns, inspect_sources};
pub use keys::Outputs;
pub use make::source_addresses;
pub use manifest::Manifest;
pub use network::{Host, Network};
pub use node_inputs::Downloaded;
pub use record::Recorder;
pub use restore::{Lost, Restored, restore};
pub use run::{Outcome, make_one_sysroot, make_sysroots, prepare, run};
pub use shell::{Shell, shell};
pub use started::Start;
pub use stray::StrayLink;
pub use survey::{Known, Survey, manifest, survey};
pub use view_problem::ViewProblem;
pub use why::{
    Cause, Explained, FieldChange, FileChange, Made, Package, Part, Reasons, State, What, Why, changed_files, why,
    why_between, why_in_short,
};

/// What fuzzing reaches and nothing else should.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::goimports::head as go_head;
}
