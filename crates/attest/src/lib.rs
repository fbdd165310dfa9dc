//! What an image is made of, as documents: CycloneDX and SLSA provenance.
//!
//! [`sbom`] writes a CycloneDX 1.6 bill of materials, [`Provenance::to_json`] an in-toto Statement v1 with SLSA provenance
//! v1. Both say what they are told, by locks and manifests: nothing here walks an image and guesses. What a lock does
//! not know is read from where it is written down: [`go::binary`] (the modules inside a program), [`debian::licences`],
//! [`python::metadata`], and [`go::vendored`] (licence texts).
//!
//! The same input gives the same bytes. Knows those formats; no store, no engine, no clock and no network.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests make the trees that they look at"))]

mod address;
mod component;
mod cyclonedx;
pub mod debian;
mod error;
pub mod go;
mod licence;
mod licence_text;
mod material;
mod origin;
mod provenance;
mod purl;
pub mod python;
mod sbom;
mod spdx;
mod statement;
mod timestamp;

pub use component::{Component, ComponentKind, Project, Ships};
pub use error::{ProvenanceError, SbomError};
pub use licence::Licence;
pub use material::{DigestSet, Item, Material};
pub use origin::Origin;
pub use provenance::{BUILD_TYPE, Builder, External, Internal, Provenance, ReplacedSource, Run};
pub use purl::Purl;
pub use sbom::sbom;
pub use timestamp::Timestamp;
