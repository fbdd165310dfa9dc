//! One repository of a registry, as somebody who may do something there. Knows addresses, who asks, and the
//! trying again; not what an answer is for.

use reqwest::header::LOCATION;
use reqwest::{Response, StatusCode};
use url::Url;

use crate::auth::{Scopes, Want};
use crate::call::Call;
use crate::context::ClientContext;
use crate::event::Report;
use crate::habits::RegistryHabits;
use crate::redirect::resolve_location;
use crate::retry::{Tries, may_pass, retry_after};
use crate::trouble::Trouble;
use crate::{DistributionError, Event, Reference, Refusal};

/// How often one request may be answered with 401: a token may end, and it may have to be good for more.
const CHALLENGES: u32 = 2;

/// What is to be done with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Pull,
    Push,
}

impl Reference {
    /// What the registry is asked for: the digest goes before the tag, since it says more.
    pub(crate) fn which(&self) -> Result<String, DistributionError> {
        let digest = self.digest().map(|d| d.oci());
        let which = digest.or_else(|| self.tag().map(str::to_owned));
        which.ok_or_else(|| DistributionError::NoTag { reference: self.to_string() })
    }
}

/// A repository.
pub(crate) struct Repository<'a> {
    pub(crate) context: &'a ClientContext,
    pub(crate) reference: &'a Reference,
    pub(crate) report: Report<'a>,
    pub(crate) want: Want,
    pub(crate) habits: RegistryHabits,
    base: String,
}

impl<'a> Repository<'a> {
    pub(crate) async fn new(
        context: &'a ClientContext,
        reference: &'a Reference,
        access: Access,
        report: Report<'a>,
    ) -> Self {
        let actions: &[&str] = if access == Access::Pull { &["pull"] } else { &["pull", "push"] };
        let (host, name) = (reference.host().to_owned(), reference.name().to_owned());
        let scopes = Scopes::default().with(&name, actions);
        let base = context.transport.base(&host).await;
        let habits = RegistryHabits::default();
        Self { context, reference, report, want: Want { host, name, scopes }, habits, base }
    }

    /// Repository and registry in one word.
    pub(crate) fn name(&self) -> String {
        self.reference.repository()
    }

    /// A tag or digest of the repository, as a person writes it.
    pub(crate) fn called(&self, which: &str) -> String {
        format!("{}{}{which}", self.name(), if which.contains(':') { '@' } else { ':' })
    }

    /// The host, for messages.
    pub(crate) fn at(&self) -> String {
        self.reference.host().to_owned()
    }

    /// The address of something in the repository: `blobs/sha256:…`.
    pub(crate) fn url(&self, path: &str) -> Result<Url, DistributionError> {
        let text = format!("{}{}/{path}", self.base, self.reference.name());
        let problem = |e| format!("cannot be had: `{text}` is no address ({e})");
        Url::parse(&text).map_err(|e| DistributionError::Protocol {
            doing: format!("ask {}", self.at()),
            at: self.at(),
            problem: problem(e),
        })
    }

    /// Sends a request once; what may pass is a trouble, everything else an answer. `sent` is called with the number of bytes of
    /// the body that are gone; it begins again when the body is sent again.
    pub(crate) async fn send(
        &self,
        call: &Call,
        want: &Want,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Response, Trouble> {
        let (auth, transport) = (&self.context.auth, &self.context.transport);
        let at = akbuild_fetch::redact(&call.url);
        let own = self.is_own(&call.url);
        let mut pass = if own { auth.pass(transport, want).await? } else { None };
        for challenges in 0.. {
            let header = pass.as_ref().map(|p| &p.header);
            let answer = transport.send(call, header, sent).await.map_err(|e| e.trouble(&at))?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            // Whoever was sent on to is not told who asks, and has no say in who is told.
            if status == StatusCode::UNAUTHORIZED && own && self.is_own(answer.url()) {
                let refusal = Refusal::read(answer, transport.patience()).await;
                if challenges >= CHALLENGES {
                    return Err(auth.rejected(want, &refusal));
                }
                pass = Some(auth.renew(transport, want, pass.as_ref(), &headers, &refusal).await?);
                continue;
            }
            if !may_pass(status) {
                return Ok(answer);
            }
            let refusal = Refusal::read(answer, transport.patience()).await;
            if refusal.is_full() {
                return Err(Trouble::Refused { at, refusal });
            }
            let (reason, wait) = (refusal.line(), retry_after(&headers));
            return Err(Trouble::Passing { at, reason, wait, refusal: Some(refusal) });
        }
        unreachable!("the number of challenges has a limit")
    }

    /// Sends a request as often as it takes, and reads the answer. `doing` says in an error what could not be done.
    pub(crate) async fn ask<T>(
        &self,
        call: &Call,
        doing: &str,
        read: impl AsyncFn(Response) -> Result<T, Trouble>,
    ) -> Result<T, DistributionError> {
        let mut tries = Tries::new(&self.context.config);
        loop {
            let outcome = match self.send(call, &self.want, &|_| {}).await {
                Ok(answer) => read(answer).await,
                Err(trouble) => Err(trouble),
            };
            match outcome {
                Ok(read) => return Ok(read),
                Err(trouble) => self.wait(trouble, &mut tries, doing).await?,
            }
        }
    }

    /// Waits until it makes sense to try again; an error if it does not.
    pub(crate) async fn wait(&self, trouble: Trouble, tries: &mut Tries, doing: &str) -> Result<(), DistributionError> {
        let Trouble::Passing { wait: asked, reason, .. } = &trouble else { return Err(self.error(trouble, doing)) };
        let Some((attempt, wait)) = tries.next(*asked) else { return Err(self.error(trouble, doing)) };
        (self.report)(Event::Retry { what: doing.to_owned(), attempt, wait, reason: reason.clone() });
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// What is told when nothing more is tried.
    pub(crate) fn error(&self, trouble: Trouble, doing: &str) -> DistributionError {
        trouble.error(doing, self.context.auth.from(&self.want))
    }

    /// What an answer that is no success says.
    pub(crate) async fn refusal(&self, answer: Response) -> Refusal {
        Refusal::read(answer, self.context.transport.patience()).await
    }

    /// An answer that is no success, as a trouble.
    pub(crate) async fn refused(&self, answer: Response) -> Trouble {
        let at = akbuild_fetch::redact(answer.url());
        Trouble::Refused { at, refusal: self.refusal(answer).await }
    }

    /// Where an answer sends to; `None` if it does not.
    pub(crate) fn location(&self, answer: &Response) -> Result<Option<Url>, Trouble> {
        let Some(text) = answer.headers().get(LOCATION).and_then(|v| v.to_str().ok()) else { return Ok(None) };
        let odd = || Trouble::Odd { at: self.at(), problem: "sends to something that is no address".to_owned() };
        let own = Url::parse(&self.base).ok();
        let url = own.and_then(|own| resolve_location(&own, answer.url(), text)).ok_or_else(odd)?;
        match self.context.transport.is_allowed(&url) {
            true => Ok(Some(url)),
            false => Err(Trouble::Plain { to: akbuild_fetch::redact(&url) }),
        }
    }

    /// Whether an address is the registry's own: no other one is shown who asks.
    fn is_own(&self, url: &Url) -> bool {
        Url::parse(&self.base).is_ok_and(|own| own.origin() == url.origin())
    }
}
