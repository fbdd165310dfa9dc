//! What proves who asks. Knows how it is written into a header; its `Debug` shows nothing of it.

use std::fmt;

use data_encoding::BASE64;
use reqwest::header::HeaderValue;

/// Credentials.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Secret {
    /// User and password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token that is good for further tokens, by "Docker Registry v2 authentication using OAuth2".
    Identity(String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Secret::Basic { .. } => "Basic(..)",
            Secret::Identity(_) => "Identity(..)",
        })
    }
}

impl Secret {
    /// As container tools keep them: a user `<token>` means that the password is an identity token.
    pub(crate) fn of_pair(user: &str, password: &str) -> Self {
        match user {
            "<token>" => Self::Identity(password.to_owned()),
            user => Self::Basic { user: user.to_owned(), password: password.to_owned() },
        }
    }

    /// The value of an `Authorization` header (RFC 7617).
    pub(crate) fn header(user: &str, password: &str) -> HeaderValue {
        sensitive(&format!("Basic {}", BASE64.encode(format!("{user}:{password}").as_bytes())))
    }

    /// The same for a token (RFC 6750); `None` if it has characters that no token has.
    pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
        let is_token = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        is_token.then(|| sensitive(&format!("Bearer {token}")))
    }
}

fn sensitive(text: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(text).expect("visible ASCII is a header's value");
    value.set_sensitive(true);
    value
}
