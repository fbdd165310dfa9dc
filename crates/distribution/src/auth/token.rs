//! Getting a token: "Token Authentication" and "OAuth2" of the CNCF's registry. Knows the server that gives
//! tokens; not what they are good for.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use url::Url;

use super::scope::Scopes;
use crate::Refusal;
use crate::call::{Body, Call};
use crate::keyring::Secret;
use crate::retry::{may_pass, retry_after};
use crate::transport::{Transport, read_all};
use crate::trouble::Trouble;

/// How the client names itself to a server that gives tokens.
const CLIENT: &str = "akbuild";
/// How long a token is good for if the server does not say.
const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// The longest answer.
const LONGEST: usize = 1 << 20;

/// A server that gives tokens, and what for.
#[derive(Clone, Debug)]
pub(super) struct TokenServer {
    pub(super) realm: String,
    pub(super) service: Option<String>,
}

/// A token in the form of a header.
pub(super) struct Token {
    pub(super) header: HeaderValue,
    /// When to get another one: well before it ends.
    pub(super) until: Instant,
}

/// What came of asking for one.
pub(super) enum Granted {
    Token(Token),
    /// Not to whoever asks so.
    Denied(Refusal),
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl TokenServer {
    /// Asks for a token. Without credentials it may still be had, for what everybody may do.
    pub(super) async fn token(
        &self,
        transport: &Transport,
        scopes: &Scopes,
        secret: Option<&Secret>,
    ) -> Result<Granted, Trouble> {
        let odd = |problem: &str| Trouble::Odd { at: self.realm.clone(), problem: problem.to_owned() };
        let url = Url::parse(&self.realm).map_err(|_| odd("names no address to get a token from"))?;
        let at = akbuild_fetch::redact(&url);
        if !transport.is_allowed(&url) {
            return Err(Trouble::Plain { to: at });
        }
        let (call, header) = self.call(url, scopes, secret);
        let mut answer = transport.send(&call, header.as_ref(), &|_| {}).await.map_err(|e| e.trouble(&at))?;
        let status = answer.status();
        if !status.is_success() {
            let wait = retry_after(answer.headers());
            let refusal = Refusal::read(answer, transport.patience()).await;
            return match status.as_u16() {
                400 | 401 | 403 => Ok(Granted::Denied(refusal)),
                _ if may_pass(status) => {
                    Err(Trouble::Passing { at, reason: refusal.line(), wait, refusal: Some(refusal) })
                }
                _ => Err(Trouble::Refused { at, refusal }),
            };
        }
        let body = read_all(&mut answer, LONGEST, transport.patience()).await.map_err(|e| e.trouble(&at))?;
        let found: Option<Answer> = serde_json::from_slice(&body).ok();
        let token = found.as_ref().and_then(|a| a.token.as_ref().or(a.access_token.as_ref()));
        let header = token.and_then(|token| Secret::bearer(token));
        let header = header.ok_or_else(|| Trouble::Odd { at, problem: "holds no token".to_owned() })?;
        let life = found.and_then(|a| a.expires_in).filter(|s| *s > 0).map_or(DEFAULT_LIFE, Duration::from_secs);
        // A year is as good as for ever, and cannot overflow.
        let until = Instant::now() + life.min(Duration::from_secs(365 * 86400)) * 3 / 4;
        Ok(Granted::Token(Token { header, until }))
    }

    /// The request, and the header that shows who asks.
    fn call(&self, mut url: Url, scopes: &Scopes, secret: Option<&Secret>) -> (Call, Option<HeaderValue>) {
        if let Some(Secret::Identity(token)) = secret {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token);
            form.append_pair("client_id", CLIENT).append_pair("scope", &scopes.to_string());
            form.append_pair("service", self.service.as_deref().unwrap_or_default());
            let call = Call::new(Method::POST, url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            return (call.body(Body::Bytes(form.finish().into_bytes())), None);
        }
        let service = self.service.iter().map(|service| ("service", service.clone()));
        url.query_pairs_mut().extend_pairs(service.chain(scopes.each().map(|scope| ("scope", scope))));
        let header = match secret {
            Some(Secret::Basic { user, password }) => Some(Secret::header(user, password)),
            _ => None,
        };
        (Call::new(Method::GET, url), header)
    }
}
