//! What style sheets and scripts name. Knows as much of CSS and JavaScript as that takes.

/// A text without what stands between these two.
pub(super) fn without(text: &str, begin: &str, end: &str) -> String {
    let mut parts = text.split(begin);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + " " + part.split_once(end).map_or("", |(_, after)| after))
}

/// `url(...)` of CSS.
pub(super) fn urls(css: &str) -> Vec<String> {
    let inner = |text: &str| {
        let end = text.find(')')?;
        Some(text[..end].trim().trim_matches(['"', '\'']).to_owned())
    };
    css.split("url(").skip(1).filter_map(inner).collect()
}

/// `@import "..."` of CSS; with `url(...)` it is found as one.
pub(super) fn css_imports(css: &str) -> Vec<String> {
    css.split("@import").skip(1).filter_map(|text| quoted(text.trim_start())).collect()
}

/// `import "./x.js"`, `from "./x.js"` and `import("./x.js")`: what begins with a dot, for other words are not paths.
pub(super) fn imports(script: &str) -> Vec<String> {
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
