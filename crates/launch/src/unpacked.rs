//! An image's file system, unpacked, and how a process of it is started: read-only but for the folders that its user
//! may write to by the image's own modes, as that user, with the image's variables. Knows what a process gets; what can
//! be seen of an image beforehand is in `inspect`, which program is started in `program`.

mod copy;
mod inspect;
mod program;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use akbuild_image::{Identity, Layout, Unpacked, identity, unpack};
use akbuild_recipe::plan::WrittenFile;
use akbuild_sandbox::{Limits, Mount, MountKind, Network, Output, Spec, Stdio};
use akbuild_tree::TreeDir;

use self::copy::Copying;
use self::program::ProgramSearch;
use crate::files::{IMAGE, make_folder, read_users};
use crate::process::ProcessRoot;
use crate::{DEFAULT_PATH, ImageProcess, LaunchError, LaunchProblem};

/// An image that can be started.
#[derive(Debug)]
pub struct UnpackedImage {
    folder: PathBuf,
    files: Unpacked,
    process: ImageProcess,
    stop: String,
    identity: Result<Identity, String>,
}

/// What one process gets beside its image.
#[derive(Clone, Debug, Default)]
pub struct ProcessSetup<'a> {
    /// Arguments; the image's own if there are none.
    pub args: &'a [String],
    /// Variables over the image's.
    pub env: BTreeMap<String, String>,
    /// Files at absolute paths, read-only.
    pub files: &'a [WrittenFile],
    /// Ports of 127.0.0.1 that somebody else answers.
    pub ports: Vec<u16>,
    /// The memory that it may have, in bytes.
    pub memory: Option<u64>,
}

impl UnpackedImage {
    /// Unpacks an image into a new folder.
    pub fn unpack(layout: &Layout, folder: PathBuf) -> Result<Self, LaunchError> {
        make_folder(&folder)?;
        let files = unpack(layout, &folder)?;
        let process = ImageProcess::from(layout);
        let identity = who(&process.user, &folder);
        Ok(Self { files, process, stop: layout.run.stop_signal.clone(), identity, folder })
    }

    /// Where a name that a program could not find is in the image; `None` if it is where it was looked for.
    pub fn elsewhere(&self, path: &Path) -> Option<PathBuf> {
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

    /// The program and its arguments, the program with its whole path.
    fn argv(&self, args: &[String]) -> Result<Vec<String>, LaunchProblem> {
        ProgramSearch { folder: &self.folder, files: &self.files, process: &self.process }.argv(args)
    }

    /// Whether a path is in the image.
    fn has(&self, path: &Path) -> bool {
        self.files.look_up(path).is_some()
    }

    /// What is mounted over the image: copies of the folders that may be written to, what a container runtime writes into
    /// every container, and files.
    fn mounts(&self, identity: &Identity, scratch: &Path, files: &[WrittenFile]) -> Result<Vec<Mount>, LaunchError> {
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
    /// The inner one is a problem of the image: it cannot be started.
    pub fn spec(&self, scratch: &Path, setup: &ProcessSetup<'_>) -> Result<Result<Spec, LaunchProblem>, LaunchError> {
        let identity = match &self.identity {
            Ok(identity) => identity,
            Err(problem) => return Ok(Err(LaunchProblem::new("the image cannot be run").because(problem))),
        };
        let argv = match self.argv(setup.args) {
            Ok(argv) => argv,
            Err(problem) => return Ok(Err(problem)),
        };
        make_folder(scratch)?;
        let root = ProcessRoot {
            tree: self.folder.clone(),
            mounts: self.mounts(identity, scratch, setup.files)?,
            search_path: DEFAULT_PATH.to_owned(),
        };
        Ok(Ok(Spec {
            private_tmp: false,
            network: Network::Loopback,
            listen: setup.ports.clone(),
            stdin: Stdio::Null,
            output: Output::Pipe,
            limits: Limits { memory: setup.memory.filter(|_| akbuild_sandbox::counts_memory()), ..Limits::default() },
            ..self.process.sandbox(root, identity, argv, &setup.env)
        }))
    }
}

/// The user that is called so in an image.
fn who(user: &str, folder: &Path) -> Result<Identity, String> {
    identity(user, &|path| read_users(folder, Path::new(path)))
}

#[cfg(test)]
mod tests;
