//! Which OpenPGP signatures count: the `pgp` library verifies mathematics, and this module the rest. Knows keys and
//! signatures, not what is signed; the caller says what time it is.
//!
//! Only hashes of the SHA-2 family count, in a signature and in all that binds its key. A signature is neither from the
//! future nor expired. Its key had the flag for signing, had not expired and was not revoked when the signature was made; a
//! subkey is bound by its primary key and binds it in return.

use std::time::{SystemTime, UNIX_EPOCH};

use pgp::composed::{SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{RevocationCode, Signature, SignatureType};
use pgp::types::{KeyDetails, Tag, Timestamp};

/// Why a signature that is good by its mathematics does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// A hash for which collisions are, or will be, made.
    #[error("it is made with {0}, and only hashes of the SHA-2 family count")]
    WeakHash(HashAlgorithm),
    /// No time of its own.
    #[error("it does not say when it was made")]
    NoTime,
    /// Made later than now.
    #[error("it is from the future: either this machine's clock is behind, or the signer's was ahead")]
    FromFuture,
    /// Past its own end.
    #[error("it has expired")]
    Expired,
    /// Older than its key.
    #[error("it is older than the key that made it")]
    BeforeKey,
    /// The key's end was before.
    #[error("its key had expired when it was made")]
    KeyExpired,
    /// The key, or its primary key, was taken back.
    #[error("its key is revoked")]
    KeyRevoked,
    /// A key for something else.
    #[error("its key is not meant for signing")]
    NotForSigning,
    /// A primary key that says nothing of itself, by a hash that counts.
    #[error("its key has no self-signature that counts")]
    NoSelfSignature,
    /// A subkey that its primary key does not bind, by a hash that counts.
    #[error("its subkey is not bound by its primary key")]
    NotBound,
    /// A subkey that somebody else may have put under a primary key.
    #[error("its subkey does not bind its primary key in return")]
    NoBackSignature,
}

/// Whether a signature's own fields allow it to count.
pub(crate) fn check_signature(signature: &Signature, now: SystemTime) -> Result<Timestamp, SignatureFault> {
    check_hash(signature)?;
    let made = signature.created().ok_or(SignatureFault::NoTime)?;
    let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seconds = u64::from(made.as_secs());
    if seconds > now {
        return Err(SignatureFault::FromFuture);
    }
    let lasts = signature.signature_expiration_time().map_or(0, |lasts| u64::from(lasts.as_secs()));
    if lasts != 0 && seconds + lasts <= now { Err(SignatureFault::Expired) } else { Ok(made) }
}

/// Whether a primary key could sign at that time.
pub(crate) fn check_primary(key: &SignedPublicKey, made: Timestamp) -> Result<(), SignatureFault> {
    let own = check_certificate(key, made)?;
    if own.key_flags().sign() { Ok(()) } else { Err(SignatureFault::NotForSigning) }
}

/// Whether a subkey could sign at that time.
pub(crate) fn check_subkey(
    key: &SignedPublicKey,
    subkey: &SignedPublicSubKey,
    made: Timestamp,
) -> Result<(), SignatureFault> {
    check_certificate(key, made)?;
    let revocations = subkey.signatures.iter().filter(|s| s.typ() == Some(SignatureType::SubkeyRevocation));
    if revocations.into_iter().any(|revocation| revokes(revocation, made)) {
        return Err(SignatureFault::KeyRevoked);
    }
    let bindings = subkey.signatures.iter().filter(|s| {
        s.typ() == Some(SignatureType::SubkeyBinding)
            && check_hash(s).is_ok()
            && s.verify_subkey_binding(&key.primary_key, &subkey.key).is_ok()
    });
    let binding = bindings.max_by_key(|s| s.created()).ok_or(SignatureFault::NotBound)?;
    check_lifetime(subkey.key.created_at(), binding, made)?;
    if !binding.key_flags().sign() {
        return Err(SignatureFault::NotForSigning);
    }
    let back = binding.embedded_signature().ok_or(SignatureFault::NoBackSignature)?;
    let good = check_hash(back).is_ok() && back.verify_primary_key_binding(&subkey.key, &key.primary_key).is_ok();
    if good { Ok(()) } else { Err(SignatureFault::NoBackSignature) }
}

/// Whether the certificate as a whole was alive at that time; its newest self-signature.
fn check_certificate(key: &SignedPublicKey, made: Timestamp) -> Result<&Signature, SignatureFault> {
    if key.details.revocation_signatures.iter().any(|revocation| revokes(revocation, made)) {
        return Err(SignatureFault::KeyRevoked);
    }
    let own = self_signatures(key).into_iter().max_by_key(|s| s.created()).ok_or(SignatureFault::NoSelfSignature)?;
    check_lifetime(key.primary_key.created_at(), own, made)?;
    Ok(own)
}

/// What a key says of itself, by hashes that count; nothing of user names that it has taken back.
fn self_signatures(key: &SignedPublicKey) -> Vec<&Signature> {
    let primary = &key.primary_key;
    let direct = key.details.direct_signatures.iter().filter(|s| s.verify_key(primary).is_ok());
    let mut all: Vec<&Signature> = direct.collect();
    for user in &key.details.users {
        let own = |s: &&Signature| s.verify_certification(primary, Tag::UserId, &user.id).is_ok();
        let revoked = |s: &Signature| s.typ() == Some(SignatureType::CertRevocation);
        let signatures: Vec<&Signature> = user.signatures.iter().filter(own).collect();
        if !signatures.iter().any(|s| revoked(s)) {
            all.extend(signatures);
        }
    }
    all.retain(|s| check_hash(s).is_ok());
    all
}

fn check_lifetime(created: Timestamp, own: &Signature, made: Timestamp) -> Result<(), SignatureFault> {
    let (created, made) = (u64::from(created.as_secs()), u64::from(made.as_secs()));
    let lasts = own.key_expiration_time().map_or(0, |lasts| u64::from(lasts.as_secs()));
    match lasts {
        _ if made < created => Err(SignatureFault::BeforeKey),
        lasts if lasts != 0 && created + lasts <= made => Err(SignatureFault::KeyExpired),
        _ => Ok(()),
    }
}

/// Whether a revocation concerns what was signed at that time. A key that is only replaced or retired leaves what it signed
/// before; for any other reason, or none, nothing that it signed counts. Who made the revocation does not matter: a
/// keyring is trusted, and a key too few is the safe side.
fn revokes(revocation: &Signature, made: Timestamp) -> bool {
    let soft =
        matches!(revocation.revocation_reason_code(), Some(RevocationCode::KeySuperseded | RevocationCode::KeyRetired));
    !soft || revocation.created().is_none_or(|since| since <= made)
}

fn check_hash(signature: &Signature) -> Result<(), SignatureFault> {
    match signature.hash_alg() {
        Some(HashAlgorithm::Sha224 | HashAlgorithm::Sha256 | HashAlgorithm::Sha384 | HashAlgorithm::Sha512) => Ok(()),
        Some(weak) => Err(SignatureFault::WeakHash(weak)),
        None => Err(SignatureFault::WeakHash(HashAlgorithm::None)),
    }
}
