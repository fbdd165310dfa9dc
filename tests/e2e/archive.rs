//! A Debian archive with one package that holds enough to run a stage: this machine's own shell and a few
//! tools, each with the libraries that it needs. Made once, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use akbuild_fixtures::{Compression, FakeArchive, FakeDeb, FakeKey};

/// What the package `tools` has beside `bash`.
const TOOLS: [&str; 20] = [
    "basename", "cat", "chmod", "cp", "env", "find", "head", "id", "ln", "ls", "mkdir", "mv", "realpath", "rm",
    "sleep", "sort", "stat", "tail", "tee", "touch",
];

/// The package that every test's sysroot is made of.
pub(crate) const PACKAGE: &str = "pool/main/tools_1.0_amd64.deb";

/// A signed archive and its keyring.
pub(crate) struct Archive {
    /// Path below the mirror's base, and bytes.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) keyring: Vec<u8>,
}

/// The archive that all tests share.
pub(crate) fn archive() -> &'static Archive {
    static ARCHIVE: OnceLock<Archive> = OnceLock::new();
    ARCHIVE.get_or_init(|| make("1.0"))
}

/// The same at a later time: `tools` has another version. Signed by the same key.
pub(crate) fn newer() -> Archive {
    make("1.1")
}

fn make(version: &str) -> Archive {
    static KEY: OnceLock<FakeKey> = OnceLock::new();
    let key = KEY.get_or_init(FakeKey::new);
    let extra = FakeDeb::new("extra", "2").file("./usr/share/extra", b"2\n", 0o644);
    // Servers for images that are started: one program without libraries.
    let busybox = busybox().unwrap_or_default();
    let busybox = FakeDeb::new("busybox", "1").file("./usr/bin/busybox", &busybox, 0o755);
    // Python packages are chosen by the version of the C library.
    let libc = FakeDeb::new("libc6", "2.41-1").file("./usr/share/libc6", b"2.41\n", 0o644);
    let mut files = FakeArchive::new(&[tools(version), extra, busybox, libc], key).files;
    let release = files.get_mut("dists/sid/InRelease").unwrap();
    *release = key.sign(&without_end(std::str::from_utf8(release).unwrap())).into_bytes();
    Archive { files, keyring: key.keyring() }
}

/// This machine's busybox, if it has a static one.
pub(crate) fn busybox() -> Option<Vec<u8>> {
    std::fs::read("/bin/busybox").or_else(|_| std::fs::read("/usr/bin/busybox")).ok()
}

/// The signed text, without the day on which it expires: these tests are to run on any day.
fn without_end(signed: &str) -> String {
    let (_, text) = signed.split_once("\n\n").unwrap();
    let (text, _) = text.split_once("-----BEGIN PGP SIGNATURE-----").unwrap();
    text.lines().filter(|line| !line.starts_with("Valid-Until:")).map(|line| format!("{line}\n")).collect()
}

fn tools(version: &str) -> FakeDeb {
    let mut deb = FakeDeb::new("tools", version).compression(Compression::None);
    let mut libraries = BTreeSet::new();
    for name in ["bash"].into_iter().chain(TOOLS) {
        let program = which(name);
        libraries.extend(needed(&program));
        deb = deb.file(&format!("./usr/bin/{name}"), &std::fs::read(&program).unwrap(), 0o755);
    }
    for library in libraries {
        let place = library.to_str().unwrap();
        // As Debian has it: `/lib` and `/lib64` are links into `/usr`.
        let place = if place.starts_with("/lib") { format!("./usr{place}") } else { format!(".{place}") };
        deb = deb.file(&place, &std::fs::read(&library).unwrap(), 0o755);
    }
    deb
}

fn which(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("PATH is set");
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("these tests need `{name}` on this machine"))
}

/// The libraries of a program, by the paths under which it looks for them.
fn needed(program: &Path) -> Vec<PathBuf> {
    let output = Command::new(which("ldd")).arg(program).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().filter(|word| word.starts_with('/') && !word.ends_with(':')).map(PathBuf::from).collect()
}
