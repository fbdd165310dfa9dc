//! Running a stage's script: the folders are laid out and the sandbox is described; the registry answers while the script
//! runs. Must not depend on keys, nor on what becomes of the output.

use std::path::{Path, PathBuf};

use akbuild_recipe::plan::{Exec, GIT, Mount as PlanMount, REGISTRY_PORT, TOOLS, WORK};
use akbuild_sandbox::{Mount, Spec};

use crate::error::EngineError;
use crate::graph::NodeId;
use crate::keys::trees;
use crate::near::near_paths;
use crate::served::Served;
use crate::stage::job::{Job, Used};
use crate::stage::work::{Folders, Order, folders_called, is_there};
use crate::{script_sandbox, source};

pub(crate) fn run_script(job: &mut Job<'_>, exec: &Exec) -> Result<(PathBuf, Used), EngineError> {
    job.context.phase(job.node, "copy");
    let folders = Folders::new(job.scratch, &job.stage.id, &exec.out)?;
    let served = (!exec.locks.is_empty()).then(|| job.served()).transpose()?;
    let spec = lay_out(job, exec, &folders, served.as_deref())?;
    job.context.phase(job.node, "run");
    let what = format!("stage `{}`", job.stage.id);
    let finished = job.sandbox(&spec, &what, served.as_deref())?;
    if folders.out.is_empty("")? {
        return Err(EngineError::Empty { stage: job.stage.id.to_string() });
    }
    Ok((folders.out.top().to_owned(), Used { max_rss: finished.max_rss() }))
}

/// Fills the folders and describes the sandbox.
pub(crate) fn lay_out(
    job: &Job<'_>,
    exec: &Exec,
    folders: &Folders,
    served: Option<&Served>,
) -> Result<Spec, EngineError> {
    fill(job, exec, folders, served)?;
    let spec = describe(job, exec, folders)?;
    let is_mounted = |mount: &PlanMount| Path::new(&exec.cwd).starts_with(&mount.to);
    if folders.lacks(&exec.cwd)? && !exec.mounts.iter().any(is_mounted) {
        let (stage, at, folder) = (job.stage.id.to_string(), job.stage.at.clone(), exec.cwd.clone());
        return Err(EngineError::NoStart { stage, at, folder });
    }
    folders.give_to(akbuild_sandbox::build_owner())?;
    Ok(spec)
}

fn fill(job: &Job<'_>, exec: &Exec, folders: &Folders, served: Option<&Served>) -> Result<(), EngineError> {
    let context = job.context;
    // On many file systems, what lists a folder then gets its files in another order.
    let order = if matches!(job.node, NodeId::Check(_)) { Order::Backwards } else { Order::Sorted };
    for copy in &exec.copies {
        folders.copy(&context.store, &job.output(&copy.from)?, copy, order)?;
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
pub(crate) fn describe(job: &Job<'_>, exec: &Exec, folders: &Folders) -> Result<Spec, EngineError> {
    let context = job.context;
    let mut mounts = vec![script_sandbox::writable("/tmp", folders.tmp.top())];
    if exec.out != WORK {
        mounts.push(script_sandbox::writable(WORK, folders.work.top()));
    }
    folders.mount_point(&exec.out, true)?;
    mounts.push(script_sandbox::writable(&exec.out, folders.out.top()));
    for tool in &exec.tools {
        let tree = job.output(NodeId::Tool(tool.clone()))?;
        mounts.push(script_sandbox::part(format!("{TOOLS}/{tool}"), context.tree(&tree), ""));
    }
    for source in &exec.git {
        let repository = job.scratch.join(format!("{source}.git"));
        if !is_there(&repository) {
            source::export_git(context, source, &repository)?;
        }
        mounts.push(script_sandbox::read_only(format!("{GIT}/{source}.git"), repository));
    }
    for mount in &exec.mounts {
        add_mount(job, mount, folders, &mut mounts)?;
    }
    let root = job.root(&exec.sysroot)?;
    let listen = (!exec.locks.is_empty()).then_some(REGISTRY_PORT);
    let env = exec.env.iter().chain([(&"out".to_owned(), &exec.out)]).map(script_sandbox::pair).collect();
    Ok(script_sandbox::spec(&root, mounts, &exec.script, env, &exec.cwd, listen))
}

fn add_mount(job: &Job<'_>, mount: &PlanMount, folders: &Folders, mounts: &mut Vec<Mount>) -> Result<(), EngineError> {
    let stage = || job.stage.id.to_string();
    let tree = trees::open(&job.context.store, &mount.from, &job.output(&mount.from)?)?;
    let found = tree.real_entry(&mount.path);
    let found = found.map_err(|source| EngineError::Unreachable { stage: stage(), source })?;
    let Some(kind) = found else {
        if mount.optional {
            return Ok(());
        }
        let listing = job.context.store.listing(&job.output(&mount.from)?)?;
        let (at, path, near) = (job.stage.at.clone(), mount.path.clone(), near_paths(&listing, "", &mount.path));
        return Err(EngineError::NoSuchPath { stage: stage(), at, path, tree: tree.name().to_owned(), near });
    };
    let Some(name) = &mount.folders else {
        folders.mount_point(&mount.to, kind.is_folder())?;
        mounts.push(script_sandbox::part(&mount.to, tree.top(), &mount.path));
        return Ok(());
    };
    let path = Path::new(&mount.path);
    for relative in folders_called(&tree, path, name)? {
        let to = format!("{}/{}", mount.to, relative.display());
        folders.mount_point(&to, true)?;
        mounts.push(script_sandbox::part(to, tree.top(), path.join(relative)));
    }
    Ok(())
}
