//! Starting, killing and looking into the real registry. Knows its configuration; not what is pushed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use akbuild_nar::Digest;

/// User `me`, password `secret`.
const HTPASSWD: &str = "me:$2y$05$iP4ggwe.JpJNsQyTbBeBaOMJ3u0rjuw/avbZ5pxnLqU38vYSXgtZC\n";

/// How the registry runs.
pub(crate) struct Options {
    /// Where it keeps things, if not in a folder of its own.
    pub(crate) root: Option<PathBuf>,
    /// Whether it asks for a password.
    pub(crate) password: bool,
    /// Whether it knows its uploads after it was started again.
    pub(crate) secret: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { root: None, password: false, secret: true }
    }
}

/// A registry that runs until this is dropped.
pub(crate) struct Server {
    pub(crate) host: String,
    root: PathBuf,
    folder: tempfile::TempDir,
    options: Options,
    child: Option<Child>,
}

impl Server {
    /// `None`: there is no such program here.
    pub(crate) fn start(options: Options) -> Option<Self> {
        program("docker-registry")?;
        let folder = tempfile::tempdir().unwrap();
        let root = options.root.clone().unwrap_or_else(|| folder.path().join("registry"));
        std::fs::write(folder.path().join("htpasswd"), HTPASSWD).unwrap();
        let mut server = Self { host: "127.0.0.1:0".to_owned(), root, folder, options, child: None };
        server.start_again();
        Some(server)
    }

    /// Starts it at the same address as before, if it does not run.
    pub(crate) fn start_again(&mut self) {
        if self.child.is_some() {
            return;
        }
        let config = self.folder.path().join("config.yml");
        std::fs::write(&config, self.config()).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config).env_clear().env("OTEL_TRACES_EXPORTER", "none");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let listening = log.find_map(|line| Some(line.split_once("listening on ")?.1.to_owned()));
        let address = listening.expect("the registry ends before it listens");
        self.host = address.split('"').next().unwrap().to_owned();
        // Whatever else it says must be read, or it stands still one day.
        std::thread::spawn(move || log.for_each(drop));
        self.child = Some(child);
    }

    fn config(&self) -> String {
        let (root, folder) = (self.root.display(), self.folder.path().display());
        let mut config = format!(
            "version: 0.1\nlog: {{level: info, formatter: text}}\nhttp:\n  addr: {}\nstorage:\n  filesystem: {{rootdirectory: {root}}}\n",
            self.host
        );
        if self.options.secret {
            config = config.replace("http:\n", "http:\n  secret: known\n");
        }
        if self.options.password {
            config.push_str(&format!("auth:\n  htpasswd: {{realm: test, path: {folder}/htpasswd}}\n"));
        }
        config
    }

    /// Kills it, as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Where it keeps a blob.
    pub(crate) fn blob(&self, digest: Digest) -> PathBuf {
        let hex = digest.hex();
        self.root.join("docker/registry/v2/blobs/sha256").join(&hex[..2]).join(hex).join("data")
    }

    /// What it has a tag stand for.
    pub(crate) fn tag(&self, name: &str, tag: &str) -> Option<Digest> {
        let tags = self.root.join("docker/registry/v2/repositories").join(name).join("_manifests/tags");
        Digest::from_oci(&std::fs::read_to_string(tags.join(tag).join("current/link")).ok()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program on the search path. In CI it has to be there.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "CI has to have `{name}`");
    found
}

/// A small disk, as long as this lives.
pub(crate) struct Tmpfs(tempfile::TempDir);

impl Tmpfs {
    /// `None`: only root may mount.
    pub(crate) fn mount(bytes: u64) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let size = std::ffi::CString::new(format!("size={bytes}")).unwrap();
        let flags = rustix::mount::MountFlags::empty();
        let mounted = rustix::mount::mount("none", folder.path(), "tmpfs", flags, size.as_c_str());
        assert!(mounted.is_ok() || std::env::var_os("CI").is_none(), "CI has to be allowed to mount");
        mounted.ok().map(|()| Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let detach = rustix::mount::UnmountFlags::DETACH;
        rustix::mount::unmount(self.0.path(), detach).unwrap();
    }
}
