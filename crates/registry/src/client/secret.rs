//! The secrets in a client's configuration, and the addresses they belong to. Must not depend on how requests carry them.

use std::fmt;

/// What proves who asks. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// User and password.
    Basic(String, String),
    /// User and password as they stand in a header: base64 of `user:password`.
    Encoded(String),
    /// A token.
    Bearer(String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Secret::Basic(..) => "Basic(..)",
            Secret::Encoded(_) => "Encoded(..)",
            Secret::Bearer(_) => "Bearer(..)",
        })
    }
}

/// A secret for the addresses of one host below one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthRule {
    /// Host, with `:port` where it is not the scheme's own.
    pub host: String,
    /// Path prefix, beginning and ending with `/`.
    pub path: String,
    /// The secret.
    pub secret: Secret,
}
