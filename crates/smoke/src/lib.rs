//! An image, started for real: its own file system in a sandbox for each process, beside the services that it needs,
//! and then asked whether it works.
//!
//! Knows processes, ports and pages. Knows nothing of stages, stores or terminals: it is given folders, and the
//! sandbox of each service; it gives back a report, with the first thing that was found wrong.
//!
//! Every process has a network of its own, with loopback only. The ports of services are listened on in each of
//! them, and connections are passed on to the service by this process, which is the only one that reaches all.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests make the trees that they look at"))]

mod address;
mod cause;
mod course;
mod crash;
mod error;
mod forward;
mod http;
mod line;
mod page;
mod pages;
mod process;
mod report;
mod run;
mod smoking;
mod steps;

pub use error::SmokeError;
pub use report::{Done, Finding, Memory, MemoryScope, Report};
pub use smoking::{Event, Smoking};
