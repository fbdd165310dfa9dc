//! What a page names of its own server: scripts, styles, images, and what those name in turn. Knows as much of HTML,
//! CSS and JavaScript as that takes; asks for nothing.

use html5gum::{DefaultEmitter, Token, Tokenizer};
use url::Url;

use crate::address::resolve;

/// The most references of one page that are looked at.
const MOST_REFERENCES: usize = 10_000;

/// The kinds of text that name others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Html,
    Css,
    Script,
}

impl Kind {
    /// By the type that the server says.
    pub(crate) fn of(content_type: &str) -> Option<Self> {
        let plain = content_type.split(';').next().unwrap_or_default().trim().to_lowercase();
        match &*plain {
            "text/html" | "application/xhtml+xml" => Some(Kind::Html),
            "text/css" => Some(Kind::Css),
            "text/javascript" | "application/javascript" | "application/x-javascript" => Some(Kind::Script),
            _ => None,
        }
    }
}

/// The addresses on the same server that a text names, each once, in their order. `base` is its own.
pub(crate) fn named(kind: Kind, text: &str, base: &Url) -> Vec<Url> {
    let mut base = base.clone();
    let found = match kind {
        Kind::Html => {
            let (loaded, own) = references(text);
            match own.map(|own| resolve(&own, &base)) {
                Some(Some(own)) => base = own,
                // Whatever it names is another server's.
                Some(None) => return Vec::new(),
                None => {}
            }
            loaded
        }
        Kind::Css => {
            let css = without(text, "/*", "*/");
            [urls(&css), css_imports(&css)].concat()
        }
        Kind::Script => imports(text),
    };
    let mut all = Vec::new();
    for address in found.iter().filter_map(|reference| resolve(reference, &base)) {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    all
}

/// A text without what stands between these two.
fn without(text: &str, begin: &str, end: &str) -> String {
    let mut parts = text.split(begin);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + " " + part.split_once(end).map_or("", |(_, after)| after))
}

/// What `link`, `script`, `img` and `source` elements load, what styles in the page name, and what `base` says they are
/// relative to.
fn references(html: &str) -> (Vec<String>, Option<String>) {
    const LOADED: [&str; 6] = ["stylesheet", "icon", "modulepreload", "preload", "apple-touch-icon", "manifest"];
    let (mut found, mut base) = (Vec::new(), None);
    let mut emitter = DefaultEmitter::default();
    // A tag in a script or a style is text.
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(html, emitter) {
        let Ok(token) = token;
        let tag = match token {
            Token::StartTag(tag) => tag,
            Token::String(text) => {
                found.extend(urls(&String::from_utf8_lossy(&text)));
                continue;
            }
            _ => continue,
        };
        let get = |name: &str| {
            let value = tag.attributes.get(name.as_bytes())?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        match tag.name.as_slice() {
            b"script" | b"img" | b"source" => found.extend(get("src")),
            b"link" => {
                let relation = get("rel").unwrap_or_default().to_lowercase();
                let loads = relation.split_whitespace().any(|word| LOADED.contains(&word));
                found.extend(get("href").filter(|_| loads));
            }
            b"base" => base = base.or_else(|| get("href")),
            _ => {}
        }
        found.extend(get("style").iter().flat_map(|style| urls(style)));
        if found.len() > MOST_REFERENCES {
            break;
        }
    }
    (found, base)
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
