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
mod ecosystem;
mod engine;
mod error;
mod event;
mod fetch_node;
mod graph;
mod keys;
mod lock_reader;
mod make;
mod near;
mod network;
mod node_inputs;
mod perform;
mod record;
mod registries;
mod relative_path;
mod restore;
mod room;
mod root;
mod run;
mod script_sandbox;
mod served;
mod stage;
mod started;
mod survey;
mod tree_name;
mod unmet_need;
mod view;
mod why;

pub use akbuild_fetch::{Cancel, Registered};
pub use bill::{components, materials, stage_keys};
pub use engine::{Engine, Options, Parts};
pub use error::{EngineError, PatchError};
pub use event::{Event, Report, Sink, Status};
pub use graph::{Graph, Index, Node, NodeId};
pub use keys::manifest::Manifest;
pub use keys::view_problem::ViewProblem;
pub use keys::{Outputs, manifest};
pub use make::source_addresses;
pub use network::{Host, Network};
pub use node_inputs::Downloaded;
pub use record::{Recorder, record};
pub use registries::network;
pub use restore::{Lost, Restored, restore};
pub use run::{Outcome, make_one_sysroot, make_sysroots, prepare, run};
pub use stage::shell::{Shell, shell};
pub use stage::stray::StrayLink;
pub use started::Start;
pub use survey::downloads::{Downloads, downloads};
pub use survey::estimate::{Estimate, estimate};
pub use survey::input::input_key;
pub use survey::inspect::{SourceInspection, idle_patterns, inspect_sources};
pub use survey::would_run::{Reasons, why, why_in_short};
pub use survey::{Known, Survey, survey};
pub use unmet_need::{ElfNeed, UnmetNeed};
pub use why::{
    Cause, Explained, FieldChange, FileChange, Made, Package, Part, State, What, Why, changed_files, why_between,
};

/// What fuzzing reaches and nothing else should.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::ecosystem::go::imports::head as go_head;
}
