//! The bundle of certificate authorities, for OpenSSL and its like and for Java, made from the
//! certificates that the packages bring. Knows no certificate's content.

use std::path::Path;

use akbuild_nar::{Algo, Hasher};
use data_encoding::BASE64;

use crate::SysrootError;
use crate::root::Root;

const SOURCE: &str = "usr/share/ca-certificates";

/// Writes `/etc/ssl/certs/ca-certificates.crt`, a link beside it for each certificate, and Java's
/// `cacerts` if something in the root links to it. Nothing without certificates.
pub(crate) fn write(root: &Root) -> Result<(), SysrootError> {
    let mut files = Vec::new();
    for folder in root.list(SOURCE)? {
        files.extend(root.list(folder)?.into_iter().filter(|f| f.extension().is_some_and(|e| e == "crt")));
    }
    if files.is_empty() {
        return Ok(());
    }
    let (mut bundle, mut certificates) = (Vec::new(), Vec::new());
    for file in &files {
        let pem = root.read(file)?;
        bundle.extend_from_slice(&pem);
        if !pem.ends_with(b"\n") {
            bundle.push(b'\n');
        }
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let link = stem.replace([' ', ','], "_").replace(['(', ')'], "=");
        root.link(Path::new("etc/ssl/certs").join(format!("{link}.pem")), Path::new("/").join(file))?;
        certificates.extend(der(&pem).map(|d| (format!("debian:{}.pem", link.to_lowercase()), d)));
    }
    root.write("etc/ssl/certs/ca-certificates.crt", &bundle)?;
    if root.exists("usr/lib/jvm") {
        root.write("etc/ssl/certs/java/cacerts", &java_keystore(&certificates))?;
    }
    Ok(())
}

/// The DER bytes of a PEM file's first certificate.
fn der(pem: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(pem).ok()?;
    let body = text.split_once("-----BEGIN CERTIFICATE-----")?.1.split_once("-----END CERTIFICATE-----")?.0;
    let compact: String = body.split_whitespace().collect();
    BASE64.decode(compact.as_bytes()).ok()
}

/// A Java key store (JKS, version 2) of trusted certificates, protected by the customary password
/// `changeit`. Big-endian: magic, version, number; for each u32 2 (a trusted certificate), alias, u64 date
/// (0 here), `X.509`, u32 length, DER; at the end the SHA-1 of the password (UTF-16), the words
/// `Mighty Aphrodite` and all that came before. Texts have a u16 length.
fn java_keystore(certificates: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut store = Vec::new();
    let text = |store: &mut Vec<u8>, t: &str| {
        // Only ASCII is the same in Java's own encoding.
        let t: String = t.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
        store.extend_from_slice(&(t.len() as u16).to_be_bytes());
        store.extend_from_slice(t.as_bytes());
    };
    for word in [0xfeed_feed_u32, 2, certificates.len() as u32] {
        store.extend_from_slice(&word.to_be_bytes());
    }
    for (alias, der) in certificates {
        store.extend_from_slice(&2_u32.to_be_bytes());
        text(&mut store, alias);
        store.extend_from_slice(&0_u64.to_be_bytes());
        text(&mut store, "X.509");
        store.extend_from_slice(&(der.len() as u32).to_be_bytes());
        store.extend_from_slice(der);
    }
    let password: Vec<u8> = "changeit".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut seal = Hasher::new(Algo::Sha1);
    for part in [&password[..], b"Mighty Aphrodite", &store] {
        seal.update(part);
    }
    store.extend_from_slice(seal.finish().as_bytes());
    store
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundle_is_sorted_and_complete() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::open(dir.path()).unwrap();
        root.write(
            "usr/share/ca-certificates/mozilla/B_(x).crt",
            b"-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----",
        )
        .unwrap();
        root.write("usr/share/ca-certificates/mozilla/A.crt", b"a\n").unwrap();
        root.make_dir("usr/lib/jvm").unwrap();
        write(&root).unwrap();
        let bundle = String::from_utf8(root.read("etc/ssl/certs/ca-certificates.crt").unwrap()).unwrap();
        assert_eq!(bundle, "a\n-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n");
        let link = root.resolve("etc/ssl/certs/B_=x=.pem").unwrap();
        assert_eq!(link, Path::new("usr/share/ca-certificates/mozilla/B_(x).crt"));
        let store = root.read("etc/ssl/certs/java/cacerts").unwrap();
        assert_eq!(store[..12], [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1]);
        assert_eq!(store.len(), 12 + 4 + 2 + "debian:b_=x=.pem".len() + 8 + 7 + 4 + 3 + 20);
    }
}
