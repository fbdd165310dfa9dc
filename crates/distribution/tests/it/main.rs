//! The client against a registry that fails as it is told to, and against the real one of Debian.
#![allow(missing_docs, clippy::disallowed_methods)]

mod attach;
mod auth;
mod fake;
mod pull;
mod push;
mod real;
mod support;
mod upload;
