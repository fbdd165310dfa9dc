//! What a page names of its own server: scripts, styles, images, and what those name in turn. Knows as much of HTML,
//! CSS and JavaScript as that takes; asks for nothing.

use url::Url;

use crate::address::resolve;

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
            let html = without(text, "<!--", "-->");
            let (loaded, own) = tags(&html);
            match own.map(|own| resolve(&own, &base)) {
                Some(Some(own)) => base = own,
                // Whatever it names is another server's.
                Some(None) => return Vec::new(),
                None => {}
            }
            [loaded, urls(&html)].concat()
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

/// What `link`, `script`, `img` and `source` elements load, and what `base` says they are relative to.
fn tags(html: &str) -> (Vec<String>, Option<String>) {
    const LOADED: [&str; 6] = ["stylesheet", "icon", "modulepreload", "preload", "apple-touch-icon", "manifest"];
    let (mut found, mut base) = (Vec::new(), None);
    for tag in html.split('<').skip(1) {
        let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        let attributes = attributes(&tag[name.len()..]);
        let get = |wanted: &str| attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        match &*name {
            "script" | "img" | "source" => found.extend(get("src")),
            "link" => {
                let relation = get("rel").unwrap_or_default().to_lowercase();
                let loads = relation.split_whitespace().any(|word| LOADED.contains(&word));
                found.extend(get("href").filter(|_| loads));
            }
            "base" => base = base.or_else(|| get("href")),
            _ => {}
        }
    }
    (found, base)
}

/// The attributes of a tag, names in lower case.
fn attributes(tag: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = tag;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let end = rest.find(|c: char| c.is_whitespace() || "=>/".contains(c)).unwrap_or(rest.len());
        let name = rest[..end].to_lowercase();
        if name.is_empty() {
            return found;
        }
        rest = rest[end..].trim_start();
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let (text, remaining) = match after.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    let inner = &after[1..];
                    let end = inner.find(quote).unwrap_or(inner.len());
                    (&inner[..end], inner.get(end + 1..).unwrap_or_default())
                }
                _ => after.split_at(after.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(after.len())),
            };
            value = text.replace("&amp;", "&");
            rest = remaining;
        }
        found.push((name, value));
    }
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
