//! What was asked for and is not there. Knows the wording of it.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use akbuild_names::Ecosystem;

/// Something that was asked for and that no lock or pin names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// Whose package.
    pub ecosystem: Ecosystem,
    /// The package, with its version where the request had one: `left-pad@1.3.0`.
    pub name: String,
    /// The path that was asked for.
    pub request: String,
    /// What is wrong and what to do.
    pub advice: String,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.ecosystem.label(), self.advice)
    }
}

impl Miss {
    /// A package that nothing pins.
    pub(super) fn unpinned(ecosystem: Ecosystem, name: &str, request: &str) -> Self {
        let advice = match ecosystem {
            Ecosystem::Npm => {
                format!("{name} is in no locked package-lock.json; `akbuild lock` pins it once it is in one")
            }
            Ecosystem::Python => {
                format!("{name} is in neither uv.lock nor akbuild.lock; `akbuild lock` pins it, or `uv lock` upstream")
            }
            Ecosystem::Go => {
                format!(
                    "{name} is not among the modules that go.mod and go.sum pin; `akbuild lock` takes it once `go mod tidy` has added it"
                )
            }
            Ecosystem::Debian => format!("{name} is not served: the loopback registry has no Debian packages"),
        };
        Self { ecosystem, name: name.to_owned(), request: request.to_owned(), advice }
    }

    /// A package whose locked file is not on this machine.
    pub(super) fn unreadable(ecosystem: Ecosystem, name: &str, request: &str, error: &std::io::Error) -> Self {
        let advice = format!(
            "the locked file of {name} cannot be read: {error}; remove it from the store, and the next build fetches it again"
        );
        Self { ecosystem, name: name.to_owned(), request: request.to_owned(), advice }
    }
}

/// All misses so far, each once.
#[derive(Debug, Default)]
pub(super) struct Misses(Mutex<Vec<Miss>>);

impl Misses {
    pub(super) fn all(&self) -> Vec<Miss> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn add(&self, miss: &Miss) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(miss) {
            all.push(miss.clone());
        }
    }
}
