//! Pages of Python indexes, and which file on them is wanted. Downloads pages by the [`Client`], each once a run; what is
//! on one is `akbuild-registry`'s.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use akbuild_names::PythonPackageName;
use akbuild_nar::{Algo, Digest};
use akbuild_registry::{IndexLink, LONGEST_INDEX_PAGE, index_links};
use tokio::sync::OnceCell;
use url::Url;

use crate::{Client, DownloadAddress, FetchError, Got, IndexFile};

const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";
/// The longest page that is read.
const LIMIT: u64 = LONGEST_INDEX_PAGE as u64;

type Page = Arc<OnceCell<Result<Vec<IndexLink>, String>>>;

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
        let name = PythonPackageName::parse(&wanted.name).ok();
        for base in wanted.bases.iter() {
            let Some(page) = name.as_ref().and_then(|name| base.index_page(name)) else { continue };
            let mut lacks = |reason: String| missing.push((page.url().clone(), reason));
            match self.page(client, &page).await {
                Ok(links) => {
                    match pick(&links, &wanted.file, digest).map(|link| base.link(page.url(), link.url.as_str())) {
                        Some(Ok(address)) => found.push(address),
                        Some(Err(refused)) => lacks(format!("its link to {}: {refused}", wanted.file)),
                        None => lacks(format!("does not list {}", wanted.file)),
                    }
                }
                Err(reason) => lacks(reason),
            }
        }
        (found, missing)
    }

    async fn page(&self, client: &Client, page: &DownloadAddress) -> Result<Vec<IndexLink>, String> {
        let cell = {
            let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(pages.entry(page.url().clone()).or_default())
        };
        let read = || async {
            match client.get(std::slice::from_ref(page), Some(ACCEPT), LIMIT).await {
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
fn pick<'l>(links: &'l [IndexLink], file: &str, digest: &Digest) -> Option<&'l IndexLink> {
    let hex = (digest.algo() == Algo::Sha256).then(|| digest.hex());
    let by_hash = links.iter().find(|l| hex.is_some() && l.sha256 == hex);
    by_hash.or_else(|| links.iter().find(|l| l.file == file))
}

fn links(got: &Got) -> Result<Vec<IndexLink>, String> {
    index_links(&got.bytes, got.content_type.as_deref(), &got.url)
        .map_err(|problem| format!("the page is not that of a Python index: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_goes_before_the_name() {
        let digest = Digest::sha256(b"x");
        let base = Url::parse("https://index.invalid/simple/a/").unwrap();
        let page = format!("<a href='a.whl'></a><a href='other.whl#sha256={}'></a>", digest.hex());
        let links = index_links(page.as_bytes(), None, &base).unwrap();
        assert_eq!(pick(&links, "a.whl", &digest).unwrap().file, "other.whl");
        assert_eq!(pick(&links[..1], "a.whl", &digest).unwrap().file, "a.whl");
        assert_eq!(pick(&links, "c.whl", &Digest::sha256(b"y")), None);
    }
}
