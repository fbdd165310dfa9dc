//! The files of a Python project that can be pinned, and the choice of a wheel among them. Knows what a page says,
//! not how it is written; fetches nothing.

use akbuild_names::{PythonFileName, Specifiers, Version};
use url::Url;

use super::index_page::{IndexLink, index_links};
use super::{Tags, WheelName};

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
    /// When it was put into the index (PEP 700), where the page says it.
    pub upload_time: Option<String>,
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

/// Reads a project's page. `url` is where it came from, after redirects; files without a SHA-256 are left out, as they
/// cannot be pinned, and so are files that are neither wheels nor source distributions.
pub fn parse(page: &[u8], content_type: Option<&str>, url: &str) -> Result<Vec<IndexFile>, PageError> {
    let wrong = |problem: String| PageError { url: url.to_owned(), problem };
    let base = Url::parse(url).map_err(|e| wrong(e.to_string()))?;
    let links = index_links(page, content_type, &base).map_err(wrong)?;
    Ok(links.into_iter().filter_map(index_file).collect())
}

fn index_file(link: IndexLink) -> Option<IndexFile> {
    PythonFileName::parse(&link.file).ok()?;
    Some(IndexFile {
        file: link.file,
        url: link.url.into(),
        sha256: link.sha256?,
        requires_python: link.requires_python,
        yanked: link.yanked,
        core_metadata: link.core_metadata,
        size: link.size,
        upload_time: link.upload_time,
    })
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
