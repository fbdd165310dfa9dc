//! Debian's machine-readable copyright files (DEP-5, "copyright format 1.0"): which licences the files of a package have.
//! Knows paragraphs and fields; which licence a short name stands for is `names.rs`'s.

mod names;

use std::collections::BTreeSet;

use crate::Licence;

/// The licences of a package, by its `/usr/share/doc/PACKAGE/copyright`: what the paragraphs with `Files` say in the first
/// line of `License`, each once, sorted. A short name or a combination of them is given as SPDX has it where that is
/// clear (`GPL-2+ or Expat` is `GPL-2.0-or-later OR MIT`), and else as it is written. `None` if the file is not
/// machine-readable, which many are not.
pub fn licences(copyright: &[u8]) -> Option<Vec<Licence>> {
    let text = String::from_utf8_lossy(copyright);
    let mut paragraphs = paragraphs(&text);
    paragraphs.next().filter(Paragraph::is_header)?;
    let licences = paragraphs.filter(|p| p.files).filter_map(|p| p.license);
    let licences: BTreeSet<Licence> = licences.filter_map(names::licence).collect();
    Some(licences.into_iter().collect())
}

/// The fields that matter of a paragraph.
#[derive(Default)]
struct Paragraph<'a> {
    format: bool,
    files: bool,
    /// The first line of `License`.
    license: Option<&'a str>,
}

impl Paragraph<'_> {
    /// `Format-Specification` is what it was called in drafts.
    fn is_header(&self) -> bool {
        self.format
    }
}

/// The paragraphs that have lines: empty lines are between them.
fn paragraphs(text: &str) -> impl Iterator<Item = Paragraph<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let first = lines.by_ref().find(|line| !is_empty(line))?;
        let more = lines.by_ref().take_while(|line| !is_empty(line));
        let mut paragraph = Paragraph::default();
        for line in std::iter::once(first).chain(more) {
            paragraph.line(line);
        }
        Some(paragraph)
    })
}

fn is_empty(line: &str) -> bool {
    line.trim().is_empty()
}

impl<'a> Paragraph<'a> {
    /// Lines that begin with white space go on with a field, those with `#` are comments.
    fn line(&mut self, line: &'a str) {
        if line.starts_with([' ', '\t', '#']) {
            return;
        }
        let Some((field, value)) = line.split_once(':') else { return };
        match field.to_ascii_lowercase().as_str() {
            "format" | "format-specification" => self.format = true,
            "files" => self.files = true,
            "license" => self.license = Some(value.trim()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(copyright: &str) -> Option<Vec<String>> {
        licences(copyright.as_bytes()).map(|all| all.iter().map(|l| l.as_str().to_owned()).collect())
    }

    #[test]
    fn the_licences_of_the_files() {
        let copyright = "\u{feff}Format: https://forge.example/copyright-format/1.0/\nUpstream-Name: a\nLicense: MPL-2.0\n\n\
             Files: *\nCopyright: somebody\nLicense: GPL-2+\n with a text\n .\n License: not-this\n\n\r\n\
             # License: nor-this\nfiles: debian/*\nLICENSE: \tGPL-2+ or Expat\n\n\
             Files: a\n b\nLicense:\n text without a name\n\nFiles: c\nLicense: permissive\nLicense: GPL-2+\n\n\
             License: ISC\n a licence that stands alone\n\nFiles: d\nLicense: permissive";
        let found = read(copyright).unwrap();
        assert_eq!(found, ["GPL-2.0-or-later", "GPL-2.0-or-later OR MIT", "permissive"]);
    }

    #[test]
    fn other_files_say_nothing() {
        assert_eq!(read(""), None);
        assert_eq!(read("\n\n \n"), None);
        assert_eq!(read("This package was debianised by somebody.\n\nFiles: *\nLicense: GPL-2\n"), None);
        assert_eq!(read("License: GPL-2\n\nFormat: x\n"), None);
        assert_eq!(read("Format-Specification: http://forge.example/draft\n"), Some(vec![]));
        assert_eq!(licences(b"Format: \xff\n\nFiles: \xe4\nLicense: Expat\xff").unwrap().len(), 1);
    }
}
