//! The OpenPGP signature of `InRelease`: which key of which keyrings made it, and over which text.
//! Knows nothing of what the text says.
#![allow(clippy::disallowed_methods, reason = "keyrings are files that the machine or the recipe names")]

use std::path::PathBuf;
use std::time::SystemTime;

use pgp::composed::{CleartextSignedMessage, Deserializable, SignedPublicKey};
use pgp::packet::Signature;
use pgp::types::{KeyDetails, Timestamp, VerifyingKey};

use crate::{SignatureFault, SysrootError, key_policy};

/// A text whose signature is good.
pub(crate) struct Signed {
    /// The text that was signed, and nothing beside it.
    pub(crate) text: String,
    /// Fingerprint of the key that signed: upper-case hex.
    pub(crate) signer: String,
}

/// The keys of all keyrings, binary or armoured.
pub(crate) fn read_keyrings(paths: &[PathBuf]) -> Result<Vec<SignedPublicKey>, SysrootError> {
    let mut keys = Vec::new();
    for path in paths {
        let fail = |why: String| SysrootError::Keyring { path: path.clone(), why };
        let bytes = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
        let (parsed, _) = SignedPublicKey::from_reader_many(&bytes[..]).map_err(|e| fail(e.to_string()))?;
        let before = keys.len();
        // A keyring may hold a key of a kind that is not understood: the others still count.
        keys.extend(parsed.filter_map(Result::ok));
        if keys.len() == before {
            return Err(fail("it holds no OpenPGP public key".into()));
        }
    }
    Ok(keys)
}

/// Checks a clear-signed text. `fingerprints` (of primary keys or subkeys; case and spaces do not
/// matter) restricts the keys; empty: any key will do. `now` is what signatures are compared with.
pub(crate) fn check(
    path: &str,
    bytes: &[u8],
    keys: &[SignedPublicKey],
    fingerprints: &[String],
    now: SystemTime,
) -> Result<Signed, SysrootError> {
    let unsigned = |why: String| SysrootError::NotSigned { path: path.to_owned(), why };
    let (message, _) =
        CleartextSignedMessage::from_armor_buf(bytes, Default::default()).map_err(|e| unsigned(e.to_string()))?;
    let text = message.signed_text();
    let allowed: Vec<String> = fingerprints.iter().map(|f| plain(f)).collect();
    let mut fault = None;
    for signature in message.signatures() {
        for key in keys {
            for (signer, outcome) in candidates(key, signature, &text, now) {
                if !allowed.is_empty() && !allowed.contains(&signer) && !allowed.contains(&hex(key)) {
                    continue;
                }
                match outcome {
                    Ok(()) => return Ok(Signed { text: text.replace("\r\n", "\n"), signer }),
                    Err(why) => fault = fault.or(Some(why)),
                }
            }
        }
    }
    let why = fault.unwrap_or_else(|| "no accepted key made it".to_owned());
    let accepted =
        if allowed.is_empty() { format!("any of {} in the keyrings", keys.len()) } else { allowed.join(", ") };
    Err(SysrootError::Signature { path: path.to_owned(), why, signers: signers(&message), accepted })
}

/// For the primary key and each subkey that the signature names: its fingerprint, and whether it made a signature that
/// counts.
fn candidates(
    key: &SignedPublicKey,
    signature: &Signature,
    text: &str,
    now: SystemTime,
) -> Vec<(String, Result<(), String>)> {
    let mut all = Vec::new();
    if is_named(&key.primary_key, signature) {
        let outcome = verify(&key.primary_key, signature, text, now, |made| key_policy::check_primary(key, made));
        all.push((hex(key), outcome));
    }
    for subkey in key.public_subkeys.iter().filter(|subkey| is_named(&subkey.key, signature)) {
        let outcome = verify(&subkey.key, signature, text, now, |made| key_policy::check_subkey(key, subkey, made));
        all.push((hex(&subkey.key), outcome));
    }
    all
}

fn is_named(key: &impl KeyDetails, signature: &Signature) -> bool {
    signature.issuer_fingerprint().contains(&&key.fingerprint())
        || signature.issuer_key_id().contains(&&key.legacy_key_id())
}

fn verify(
    key: &impl VerifyingKey,
    signature: &Signature,
    text: &str,
    now: SystemTime,
    usable: impl FnOnce(Timestamp) -> Result<(), SignatureFault>,
) -> Result<(), String> {
    let made = key_policy::check_signature(signature, now).map_err(|fault| fault.to_string())?;
    if signature.verify(key, text.as_bytes()).is_err() {
        return Err("the text was changed after it was signed".to_owned());
    }
    usable(made).map_err(|fault| fault.to_string())
}

fn signers(message: &CleartextSignedMessage) -> String {
    let mut all = Vec::new();
    for signature in message.signatures() {
        let fingerprints: Vec<String> = signature.issuer_fingerprint().iter().map(|f| plain(&f.to_string())).collect();
        let ids = signature.issuer_key_id().into_iter().map(|i| plain(&i.to_string()));
        all.extend(if fingerprints.is_empty() { ids.collect() } else { fingerprints });
    }
    if all.is_empty() { "nobody".into() } else { all.join(", ") }
}

fn hex(key: &impl KeyDetails) -> String {
    plain(&key.fingerprint().to_string())
}

fn plain(fingerprint: &str) -> String {
    fingerprint.chars().filter(|c| c.is_ascii_hexdigit()).collect::<String>().to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lists that apt keeps on a Debian machine, checked with the keyring that it has; passed over elsewhere.
    #[test]
    fn what_a_real_archive_signs_is_accepted() {
        let keyring = PathBuf::from("/usr/share/keyrings/debian-archive-keyring.gpg");
        let Ok(keys) = read_keyrings(&[keyring]) else { return };
        let lists = std::fs::read_dir("/var/lib/apt/lists").into_iter().flatten().flatten();
        for list in lists.filter(|list| list.file_name().to_string_lossy().ends_with("_InRelease")) {
            let bytes = std::fs::read(list.path()).unwrap();
            if !String::from_utf8_lossy(&bytes).contains("\nOrigin: Debian\n") {
                continue;
            }
            check("InRelease", &bytes, &keys, &[], SystemTime::now()).unwrap();
        }
    }
}
