//! Pushing an image to a registry, and what is known of it with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use akbuild_distribution::{
    Amount, Artifact, Blob, Client, ClientConfig, Event, HelperAnswer, Image, Keyring, ListedBy, PushOptions, Pushed,
    Reference, TagWas,
};
use akbuild_image::Layout;
use akbuild_nar::Digest;
use serde_json::{Value, json};

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
    attached: Vec<(&'static str, String)>,
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
            "attached": self.attached.iter().map(|(kind, digest)| json!({"type": kind, "digest": digest})).collect::<Vec<_>>(),
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
    let mut attached = Vec::new();
    for (kind, text) in documents.into_iter().flat_map(Documents::all) {
        let annotations = BTreeMap::new();
        let blob = Blob::bytes(kind, text.as_bytes());
        let artifact = Artifact { artifact_type: kind.to_owned(), blob, annotations };
        let done = session.interruptible(client.attach(&image.descriptor(), &artifact, to, &|_| {}))??;
        attached.push((kind, done.manifest.name(), done.listed_by));
    }
    remember(session, layout, to);
    let whole = to.at(pushed.digest).to_string();
    session.ui.note(&said(&pushed, to));
    if attached.iter().any(|(_, _, by)| *by == ListedBy::Tag) {
        session.ui.note("the registry keeps no list of referrers: the bill of materials is found by a tag");
    }
    let attached = attached.into_iter().map(|(kind, digest, _)| (kind, digest)).collect();
    Ok(Done { pushed, to: to.clone(), whole, attached })
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
