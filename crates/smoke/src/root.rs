//! An image's file system, unpacked, and how a process of it is started: read-only but for the folders that its user
//! may write to by the image's own modes, as that user, with the image's variables. Knows what a process gets; what can
//! be seen of an image beforehand is in `inspect`, which program is started in `program`.

mod inspect;
mod program;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use akbuild_image::{Identity, Layout, Unpacked, identity, unpack};
use akbuild_recipe::plan::WrittenFile;
use akbuild_sandbox::{Limits, Mount, MountKind, Network, Output, Spec, Stdio};
use akbuild_tree::{RootDir, TreeDir, TreeError};

use crate::copy::{Copying, make_folder};
use crate::{Finding, SmokeError};

/// Where programs are looked for, unless an image says.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The name in messages.
const IMAGE: &str = "the image";

/// More of a file that says who its users are is not read.
const LONGEST: u64 = 1 << 20;

/// An image that can be started.
#[derive(Debug)]
pub struct Root {
    folder: PathBuf,
    files: Unpacked,
    entrypoint: Vec<String>,
    command: Vec<String>,
    env: BTreeMap<String, String>,
    workdir: String,
    stop: String,
    user: String,
    identity: Result<Identity, String>,
}

/// What one process gets beside its image.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mounted<'a> {
    /// Arguments; the image's own if there are none.
    pub(crate) args: &'a [String],
    /// Variables over the image's.
    pub(crate) env: BTreeMap<String, String>,
    /// Files at absolute paths, read-only.
    pub(crate) files: &'a [WrittenFile],
    /// Ports of 127.0.0.1 that somebody else answers.
    pub(crate) ports: Vec<u16>,
    /// The memory that it may have, in bytes.
    pub(crate) memory: Option<u64>,
}

impl Root {
    /// Unpacks an image into a new folder.
    pub fn unpack(layout: &Layout, folder: PathBuf) -> Result<Self, SmokeError> {
        make_folder(&folder)?;
        let files = unpack(layout, &folder)?;
        let run = layout.run.clone();
        let pair = |text: String| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let identity = who(&run.user, &folder);
        Ok(Self {
            files,
            entrypoint: run.entrypoint.unwrap_or_default(),
            command: run.cmd.unwrap_or_default(),
            env: run.env.unwrap_or_default().into_iter().filter_map(pair).collect(),
            workdir: if run.working_dir.is_empty() { "/".into() } else { run.working_dir },
            stop: run.stop_signal,
            user: run.user,
            identity,
            folder,
        })
    }

    /// Where a name that a program could not find is in the image; `None` if it is where it was looked for.
    pub(crate) fn elsewhere(&self, path: &Path) -> Option<PathBuf> {
        if self.has(path) {
            return None;
        }
        // The longer the part that agrees, the more it is the file that was meant; one name alone says too little.
        let parts: Vec<_> = path.components().collect();
        (1..parts.len().saturating_sub(1)).find_map(|skip| {
            let tail: PathBuf = parts[skip..].iter().collect();
            self.files.entries.keys().find(|there| there.ends_with(&tail)).cloned()
        })
    }

    /// Whether a path is in the image.
    fn has(&self, path: &Path) -> bool {
        self.files.look_up(path).is_some()
    }

    /// What is mounted over the image: copies of the folders that may be written to, what a container runtime writes into
    /// every container, and files.
    fn mounts(&self, identity: &Identity, scratch: &Path, files: &[WrittenFile]) -> Result<Vec<Mount>, SmokeError> {
        let mut mounts = Vec::new();
        let image = TreeDir::open(&self.folder, IMAGE)?;
        for (i, folder) in self.files.writable(identity.uid.into(), identity.gid.into()).into_iter().enumerate() {
            let own = scratch.join(i.to_string());
            Copying { files: &self.files, image: &image, identity }.copy(&folder, &own)?;
            mounts.push(Mount { at: folder, what: MountKind::ReadWrite(own) });
        }
        let hosts = "127.0.0.1\tlocalhost\n::1\tlocalhost\n";
        let own = [("/etc/hosts", hosts), ("/etc/resolv.conf", "")];
        let all = own.into_iter().chain(files.iter().map(|file| (&*file.path, &*file.text)));
        for (path, text) in all {
            let what = MountKind::File(text.as_bytes().to_vec());
            mounts.push(Mount { at: self.files.place(Path::new(path)), what });
        }
        Ok(mounts)
    }

    /// A process of the image; `scratch` is a new folder for what it writes.
    ///
    /// # Errors
    /// The inner one is a finding: the image cannot be started.
    pub(crate) fn spec(&self, scratch: &Path, mounted: &Mounted<'_>) -> Result<Result<Spec, Finding>, SmokeError> {
        let identity = match &self.identity {
            Ok(identity) => identity,
            Err(problem) => return Ok(Err(Finding::new("the image cannot be run").because(problem))),
        };
        let argv = match self.argv(mounted.args) {
            Ok(argv) => argv,
            Err(finding) => return Ok(Err(finding)),
        };
        make_folder(scratch)?;
        let mounts = self.mounts(identity, scratch, mounted.files)?;
        let mut env = BTreeMap::from([("HOME", identity.home.as_str()), ("HOSTNAME", "localhost"), ("PATH", PATH)]);
        env.extend(self.env.iter().chain(&mounted.env).map(|(name, value)| (name.as_str(), value.as_str())));
        Ok(Ok(Spec {
            root: self.folder.clone(),
            mounts,
            argv: argv.into_iter().map(Into::into).collect(),
            env: env.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            cwd: self.workdir.clone().into(),
            ids: (identity.uid, identity.gid),
            private_tmp: false,
            network: Network::Loopback,
            listen: mounted.ports.clone(),
            stdin: Stdio::Null,
            output: Output::Pipe,
            limits: Limits { memory: mounted.memory.filter(|_| akbuild_sandbox::counts_memory()), ..Limits::default() },
            ..Spec::default()
        }))
    }
}

/// The user that is called so in an image.
fn who(user: &str, folder: &Path) -> Result<Identity, String> {
    let root = open(folder).map_err(|error| error.to_string())?;
    identity(user, &|path| String::from_utf8(root.read_at_most(path, LONGEST).ok()?).ok())
}

/// The image as the root of a file system: its links lead to where they do in a container.
fn open(folder: &Path) -> Result<RootDir, TreeError> {
    RootDir::open(folder, IMAGE)
}

#[cfg(test)]
mod tests;
