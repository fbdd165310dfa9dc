//! Requests for packages that are not there. Must not depend on an ecosystem: each words its own advice.

use std::fmt;
use std::io::Error;
use std::sync::{Mutex, PoisonError};

use akbuild_names::Ecosystem;

use crate::protocol::RegistryProtocol;

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
    pub(super) fn unpinned(protocol: &RegistryProtocol, name: &str, request: &str) -> Self {
        Self::new(protocol, name, request, (protocol.unpinned)(name))
    }

    /// A package whose locked file is not on this machine.
    pub(super) fn unreadable(protocol: &RegistryProtocol, name: &str, request: &str, error: &Error) -> Self {
        let advice = format!(
            "the locked file of {name} cannot be read: {error}; remove it from the store, and the next build fetches it again"
        );
        Self::new(protocol, name, request, advice)
    }

    fn new(protocol: &RegistryProtocol, name: &str, request: &str, advice: String) -> Self {
        Self { ecosystem: protocol.ecosystem, name: name.to_owned(), request: request.to_owned(), advice }
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
