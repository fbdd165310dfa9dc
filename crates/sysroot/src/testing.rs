//! Tiny packages and a tiny signed archive, for tests of this crate and of those that use it. Panics
//! where a test should stop. Made in memory; nothing here is reached by the program.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use akbuild_nar::Digest;
use pgp::composed::{
    CleartextSignedMessage, EncryptionCaps, KeyType, SecretKeyParamsBuilder, SignedSecretKey, SubkeyParamsBuilder,
};
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, Password};

use crate::{DebPin, Metadata};

/// How the parts of a package are compressed.
#[derive(Clone, Copy, Debug, Default)]
pub enum Compression {
    /// `.xz`.
    #[default]
    Xz,
    /// `.zst`.
    Zstd,
    /// `.gz`.
    Gzip,
    /// A plain `.tar`.
    None,
}

/// A package in the making.
#[derive(Clone, Debug)]
pub struct FakeDeb {
    name: String,
    version: String,
    fields: Vec<(String, String)>,
    /// Tar blocks so far, without the end of the archive.
    control: Vec<u8>,
    data: Vec<u8>,
    compression: Compression,
}

impl FakeDeb {
    /// A package without files.
    pub fn new(name: &str, version: &str) -> Self {
        let (name, version) = (name.to_owned(), version.to_owned());
        FakeDeb {
            name,
            version,
            fields: Vec::new(),
            control: vec![],
            data: vec![],
            compression: Compression::default(),
        }
    }

    /// Adds a field to the control file: `Depends`.
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a maintainer script.
    pub fn script(mut self, name: &str, text: &str) -> Self {
        append(&mut self.control, &format!("./{name}"), tar::EntryType::Regular, "", 0o755, text.as_bytes());
        self
    }

    /// Adds a file.
    pub fn file(self, path: &str, bytes: &[u8], mode: u32) -> Self {
        self.member(path, tar::EntryType::Regular, "", mode, bytes)
    }

    /// Adds a folder.
    pub fn dir(self, path: &str) -> Self {
        self.member(path, tar::EntryType::Directory, "", 0o755, b"")
    }

    /// Adds a symbolic link.
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.member(path, tar::EntryType::Symlink, target, 0o777, b"")
    }

    /// Adds a member of any kind and name, also one that no package may have.
    pub fn member(mut self, path: &str, kind: tar::EntryType, link: &str, mode: u32, bytes: &[u8]) -> Self {
        append(&mut self.data, path, kind, link, mode, bytes);
        self
    }

    /// Chooses the compression.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The control file.
    fn control_text(&self) -> String {
        let mut text = format!("Package: {}\nVersion: {}\n", self.name, self.version);
        if !self.fields.iter().any(|(n, _)| n == "Architecture") {
            text.push_str("Architecture: amd64\n");
        }
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text
    }

    /// The bytes of the `.deb`.
    pub fn build(&self) -> Vec<u8> {
        let (mut control, mut data) = (self.control.clone(), self.data.clone());
        append(&mut control, "./control", tar::EntryType::Regular, "", 0o644, self.control_text().as_bytes());
        let pack = |blocks: &mut Vec<u8>| {
            blocks.resize(blocks.len() + 1024, 0);
            compress(blocks, self.compression)
        };
        let ending = match self.compression {
            Compression::Xz => ".xz",
            Compression::Zstd => ".zst",
            Compression::Gzip => ".gz",
            Compression::None => "",
        };
        let mut deb = b"!<arch>\n".to_vec();
        let parts = [
            ("debian-binary".to_owned(), b"2.0\n".to_vec()),
            (format!("control.tar{ending}"), pack(&mut control)),
            (format!("data.tar{ending}"), pack(&mut data)),
        ];
        for (name, bytes) in parts {
            writeln!(deb, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, "100644", bytes.len()).unwrap();
            deb.extend_from_slice(&bytes);
            deb.resize(deb.len().next_multiple_of(2), b'\n');
        }
        deb
    }

    /// The pin of these bytes.
    pub fn pin(&self) -> DebPin {
        let bytes = self.build();
        DebPin {
            name: self.name.clone(),
            version: self.version.clone(),
            path: self.path(),
            digest: Digest::sha256(&bytes),
            size: bytes.len() as u64,
            sysroots: vec!["build".into()],
        }
    }

    fn path(&self) -> String {
        format!("pool/main/{}_{}_amd64.deb", self.name, self.version.replace(':', "%3a"))
    }
}

fn append(to: &mut Vec<u8>, path: &str, kind: tar::EntryType, link: &str, mode: u32, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    // By hand: the library's own setters refuse the names that tests of refusals need.
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    to.extend_from_slice(header.as_bytes());
    to.extend_from_slice(bytes);
    to.resize(to.len().next_multiple_of(512), 0);
}

fn compress(bytes: &[u8], compression: Compression) -> Vec<u8> {
    match compression {
        Compression::None => bytes.to_vec(),
        Compression::Zstd => zstd::encode_all(bytes, 1).unwrap(),
        Compression::Xz => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
    }
}

/// A key that signs Release files with a subkey, as Debian's do.
pub struct FakeKey(SignedSecretKey);

impl FakeKey {
    /// Makes a new key.
    #[allow(clippy::new_without_default, reason = "a key of chance is no default")]
    pub fn new() -> Self {
        let mut subkey = SubkeyParamsBuilder::default();
        subkey
            .key_type(KeyType::Ed25519Legacy)
            .can_sign(true)
            .can_encrypt(EncryptionCaps::None)
            .can_authenticate(false);
        let mut params = SecretKeyParamsBuilder::default();
        params
            .key_type(KeyType::Ed25519Legacy)
            .can_certify(true)
            .can_sign(false)
            .can_encrypt(EncryptionCaps::None)
            .primary_user_id("Test archive <archive@example.invalid>".into())
            .subkeys(vec![subkey.build().unwrap()]);
        FakeKey(params.build().unwrap().generate(rand::thread_rng()).unwrap())
    }

    /// The binary keyring.
    pub fn keyring(&self) -> Vec<u8> {
        self.0.to_public_key().to_bytes().unwrap()
    }

    /// The armoured keyring.
    pub fn armoured(&self) -> String {
        self.0.to_public_key().to_armored_string(Default::default()).unwrap()
    }

    /// The primary key's fingerprint.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint().to_string().to_uppercase()
    }

    /// The text with its signature.
    pub fn sign(&self, text: &str) -> String {
        let subkey = &self.0.secret_subkeys[0].key;
        let signed = CleartextSignedMessage::sign(rand::thread_rng(), text, subkey, &Password::empty()).unwrap();
        signed.to_armored_string(Default::default()).unwrap()
    }
}

/// The files of a mirror, by path below its base.
#[derive(Clone, Debug, Default)]
pub struct FakeArchive {
    /// Path and bytes.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// The date of a [`FakeArchive`]'s Release file.
pub fn fake_date() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_793_347_681)
}

impl FakeArchive {
    /// An archive with one suite, `sid`, of component `main` for `amd64`, that is valid for a week from
    /// [`fake_date`].
    pub fn new(debs: &[FakeDeb], key: &FakeKey) -> Self {
        let (mut archive, mut index) = (FakeArchive::default(), String::new());
        for deb in debs {
            let pin = deb.pin();
            let (path, size, digest) = (&pin.path, pin.size, pin.digest.hex());
            index.push_str(&deb.control_text());
            index.push_str(&format!("Filename: {path}\nSize: {size}\nSHA256: {digest}\n\n"));
            archive.files.insert(pin.path, deb.build());
        }
        let index = compress(index.as_bytes(), Compression::Xz);
        let release = format!(
            "Origin: Test\nSuite: sid\nCodename: sid\nDate: Fri, 30 Oct 2026 08:08:01 UTC\nValid-Until: Fri, 06 Nov 2026 08:08:01 UTC\nArchitectures: amd64\nComponents: main\nSHA256:\n {} {} main/binary-amd64/Packages.xz\n",
            Digest::sha256(&index).hex(),
            index.len()
        );
        archive.files.insert("dists/sid/InRelease".into(), key.sign(&release).into_bytes());
        archive.files.insert("dists/sid/main/binary-amd64/Packages.xz".into(), index);
        archive
    }

    /// Writes the archive into a folder, as a mirror would serve it.
    pub fn write_to(&self, folder: &Path) {
        for (path, bytes) in &self.files {
            let to = folder.join(path);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::write(to, bytes).unwrap();
        }
    }
}

impl Metadata for FakeArchive {
    fn get(&self, path: &str) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        self.files.get(path).cloned().ok_or_else(|| "404 Not Found".into())
    }
}
