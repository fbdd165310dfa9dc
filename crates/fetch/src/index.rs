//! The simple API of Python indexes (PEP 503 in HTML, PEP 691 in JSON). Knows pages and their links;
//! downloads pages by the [`Client`], each once a run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use akbuild_nar::{Algo, Digest};
use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;

use crate::auth::unescape;
use crate::{Client, DownloadAddress, FetchError, Got, IndexFile, MirrorBase, RefusedAddress};

const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";
/// The longest page that is read.
const LIMIT: u64 = 256 << 20;

/// One link of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    file: String,
    address: Result<DownloadAddress, RefusedAddress>,
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
    ) -> (Vec<DownloadAddress>, Vec<(Url, String)>) {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for base in wanted.bases.iter() {
            let Some(page) = base.below(&format!("{}/", normalised(&wanted.name))) else { continue };
            let mut lacks = |reason: String| missing.push((page.url().clone(), reason));
            match self.page(client, base, &page).await {
                Ok(links) => match pick(&links, &wanted.file, digest).map(|link| &link.address) {
                    Some(Ok(address)) => found.push(address.clone()),
                    Some(Err(refused)) => lacks(format!("its link to {}: {refused}", wanted.file)),
                    None => lacks(format!("does not list {}", wanted.file)),
                },
                Err(reason) => lacks(reason),
            }
        }
        (found, missing)
    }

    async fn page(&self, client: &Client, base: &MirrorBase, page: &DownloadAddress) -> Result<Vec<Link>, String> {
        let cell = {
            let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(pages.entry(page.url().clone()).or_default())
        };
        let read = || async {
            match client.get(std::slice::from_ref(page), Some(ACCEPT), LIMIT).await {
                Ok(got) => links(&got, base),
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

fn links(got: &Got, base: &MirrorBase) -> Result<Vec<Link>, String> {
    let link = |href: &str| base.link(&got.url, href);
    match got.content_type.as_deref() {
        Some(kind) if kind.ends_with("json") => json(&got.bytes, &link),
        _ => Ok(html(&String::from_utf8_lossy(&got.bytes), &link)),
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

/// Resolves the address of a link.
type Resolve<'a> = &'a dyn Fn(&str) -> Result<DownloadAddress, RefusedAddress>;

fn json(bytes: &[u8], resolve: Resolve<'_>) -> Result<Vec<Link>, String> {
    let page: JsonPage = serde_json::from_slice(bytes).map_err(|e| format!("the page is not as PEP 691 says: {e}"))?;
    let link = |file: JsonFile| Link {
        sha256: file.hashes.get("sha256").cloned(),
        address: resolve(&file.url),
        file: file.filename,
    };
    Ok(page.files.into_iter().map(link).collect())
}

/// Anchors with their `href`; all else in the page is passed over.
fn html(text: &str, resolve: Resolve<'_>) -> Vec<Link> {
    let mut links = Vec::new();
    for piece in text.split("<a").skip(1).filter(|p| p.starts_with(char::is_whitespace)) {
        let Some((tag, _)) = piece.split_once('>') else { continue };
        let Some(href) = href(tag) else { continue };
        let (href, fragment) = href.split_once('#').unwrap_or((&href, ""));
        let sha256 = fragment.strip_prefix("sha256=").map(str::to_owned);
        let path = href.split('?').next().unwrap_or_default();
        let file = unescape(path.rsplit('/').next().unwrap_or_default());
        links.push(Link { file, address: resolve(href), sha256 });
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

    fn resolve(href: &str) -> Result<DownloadAddress, RefusedAddress> {
        let base = Url::parse("https://index.invalid/simple/").unwrap();
        DownloadAddress::linked(&base, &base.join("a/").unwrap(), href)
    }

    #[test]
    fn html_and_json_give_the_same_links() {
        let page = "<html><abbr>x</abbr><a\n class='x' href=\"../../files/a-1%2Bl.whl?x=1&amp;y=2#sha256=ab\">a</a><a href='b.whl'>b</a>";
        let json_page = r#"{"files": [{"filename": "a-1+l.whl", "url": "../../files/a-1%2Bl.whl?x=1&y=2", "hashes": {"sha256": "ab"}},
            {"filename": "b.whl", "url": "b.whl", "hashes": {}}]}"#;
        let links = html(page, &resolve);
        assert_eq!(
            links[0].address.as_ref().unwrap().url().as_str(),
            "https://index.invalid/files/a-1%2Bl.whl?x=1&y=2"
        );
        assert_eq!(links, json(json_page.as_bytes(), &resolve).unwrap());
        assert_eq!(normalised("A._b-C"), "a-b-c");
    }

    #[test]
    fn the_hash_goes_before_the_name() {
        let digest = Digest::sha256(b"x");
        let page = format!("<a href='a.whl'></a><a href='other.whl#sha256={}'></a>", digest.hex());
        let links = html(&page, &resolve);
        assert_eq!(pick(&links, "a.whl", &digest).unwrap().file, "other.whl");
        assert_eq!(pick(&links[..1], "a.whl", &digest).unwrap().file, "a.whl");
        assert_eq!(pick(&links, "c.whl", &Digest::sha256(b"y")), None);
    }
}
