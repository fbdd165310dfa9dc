//! What a page names of its own server: scripts, styles, images, and what those name in turn. Knows as much of HTML,
//! CSS and JavaScript as that takes; asks for nothing.

mod html;
mod source_text;

use std::collections::BTreeSet;

use serde_json::Value;
use url::Url;

use self::source_text::{css_imports, imports, urls, without};
use crate::address::{is_same, resolve};

/// The kinds of text that name others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Html,
    Css,
    Script,
    /// Of a web application.
    Manifest,
}

impl Kind {
    /// By the type that the server says.
    pub(crate) fn of(content_type: &str) -> Option<Self> {
        let plain = content_type.split(';').next().unwrap_or_default().trim().to_lowercase();
        match &*plain {
            "text/html" | "application/xhtml+xml" => Some(Kind::Html),
            "text/css" => Some(Kind::Css),
            "text/javascript" | "application/javascript" | "application/x-javascript" => Some(Kind::Script),
            "application/manifest+json" => Some(Kind::Manifest),
            _ => None,
        }
    }
}

/// The files that a text names.
#[derive(Debug, Default)]
pub(crate) struct NamedFiles {
    /// The addresses of those on the same server, each once, in their order.
    pub(crate) own: Vec<Url>,
    /// How many are on other servers.
    pub(crate) of_others: usize,
}

/// The files that a text names; data in the place of an address is no file. `own` is its own address.
pub(crate) fn named(kind: Kind, text: &str, own: &Url) -> NamedFiles {
    let mut base = own.clone();
    let found = match kind {
        Kind::Html => {
            let (loaded, written) = html::references(text);
            // It may be another server's.
            base = written.and_then(|written| base.join(written.trim()).ok()).unwrap_or(base);
            loaded
        }
        Kind::Css => {
            let css = without(text, "/*", "*/");
            [urls(&css), css_imports(&css)].concat()
        }
        Kind::Script => imports(text),
        Kind::Manifest => icons(text),
    };
    let is_own = |address: &Url| is_same(address, own);
    let (mut named, mut others) = (NamedFiles::default(), BTreeSet::new());
    for reference in &found {
        match resolve(reference, &base) {
            Some(address) if is_own(&address) && !named.own.contains(&address) => named.own.push(address),
            Some(address) if !is_own(&address) => drop(others.insert(address)),
            _ => {}
        }
    }
    named.of_others = others.len();
    named
}

/// The images that the manifest of a web application names.
fn icons(text: &str) -> Vec<String> {
    let manifest: Value = serde_json::from_str(text).unwrap_or_default();
    let lists = ["icons", "screenshots"].iter().filter_map(|name| manifest.get(*name)?.as_array());
    lists.flatten().filter_map(|image| image.get("src")?.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests;
