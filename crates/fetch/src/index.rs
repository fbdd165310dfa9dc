//! The simple API of Python indexes (PEP 503 in HTML, PEP 691 in JSON). Knows pages and their links;
//! downloads pages by the [`Client`], each once a run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use akbuild_nar::{Algo, Digest};
use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;

use crate::auth::unescape;
use crate::{Client, FetchError, Got, IndexFile};

const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";
/// The longest page that is read.
const LIMIT: u64 = 256 << 20;

/// One link of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    file: String,
    url: Url,
    sha256: Option<String>,
}

type Page = Arc<OnceCell<Result<Vec<Link>, String>>>;

/// The pages of one run.
#[derive(Default)]
pub(crate) struct Pages(Mutex<HashMap<Url, Page>>);

impl Pages {
    /// The addresses of a file, and for each index without it the page and the reason.
    pub(crate) async fn find(
        &self,
        client: &Client,
        wanted: &IndexFile,
        digest: &Digest,
    ) -> (Vec<Url>, Vec<(Url, String)>) {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for base in wanted.bases.iter() {
            let Ok(page) = base.join(&format!("{}/", normalised(&wanted.name))) else { continue };
            match self.page(client, &page).await {
                Ok(links) => match pick(&links, &wanted.file, digest) {
                    Some(link) => found.push(link.url.clone()),
                    None => missing.push((page, format!("does not list {}", wanted.file))),
                },
                Err(reason) => missing.push((page, reason)),
            }
        }
        (found, missing)
    }

    async fn page(&self, client: &Client, url: &Url) -> Result<Vec<Link>, String> {
        let cell = {
            let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(pages.entry(url.clone()).or_default())
        };
        let read = || async {
            match client.get(std::slice::from_ref(url), Some(ACCEPT), LIMIT).await {
                Ok(got) => links(&got),
                Err(FetchError::NotFound { .. }) => Err("the index has no such project".to_owned()),
                Err(FetchError::Unreachable { tried }) => {
                    Err(tried.into_iter().next().map_or_else(|| "no answer".to_owned(), |(_, reason)| reason))
                }
                Err(error) => Err(error.to_string()),
            }
        };
        cell.get_or_init(read).await.clone()
    }
}

/// By the SHA-256 if the index gives one for some file, else by the name.
fn pick<'l>(links: &'l [Link], file: &str, digest: &Digest) -> Option<&'l Link> {
    let hex = (digest.algo() == Algo::Sha256).then(|| digest.hex());
    let by_hash = links.iter().find(|l| hex.is_some() && l.sha256 == hex);
    by_hash.or_else(|| links.iter().find(|l| l.file == file))
}

/// A project's name as PEP 503 writes it.
fn normalised(name: &str) -> String {
    let words: Vec<&str> = name.split(['-', '_', '.']).filter(|w| !w.is_empty()).collect();
    words.join("-").to_lowercase()
}

fn links(got: &Got) -> Result<Vec<Link>, String> {
    match got.content_type.as_deref() {
        Some(kind) if kind.ends_with("json") => json(&got.bytes, &got.url),
        _ => Ok(html(&String::from_utf8_lossy(&got.bytes), &got.url)),
    }
}

#[derive(Deserialize)]
struct JsonPage {
    files: Vec<JsonFile>,
}

#[derive(Deserialize)]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: HashMap<String, String>,
}

fn json(bytes: &[u8], base: &Url) -> Result<Vec<Link>, String> {
    let page: JsonPage = serde_json::from_slice(bytes).map_err(|e| format!("the page is not as PEP 691 says: {e}"))?;
    let link = |file: JsonFile| {
        let url = base.join(&file.url).ok()?;
        Some(Link { sha256: file.hashes.get("sha256").cloned(), file: file.filename, url })
    };
    Ok(page.files.into_iter().filter_map(link).collect())
}

/// Anchors with their `href`; all else in the page is passed over.
fn html(text: &str, base: &Url) -> Vec<Link> {
    let mut links = Vec::new();
    for piece in text.split("<a").skip(1).filter(|p| p.starts_with(char::is_whitespace)) {
        let Some((tag, _)) = piece.split_once('>') else { continue };
        let Some(href) = href(tag) else { continue };
        let Ok(mut url) = base.join(&href) else { continue };
        let sha256 = url.fragment().and_then(|f| f.strip_prefix("sha256=")).map(str::to_owned);
        url.set_fragment(None);
        let file = unescape(url.path().rsplit('/').next().unwrap_or_default());
        links.push(Link { file, url, sha256 });
    }
    links
}

fn href(tag: &str) -> Option<String> {
    let value = tag.split_once("href")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let value = value[1..].split(quote).next()?;
    Some(
        value
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#43;", "+")
            .replace("&amp;", "&"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://index.invalid/simple/a/").unwrap()
    }

    #[test]
    fn html_and_json_give_the_same_links() {
        let page = "<html><abbr>x</abbr><a\n class='x' href=\"../../files/a-1%2Bl.whl?x=1&amp;y=2#sha256=ab\">a</a><a href='b.whl'>b</a>";
        let json_page = r#"{"files": [{"filename": "a-1+l.whl", "url": "../../files/a-1%2Bl.whl?x=1&y=2", "hashes": {"sha256": "ab"}},
            {"filename": "b.whl", "url": "b.whl", "hashes": {}}]}"#;
        let links = html(page, &base());
        assert_eq!(links[0].url.as_str(), "https://index.invalid/files/a-1%2Bl.whl?x=1&y=2");
        assert_eq!(links, json(json_page.as_bytes(), &base()).unwrap());
        assert_eq!(normalised("A._b-C"), "a-b-c");
    }

    #[test]
    fn the_hash_goes_before_the_name() {
        let digest = Digest::sha256(b"x");
        let page = format!("<a href='a.whl'></a><a href='other.whl#sha256={}'></a>", digest.hex());
        let links = html(&page, &base());
        assert_eq!(pick(&links, "a.whl", &digest).unwrap().file, "other.whl");
        assert_eq!(pick(&links[..1], "a.whl", &digest).unwrap().file, "a.whl");
        assert_eq!(pick(&links, "c.whl", &Digest::sha256(b"y")), None);
    }
}
