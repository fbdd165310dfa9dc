//! What a Debian mirror serves.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;

use akbuild_fixtures::{FakeKey, fake_date};
use akbuild_nar::Digest;
use akbuild_recipe::Lock;
use akbuild_sysroot::{LockRequest, Metadata, Suite, Wanted, lock};
use tempfile::NamedTempFile;

use super::written::unchanged;

/// The key that signs, and its keyring.
struct Signer {
    key: FakeKey,
    keyring: NamedTempFile,
}

struct Mirror {
    release: Vec<u8>,
    packages: Vec<u8>,
}

impl Metadata for Mirror {
    fn get(&self, path: &str) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        match path {
            "dists/sid/InRelease" => Ok(self.release.clone()),
            _ if path.contains("/Packages") => Ok(self.packages.clone()),
            _ => Err("404 Not Found".into()),
        }
    }
}

/// `i`: an `InRelease` as it came. `k`: a keyring. Anything else: fields of a `Release` file, which is then signed,
/// and after a NUL the `Packages` that it names. What can be locked can be written into a lock and read again.
pub fn debian(data: &[u8]) {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    let signer = SIGNER.get_or_init(|| {
        let key = FakeKey::new();
        Signer { keyring: file(&key.keyring()), key }
    });
    match data.first() {
        Some(b'i') => run(&Mirror { release: data[1..].to_vec(), packages: vec![] }, signer.keyring.path().into()),
        Some(b'k') => {
            let keyring = file(&data[1..]);
            let release = signer.key.sign("Suite: sid\n").into_bytes();
            run(&Mirror { release, packages: vec![] }, keyring.path().into());
        }
        _ => {
            let mut parts = data.splitn(2, |b| *b == 0);
            let (fields, packages) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let release = format!(
                "Suite: sid\nDate: Fri, 30 Oct 2026 08:08:01 UTC\n{}\nSHA256:\n {} {} main/binary-amd64/Packages\n",
                String::from_utf8_lossy(fields),
                Digest::sha256(packages).hex(),
                packages.len(),
            );
            let release = signer.key.sign(&release).into_bytes();
            run(&Mirror { release, packages: packages.to_vec() }, signer.keyring.path().into());
        }
    }
}

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("a temporary file can be written");
    file
}

fn run(mirror: &Mirror, keyring: PathBuf) {
    let suite = Suite { suite: "sid".into(), components: vec!["main".into()], arch: "amd64".into() };
    let packages = vec!["a".into(), "b (>= 1)".into()];
    let request = LockRequest {
        suites: &[suite],
        sysroots: &[
            Wanted { name: "run".into(), packages: vec!["a".into()], essential: false },
            Wanted { name: "build".into(), packages, essential: true },
        ],
        keyrings: &[keyring],
        fingerprints: &[],
        now: fake_date(),
        allow_expired: true,
        recommends: true,
        prefer: &[],
    };
    match lock(&request, mirror) {
        Ok(locked) => unchanged(Lock { debs: locked.packages, ..Lock::default() }),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
