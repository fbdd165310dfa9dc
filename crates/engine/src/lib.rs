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
mod job;
mod keys;
mod local;
mod local_folder;
mod locate;
mod lock_text;
mod make;
mod manifest;
mod near;
mod network;
mod node_inputs;
mod npmproject;
mod output_check;
mod pack;
mod part_digest;
mod patch;
mod perform;
mod record;
mod registries;
mod relative_path;
mod restore;
mod room;
mod root;
mod run;
mod schemarefs;
mod script_sandbox;
mod served;
mod shell;
mod stage_node;
mod started;
mod stray;
mod survey;
mod tree_name;
mod trees;
mod unmet_need;
mod uv_files;
mod view_problem;
mod why;
mod work;
mod would_run;

pub use akbuild_fetch::{Cancel, Registered};
pub use ask::command as registry_question;
pub use bill::{components, materials, stage_keys};
pub use downloads::{Downloads, downloads};
pub use engine::{Engine, Options, Parts};
pub use error::{EngineError, PatchError};
pub use estimate::{Estimate, estimate};
pub use event::{Event, Report, Sink, Status};
pub use graph::{Graph, Index, Node, NodeId};
pub use input::input_key;
pub use inspect::{SourceInspection, idle_patterns, inspect_sources};
pub use keys::{Outputs, manifest};
pub use make::source_addresses;
pub use manifest::Manifest;
pub use network::{Host, Network};
pub use node_inputs::Downloaded;
pub use record::{Recorder, record};
pub use registries::network;
pub use restore::{Lost, Restored, restore};
pub use run::{Outcome, make_one_sysroot, make_sysroots, prepare, run};
pub use shell::{Shell, shell};
pub use stray::StrayLink;
pub use survey::{Known, Survey, survey};
pub use unmet_need::{ElfNeed, UnmetNeed};
pub use view_problem::ViewProblem;
pub use why::{
    Cause, Explained, FieldChange, FileChange, Made, Package, Part, State, What, Why, changed_files, why_between,
};
pub use would_run::{Reasons, why, why_in_short};

/// What fuzzing reaches and nothing else should.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::goimports::head as go_head;
}
