//! The configuration of the ecosystems' clients on a machine, as far as all clients share it: the machine itself, secrets,
//! file formats, and the result of reading them. Must not depend on an ecosystem or on a network.

pub(crate) mod configuration;
pub(crate) mod error;
pub(crate) mod ini;
pub(crate) mod machine;
pub(crate) mod secret;
