//! What a page names of its own server: scripts, styles, images, and what those name in turn. Knows as much of HTML,
//! CSS and JavaScript as that takes; asks for nothing.

mod html;

use std::collections::BTreeSet;

use serde_json::Value;
use url::Url;

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

/// A text without what stands between these two.
fn without(text: &str, begin: &str, end: &str) -> String {
    let mut parts = text.split(begin);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + " " + part.split_once(end).map_or("", |(_, after)| after))
}

/// `url(...)` of CSS.
fn urls(css: &str) -> Vec<String> {
    let inner = |text: &str| {
        let end = text.find(')')?;
        Some(text[..end].trim().trim_matches(['"', '\'']).to_owned())
    };
    css.split("url(").skip(1).filter_map(inner).collect()
}

/// `@import "..."` of CSS; with `url(...)` it is found as one.
fn css_imports(css: &str) -> Vec<String> {
    css.split("@import").skip(1).filter_map(|text| quoted(text.trim_start())).collect()
}

/// `import "./x.js"`, `from "./x.js"` and `import("./x.js")`: what begins with a dot, for other words are not paths.
fn imports(script: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in ["from", "import", "import("] {
        for text in script.split(word).skip(1) {
            found.extend(quoted(text.trim_start()).filter(|path| path.starts_with("./") || path.starts_with("../")));
        }
    }
    found
}

/// The images that the manifest of a web application names.
fn icons(text: &str) -> Vec<String> {
    let manifest: Value = serde_json::from_str(text).unwrap_or_default();
    let lists = ["icons", "screenshots"].iter().filter_map(|name| manifest.get(*name)?.as_array());
    lists.flatten().filter_map(|image| image.get("src")?.as_str().map(str::to_owned)).collect()
}

/// The text in quotes that a text begins with.
fn quoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| "\"'".contains(*c))?;
    let end = text[1..].find(quote)?;
    let inner = &text[1..=end];
    let plain = |c: char| !c.is_whitespace() && !"\\`{}$".contains(c);
    (!inner.is_empty() && inner.chars().all(plain)).then(|| inner.to_owned())
}

#[cfg(test)]
mod tests;
