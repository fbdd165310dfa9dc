//! `akbuild lock`: pins what recipe and upstream leave open. What is pinned already and still fits
//! stays as it is, unless it is asked for anew.
//!
//! Order: sources, sysroots, tools, and last what source distributions are built with, since that
//! is found out by building them in the sandbox with everything else pinned.

use std::sync::Arc;
use std::time::Instant;

use akbuild_engine::{Engine, EngineError, Options};
use akbuild_fetch::GitRequest;
use akbuild_recipe::plan::{Plan, SourceId, StageId, Step, Sysroot};
use akbuild_recipe::{Lock, LockInputs, LockedOrigin, LockedSource, SourceRequest, Want};

use crate::args::Anew;
use crate::failure::{Exit, Failure, Outcome};
use crate::project::Project;
use crate::replacement::replace;
use crate::session::Session;

mod debian;
mod tools;

pub(crate) fn run(session: &Session, project: &Project, anew: &[Anew], allow_expired: bool) -> Outcome {
    let lock = resolve(session, project, anew, allow_expired)?;
    write(session, project, &lock)
}

/// Writes the lock, if it differs from what is there.
pub(super) fn write(session: &Session, project: &Project, lock: &Lock) -> Outcome {
    let text = lock.render();
    let old = &project.lock_text;
    if &text == old {
        session.ui.note("the lock is up to date");
        return Ok(());
    }
    replace(&project.lock_path, &text)?;
    let (added, removed) = difference(old, &text);
    session.ui.note(&format!("wrote {}: lines added {added}, removed {removed}", project.lock_path.display()));
    Ok(())
}

/// The lock as it should be.
pub(super) fn resolve(session: &Session, project: &Project, anew: &[Anew], allow_expired: bool) -> Outcome<Lock> {
    let mut lock = project.lock.clone();
    let again = |what: Anew| anew.contains(&what) || anew.contains(&Anew::All);
    let mut inputs = akbuild_recipe::lock_inputs(&project.written, &project.overlay)?;
    inputs.debian.iter_mut().for_each(|debian| debian.allow_expired |= allow_expired);
    lock.sources.retain(|id, _| inputs.sources.contains_key(id));
    lock.sysroots.retain(|id, _| inputs.sysroots.iter().any(|s| s.id == *id));
    lock.tools.retain(|id, _| inputs.tools.iter().any(|t| t.id == *id));
    for (id, request) in &inputs.sources {
        if again(Anew::Sources) || !lock.sources.get(id).is_some_and(|pin| fits(request, pin)) {
            session.ui.note(&format!("pinning source `{id}`"));
            lock.sources.insert(id.clone(), source(session, project, id, request)?);
        }
    }
    if again(Anew::Sysroots) || !sysroots_fit(&inputs, &lock) {
        session.ui.note("resolving sysroots");
        debian::lock(session, project, &inputs, &mut lock)?;
    }
    let stale = |tool: &&akbuild_recipe::ToolRequest| {
        again(Anew::Tools) || lock.tools.get(&tool.id).is_none_or(|pin| pin.spec != tool.spec)
    };
    let open: Vec<_> = inputs.tools.iter().filter(stale).cloned().collect();
    if again(Anew::Python) {
        lock.python.clear();
    }
    if !open.is_empty() {
        // Whoever has no registry configured asks the clients of a sysroot, so sysroots must be there first.
        let engine = bare_engine(session, project, &lock)?;
        for tool in &open {
            session.ui.note(&format!("pinning tool `{}` ({})", tool.id, tool.spec));
            lock.tools.insert(tool.id.clone(), tools::lock(session, &engine, tool)?);
        }
    }
    python(session, project, &mut lock)?;
    Ok(lock)
}

/// An engine on a plan that has sysroots only; they are made if nothing else names a registry.
fn bare_engine(session: &Session, project: &Project, lock: &Lock) -> Outcome<Arc<Engine>> {
    let sysroot = |id: &akbuild_recipe::plan::SysrootId| Sysroot {
        id: id.clone(),
        packages: lock.debs.iter().filter(|d| d.sysroots.iter().any(|s| s == id.as_str())).cloned().collect(),
        host: None,
        suites: None,
    };
    let vars = project.written.vars().clone();
    let plan = Plan {
        name: vars.name,
        version: vars.version,
        prefix: vars.prefix,
        root: project.root.clone(),
        sources: Vec::new(),
        sysroots: lock.sysroots.keys().map(sysroot).collect(),
        tools: Vec::new(),
        stages: Vec::new(),
        targets: Vec::new(),
        smoke: None,
        python_pins: Vec::new(),
    };
    let engine = session.engine(project, plan, session.options(None, Vec::new()))?;
    if engine.network.needs_sysroot()? {
        session.block_on(engine.make_sysroots())?;
    }
    Ok(engine)
}

fn fits(request: &SourceRequest, pin: &LockedSource) -> bool {
    match (&request.want, &pin.origin) {
        (Want::Git { reference, .. }, LockedOrigin::Git { url, reference: locked, .. }) => {
            request.url == *url && reference == locked
        }
        (Want::Tarball { .. }, LockedOrigin::Tarball { url, .. }) => request.url == *url,
        _ => false,
    }
}

fn sysroots_fit(inputs: &LockInputs, lock: &Lock) -> bool {
    inputs.sysroots.iter().all(|sysroot| lock.sysroots.get(&sysroot.id) == debian::request(inputs, sysroot).as_ref())
        && inputs.sysroots.len() == lock.sysroots.len()
}

/// Fetches a source as it is now.
fn source(session: &Session, project: &Project, id: &SourceId, request: &SourceRequest) -> Outcome<LockedSource> {
    let scratch = session.store.scratch(&format!("lock-{id}"))?;
    let tree = scratch.path().join("tree");
    let origin = match &request.want {
        Want::Git { reference, commit } => {
            let cache = session.store.home().join("git-v1");
            let rev = matches!(reference, akbuild_recipe::GitRef::Rev(_));
            let urls: Vec<String> = request.urls.iter().map(|address| address.url.clone()).collect();
            let wanted = GitRequest {
                urls: &urls,
                reference: (!rev).then(|| reference.text()),
                commit: commit.as_deref(),
                cache: &cache,
                credentials: &akbuild_fetch::Credentials::read(&session.machine)?,
                config: &session.client_config(project),
                progress: &|_| {},
            };
            let repository = akbuild_fetch::git_repository(&cache, &urls[0]);
            session.store.use_repository(&repository)?;
            let commit = akbuild_fetch::git_fetch(&wanted)?;
            akbuild_fetch::git_checkout(&repository, &commit, &tree)?;
            LockedOrigin::Git { url: request.url.clone(), reference: reference.clone(), commit }
        }
        Want::Tarball { digest } => {
            let digest = tools::tarball(session, project, &request.urls, *digest, scratch.path())?;
            let file = scratch.path().join("archive");
            akbuild_fetch::unpack_archive(&file, &tree, akbuild_fetch::StripTop::IfSingle)
                .map_err(EngineError::from)?;
            LockedOrigin::Tarball { url: request.url.clone(), digest }
        }
        Want::Path { .. } => return Err(Failure::Say(format!("source `{id}` is a local folder: it has no pin"))),
    };
    let options = akbuild_store::Publish { listing: true, ..Default::default() };
    let hash = session.store.publish(&tree, &options)?.hash;
    match request.hash {
        Some(expected) if expected != hash => {
            let urls = request.urls.iter().map(|address| akbuild_fetch::redact_text(&address.url));
            let (id, found, from) = (id.to_string(), hash, urls.collect::<Vec<_>>().join(", "));
            Err(EngineError::SourceHash { id, expected, found, from }.into())
        }
        _ => Ok(LockedSource { origin, hash }),
    }
}

/// Builds what comes as source distributions, to see what that takes. A stage whose output is there
/// was built with the pins as they are, so that they are complete for it.
fn python(session: &Session, project: &Project, lock: &mut Lock) -> Outcome {
    let plan = project.plan_with(lock)?;
    let with_python = |step: &Step| match step {
        Step::Exec(exec) => exec.artifacts.as_ref().is_some_and(|a| !a.python.is_empty()),
        _ => false,
    };
    let stages: Vec<StageId> = plan.stages.iter().filter(|s| with_python(&s.step)).map(|s| s.id.clone()).collect();
    if stages.is_empty() {
        lock.python.clear();
        return Ok(());
    }
    session.ui.note("building source distributions once, to see what they are built with");
    let plan = crate::toolchain::complete(session, project, plan, &stages)?;
    let options = Options { keep_going: false, ..session.options(None, Vec::new()) };
    let engine = session.build(project, plan, options, &stages)?;
    let (recorder, begun) = (engine.record(), Instant::now());
    let outcome = session.run(&engine, &stages)?;
    if !outcome.ok {
        super::build::tell(session, &engine, super::build::Ended::new(outcome, begun));
        return Err(Failure::Told(Exit::Failed));
    }
    lock.python.extend(recorder.pins());
    lock.python.sort();
    lock.python.dedup();
    Ok(())
}

fn difference(old: &str, new: &str) -> (usize, usize) {
    let lines = |text: &'_ str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    let (old, new) = (lines(old), lines(new));
    (new.difference(&old).count(), old.difference(&new).count())
}
