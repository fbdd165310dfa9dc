//! Signatures of Release files that are good by their mathematics and do not count, each with its message.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

use std::time::{Duration as Time, SystemTime, UNIX_EPOCH};

use akbuild_fixtures::{FakeArchive, FakeDeb, FakeKey};
use akbuild_sysroot::{LockRequest, Suite, Wanted, lock};
use pgp::composed::{CleartextSignedMessage, KeyType, SignedKeyDetails, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    KeyFlags, PubKeyInner, PublicKey, PublicSubkey, RevocationCode, SecretKey, SecretSubkey, Signature,
    SignatureConfig, SignatureType, Subpacket, SubpacketData, UserId,
};
use pgp::ser::Serialize;
use pgp::types::{Duration, KeyVersion, Password, SignedUser, SigningKey, Tag, Timestamp};

const DAY: u32 = 86_400;
/// When keys are made; a signature is made a hundred days later, and read ten days after that.
const MADE: u32 = 1_600_000_000;
const SIGNED: u32 = MADE + 100 * DAY;
const NOW: u32 = SIGNED + 10 * DAY;

/// A key and a signature, and what is wrong with them.
#[derive(Clone)]
struct Signer {
    hash: HashAlgorithm,
    signed: u32,
    lasts: Option<u32>,
    key_lasts: Option<u32>,
    subkey_lasts: Option<u32>,
    revoked: Option<(RevocationCode, u32)>,
    subkey_revoked: Option<(RevocationCode, u32)>,
    can_sign: bool,
    primary_signs: bool,
    binding_hash: HashAlgorithm,
    back: Back,
}

#[derive(Clone, Copy)]
enum Back {
    Good,
    Missing,
    Foreign,
    Weak,
}

impl Default for Signer {
    fn default() -> Self {
        Self {
            hash: HashAlgorithm::Sha256,
            signed: SIGNED,
            lasts: None,
            key_lasts: None,
            subkey_lasts: None,
            revoked: None,
            subkey_revoked: None,
            can_sign: true,
            primary_signs: false,
            binding_hash: HashAlgorithm::Sha512,
            back: Back::Good,
        }
    }
}

fn part(data: SubpacketData) -> Subpacket {
    Subpacket::regular(data).unwrap()
}

fn config(typ: SignatureType, hash: HashAlgorithm, by: &impl SigningKey, made: u32) -> SignatureConfig {
    let mut config = SignatureConfig::v4(typ, by.algorithm(), hash);
    config.hashed_subpackets = vec![
        part(SubpacketData::SignatureCreationTime(Timestamp::from_secs(made))),
        part(SubpacketData::IssuerFingerprint(by.fingerprint())),
    ];
    config
}

fn inner() -> (PubKeyInner, pgp::types::SecretParams) {
    let (public, secret) = KeyType::Rsa(2048).generate(rand::thread_rng()).unwrap();
    let made = Timestamp::from_secs(MADE);
    (PubKeyInner::new(KeyVersion::V4, KeyType::Rsa(2048).to_alg(), made, None, public).unwrap(), secret)
}

/// A primary key and two subkeys; keys of RSA take long to make.
fn keys() -> &'static (SecretKey, SecretSubkey, SecretSubkey) {
    static KEYS: std::sync::OnceLock<(SecretKey, SecretSubkey, SecretSubkey)> = std::sync::OnceLock::new();
    KEYS.get_or_init(|| {
        let subkey = || {
            let (public, secret) = inner();
            SecretSubkey::new(PublicSubkey::from_inner(public).unwrap(), secret).unwrap()
        };
        let (public, secret) = inner();
        (SecretKey::new(PublicKey::from_inner(public).unwrap(), secret).unwrap(), subkey(), subkey())
    })
}

impl Signer {
    fn flags(&self, config: &mut SignatureConfig, sign: bool, lasts: Option<u32>) {
        let mut flags = KeyFlags::default();
        flags.set_sign(sign);
        flags.set_certify(!sign);
        config.hashed_subpackets.push(part(SubpacketData::KeyFlags(flags)));
        config.hashed_subpackets.extend(lasts.map(|s| part(SubpacketData::KeyExpirationTime(Duration::from_secs(s)))));
    }

    fn keyring(&self) -> Vec<u8> {
        let ((primary, subkey, other), none) = (keys(), Password::empty());
        let user = UserId::from_str(Default::default(), "Test archive <archive@example.invalid>").unwrap();
        let mut own = config(SignatureType::CertPositive, HashAlgorithm::Sha512, primary, MADE);
        self.flags(&mut own, self.primary_signs && self.can_sign, self.key_lasts);
        let own = own.sign_certification(primary, primary.public_key(), &none, Tag::UserId, &user).unwrap();
        let reason = |code| part(SubpacketData::RevocationReason(code, Default::default()));
        let revocations = self.revoked.into_iter().map(|(code, made)| {
            let mut revocation = config(SignatureType::KeyRevocation, HashAlgorithm::Sha256, primary, made);
            revocation.hashed_subpackets.push(reason(code));
            revocation.sign_key(primary, &none, primary.public_key()).unwrap()
        });
        let details =
            SignedKeyDetails::new(revocations.collect(), vec![], vec![SignedUser::new(user, vec![own])], vec![]);

        let mut binding = config(SignatureType::SubkeyBinding, self.binding_hash, primary, MADE);
        self.flags(&mut binding, self.can_sign, self.subkey_lasts);
        let back = |by: &SecretSubkey, hash| {
            let config = config(SignatureType::KeyBinding, hash, by, MADE);
            config.sign_primary_key_binding(by, by.public_key(), &none, primary.public_key()).unwrap()
        };
        let back = match self.back {
            Back::Good => Some(back(subkey, HashAlgorithm::Sha256)),
            Back::Weak => Some(back(subkey, HashAlgorithm::Sha1)),
            Back::Foreign => Some(back(other, HashAlgorithm::Sha256)),
            Back::Missing => None,
        };
        binding.hashed_subpackets.extend(back.map(|b| part(SubpacketData::EmbeddedSignature(Box::new(b)))));
        let public = primary.public_key();
        let mut bindings = vec![binding.sign_subkey_binding(primary, public, &none, subkey.public_key()).unwrap()];
        bindings.extend(self.subkey_revoked.map(|(code, made)| {
            let mut revocation = config(SignatureType::SubkeyRevocation, HashAlgorithm::Sha256, primary, made);
            revocation.hashed_subpackets.push(reason(code));
            revocation.sign_subkey_binding(primary, public, &none, subkey.public_key()).unwrap()
        }));
        let subkeys = vec![SignedPublicSubKey::new(subkey.public_key().clone(), bindings)];
        SignedPublicKey::new(public.clone(), details, subkeys).to_bytes().unwrap()
    }

    fn sign(&self, text: &str) -> String {
        let message = CleartextSignedMessage::new_many(text, |text| {
            let made: Signature = match self.primary_signs {
                true => self.signed_by(&keys().0, text)?,
                false => self.signed_by(&keys().1, text)?,
            };
            Ok(vec![made])
        });
        message.unwrap().to_armored_string(Default::default()).unwrap()
    }

    fn signed_by(&self, key: &impl SigningKey, text: &str) -> pgp::errors::Result<Signature> {
        let mut config = config(SignatureType::Text, self.hash, key, self.signed);
        let lasts = self.lasts.map(|s| part(SubpacketData::SignatureExpirationTime(Duration::from_secs(s))));
        config.hashed_subpackets.extend(lasts);
        config.sign(key, &Password::empty(), text.as_bytes())
    }

    /// Whether a lock accepts an archive that is signed so: the line that says why not.
    fn refused(&self) -> Option<String> {
        let mut archive = FakeArchive::new(&[FakeDeb::new("a", "1")], &FakeKey::new());
        let release = String::from_utf8(archive.files["dists/sid/InRelease"].clone()).unwrap();
        let (_, text) = release.split_once("\n\n").unwrap();
        let (text, _) = text.split_once("-----BEGIN PGP SIGNATURE-----").unwrap();
        archive.files.insert("dists/sid/InRelease".into(), self.sign(text).into_bytes());
        let keyring = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(keyring.path(), self.keyring()).unwrap();
        let now: SystemTime = UNIX_EPOCH + Time::from_secs(NOW.into());
        let request = LockRequest {
            suites: &[Suite { suite: "sid".into(), components: vec!["main".into()], arch: "amd64".into() }],
            sysroots: &[Wanted { name: "build".into(), packages: vec!["a".into()], essential: false }],
            keyrings: &[keyring.path().to_owned()],
            fingerprints: &[],
            now,
            allow_expired: true,
            recommends: false,
            prefer: &[],
        };
        let error = lock(&request, &archive).err()?.to_string();
        assert!(error.contains("help: "), "{error}");
        let line = error.lines().next().unwrap();
        Some(line.strip_prefix("the signature of `dists/sid/InRelease` is not good: ").unwrap().to_owned())
    }
}

fn refused(change: impl FnOnce(&mut Signer)) -> String {
    let mut signer = Signer::default();
    change(&mut signer);
    signer.refused().unwrap_or_else(|| "accepted".to_owned())
}

#[test]
fn signatures_that_count() {
    assert_eq!(refused(|_| {}), "accepted");
    assert_eq!(refused(|s| s.primary_signs = true), "accepted");
    for hash in [HashAlgorithm::Sha384, HashAlgorithm::Sha512] {
        assert_eq!(refused(|s| s.hash = hash), "accepted", "{hash}");
    }
    assert_eq!(refused(|s| s.lasts = Some(11 * DAY)), "accepted");
    // The key ended after the signature was made, though before it is read.
    assert_eq!(refused(|s| s.key_lasts = Some(105 * DAY)), "accepted");
    assert_eq!(refused(|s| s.subkey_lasts = Some(105 * DAY)), "accepted");
    // A key that was replaced later has signed what it has signed.
    assert_eq!(refused(|s| s.revoked = Some((RevocationCode::KeySuperseded, SIGNED + DAY))), "accepted");
    assert_eq!(refused(|s| s.subkey_revoked = Some((RevocationCode::KeyRetired, SIGNED + DAY))), "accepted");
}

#[test]
fn weak_hashes_do_not_count() {
    for hash in [HashAlgorithm::Md5, HashAlgorithm::Sha1, HashAlgorithm::Ripemd160] {
        let expected = format!("it is made with {hash}, and only hashes of the SHA-2 family count");
        assert_eq!(refused(|s| s.hash = hash), expected);
    }
    insta::assert_snapshot!(refused(|s| s.hash = HashAlgorithm::Sha1), @"it is made with SHA1, and only hashes of the SHA-2 family count");
    insta::assert_snapshot!(refused(|s| s.binding_hash = HashAlgorithm::Sha1), @"its subkey is not bound by its primary key");
    insta::assert_snapshot!(refused(|s| s.back = Back::Weak), @"its subkey does not bind its primary key in return");
}

#[test]
fn times_of_signatures() {
    insta::assert_snapshot!(refused(|s| s.signed = NOW + 1), @"it is from the future: either this machine's clock is behind, or the signer's was ahead");
    assert_eq!(refused(|s| s.signed = NOW), "accepted");
    insta::assert_snapshot!(refused(|s| s.lasts = Some(10 * DAY)), @"it has expired");
    insta::assert_snapshot!(refused(|s| s.signed = MADE - 1), @"it is older than the key that made it");
}

#[test]
fn keys_that_ended() {
    insta::assert_snapshot!(refused(|s| s.key_lasts = Some(100 * DAY)), @"its key had expired when it was made");
    insta::assert_snapshot!(refused(|s| s.subkey_lasts = Some(100 * DAY)), @"its key had expired when it was made");
    for code in [RevocationCode::KeyCompromised, RevocationCode::NoReason] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(refused(|s| s.revoked = Some((code, NOW))), @"its key is revoked");
            insta::assert_snapshot!(refused(|s| s.subkey_revoked = Some((code, NOW))), @"its key is revoked");
        }
    }
    assert_eq!(refused(|s| s.revoked = Some((RevocationCode::KeyRetired, SIGNED))), "its key is revoked");
    assert_eq!(refused(|s| s.subkey_revoked = Some((RevocationCode::KeySuperseded, SIGNED))), "its key is revoked");
}

#[test]
fn keys_for_something_else() {
    insta::assert_snapshot!(refused(|s| s.can_sign = false), @"its key is not meant for signing");
    insta::assert_snapshot!(refused(|s| (s.primary_signs, s.can_sign) = (true, false)), @"its key is not meant for signing");
    insta::assert_snapshot!(refused(|s| s.back = Back::Missing), @"its subkey does not bind its primary key in return");
    insta::assert_snapshot!(refused(|s| s.back = Back::Foreign), @"its subkey does not bind its primary key in return");
}
