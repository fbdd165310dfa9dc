//! Pages of a Python package index (PEP 503 as HTML, PEP 691 as JSON), and the choice of a wheel
//! among the files on one. Knows the formats; fetches nothing.

use serde_json::Value;
use url::Url;

use crate::{Specifiers, Tags, Version, WheelName, percent};

/// One file on a project's page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexFile {
    /// The file's name.
    pub file: String,
    /// Its address, absolute.
    pub url: String,
    /// Its SHA-256 as lower-case hex digits.
    pub sha256: String,
    /// The versions of Python that it is for (PEP 440 specifiers).
    pub requires_python: Option<String>,
    /// Whether it was withdrawn (PEP 592).
    pub yanked: bool,
    /// Whether its metadata is served beside it (PEP 658).
    pub core_metadata: bool,
    /// Its size in bytes, where the page says it.
    pub size: Option<u64>,
}

/// Why a page cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url} is not a page of a Python package index: {problem}; check the address of the index")]
pub struct PageError {
    /// The page's address.
    pub url: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Reads a project's page. `url` is where it came from, after redirects; files without a SHA-256 are
/// left out, as they cannot be pinned.
pub fn parse(page: &[u8], content_type: Option<&str>, url: &str) -> Result<Vec<IndexFile>, PageError> {
    let wrong = |problem: String| PageError { url: url.to_owned(), problem };
    let base = Url::parse(url).map_err(|e| wrong(e.to_string()))?;
    let text = std::str::from_utf8(page).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    let json = content_type.map_or_else(|| text.trim_start().starts_with('{'), |kind| kind.contains("json"));
    if json { parse_json(text, &base) } else { parse_html(text, &base) }.map_err(wrong)
}

fn parse_json(text: &str, base: &Url) -> Result<Vec<IndexFile>, String> {
    let page: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let files = page.get("files").and_then(Value::as_array).ok_or("it has no `files`")?;
    files.iter().filter_map(|file| json_file(file, base).transpose()).collect()
}

fn json_file(file: &Value, base: &Url) -> Result<Option<IndexFile>, String> {
    let text = |key| file.get(key).and_then(Value::as_str);
    let name = text("filename").ok_or("a file has no `filename`")?;
    let url = text("url").ok_or_else(|| format!("{name} has no `url`"))?;
    let Some(sha256) = file.pointer("/hashes/sha256").and_then(Value::as_str) else { return Ok(None) };
    let said = |key| file.get(key).is_some_and(|v| !matches!(v, Value::Null | Value::Bool(false)));
    Ok(Some(IndexFile {
        file: name.to_owned(),
        url: base.join(url).map_err(|e| format!("{url}: {e}"))?.into(),
        sha256: sha256.to_ascii_lowercase(),
        requires_python: text("requires-python").map(str::to_owned),
        yanked: said("yanked"),
        core_metadata: said("core-metadata") || said("dist-info-metadata"),
        size: file.get("size").and_then(Value::as_u64),
    }))
}

fn parse_html(text: &str, base: &Url) -> Result<Vec<IndexFile>, String> {
    let lower = text.to_ascii_lowercase();
    if !lower.contains("<html") && !lower.contains("<a") {
        return Err("it has no links".to_owned());
    }
    let mut files = Vec::new();
    let mut at = 0;
    while let Some(found) = lower[at..].find("<a") {
        at += found + 2;
        if !lower[at..].starts_with(|c: char| c.is_ascii_whitespace()) {
            continue;
        }
        let (attributes, length) = attributes(&text[at..]);
        at += length;
        files.extend(html_file(&attributes, base)?);
    }
    Ok(files)
}

fn html_file(attributes: &[(String, String)], base: &Url) -> Result<Option<IndexFile>, String> {
    let get = |name: &str| attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let Some(href) = get("href") else { return Ok(None) };
    let mut url = base.join(href).map_err(|e| format!("{href}: {e}"))?;
    let Some(sha256) = url.fragment().and_then(|f| f.strip_prefix("sha256=")).map(str::to_ascii_lowercase) else {
        return Ok(None);
    };
    url.set_fragment(None);
    let name = url.path().rsplit('/').next().and_then(percent::decode);
    let file = name.filter(|name| !name.is_empty()).ok_or_else(|| format!("{href} names no file"))?.into_owned();
    Ok(Some(IndexFile {
        file,
        url: url.into(),
        sha256,
        requires_python: get("data-requires-python").map(str::to_owned),
        yanked: get("data-yanked").is_some(),
        core_metadata: get("data-core-metadata").or(get("data-dist-info-metadata")).is_some_and(|v| v != "false"),
        size: None,
    }))
}

/// The attributes of a tag up to its `>`, and how many bytes they take.
fn attributes(text: &str) -> (Vec<(String, String)>, usize) {
    let mut all = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return (all, text.len() - rest.len());
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace() || "=>/".contains(c)).unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(tail) = rest.strip_prefix('=') {
            let tail = tail.trim_start();
            (value, rest) = match tail.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    let inner = &tail[1..];
                    let end = inner.find(quote).unwrap_or(inner.len());
                    (&inner[..end], inner.get(end + 1..).unwrap_or_default())
                }
                _ => tail.split_at(tail.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(tail.len())),
            };
        }
        all.push((name, unescape(value)));
    }
}

/// Resolves the character references that indexes write.
fn unescape(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&#62;", ">"), ("&#60;", "<")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
        .replace("&amp;", "&")
}

/// The wheel that the interpreter prefers among those of the newest version that has one which fits.
/// Withdrawn files and those for other versions of Python are passed over; a pre-release is taken
/// only if there is nothing else.
pub fn best_wheel<'a>(files: &'a [IndexFile], tags: &Tags) -> Option<&'a IndexFile> {
    let fitting: Vec<(Version, &IndexFile)> = files
        .iter()
        .filter(|file| !file.yanked && for_python(file, tags.python()))
        .filter_map(|file| {
            let wheel = WheelName::parse(&file.file)?;
            tags.position(&wheel)?;
            Some((wheel.version.parse().ok()?, file))
        })
        .collect();
    let newest = fitting.iter().map(|(version, _)| version).max_by_key(|version| (!version.is_pre(), *version))?;
    let candidates: Vec<&IndexFile> = fitting.iter().filter(|(v, _)| v == newest).map(|(_, file)| *file).collect();
    tags.best(candidates.iter().map(|file| file.file.as_str())).map(|n| candidates[n])
}

/// Whether a file is for some release of this Python. What cannot be read excludes nothing, as in pip.
fn for_python(file: &IndexFile, (major, minor): (u64, u64)) -> bool {
    let Some(Ok(set)) = file.requires_python.as_deref().map(str::parse::<Specifiers>) else { return true };
    ["0", "999"]
        .iter()
        .any(|patch| format!("{major}.{minor}.{patch}").parse().is_ok_and(|version| set.contain(&version)))
}
