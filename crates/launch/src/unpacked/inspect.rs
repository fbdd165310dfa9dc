//! What can be seen of an image to be wrong before anything is started. Knows folders, variables and programs; starts
//! nothing.

use std::collections::BTreeMap;
use std::path::Path;

use akbuild_image::Identity;

use super::UnpackedImage;
use crate::LaunchProblem;

impl UnpackedImage {
    /// The first thing that is wrong; `extra` are the variables that every process gets.
    pub fn inspect(&self, extra: &BTreeMap<String, String>) -> Option<LaunchProblem> {
        let identity = match &self.identity {
            Ok(identity) => identity,
            Err(problem) => return Some(LaunchProblem::new("the image cannot be run").because(problem)),
        };
        let env: BTreeMap<&str, &str> =
            self.process.env.iter().chain(extra).map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.no_folder_for_temporary_files(env.get("TMPDIR").copied(), identity)
            .or_else(|| self.leads_nowhere(&env))
            .or_else(|| self.no_working_folder())
            .or_else(|| self.other_end())
            .or_else(|| self.argv(&[]).err())
    }

    fn no_folder_for_temporary_files(&self, named: Option<&str>, identity: &Identity) -> Option<LaunchProblem> {
        let tmp = named.unwrap_or("/tmp");
        let problem = self.unwritable(tmp, identity)?;
        let named = if named.is_some() { "`TMPDIR` is" } else { "without `TMPDIR` it is" };
        let finding = LaunchProblem::new("the image has no folder for temporary files").because(problem);
        Some(finding.because(format!("{named} `{tmp}`")))
    }

    /// Why a folder cannot be written to by the image's user.
    fn unwritable(&self, path: &str, identity: &Identity) -> Option<String> {
        let Some((real, meta)) = self.files.look_up(Path::new(path)) else {
            return Some(format!("`{path}` is not in the image"));
        };
        if !meta.is_folder {
            return Some(format!("`{path}` is not a folder"));
        }
        if meta.lets_write(identity.uid.into(), identity.gid.into()) {
            return None;
        }
        let user = if self.process.user.is_empty() { "0" } else { &self.process.user };
        let (real, mode, uid, gid) = (real.display(), meta.mode, meta.uid, meta.gid);
        Some(format!("user {user} may not write to `{real}`: it belongs to {uid}:{gid} and its mode is {mode:o}"))
    }

    /// A variable with the path of something that is not there.
    fn leads_nowhere(&self, env: &BTreeMap<&str, &str>) -> Option<LaunchProblem> {
        // By their names they are about files; other values that begin so may be parts of addresses.
        let about_files = |name: &str| ["DIR", "FILE", "FOLDER"].iter().any(|ending| name.ends_with(ending));
        let mut paths =
            env.iter().filter(|(name, value)| about_files(name) && value.starts_with('/') && !value.contains(':'));
        let (name, value) = paths.find(|(_, value)| !self.has(Path::new(value)))?;
        let finding = LaunchProblem::new(format!("the variable `{name}` leads nowhere"));
        Some(finding.because(format!("`{value}` is not in the image")))
    }

    fn no_working_folder(&self) -> Option<LaunchProblem> {
        let there = self.files.look_up(Path::new(&self.process.workdir)).is_some_and(|(_, meta)| meta.is_folder);
        let cause = || format!("its working folder `{}` is not in it", self.process.workdir);
        (!there).then(|| LaunchProblem::new("the image cannot be started").because(cause()))
    }

    /// An image that asks to be ended by something other than SIGTERM.
    fn other_end(&self) -> Option<LaunchProblem> {
        let signal = Some(&self.stop).filter(|stop| !["", "SIGTERM", "15"].contains(&stop.as_str()))?;
        let cause = format!("its `stop_signal` is {signal}, and a process is told by SIGTERM here");
        Some(LaunchProblem::new("the image is not ended by SIGTERM").because(cause))
    }
}
