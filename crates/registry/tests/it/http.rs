//! A client of a few lines, a registry to ask, and small packages to serve.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use akbuild_names::{GoFileKind, GoModuleFile, GoModulePath, GoModuleVersion, NpmTarball};
use akbuild_nar::{Algo, Digest, Hasher};
use akbuild_registry::{Artifact, Catalogue, PackageFile, Server, Upstream};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(prefix.as_str()))
    }
}

/// One request on a connection of its own.
pub(crate) fn ask(address: SocketAddr, method: &str, path: &str, headers: &str) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n").unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let end = all.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(all[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head, body: all[end + 4..].to_vec() }
}

/// A registry on a free port of 127.0.0.1.
pub(crate) struct Registry {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    _runtime: Runtime,
}

impl Registry {
    pub(crate) fn get(&self, path: &str) -> Reply {
        ask(self.address, "GET", path, "")
    }
}

/// Local files, and the artifacts that they are.
pub(crate) struct Files {
    pub(crate) dir: TempDir,
    pub(crate) artifacts: Vec<Artifact>,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), artifacts: Vec::new() }
    }

    pub(crate) fn npm(&mut self, name: &str, version: &str, url: Option<&str>, bytes: &[u8]) {
        let mut hasher = Hasher::new(Algo::Sha512);
        hasher.update(bytes);
        let what = PackageFile::Npm(NpmTarball {
            name: name.parse().unwrap(),
            version: version.parse().unwrap(),
            url: url.map(|url| url.parse().unwrap()),
        });
        self.add(hasher.finish(), what, bytes);
    }

    pub(crate) fn python(&mut self, name: &str, version: &str, file: &str, bytes: &[u8]) {
        let artifact = Artifact::python(
            name.parse().unwrap(),
            version.parse().unwrap(),
            file.parse().unwrap(),
            Digest::sha256(bytes),
        );
        self.add(artifact.digest, artifact.what, bytes);
    }

    pub(crate) fn go(&mut self, module: &str, version: &str, go_mod: &str, zip: &[u8]) {
        let module: GoModulePath = module.parse().unwrap();
        let version: GoModuleVersion = version.parse().unwrap();
        let of = |algo, bytes: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            Digest::of_file(algo, &file).unwrap()
        };
        let what =
            PackageFile::Go(GoModuleFile { kind: GoFileKind::Mod, module: module.clone(), version: version.clone() });
        self.add(of(Algo::GoMod, go_mod.as_bytes()), what, go_mod.as_bytes());
        self.add(of(Algo::GoZip, zip), PackageFile::Go(GoModuleFile { kind: GoFileKind::Zip, module, version }), zip);
    }

    fn add(&mut self, digest: Digest, what: PackageFile, bytes: &[u8]) {
        std::fs::write(local(self.dir.path(), &digest), bytes).unwrap();
        self.artifacts.push(Artifact { digest, size: Some(bytes.len() as u64), what });
    }

    pub(crate) fn serve(&self, upstream: Option<Arc<dyn Upstream>>) -> Registry {
        let catalogue = Arc::new(Catalogue::new(&self.artifacts, |digest| local(self.dir.path(), digest)));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let server = Server::start(listener, catalogue, upstream, runtime.handle()).unwrap();
        Registry { server, address, _runtime: runtime }
    }
}

pub(crate) fn local(dir: &Path, digest: &Digest) -> PathBuf {
    dir.join(format!("{}-{}", digest.algo(), digest.hex()))
}

/// A gzipped tar archive of these files.
pub(crate) fn tar_gz(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// A zip archive of these files.
pub(crate) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, text) in files {
        zip.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
