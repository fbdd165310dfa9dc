//! The client against a registry that fails as it is told to, and against the real one of Debian.
#![allow(missing_docs, clippy::disallowed_methods)]

mod attach;
mod auth;
mod chunks;
mod fake;
mod presence;
mod pull;
mod push;
mod real;
mod redirects;
mod support;
mod upload;
