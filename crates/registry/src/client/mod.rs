//! How the clients of ecosystems are configured on a machine, as far as all of them have it in common: where their files
//! are, which secrets they name, and what a reader of them returns. Must not depend on an ecosystem or on a network.

pub(crate) mod configuration;
pub(crate) mod error;
pub(crate) mod ini;
pub(crate) mod machine;
pub(crate) mod secret;
