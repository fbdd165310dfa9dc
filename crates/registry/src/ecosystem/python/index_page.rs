//! One page of a Python package index: PEP 503 in HTML, PEP 691 in JSON. Knows the formats; fetches nothing and chooses
//! nothing. A page is hostile: an entry that cannot be read is left out, and the others count.

use akbuild_names::percent_decode;
use html5gum::{StartTag, Token, Tokenizer};
use serde_json::Value;
use url::Url;

/// The longest page that is read.
pub const LONGEST_INDEX_PAGE: usize = 256 << 20;
/// The most files on a page.
const MOST_LINKS: usize = 500_000;
/// The longest value of a field that is kept.
const LONGEST_FIELD: usize = 8 << 10;

/// One file on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexLink {
    /// The file's name.
    pub file: String,
    /// Its address, with the scheme `http`, `https` or `file`. Whether it may be used is the downloader's question.
    pub url: Url,
    /// Its SHA-256 as lower-case hex digits, where the page says it.
    pub sha256: Option<String>,
    /// The versions of Python that it is for (PEP 440 specifiers).
    pub requires_python: Option<String>,
    /// Whether it was withdrawn (PEP 592).
    pub yanked: bool,
    /// Whether its metadata is served beside it (PEP 658).
    pub core_metadata: bool,
    /// Its size in bytes, where the page says it.
    pub size: Option<u64>,
    /// When it was put into the index (PEP 700), where the page says it.
    pub upload_time: Option<String>,
}

/// Reads a page; the error says what is wrong with it. `base` is where it came from, after redirects.
pub fn index_links(page: &[u8], content_type: Option<&str>, base: &Url) -> Result<Vec<IndexLink>, String> {
    if page.len() > LONGEST_INDEX_PAGE {
        return Err(format!("it is longer than {} MiB", LONGEST_INDEX_PAGE >> 20));
    }
    let kind = content_type.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let json = kind.map_or_else(|| page.trim_ascii_start().starts_with(b"{"), |kind| kind.ends_with("json"));
    let links = if json { json_links(page, base) } else { html_links(page, base) }?;
    if links.len() > MOST_LINKS { Err(format!("it has more than {MOST_LINKS} files")) } else { Ok(links) }
}

fn json_links(page: &[u8], base: &Url) -> Result<Vec<IndexLink>, String> {
    let page: Value = serde_json::from_slice(page).map_err(|e| e.to_string())?;
    let files = page.get("files").and_then(Value::as_array).ok_or("it has no `files`")?;
    Ok(files.iter().filter_map(|file| json_link(file, base)).take(MOST_LINKS + 1).collect())
}

fn json_link(file: &Value, base: &Url) -> Option<IndexLink> {
    let text = |key| file.get(key).and_then(Value::as_str).filter(|text| text.len() <= LONGEST_FIELD);
    let said = |key| file.get(key).is_some_and(|v| !matches!(v, Value::Null | Value::Bool(false)));
    let mut url = address(text("url")?, base)?;
    url.set_fragment(None);
    Some(IndexLink {
        file: plain_name(text("filename")?)?,
        url,
        sha256: file.pointer("/hashes/sha256").and_then(Value::as_str).and_then(hex_digits),
        requires_python: text("requires-python").map(str::to_owned),
        yanked: said("yanked"),
        core_metadata: said("core-metadata") || said("dist-info-metadata"),
        size: file.get("size").and_then(Value::as_u64),
        upload_time: text("upload-time").map(str::to_owned),
    })
}

fn html_links(page: &[u8], base: &Url) -> Result<Vec<IndexLink>, String> {
    let (mut links, mut is_page, mut own_base) = (Vec::new(), false, None);
    // Anchors in a script or in a title are text.
    let mut emitter = html5gum::DefaultEmitter::default();
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(page, emitter) {
        let Ok(Token::StartTag(tag)) = token else { continue };
        match tag.name.as_slice() {
            b"html" => is_page = true,
            b"base" if own_base.is_none() => own_base = attribute(&tag, "href").and_then(|href| address(&href, base)),
            b"a" => {
                is_page = true;
                links.extend(html_link(&tag, own_base.as_ref().unwrap_or(base)));
            }
            _ => {}
        }
        if links.len() > MOST_LINKS {
            break;
        }
    }
    if is_page { Ok(links) } else { Err("it has no links".to_owned()) }
}

fn html_link(tag: &StartTag<()>, base: &Url) -> Option<IndexLink> {
    let mut url = address(&attribute(tag, "href")?, base)?;
    let sha256 = url.fragment().and_then(|f| f.strip_prefix("sha256=")).and_then(hex_digits);
    url.set_fragment(None);
    let name = percent_decode(url.path().rsplit('/').next()?)?;
    let metadata = attribute(tag, "data-core-metadata").or_else(|| attribute(tag, "data-dist-info-metadata"));
    Some(IndexLink {
        file: plain_name(&name)?,
        sha256,
        requires_python: attribute(tag, "data-requires-python"),
        yanked: attribute(tag, "data-yanked").is_some(),
        core_metadata: metadata.is_some_and(|value| value != "false"),
        size: None,
        upload_time: None,
        url,
    })
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = std::str::from_utf8(tag.attributes.get(name.as_bytes())?).ok()?;
    (value.len() <= LONGEST_FIELD).then(|| value.to_owned())
}

/// The address that a page means. Whether a file of this machine may be read is not decided here: whoever downloads it
/// refuses it with the reason, which an entry that was left out would hide.
fn address(reference: &str, base: &Url) -> Option<Url> {
    let found = base.join(reference.trim()).ok()?;
    matches!(found.scheme(), "http" | "https" | "file").then_some(found)
}

/// A name that is one part of a path.
fn plain_name(name: &str) -> Option<String> {
    let plain = !matches!(name, "" | "." | "..") && !name.contains(|c: char| matches!(c, '/' | '\\') || c.is_control());
    plain.then(|| name.to_owned())
}

fn hex_digits(text: &str) -> Option<String> {
    let hex = !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    hex.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://index.invalid/simple/a/").unwrap()
    }

    /// File and address of each link.
    fn links(page: &str) -> Vec<String> {
        let links = index_links(page.as_bytes(), None, &base()).unwrap();
        links.into_iter().map(|link| format!("{} {}", link.file, link.url)).collect()
    }

    #[test]
    fn html_is_read_as_browsers_read_it() {
        for (page, file) in [
            ("<A HREF='a.whl'>", "a.whl https://index.invalid/simple/a/a.whl"),
            ("<a href=a.whl>", "a.whl https://index.invalid/simple/a/a.whl"),
            ("<a title='a > b' href=\"/a.whl\">", "a.whl https://index.invalid/a.whl"),
            ("<a href=\" a.whl\n\">", "a.whl https://index.invalid/simple/a/a.whl"),
            ("<a\thref='a.whl'href='b.whl'>", "a.whl https://index.invalid/simple/a/a.whl"),
            ("<!-- <a href=x.whl> --><a href=a.whl>", "a.whl https://index.invalid/simple/a/a.whl"),
            ("<title><a href=x.whl></title><a href=a.whl>", "a.whl https://index.invalid/simple/a/a.whl"),
            ("<script>'<a href=x.whl>'</script><a href=a.whl>", "a.whl https://index.invalid/simple/a/a.whl"),
            ("<a href='a&#43;b.whl?x=1&amp;y=2'>", "a+b.whl https://index.invalid/simple/a/a+b.whl?x=1&y=2"),
            ("<a href='&#x61;.whl'>", "a.whl https://index.invalid/simple/a/a.whl"),
            ("<base href='/f/'><base href='/g/'><a href=a.whl>", "a.whl https://index.invalid/f/a.whl"),
            ("<base href='//other.invalid/'><a href=a.whl>", "a.whl https://other.invalid/a.whl"),
            ("<abbr href=x.whl><a href=%61.whl>", "a.whl https://index.invalid/simple/a/%61.whl"),
        ] {
            assert_eq!(links(page), [file], "{page}");
        }
    }

    #[test]
    fn a_malformed_neighbour_leaves_the_others_usable() {
        let good = r#"{"filename": "a.whl", "url": "a.whl"}"#;
        for bad in [
            "null",
            "3",
            "{}",
            r#"{"filename": "b.whl"}"#,
            r#"{"url": "b.whl"}"#,
            r#"{"filename": 1, "url": "b.whl"}"#,
            r#"{"filename": "b.whl", "url": "http://["}"#,
            r#"{"filename": "../b", "url": "b"}"#,
            r#"{"filename": "b.whl", "url": "ftp://files.example/b.whl"}"#,
        ] {
            let page = format!(r#"{{"files": [{bad}, {good}]}}"#);
            assert_eq!(links(&page), ["a.whl https://index.invalid/simple/a/a.whl"], "{bad}");
        }
        for bad in [
            "<a>",
            "<a href='http://['>",
            "<a href='ftp://files.example/b.whl'>",
            "<a href='data:,x'>",
            "<a href='%2e%2e%2f'>",
            "<a href='b%zz.whl'>",
            "<a href='/'>",
        ] {
            assert_eq!(links(&format!("{bad}<a href=a.whl>")), ["a.whl https://index.invalid/simple/a/a.whl"], "{bad}");
        }
        let odd = r#"{"files": [{"filename": "a.whl", "url": "a.whl", "hashes": 3, "size": "x", "requires-python": [], "yanked": {}}]}"#;
        let link = &index_links(odd.as_bytes(), None, &base()).unwrap()[0];
        assert_eq!((&link.sha256, link.size, &link.requires_python, link.yanked), (&None, None, &None, true));
    }

    #[test]
    fn a_page_is_bounded() {
        let page = "<a href=a>".repeat(MOST_LINKS + 1);
        let error = index_links(page.as_bytes(), None, &base()).unwrap_err();
        insta::assert_snapshot!(error, @"it has more than 500000 files");
        let nested = format!("{{\"files\": {}", "[".repeat(100_000));
        assert!(index_links(nested.as_bytes(), None, &base()).is_err());
        let long = format!("<a href={}><a href=a.whl>", "x".repeat(LONGEST_FIELD + 1));
        assert_eq!(links(&long).len(), 1);
        assert_eq!(links(&("<div>".repeat(100_000) + "<a href=a.whl>")).len(), 1);
    }
}
