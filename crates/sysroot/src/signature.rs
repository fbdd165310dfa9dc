//! The OpenPGP signature of `InRelease`: which key of which keyrings made it, and over which text.
//! Knows nothing of what the text says.

use std::path::PathBuf;

use pgp::composed::{CleartextSignedMessage, Deserializable, SignedPublicKey};
use pgp::packet::{Signature, SignatureType};
use pgp::types::{KeyDetails, VerifyingKey};

use crate::SysrootError;

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
/// matter) restricts the keys; empty: any key will do.
pub(crate) fn check(
    path: &str,
    bytes: &[u8],
    keys: &[SignedPublicKey],
    fingerprints: &[String],
) -> Result<Signed, SysrootError> {
    let unsigned = |why: String| SysrootError::NotSigned { path: path.to_owned(), why };
    let (message, _) =
        CleartextSignedMessage::from_armor_buf(bytes, Default::default()).map_err(|e| unsigned(e.to_string()))?;
    let text = message.signed_text();
    let allowed: Vec<String> = fingerprints.iter().map(|f| plain(f)).collect();
    let mut known = false;
    for signature in message.signatures() {
        for key in keys {
            for (signer, matches, good) in candidates(key, signature, &text) {
                let accepted = allowed.is_empty() || allowed.contains(&signer) || allowed.contains(&hex(key));
                known |= matches && accepted;
                if good && accepted {
                    return Ok(Signed { text: text.replace("\r\n", "\n"), signer });
                }
            }
        }
    }
    let why = if known { "the text was changed after it was signed" } else { "no accepted key made it" };
    let accepted =
        if allowed.is_empty() { format!("any of {} in the keyrings", keys.len()) } else { allowed.join(", ") };
    Err(SysrootError::Signature { path: path.to_owned(), why, signers: signers(&message), accepted })
}

/// For the primary key and each usable subkey: its fingerprint, whether the signature names it, and
/// whether it made the signature.
fn candidates(key: &SignedPublicKey, signature: &Signature, text: &str) -> Vec<(String, bool, bool)> {
    if !key.details.revocation_signatures.is_empty() {
        return Vec::new();
    }
    let mut all = vec![try_key(&key.primary_key, signature, text)];
    for subkey in &key.public_subkeys {
        let revoked = subkey.signatures.iter().any(|s| s.typ() == Some(SignatureType::SubkeyRevocation));
        if !revoked && subkey.verify_bindings(&key.primary_key).is_ok() {
            all.push(try_key(&subkey.key, signature, text));
        }
    }
    all
}

fn try_key(key: &impl VerifyingKey, signature: &Signature, text: &str) -> (String, bool, bool) {
    let fingerprint = key.fingerprint();
    let named = signature.issuer_fingerprint().contains(&&fingerprint)
        || signature.issuer_key_id().contains(&&key.legacy_key_id());
    (hex(key), named, named && signature.verify(key, text.as_bytes()).is_ok())
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
