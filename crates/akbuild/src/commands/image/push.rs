//! Pushing an image to a registry. The documents that go with it are attached in `attach.rs`.

use std::collections::HashMap;
use std::sync::Mutex;

use akbuild_distribution::{
    Amount, Client, ClientConfig, Event, HelperAnswer, Image, Keyring, PushOptions, Pushed, Reference, TagWas,
};
use akbuild_image::Layout;
use akbuild_nar::Digest;
use serde_json::{Value, json};

use super::attach::{self, AttachedDocuments};
use super::documents::Documents;
use crate::args::Image as Wanted;
use crate::failure::{Failure, Outcome};
use crate::machine;
use crate::session::Session;
use crate::ui::{count, size, size_of};

/// The namespace of the memo table in which it stands where a registry has a blob.
const SEEN: &str = "pushed-v1";
/// The variables that credentials may be in.
pub(super) const USER: &str = "AKBUILD_REGISTRY_USER";
pub(super) const PASSWORD: &str = "AKBUILD_REGISTRY_PASSWORD";
/// The host that they are for; any, if it is not set.
const HOST: &str = "AKBUILD_REGISTRY";

/// What was pushed.
pub(super) struct Done {
    pushed: Pushed,
    to: Reference,
    /// The reference with the digest: what a deployment should name.
    pub(super) whole: String,
    documents: AttachedDocuments,
}

impl Done {
    pub(super) fn json(&self) -> Value {
        let amount = |amount: Amount| json!({"blobs": amount.blobs, "bytes": amount.bytes});
        let tag = match self.pushed.tag {
            TagWas::Unnamed => "none",
            TagWas::Absent => "new",
            TagWas::Same => "same",
            TagWas::Other(_) => "moved",
        };
        json!({
            "reference": self.to.to_string(), "whole": self.whole, "tag": tag,
            "uploaded": amount(self.pushed.uploaded), "mounted": amount(self.pushed.mounted),
            "present": amount(self.pushed.present),
            "attached": self.documents.attached(), "missing": self.documents.missing(),
        })
    }
}

/// A reference that was filled in.
pub(super) fn parse(text: &str) -> Outcome<Reference> {
    let reference: Reference = text.parse()?;
    if reference.tag().is_none() && reference.digest().is_none() {
        let message = format!("`{text}` has no tag");
        return Err(Failure::Say(format!(
            "{message}\n  help: write `{text}:TAG`, such as `{text}:v{{version}}-{{git:7}}`"
        )));
    }
    Ok(reference)
}

/// A client of a registry with this machine's credentials, which tries again so often.
pub(in crate::commands) fn client(
    session: &Session,
    registry: &Reference,
    plain_http: &[String],
    retries: u32,
) -> Outcome<Client> {
    let env = &session.machine.env;
    let meant = env.get(HOST).is_none_or(|host| host.is_empty() || host == registry.host());
    let pair = env.get(USER).cloned().zip(env.get(PASSWORD).cloned()).filter(|_| meant);
    let keyring = Keyring::new(&session.machine).given(&format!("`{USER}` and `{PASSWORD}`"), pair);
    let keyring = keyring.helpers(|program, input| {
        machine::helper(program, input).map(|(success, stdout, stderr)| HelperAnswer { success, stdout, stderr })
    });
    let config = ClientConfig { plain_http: plain_http.to_vec(), retries, ..ClientConfig::default() };
    Ok(Client::new(config, keyring)?)
}

/// Fails if it cannot be pushed to for want of a registry or of credentials: that is to be known before anything is built.
pub(super) fn try_out(session: &Session, to: &Reference, wanted: &Wanted) -> Outcome {
    if session.is_offline() {
        let message = format!("`{to}` cannot be pushed to with `--offline`");
        return Err(Failure::Say(format!("{message}\n  help: leave one of the two out")));
    }
    let client = client(session, to, &wanted.plain_http, 2)?;
    session.interruptible(client.may_push(to))??;
    Ok(())
}

/// Pushes an image, and attaches its documents.
pub(super) fn push(
    session: &Session,
    layout: &Layout,
    to: &Reference,
    wanted: &Wanted,
    documents: Option<&Documents>,
) -> Outcome<Done> {
    let client = client(session, to, &wanted.plain_http, ClientConfig::default().retries)?;
    let image = Image::from(layout);
    let options = PushOptions { force: wanted.force, mount_from: seen(session, layout, to)?, ..PushOptions::default() };
    let progress = Progress::new(session, "pushing");
    let report = |event| progress.event(event);
    let pushed = session.interruptible(client.push(&image, to, &options, &report))??;
    progress.end();
    remember(session, layout, to);
    let whole = to.at(pushed.digest).to_string();
    session.ui.note(&said(&pushed, to));
    // The image is there from here on: what cannot be attached is told, and is no failure of the push.
    let documents = attach::attach(session, &client, &image.descriptor(), to, documents)?;
    documents.tell(session, &whole);
    Ok(Done { pushed, to: to.clone(), whole, documents })
}

/// How it went, in a line.
fn said(pushed: &Pushed, to: &Reference) -> String {
    if pushed.tag == TagWas::Same {
        return format!("`{to}` has this image already: nothing uploaded");
    }
    let part = |amount: Amount, what: &str| {
        format!("{} {what}, {}", count(usize::try_from(amount.blobs).unwrap_or(usize::MAX), "blob"), size(amount.bytes))
    };
    let mut parts = vec![part(pushed.uploaded, "uploaded")];
    for (amount, what) in [(pushed.mounted, "mounted"), (pushed.present, "there already")] {
        if amount.blobs > 0 {
            parts.push(part(amount, what));
        }
    }
    let moved = if matches!(pushed.tag, TagWas::Other(_)) { "moved" } else { "pushed" };
    format!("{moved} `{to}`: {}", parts.join("; "))
}

/// Other repositories of the same registry that got one of the blobs from here.
fn seen(session: &Session, layout: &Layout, to: &Reference) -> Outcome<Vec<String>> {
    let mut all = Vec::new();
    for layer in &layout.layers {
        let known = session.store.memo_get(SEEN, key(to, &layer.digest).as_bytes())?;
        let names = known.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        for name in names.lines().filter(|name| *name != to.name()) {
            if !all.iter().any(|known| known == name) {
                all.push(name.to_owned());
            }
        }
    }
    Ok(all)
}

/// Notes that a repository has these blobs now.
fn remember(session: &Session, layout: &Layout, to: &Reference) {
    for layer in &layout.layers {
        let key = key(to, &layer.digest);
        let known = session.store.memo_get(SEEN, key.as_bytes()).ok().flatten();
        let mut names = known.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        if !names.lines().any(|name| name == to.name()) {
            names.push_str(&format!("{}\n", to.name()));
            // Without it, the next push to another repository uploads what could be mounted.
            let _ = session.store.memo_put(SEEN, key.as_bytes(), names.as_bytes());
        }
    }
}

fn key(to: &Reference, digest: &Digest) -> String {
    format!("{} {digest}", to.host())
}

/// How far a push or pull is, in one line.
pub(in crate::commands) struct Progress<'a> {
    session: &'a Session,
    what: &'static str,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    total: u64,
    /// Bytes by blob.
    done: HashMap<Digest, u64>,
    shown: String,
}

impl<'a> Progress<'a> {
    /// `what` is a word for it: `pushing`.
    pub(in crate::commands) fn new(session: &'a Session, what: &'static str) -> Self {
        Self { session, what, state: Mutex::default() }
    }

    pub(in crate::commands) fn event(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        match event {
            Event::Start { bytes, .. } => state.total = bytes,
            Event::Bytes { digest, done } => drop(state.done.insert(digest, done)),
            Event::Finish { digest, bytes, .. } => drop(state.done.insert(digest, bytes)),
            Event::Retry { what, attempt, wait, reason } => {
                let seconds = wait.as_secs_f64().ceil();
                self.session.ui.note(&format!("{what} once more in {seconds} s, repetition {attempt}: {reason}"));
            }
            _ => {}
        }
        let text = size_of(state.done.values().sum(), state.total);
        if text != state.shown {
            self.session.ui.progress(&format!("{}: {text}", self.what));
            state.shown = text;
        }
    }

    pub(in crate::commands) fn end(&self) {
        self.session.ui.progress("");
    }
}
