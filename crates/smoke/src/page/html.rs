//! What a page of HTML loads: elements and their attributes, styles, modules and import maps in the page. Knows which
//! attributes are loaded without anybody's doing; what a person must click is not.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};
use serde_json::Value;

use super::source_text::{css_imports, imports, urls, without};

/// The most references of one page that are looked at.
pub(super) const MOST_REFERENCES: usize = 10_000;

/// Relations of a `link` whose file is loaded.
const LOADED: [&str; 7] =
    ["stylesheet", "icon", "modulepreload", "preload", "apple-touch-icon", "mask-icon", "manifest"];

/// What the text that follows a tag is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Words,
    Style,
    Module,
    ImportMap,
}

/// What a page loads, and what its `base` says that is relative to.
pub(super) fn references(html: &str) -> (Vec<String>, Option<String>) {
    let (mut found, mut base, mut inside) = (Vec::new(), None, Text::Words);
    let mut emitter = DefaultEmitter::default();
    // A tag in a script or a style is text.
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(html, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                inside = text_of(&tag);
                if tag.name.as_slice() == b"base" {
                    base = base.or_else(|| get(&tag, "href"));
                }
                found.extend(loaded(&tag));
            }
            Token::String(text) => {
                let text = String::from_utf8_lossy(&text);
                found.extend(match inside {
                    Text::Words => Vec::new(),
                    Text::Style => {
                        let css = without(&text, "/*", "*/");
                        [urls(&css), css_imports(&css)].concat()
                    }
                    Text::Module => imports(&text),
                    Text::ImportMap => mapped(&text),
                });
            }
            Token::EndTag(_) => inside = Text::Words,
            _ => {}
        }
        if found.len() > MOST_REFERENCES {
            break;
        }
    }
    (found, base)
}

fn get(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

fn text_of(tag: &StartTag<()>) -> Text {
    match (tag.name.as_slice(), get(tag, "type").unwrap_or_default().to_lowercase().trim()) {
        (b"style", _) => Text::Style,
        (b"script", "module") => Text::Module,
        (b"script", "importmap") => Text::ImportMap,
        _ => Text::Words,
    }
}

/// What an element loads.
fn loaded(tag: &StartTag<()>) -> Vec<String> {
    let of = |names: &[&str]| names.iter().filter_map(|name| get(tag, name)).collect::<Vec<_>>();
    let set = |name| get(tag, name).map(|set| candidates(&set)).unwrap_or_default();
    let mut found = match tag.name.as_slice() {
        b"script" | b"audio" | b"track" => of(&["src"]),
        b"img" | b"source" => [of(&["src"]), set("srcset")].concat(),
        b"video" => of(&["src", "poster"]),
        b"input" if get(tag, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("image")) => of(&["src"]),
        b"use" | b"image" => of(&["href", "xlink:href"]),
        b"link" => {
            let relation = get(tag, "rel").unwrap_or_default().to_lowercase();
            let loads = relation.split_whitespace().any(|word| LOADED.contains(&word));
            if loads { [of(&["href"]), set("imagesrcset")].concat() } else { Vec::new() }
        }
        _ => Vec::new(),
    };
    found.extend(get(tag, "style").iter().flat_map(|style| urls(style)));
    found
}

/// The images of a `srcset`: `a.png 1x, b.png 2x`. A comma belongs to an address unless it is its end.
fn candidates(set: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), set);
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        let Some(word) = rest.split_whitespace().next() else { return found };
        rest = &rest[word.len()..];
        let address = word.trim_end_matches(',');
        if address.len() == word.len() {
            // How large it is.
            rest = rest.find(',').map_or("", |comma| &rest[comma..]);
        }
        found.push(address.to_owned());
    }
}

/// The modules of an import map; a name that ends with `/` is of a folder.
fn mapped(text: &str) -> Vec<String> {
    let map: Value = serde_json::from_str(text).unwrap_or_default();
    let scopes = map.get("scopes").and_then(Value::as_object);
    let all = scopes.into_iter().flat_map(|scopes| scopes.values()).chain(map.get("imports"));
    let modules = all.filter_map(Value::as_object).flat_map(|names| names.values()).filter_map(Value::as_str);
    modules.filter(|path| !path.ends_with('/')).map(str::to_owned).collect()
}
