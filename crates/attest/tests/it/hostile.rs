//! Whatever is read, nothing breaks, and what is written of it is well-formed.

use akbuild_attest::{Component, Licence, Origin, Purl, debian, go, python, sbom};
use akbuild_nar::Digest;
use proptest::prelude::*;

use crate::elf::{INFO, every};
use crate::sample;

/// A text of pieces that mean something to a reader, and of others.
fn text(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![3 => prop::sample::select(pieces).prop_map(str::to_owned), 1 => "\\PC{0,3}"];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

const LICENCES: &[&str] = &[
    "MIT",
    "GPL-2",
    "+",
    " ",
    " and ",
    " or ",
    ", and ",
    ", or ",
    " with ",
    "AND",
    "OR",
    "WITH",
    "(",
    ")",
    "LicenseRef-",
    "GPL-",
    "v",
    ".",
];
const COPYRIGHT: &[&str] =
    &["Format:", "Files:", "License:", " ", "\n", "\n\n", "\r\n", "*", "GPL-2+", " or ", "Expat", "#", "\u{feff}"];
const METADATA: &[&str] = &[
    "Name:",
    "Version:",
    "License:",
    "License-Expression:",
    "Classifier: License :: ",
    "OSI Approved :: ",
    "MIT",
    "\n",
    "\n ",
    "a",
    "1",
];
const INFORMATION: &[&str] = &["path\t", "mod\t", "dep\t", "=>\t", "\t", "\n", "a", "v1", "h1:", "h1:AAAA", "build\t"];

proptest! {
    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = go::binary(&bytes);
        let _ = debian::licences(&bytes);
        let _ = debian::licences(&[b"Format: 1\n\nFiles: *\nLicense: ", &bytes[..]].concat());
        let _ = python::metadata(&bytes);
    }

    #[test]
    fn information_in_a_program(strings in prop::collection::vec(any::<u8>(), 0..40), made in prop::sample::select(every())) {
        let mut file = made.file();
        let end = file.len().min(INFO + 32 + strings.len());
        file[INFO + 32..end].copy_from_slice(&strings[..end - INFO - 32]);
        let _ = go::binary(&file);
    }

    #[test]
    fn lines_in_a_program(lines in text(INFORMATION), made in prop::sample::select(every())) {
        let mark = "markmarkmarkmark";
        let text = format!("{mark}{}{mark}", lines.replace(['\0'], "") + "\n");
        let mut file = made.file();
        file.truncate(INFO + 32);
        file.extend(b"\x06go1.26");
        file.extend([text.len() as u8 | 0x80, (text.len() >> 7) as u8]);
        file.extend(text.as_bytes());
        // The section or segment is as long as before: the rest is cut or padded.
        file.resize(made.file().len(), b'\n');
        let _ = go::binary(&file);
    }

    #[test]
    fn texts(copyright in text(COPYRIGHT), metadata in text(METADATA)) {
        let _ = debian::licences(copyright.as_bytes());
        let _ = python::metadata(metadata.as_bytes());
    }

    /// What is an expression once is the same expression when it is read again.
    #[test]
    fn licences(text in text(LICENCES)) {
        if let Some(licence) = Licence::written(&text) {
            prop_assert_eq!(Licence::written(licence.as_str()), Some(licence.clone()));
        }
        if let Some(all) = debian::licences(format!("Format: 1\n\nFiles: *\nLicense: {text}\n").as_bytes()) {
            let read_again = all.iter().filter(|l| l.is_spdx()).map(|l| Licence::spdx(l.as_str()));
            prop_assert!(read_again.eq(all.iter().filter(|l| l.is_spdx()).map(|l| Some(l.clone()))));
        }
    }

    #[test]
    fn names(name in "\\PC{0,12}", version in "\\PC{0,12}") {
        let origin = Origin { address: Some(name.clone()), commit: Some(version.clone()), tree: Digest::sha256(b"") };
        let python = Component::python(&sample::parsed("a"), &sample::parsed("1"), &name);
        let components = [Component::source(&name, &version, origin, None), python];
        for component in &components {
            let purl = component.purl.as_str();
            prop_assert!(purl.bytes().all(|b| b.is_ascii_graphic()) && purl.matches('@').count() == 1, "{}", purl);
            prop_assert_eq!(Purl::parse(purl), Some(component.purl.clone()));
        }
        let bill = sbom(&sample::project(), &components, "1").unwrap();
        prop_assert!(serde_json::from_str::<serde_json::Value>(&bill).is_ok());
    }
}
