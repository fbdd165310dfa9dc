//! What a page names of its own server: scripts, styles, images, and what those name in turn. Knows as much of HTML,
//! CSS and JavaScript as that takes; asks for nothing.

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

/// The paths on the same server that a text names, each once, in their order. `base` is its own path.
pub(crate) fn named(kind: Kind, text: &str, base: &str, port: u16) -> Vec<String> {
    let found = match kind {
        Kind::Html => [tags(text), urls(text)].concat(),
        Kind::Css => [urls(text), css_imports(text)].concat(),
        Kind::Script => imports(text),
    };
    let mut all = Vec::new();
    for path in found.iter().filter_map(|reference| resolve(reference, base, port)) {
        if !all.contains(&path) {
            all.push(path);
        }
    }
    all
}

/// What `link`, `script`, `img` and `source` elements load.
fn tags(html: &str) -> Vec<String> {
    const LOADED: [&str; 6] = ["stylesheet", "icon", "modulepreload", "preload", "apple-touch-icon", "manifest"];
    let mut found = Vec::new();
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
            _ => {}
        }
    }
    found
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

/// The path on the same server that a reference means.
pub(crate) fn resolve(reference: &str, base: &str, port: u16) -> Option<String> {
    let reference = reference.trim().split('#').next().unwrap_or_default();
    let own = [format!("http://localhost:{port}"), format!("http://127.0.0.1:{port}")];
    let reference = own.iter().find_map(|own| reference.strip_prefix(own.as_str())).unwrap_or(reference);
    let scheme = reference.split(['/', '?']).next().is_some_and(|first| first.contains(':'));
    if reference.is_empty() || reference.starts_with("//") || scheme || reference.starts_with(['$', '{']) {
        return None;
    }
    if reference.starts_with('/') {
        return Some(reference.to_owned());
    }
    let (path, query) = reference.split_once('?').map_or((reference, None), |(path, query)| (path, Some(query)));
    let folder = base.split('?').next().unwrap_or(base).rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Some(format!("/{}{}", parts.join("/"), query.map(|query| format!("?{query}")).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_what_it_loads() {
        let html = r##"<!doctype html><html><head>
            <link rel="stylesheet" type="text/css" href="/static/a.css?v=1&amp;x=2">
            <link rel='shortcut icon' href=icon.png><link rel="canonical" href="/elsewhere">
            <style>body { background: url("/static/bg.jpg"); } a { b: url(data:image/png;base64,AA==) }</style>
            <script type="module" src="../dist/main.js#x"></script>
            <script src="https://other.example/x.js"></script>
            </head><body><a href="/not">x</a><img alt="a>b" src='/i.svg'/><img src="//other.example/y"></body>"##;
        assert_eq!(
            named(Kind::Html, html, "/if/flow/", 9000),
            ["/static/a.css?v=1&x=2", "/if/flow/icon.png", "/if/dist/main.js", "/i.svg", "/static/bg.jpg"]
        );
    }

    #[test]
    fn scripts_and_styles_name_others() {
        let script = r#"import{a}from"./chunk-1.js";import "./side.js";const b=()=>import("../lazy/c.js");x="from './no' + y";
            import z from "lit"; const t = `import("./${name}.js")`; export * from './d.js'"#;
        assert_eq!(
            named(Kind::Script, script, "/static/dist/main.js", 9000),
            [
                "/static/dist/chunk-1.js",
                "/static/dist/no",
                "/static/dist/d.js",
                "/static/dist/side.js",
                "/static/lazy/c.js"
            ]
        );
        let css = "@import 'base.css'; @import url(\"x/y.css\"); a{src:url(f.woff2?#iefix)}";
        assert_eq!(named(Kind::Css, css, "/s/a.css", 9000), ["/s/x/y.css", "/s/f.woff2?", "/s/base.css"]);
    }

    #[test]
    fn hostile_text_is_no_trouble() {
        for text in ["<", "<a b='", "<link rel", "<script src=", "url(", "@import \"", "import(\"./", "<\u{e9} src=x>"]
        {
            for kind in [Kind::Html, Kind::Css, Kind::Script] {
                named(kind, text, "/", 1);
            }
        }
    }

    #[test]
    fn a_reference_to_the_server_itself_is_its_path() {
        assert_eq!(resolve("http://localhost:9000/x?y", "/", 9000), Some("/x?y".into()));
        assert_eq!(resolve("http://localhost:9001/x", "/", 9000), None);
        assert_eq!(resolve("../../../x", "/a/b", 9000), Some("/x".into()));
    }
}
