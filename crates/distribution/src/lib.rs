//! Pushing to and pulling from container registries, by the OCI distribution specification 1.1.
//!
//! Knows the registry's protocol, its ways of asking who calls, and where container tools keep credentials.
//! Knows nothing of how an image is made, of recipes or of terminals; reads no environment, prints nothing and
//! starts no program: what the machine says, and what runs its credential helpers, is handed in with the
//! [`Keyring`].
//!
//! ```text
//! Machine -> Keyring -> Client --push--> Pushed      Image: manifest, config and layers, as files
//!                              --attach-> Attached   Artifact: one file that says something of an image
//!                              --pull--> Pulled      a folder in the OCI image layout
//! ```
//!
//! A digest is an [`akbuild_nar::Digest`] and a descriptor an [`akbuild_image::Descriptor`]; registries are told digests
//! in the form of [`akbuild_nar::Digest::oci`].
//!
//! Every method may be dropped while it runs: what a registry has by then stays there and is found by the next
//! push, and a half-written download is gone on with by the next pull. A tag is written last of all.

mod adapt;
mod answered;
mod attach;
mod auth;
mod blocking;
mod call;
mod client;
mod config;
mod context;
mod download;
mod error;
mod event;
mod folder;
mod habits;
mod image;
mod keyring;
mod manifest;
mod mount;
mod page;
mod part;
mod partial;
mod piece;
mod presence;
mod pull;
mod push;
mod redirect;
mod reference;
mod referrers;
mod refusal;
mod repository;
mod retry;
mod said;
mod transport;
mod trouble;
mod upload;
mod upload_state;

pub use attach::{Artifact, Attached, ListedBy};
pub use client::Client;
pub use config::ClientConfig;
pub use error::DistributionError;
pub use event::{Event, Moved, Report};
pub use image::{Blob, Content, Image};
pub use keyring::{HelperAnswer, Keyring};
pub use pull::{PullOptions, Pulled};
pub use push::{Amount, PushOptions, Pushed, TagWas};
pub use reference::{Reference, ReferenceError};
pub use refusal::Refusal;
pub use said::Said;
