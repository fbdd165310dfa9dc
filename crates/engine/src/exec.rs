//! Running a stage's script: the folders are laid out, the sandbox is described and started, the registry
//! answers, output goes to the log and to whoever listens, and the checks are made.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Check, Exec, GIT, Mount as PlanMount, REGISTRY_PORT, Stage, Step, SysrootId, TOOLS, WORK};
use akbuild_registry::{Server, Upstream};
use akbuild_sandbox::{Finished, Limits, Mount, MountKind, Output, Spec, Status, Stdio};
use akbuild_tree::TreeDir;

use crate::engine::Engine;
use crate::error::{EngineError, Io};
use crate::event::Event;
use crate::graph::NodeId;
use crate::near::near_paths;
use crate::node_inputs::NodeInputs;
use crate::root::Root;
use crate::served::Served;
use crate::work::{Folders, Order, folders_called, make_folder};
use crate::{elf, make, trees};

/// The start of 1980, the earliest time that a zip archive can hold.
const SOURCE_DATE_EPOCH: &str = "315532800";

/// Bytes of a line that are passed on at a time: a stage may write a line that never ends.
const LONGEST_LINE: u64 = 64 << 10;

/// A stage being run.
pub(crate) struct Job<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) stage: &'a Stage,
    pub(crate) node: &'a NodeId,
    pub(crate) given: &'a NodeInputs,
    /// Where its folders are.
    pub(crate) scratch: &'a Path,
    pub(crate) log: File,
    pub(crate) upstream: Option<Arc<dyn Upstream>>,
}

/// What is measured of a run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    pub(crate) max_rss: u64,
}

impl Job<'_> {
    /// Runs the step and its checks; the output is then in the folder that is returned.
    pub(crate) fn run(&mut self) -> Result<(PathBuf, Used), EngineError> {
        let stage = self.stage;
        let (out, mut used) = match &stage.step {
            Step::Exec(exec) => self.exec(exec)?,
            Step::Compose(compose) => {
                self.engine.phase(self.node, "link");
                let out = self.scratch.join("out");
                make_folder(&out)?;
                let tree = |tree: &_| make::output_of(tree, &self.given.outputs);
                crate::compose::compose(&self.engine.store, stage.id.as_str(), compose, tree, &out)?;
                (out, Used::default())
            }
            Step::Layer(layer) => (self.layer(layer)?, Used::default()),
            Step::Image(image) => (self.image(image)?, Used::default()),
        };
        // While locking, a stage runs to see what it asks the registry for. Its checks say nothing about that, and what
        // comes of it is not recorded: whoever builds makes it, and them, with the pins.
        let checks = if self.upstream.is_some() { &[] } else { stage.step.checks() };
        for check in checks {
            self.engine.phase(self.node, "check");
            used.max_rss = used.max_rss.max(self.check(check, &out)?.max_rss);
        }
        Ok((out, used))
    }

    fn exec(&mut self, exec: &Exec) -> Result<(PathBuf, Used), EngineError> {
        self.engine.phase(self.node, "copy");
        let folders = Folders::new(self.scratch, &self.stage.id, &exec.out)?;
        let served = exec.artifacts.as_ref().map(|_| self.served()).transpose()?;
        let spec = self.lay_out(exec, &folders, served.as_deref())?;
        self.engine.phase(self.node, "run");
        let what = format!("stage `{}`", self.stage.id);
        let finished = self.sandbox(&spec, &what, served.as_deref())?;
        if folders.out.is_empty("")? {
            return Err(EngineError::Empty { stage: self.stage.id.to_string() });
        }
        Ok((folders.out.top().to_owned(), Used { max_rss: finished.max_rss() }))
    }

    pub(crate) fn served(&self) -> Result<Arc<Served>, EngineError> {
        let known = self.given.served.clone();
        known.ok_or_else(|| EngineError::Bug(format!("`{}` began before its downloads", self.stage.id)))
    }

    /// Fills the folders and describes the sandbox.
    pub(crate) fn lay_out(&self, exec: &Exec, folders: &Folders, served: Option<&Served>) -> Result<Spec, EngineError> {
        self.fill(exec, folders, served)?;
        let spec = self.describe(exec, folders)?;
        let is_mounted = |mount: &PlanMount| Path::new(&exec.cwd).starts_with(&mount.to);
        if folders.lacks(&exec.cwd)? && !exec.mounts.iter().any(is_mounted) {
            let (stage, at, folder) = (self.stage.id.to_string(), self.stage.at.clone(), exec.cwd.clone());
            return Err(EngineError::NoStart { stage, at, folder });
        }
        folders.give_to(akbuild_sandbox::build_owner())?;
        Ok(spec)
    }

    fn fill(&self, exec: &Exec, folders: &Folders, served: Option<&Served>) -> Result<(), EngineError> {
        let engine = self.engine;
        // On many file systems, what lists a folder then gets its files in another order.
        let order = if matches!(self.node, NodeId::Check(_)) { Order::Backwards } else { Order::Sorted };
        for copy in &exec.copies {
            folders.copy(&engine.store, &make::output_of(&copy.from, &self.given.outputs)?, copy, order)?;
        }
        for (path, text) in served.into_iter().flat_map(|s| &s.rewritten) {
            folders.rewrite(path, text)?;
        }
        for file in &exec.files {
            folders.write(file)?;
        }
        Ok(())
    }

    /// Describes the sandbox over folders that are filled.
    pub(crate) fn describe(&self, exec: &Exec, folders: &Folders) -> Result<Spec, EngineError> {
        let engine = self.engine;
        let mut mounts = vec![writable("/tmp", folders.tmp.top())];
        if exec.out != WORK {
            mounts.push(writable(WORK, folders.work.top()));
        }
        folders.mount_point(&exec.out, true)?;
        mounts.push(writable(&exec.out, folders.out.top()));
        for tool in &exec.tools {
            let tree = self.output(&NodeId::Tool(tool.clone()))?;
            mounts.push(part(format!("{TOOLS}/{tool}"), engine.tree(&tree), ""));
        }
        for source in &exec.git {
            let repository = self.scratch.join(format!("{source}.git"));
            if !is_there(&repository) {
                make::export_git(engine, source, &repository)?;
            }
            mounts.push(read_only(format!("{GIT}/{source}.git"), repository));
        }
        for mount in &exec.mounts {
            self.mount(mount, folders, &mut mounts)?;
        }
        let root = self.root(&exec.sysroot)?;
        let listen = exec.artifacts.as_ref().map(|_| REGISTRY_PORT);
        let env = exec.env.iter().chain([(&"out".to_owned(), &exec.out)]).map(pair).collect();
        Ok(spec(&root, mounts, &exec.script, env, &exec.cwd, listen))
    }

    fn root(&self, id: &SysrootId) -> Result<Root, EngineError> {
        let tree = self.engine.tree(&self.output(&NodeId::Sysroot(id.clone()))?);
        Ok(Root::new(self.engine.sysroot(id)?, tree))
    }

    pub(crate) fn output(&self, node: &NodeId) -> Result<TreeHash, EngineError> {
        let known = self.given.outputs.get(node).copied();
        known.ok_or_else(|| EngineError::Bug(format!("{node} was needed before it was made")))
    }

    fn mount(&self, mount: &PlanMount, folders: &Folders, mounts: &mut Vec<Mount>) -> Result<(), EngineError> {
        let stage = || self.stage.id.to_string();
        let tree = trees::open(&self.engine.store, &mount.from, &make::output_of(&mount.from, &self.given.outputs)?)?;
        let found = tree.real_entry(&mount.path);
        let found = found.map_err(|source| EngineError::Unreachable { stage: stage(), source })?;
        let Some(kind) = found else {
            if mount.optional {
                return Ok(());
            }
            let listing = self.engine.store.listing(&make::output_of(&mount.from, &self.given.outputs)?)?;
            let (at, path, near) = (self.stage.at.clone(), mount.path.clone(), near_paths(&listing, "", &mount.path));
            return Err(EngineError::NoSuchPath { stage: stage(), at, path, tree: tree.name().to_owned(), near });
        };
        let Some(name) = &mount.folders else {
            folders.mount_point(&mount.to, kind.is_folder())?;
            mounts.push(part(&mount.to, tree.top(), &mount.path));
            return Ok(());
        };
        let path = Path::new(&mount.path);
        for relative in folders_called(&tree, path, name)? {
            let to = format!("{}/{}", mount.to, relative.display());
            folders.mount_point(&to, true)?;
            mounts.push(part(to, tree.top(), path.join(relative)));
        }
        Ok(())
    }

    /// Runs a sandbox to its end, or until the run is stopped.
    fn sandbox(&mut self, spec: &Spec, what: &str, served: Option<&Served>) -> Result<Finished, EngineError> {
        if self.engine.cancel.is_thrown() {
            return Err(EngineError::Cancelled);
        }
        let mut running = akbuild_sandbox::spawn(spec)?;
        let killer = running.killer();
        let _registered = self.engine.cancel.on_throw(move || killer.kill());
        let start = |(listener, served): (_, &Served)| {
            let catalogue = served.catalogue(self.engine);
            Server::start(listener, catalogue, self.upstream.clone(), &self.engine.runtime)
        };
        let server = running.listeners().into_iter().next().zip(served).map(start).transpose();
        let server = server.doing("serve the registry for", Path::new(what))?;
        if let Some(output) = running.output() {
            self.follow(BufReader::new(output))?;
        }
        let finished = running.wait()?;
        let misses = server.map(|server| server.misses()).unwrap_or_default();
        if self.engine.cancel.is_thrown() {
            return Err(EngineError::Cancelled);
        }
        let how = match finished.status {
            Status::Exited(0) => return Ok(finished),
            Status::Exited(code) => format!("exited with status {code}"),
            Status::Signalled(signal) => format!("was ended by signal {signal}"),
        };
        let what = what.to_owned();
        if misses.is_empty() {
            return Err(EngineError::Script { what, how });
        }
        let misses: Vec<String> = misses.iter().map(|miss| format!("  {miss}")).collect();
        Err(EngineError::Misses { what, how, misses: misses.join("\n") })
    }

    /// Copies what a stage writes to its log, and tells of each line.
    fn follow(&mut self, mut output: impl BufRead) -> Result<(), EngineError> {
        let mut line = Vec::new();
        let log = Path::new("the log");
        loop {
            line.clear();
            match read_line(&mut output, &mut line) {
                Ok(0) => return self.log.flush().doing("write", log),
                Ok(_) => {}
                // A terminal's other end gone means the same as the end of a pipe.
                Err(error) if error.raw_os_error() == Some(5) => return Ok(()),
                Err(error) => return Err(error).doing("read", Path::new("the output of a stage")),
            }
            self.log.write_all(&line).doing("write", log)?;
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if !text.is_empty() {
                self.engine.sink.event(Event::Line { node: self.node.clone(), line: text });
            }
        }
    }

    fn check(&mut self, check: &Check, out: &Path) -> Result<Used, EngineError> {
        match check {
            Check::Elf { sysroot, at } => {
                let root = self.root(sysroot)?;
                let report = elf::check(out, at, &root)?;
                let line = report.summary();
                writeln!(self.log, "{line}").doing("write", Path::new("the log"))?;
                self.engine.sink.event(Event::Line { node: self.node.clone(), line });
                if report.unmet.is_empty() {
                    return Ok(Used::default());
                }
                let providers = elf::providers(self.engine, &report.unmet, out, at, (sysroot, &root))?;
                let words = elf::words(&report, &providers, sysroot.as_str());
                Err(EngineError::Elf { unmet: report.unmet, words })
            }
            Check::Run { sysroot, at, script, env } => {
                let root = self.root(sysroot)?;
                let tmp = self.scratch.join("check-tmp");
                if !is_there(&tmp) {
                    make_folder(&tmp)?;
                    TreeDir::open(&tmp, "`/tmp`")?.give_to(akbuild_sandbox::build_owner())?;
                }
                let mounts = vec![writable("/tmp", &tmp), part(at, out, "")];
                let env = env.iter().chain([(&"out".to_owned(), at)]).map(pair).collect();
                let what = format!("a check of stage `{}`", self.stage.id);
                let finished = self.sandbox(&spec(&root, mounts, script, env, "/", None), &what, None)?;
                Ok(Used { max_rss: finished.max_rss() })
            }
        }
    }
}

/// Reads a line, or the beginning of one that is too long to be kept; the rest is read as further lines.
fn read_line(output: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    output.take(LONGEST_LINE).read_until(b'\n', line)
}

fn pair((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.clone())
}

/// A sandbox for a script, with the environment that each stage has.
pub(crate) fn spec(
    root: &Root,
    mounts: Vec<Mount>,
    script: &str,
    env: Vec<(String, String)>,
    cwd: &str,
    listen: Option<u16>,
) -> Spec {
    let fixed = [
        ("HOME", "/tmp"),
        ("LANG", "C.UTF-8"),
        ("PATH", &root.path),
        ("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH),
        ("TMPDIR", "/tmp"),
        ("TZ", "UTC"),
    ];
    let mut all: std::collections::BTreeMap<String, String> =
        fixed.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    all.extend(env);
    let argv = ["/bin/bash", "-euo", "pipefail", "-c", script].map(Into::into).to_vec();
    Spec {
        root: root.tree.clone(),
        mounts: root.sandbox_mounts().chain(mounts).collect(),
        argv,
        env: all.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        cwd: cwd.into(),
        listen: listen.into_iter().collect(),
        stdin: Stdio::Null,
        output: Output::Pipe,
        limits: Limits::default(),
        ..Spec::default()
    }
}

fn writable(at: impl Into<PathBuf>, host: &Path) -> Mount {
    Mount { at: at.into(), what: MountKind::ReadWrite(host.to_owned()) }
}

/// A part of a tree whose names akbuild did not choose: no link in it is followed.
fn part(at: impl Into<PathBuf>, top: impl Into<PathBuf>, path: impl Into<PathBuf>) -> Mount {
    Mount { at: at.into(), what: MountKind::Part { top: top.into(), path: path.into() } }
}

/// Whether a scratch folder has an entry, whose path only akbuild chooses.
#[allow(clippy::disallowed_methods, reason = "the path is akbuild's own")]
fn is_there(path: &Path) -> bool {
    path.exists()
}

fn read_only(at: impl Into<PathBuf>, host: impl Into<PathBuf>) -> Mount {
    Mount { at: at.into(), what: MountKind::ReadOnly(host.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_never_ends_is_read_in_pieces() {
        let (length, mut read, mut line) = (64 << 20, 0, Vec::new());
        let endless = io::repeat(b'x').take(length).chain(&b"\nlast\n"[..]);
        let mut output = BufReader::new(endless);
        let mut lines = 0;
        loop {
            line.clear();
            match read_line(&mut output, &mut line).unwrap() {
                0 => break,
                n => read += n as u64,
            }
            lines += 1;
            assert!(line.capacity() as u64 <= 2 * LONGEST_LINE);
        }
        assert_eq!((read, lines), (length + 6, length / LONGEST_LINE + 2));
    }
}
