//! Python packages as installed: the `METADATA` of a `dist-info` folder (core metadata 2.4, PEP 639). Knows its fields; what
//! licences are called in classifiers is `classifiers.rs`'s.

mod classifiers;

use crate::Licence;
use crate::licence_text::recognise;

/// What the metadata of a package says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonPackage {
    /// Its name, not normalised.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licences.
    pub licences: Vec<Licence>,
}

/// Why a package's metadata says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// A field that every package has.
    #[error("METADATA has no `{field}`; it does not belong to a package")]
    Missing {
        /// The field.
        field: &'static str,
    },
}

/// `License` is a name if it is one line of no more bytes.
const SHORT: usize = 120;

/// Reads a `METADATA`. Bytes that are not UTF-8 are replaced. Its licences are those of `License-Expression`; else of
/// `License`, if that is short and SPDX knows it; else of the classifiers, as far as they are clear. Where they are not, it
/// is named as `License` or the classifiers name it, or by its text if `License` holds one that is known.
///
/// # Errors
/// If there is no name or no version.
pub fn metadata(metadata: &[u8]) -> Result<PythonPackage, MetadataError> {
    let text = String::from_utf8_lossy(metadata);
    let fields = fields(&text);
    let first = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
    let named = |field: &'static str| {
        let value = first(&field.to_ascii_lowercase()).map(str::trim).filter(|value| !value.is_empty());
        value.map(str::to_owned).ok_or(MetadataError::Missing { field })
    };
    let classifiers = fields.iter().filter(|(field, _)| field == "classifier").map(|(_, value)| value.trim());
    let licences = licences(first("license-expression"), first("license"), classifiers);
    Ok(PythonPackage { name: named("Name")?, version: named("Version")?, licences })
}

fn licences<'a>(
    expression: Option<&str>,
    license: Option<&str>,
    classifiers: impl Iterator<Item = &'a str>,
) -> Vec<Licence> {
    if let Some(licence) = expression.and_then(Licence::written) {
        return vec![licence];
    }
    let license = license.map(str::trim).filter(|text| !text.is_empty() && !text.eq_ignore_ascii_case("unknown"));
    let short = license.filter(|text| text.len() <= SHORT && !text.contains('\n'));
    if let Some(licence) = short.and_then(Licence::clear) {
        return vec![licence];
    }
    let classified = classifiers::licences(classifiers);
    if !classified.is_empty() && classified.iter().all(Licence::is_spdx) {
        return classified;
    }
    if let Some(licence) = short.and_then(Licence::written) {
        return vec![licence];
    }
    let recognised = license.map_or_else(Vec::new, |text| recognise(text.as_bytes()));
    if recognised.is_empty() { classified } else { recognised }
}

/// The fields before the first empty line, names in lower case. A line that begins with white space goes on with the
/// field before it.
fn fields(text: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().take_while(|line| !line.is_empty()) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((field, value)) = line.split_once(':') {
            fields.push((field.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let package = metadata(format!("Metadata-Version: 2.4\nName: a\nVersion: 1\n{text}").as_bytes()).unwrap();
        package.licences.iter().map(|l| format!("{}{}", l.as_str(), if l.is_spdx() { "" } else { " (name)" })).collect()
    }

    const MIT: &str = "Classifier: License :: OSI Approved :: MIT License\n";

    #[test]
    fn the_expression_wins() {
        assert_eq!(read(&format!("License: BSD\n{MIT}License-Expression: apache-2.0 OR ISC\n")), ["Apache-2.0 OR ISC"]);
        assert_eq!(read(&format!("License-Expression: Own-1.0\n{MIT}")), ["Own-1.0 (name)"]);
        assert_eq!(read(&format!("License-Expression:\n{MIT}")), ["MIT"]);
    }

    #[test]
    fn a_short_license_that_spdx_knows_is_next() {
        assert_eq!(read(&format!("license: bsd-3-clause\n{MIT}")), ["BSD-3-Clause"]);
        assert_eq!(read("License: Apache License, Version 2.0\n"), ["Apache-2.0"]);
        assert_eq!(read(&format!("License: BSD\n{MIT}")), ["MIT"]);
        assert_eq!(read("License: BSD\nClassifier: License :: OSI Approved :: BSD License\n"), ["BSD (name)"]);
        assert_eq!(read(&format!("License: UNKNOWN\n{MIT}")), ["MIT"]);
        assert_eq!(read("License: UNKNOWN\n"), [""; 0]);
    }

    #[test]
    fn several_classifiers_are_several_licences() {
        let more = "Classifier: License :: OSI Approved :: GNU Lesser General Public License v3 or later (LGPLv3+)\n";
        assert_eq!(
            read(&format!("{MIT}{more}{MIT}Classifier: License :: OSI Approved\n")),
            ["LGPL-3.0-or-later", "MIT"]
        );
        assert_eq!(read("Classifier: License :: OSI Approved :: BSD License\n"), ["BSD License (name)"]);
        assert_eq!(read("Classifier: Programming Language :: Python\n"), [""; 0]);
    }

    #[test]
    fn a_whole_text_is_no_name() {
        let text = include_str!("../tests/texts/mit.txt").replace('\n', "\n        ");
        assert_eq!(read(&format!("License: {text}\n")), ["MIT"]);
        assert_eq!(read(&format!("License: {}\n{MIT}", "long ".repeat(1000))), ["MIT"]);
        assert_eq!(read(&format!("License: {}\n", "long ".repeat(1000))), [""; 0]);
        assert_eq!(read("License: two\n lines\n"), [""; 0]);
    }

    #[test]
    fn only_fields_count() {
        let package =
            metadata(b"NAME:  A.b \nVersion: 4!1.0+c\r\nAuthor: \xff\xfe\nLicense: \xe9\n\nName: c\nLicense: MIT\n")
                .unwrap();
        assert_eq!((package.name.as_str(), package.version.as_str()), ("A.b", "4!1.0+c"));
        assert_eq!(package.licences[0].as_str(), "\u{fffd}");
    }

    #[test]
    fn every_package_has_a_name_and_a_version() {
        let wrong = |bytes: &[u8]| metadata(bytes).unwrap_err().to_string();
        insta::assert_snapshot!(wrong(b"Name: a\nVersion:\n"), @"METADATA has no `Version`; it does not belong to a package");
        insta::assert_snapshot!(wrong(b"\nName: a\nVersion: 1\n"), @"METADATA has no `Name`; it does not belong to a package");
        insta::assert_snapshot!(wrong(b" Name: a\n"), @"METADATA has no `Name`; it does not belong to a package");
    }
}
