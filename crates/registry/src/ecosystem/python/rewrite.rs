//! `uv.lock` as a stage sees it: the same lock, with every address on the loopback registry.

use std::collections::BTreeMap;

use toml_span::Span;

use super::dependency::Origin;
use super::edit::apply;
use super::lock::{AGAIN, File, Package, PythonLock, is_address, packages, source_spans};
use super::selection::{PythonSelection, by_package};
use super::toml::Document;
use crate::error::Refusals;
use crate::{LockError, percent};

impl PythonLock {
    /// The text of the lock with every file at `{base}/pypi/files/<sha256>/<file name>` and every
    /// registry at `{base}/pypi/simple`. Of each selected package only the selected file is left, so
    /// that uv cannot choose another. Files of the source tree stay where they are. All else stays as
    /// it is, byte by byte.
    ///
    /// # Errors
    /// `text` is not a lock file; it is meant to be the text that was parsed.
    pub fn rewrite(&self, text: &str, selection: &PythonSelection, base: &str) -> Result<String, LockError> {
        let doc = Document { text, file: &self.file, advice: AGAIN };
        let value = doc.parse()?;
        let base = base.trim_end_matches('/');
        let chosen = by_package(selection);
        let place = |span: &Span| &text[span.start..span.end];
        let (mut registries, mut urls) = (Vec::new(), Vec::new());
        source_spans(&value, "registry", &mut registries);
        source_spans(&value, "url", &mut urls);
        registries.retain(|span| is_address(place(span)));
        let mut edits: Vec<(Span, String)> =
            registries.into_iter().map(|span| (span, format!("{base}/pypi/simple"))).collect();
        let mut direct = BTreeMap::new();
        for package in packages(&doc, doc.table(&value, "uv.lock")?, &mut Refusals::default())? {
            let key = (package.name.as_str(), package.version.as_deref().unwrap_or_default());
            match chosen.get(&key) {
                Some(file) => only(&package, file, base, text, &mut edits),
                None => moved(package.sdist.iter().chain(&package.wheels), base, &mut edits),
            }
            if let Origin::Url(url) = &package.origin {
                let file = package.sdist.iter().chain(&package.wheels).next();
                direct.extend(file.and_then(|file| Some((url.clone(), address(file, base)?))));
            }
        }
        // A dependency names the address of its package once more, where the name alone is not enough.
        edits.extend(urls.into_iter().filter_map(|span| Some((span, direct.get(place(&span))?.clone()))));
        Ok(apply(text, edits))
    }
}

/// Where the registry serves a file; `None`: it has no usable name or hash, and so is not served.
fn address(file: &File, base: &str) -> Option<String> {
    let name = file.name.as_ref().ok()?;
    Some(format!("{base}/pypi/files/{}/{}", file.digest().ok()?.hex(), percent::encode(name)))
}

fn moved<'a>(files: impl Iterator<Item = &'a File>, base: &str, edits: &mut Vec<(Span, String)>) {
    edits.extend(files.filter_map(|file| Some((file.url_span?, address(file, base)?))));
}

/// Leaves one file of a package.
fn only(package: &Package, chosen: &str, base: &str, text: &str, edits: &mut Vec<(Span, String)>) {
    let wheel = package.wheels.iter().find(|wheel| wheel.name.as_deref().is_ok_and(|name| name == chosen));
    let (kept, left_out) = match wheel {
        Some(_) => (None, package.sdist_span),
        None => (package.sdist.as_ref(), package.wheels_span),
    };
    moved(kept.into_iter(), base, edits);
    edits.extend(left_out.map(|span| (whole_line(text, span), String::new())));
    if let (Some(wheel), Some(span)) = (wheel, package.wheels_span) {
        let size = wheel.size.map_or_else(String::new, |size| format!(", size = {size}"));
        let url = address(wheel, base).map_or_else(String::new, |url| format!("url = \"{url}\", "));
        let hash = wheel.hash.as_deref().unwrap_or_default();
        edits.push((span, format!("wheels = [\n    {{ {url}hash = \"{hash}\"{size} }},\n]")));
    }
}

/// The span with the line break after it.
fn whole_line(text: &str, span: Span) -> Span {
    let breaks = text[span.end..].bytes().take_while(|b| *b == b'\n' || *b == b'\r').take(1).count();
    Span::new(span.start, span.end + breaks)
}
