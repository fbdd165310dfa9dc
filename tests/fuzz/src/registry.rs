//! The loopback registry is asked in any words.

use std::fmt::Debug;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use akbuild_names::{GoFileKind, GoModuleFile, NpmTarball, PythonDistribution};
use akbuild_nar::{Algo, Digest};
use akbuild_registry::{Artifact, Catalogue, PackageFile, Server, parse_path};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

const SECRET: &[u8] = b"this file is in no catalogue";
/// Closes the connection, whatever stood before it.
const LAST: &[u8] = b"\r\n\r\nGET /last HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

/// Panics of any thread: those of a connection would be lost in the runtime.
static PANICS: AtomicUsize = AtomicUsize::new(0);

struct Asked {
    runtime: Runtime,
    address: SocketAddr,
    _server: Server,
    _files: TempDir,
}

/// Bytes as they come in on a connection. The server does not panic, answers in HTTP, and sends no file but those
/// of its catalogue.
pub fn registry(data: &[u8]) {
    static ASKED: OnceLock<Mutex<Asked>> = OnceLock::new();
    parse_path(&String::from_utf8_lossy(data));
    let asked = ASKED.get_or_init(|| Mutex::new(start())).lock().unwrap_or_else(PoisonError::into_inner);
    let before = PANICS.load(Ordering::Relaxed);
    let answer = asked.runtime.block_on(ask(asked.address, data));
    assert_eq!(before, PANICS.load(Ordering::Relaxed), "the server panicked");
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "the answer is not HTTP");
    assert!(!answer.windows(SECRET.len()).any(|w| w == SECRET), "a file outside the catalogue was sent");
}

/// The whole answer; what was read so far if the server waits for more.
async fn ask(address: SocketAddr, data: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    let talk = async {
        let mut stream = TcpStream::connect(address).await?;
        // The server may have closed the connection by then: what it said before still counts.
        let _ = stream.write_all(&[data, LAST].concat()).await;
        stream.read_to_end(&mut answer).await
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), talk).await;
    answer
}

fn start() -> Asked {
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        quiet(info);
    }));
    let files = tempfile::tempdir().expect("a temporary folder");
    fs::write(files.path().join("secret"), SECRET).expect("a file is written");
    let artifacts: Vec<Artifact> = what().into_iter().map(|(algo, what)| artifact(algo, what)).collect();
    let folder = files.path().to_owned();
    let catalogue = Catalogue::new(&artifacts, |digest| folder.join(digest.hex()));
    for artifact in &artifacts {
        fs::write(files.path().join(artifact.digest.hex()), artifact.what.to_string()).expect("a file is written");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = Server::start(listener, Arc::new(catalogue), None, runtime.handle()).expect("a server");
    Asked { runtime, address, _server: server, _files: files }
}

fn what() -> Vec<(Algo, PackageFile)> {
    fn name<T: FromStr<Err: Debug>>(text: &str) -> T {
        text.parse().expect("a name")
    }
    vec![
        (Algo::Sha512, PackageFile::Npm(NpmTarball { name: name("a"), version: name("1.0.0"), url: None })),
        (Algo::Sha512, PackageFile::Npm(NpmTarball { name: name("@s/a"), version: name("1.0.0"), url: None })),
        (
            Algo::Sha256,
            PackageFile::Python(PythonDistribution {
                name: name("a"),
                version: name("1"),
                file: name("a-1.tar.gz"),
                url: None,
                index: None,
            }),
        ),
        (
            Algo::GoMod,
            PackageFile::Go(GoModuleFile {
                kind: GoFileKind::Mod,
                module: name("forge.example/A"),
                version: name("v1.0.0"),
            }),
        ),
        (
            Algo::GoZip,
            PackageFile::Go(GoModuleFile {
                kind: GoFileKind::Zip,
                module: name("forge.example/A"),
                version: name("v1.0.0"),
            }),
        ),
    ]
}

/// An artifact whose digest is a digit, over and over: the server does not look.
fn artifact(algo: Algo, what: PackageFile) -> Artifact {
    let digit = what.to_string().len() % 16;
    let hex = format!("{digit:x}").repeat(algo.len() * 2);
    Artifact { digest: Digest::from_hex(algo, &hex).expect("a digest"), size: None, what }
}
