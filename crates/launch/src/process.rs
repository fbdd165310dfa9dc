//! The one definition of an image's process: which arguments, environment, user and working folder it gets. They are
//! those that container runtimes give, so that an image that works here works there: of variables, `PATH`, `HOME` and
//! `HOSTNAME` are set beside the image's own, and no other, such as `LANG`. Must not depend on how the image is mounted.

use std::collections::BTreeMap;
use std::path::PathBuf;

use akbuild_image::{Identity, Layout};
use akbuild_recipe::plan::ImageConfig;
use akbuild_sandbox::{Mount, Spec};

/// The name that the sandbox has as a host.
const HOSTNAME: &str = "localhost";

/// How an image's configuration says that its process runs.
#[derive(Clone, Debug)]
pub struct ImageProcess {
    /// The program, and its first arguments.
    pub entrypoint: Vec<String>,
    /// Arguments that are used if none are given.
    pub command: Vec<String>,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// `UID`, `UID:GID`, or names; empty: root.
    pub user: String,
    /// The folder that it starts in.
    pub workdir: String,
}

impl From<&ImageConfig> for ImageProcess {
    fn from(config: &ImageConfig) -> Self {
        Self {
            entrypoint: config.entrypoint.clone(),
            command: config.command.clone(),
            env: config.env.clone(),
            user: config.user.clone(),
            workdir: workdir(&config.workdir),
        }
    }
}

impl From<&Layout> for ImageProcess {
    fn from(layout: &Layout) -> Self {
        let run = layout.run.clone();
        let pair = |text: String| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            entrypoint: run.entrypoint.unwrap_or_default(),
            command: run.cmd.unwrap_or_default(),
            env: run.env.unwrap_or_default().into_iter().filter_map(pair).collect(),
            user: run.user,
            workdir: workdir(&run.working_dir),
        }
    }
}

fn workdir(configured: &str) -> String {
    if configured.is_empty() { "/".to_owned() } else { configured.to_owned() }
}

/// The file system of a process.
pub(crate) struct ProcessRoot {
    pub(crate) tree: PathBuf,
    pub(crate) mounts: Vec<Mount>,
    /// Where programs are looked for, unless the image says.
    pub(crate) search_path: String,
}

impl ImageProcess {
    /// The program and its arguments: `args`, or the image's own if there are none.
    pub(crate) fn words(&self, args: &[String]) -> Vec<String> {
        let args = if args.is_empty() { &self.command } else { args };
        self.entrypoint.iter().chain(args).cloned().collect()
    }

    /// The sandbox in which `argv` runs; `env` goes over the image's variables. Network, input and output are the
    /// caller's choice.
    pub(crate) fn sandbox(
        &self,
        root: ProcessRoot,
        identity: &Identity,
        argv: Vec<String>,
        env: &BTreeMap<String, String>,
    ) -> Spec {
        let fixed = [("HOME", &*identity.home), ("HOSTNAME", HOSTNAME), ("PATH", &*root.search_path)];
        let mut all = BTreeMap::from(fixed);
        all.extend(self.env.iter().chain(env).map(|(name, value)| (name.as_str(), value.as_str())));
        Spec {
            root: root.tree,
            mounts: root.mounts,
            argv: argv.into_iter().map(Into::into).collect(),
            env: all.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            cwd: self.workdir.clone().into(),
            ids: (identity.uid, identity.gid),
            ..Spec::default()
        }
    }
}
