//! The executor: carries out a plan, each node once, in an order that the graph allows.
//!
//! `graph` is the shape. `freshness` says which nodes are fresh before anything runs, by their `keys`. `run` is the loop and
//! `perform` one node of it; `source`, `sysroot`, `tool`, `fetch_node` and `stage` make the nodes of each kind. `why` explains
//! what ran, and `bill` lists what ships, both from what the others leave. Must not depend on the text of recipes, on stage
//! kinds or on a terminal: the engine takes a plan and emits events.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests make the trees that they look at"))]

mod artifacts;
mod ask;
mod bill;
mod bring;
mod check;
mod context;
mod download;
mod ecosystem;
mod error;
mod event;
mod fetch_node;
mod freshness;
mod graph;
mod keys;
mod lock_reader;
mod near;
mod network;
mod node_input_name;
mod node_inputs;
mod perform;
mod registries;
mod relative_path;
mod restore;
mod room;
mod root;
mod run;
mod run_reason;
mod script_sandbox;
mod served;
mod side_sandbox;
mod source;
mod stage;
mod sysroot;
mod tool;
mod tree_name;
mod unmet_need;
mod why;

pub use akbuild_fetch::{Cancel, Registered};
pub use bill::{components, materials, stage_keys};
pub use context::{ContextParts, EngineContext, Options};
pub use ecosystem::locations;
pub use ecosystem::python::index_pages;
pub use error::{EngineError, PatchError};
pub use event::{Event, Report, Sink, Status};
pub use freshness::downloads::{Downloads, downloads};
pub use freshness::estimate::{Estimate, estimate};
pub use freshness::input::input_key;
pub use freshness::inspect::{SourceInspection, idle_patterns, inspect_sources};
pub use freshness::would_run::{Reasons, why, why_in_short};
pub use freshness::{Freshness, Known, freshness};
pub use graph::{Graph, Index, Node, NodeId};
pub use keys::manifest::Manifest;
pub use keys::manifest_field::ManifestField;
pub use keys::view_problem::ViewProblem;
pub use keys::{Outputs, manifest};
pub use network::{Host, Network};
pub use node_input_name::NodeInputName;
pub use node_inputs::Downloaded;
pub use registries::network;
pub use restore::{Lost, Restored, restore};
pub use run::{Outcome, make_one_sysroot, make_sysroots, prepare, run};
pub use run_reason::RunReason;
pub use side_sandbox::{image_sandbox, sysroot_sandbox};
pub use source::pin::{pin_archive, pin_commit};
pub use stage::shell::{Shell, shell};
pub use stage::stray::StrayLink;
pub use unmet_need::{ElfNeed, UnmetNeed};
pub use why::{
    Cause, Explained, FieldChange, FileChange, Made, Package, Part, State, What, Why, changed_files, why_between,
};

/// What fuzzing reaches and nothing else should.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::ecosystem::go::imports::head as go_head;
}
