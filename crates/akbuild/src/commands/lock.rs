//! `akbuild lock`: pins what recipe and upstream leave open. What is pinned already and still fits
//! stays as it is, unless it is asked for anew.
//!
//! Order: the recipe and its stages are checked, then come sources and everything that can be said of stages from them
//! alone; sysroots and tools; and last what source distributions are built with, since that is found out by building
//! them in the sandbox with everything else pinned. Each step is written as soon as it is complete, so that the next
//! attempt goes on where this one failed.

use std::collections::BTreeSet;

use akbuild_engine::NodeId;
use akbuild_recipe::plan::{DebPin, SourceId, Sysroot, SysrootId};
use akbuild_recipe::{Lock, LockInputs, LockedSource, Overlay, RecipeErrors, SourceRequest, ToolRequest};

use crate::args::Anew;
use crate::failure::Outcome;
use crate::project::Project;
use crate::replacement::replace;
use crate::session::Session;

mod debian;
mod python;
mod sources;
mod tools;

/// The steps, in order, as messages call them.
const STEPS: [&str; 4] = ["sources", "sysroots", "tools", "what source distributions are built with"];

pub(crate) fn run(session: &Session, project: &Project, anew: &[Anew], allow_expired: bool) -> Outcome {
    LockAttempt::new(session, project, anew, allow_expired).run()
}

/// A lock on its way.
pub(super) struct LockAttempt<'a> {
    session: &'a Session,
    project: &'a Project,
    anew: Vec<Anew>,
    allow_expired: bool,
    /// As far as it is resolved: what is left is as it was.
    lock: Lock,
    /// The text of the file.
    on_disk: String,
    /// Whether the file of the recipe is still to be written, with another version.
    moves: bool,
    /// Steps that are complete.
    done: usize,
}

impl<'a> LockAttempt<'a> {
    pub(super) fn new(session: &'a Session, project: &'a Project, anew: &[Anew], allow_expired: bool) -> Self {
        let (lock, on_disk) = (project.lock.clone(), project.lock_text.clone());
        Self { session, project, anew: anew.to_vec(), allow_expired, lock, on_disk, moves: false, done: 0 }
    }

    /// The same for a recipe of another version, which is written with the first step of its lock.
    pub(super) fn of_update(session: &'a Session, project: &'a Project, allow_expired: bool) -> Self {
        Self { moves: true, ..Self::new(session, project, &[], allow_expired) }
    }

    /// Resolves and writes, and says what was written, also if a step fails.
    pub(super) fn run(mut self) -> Outcome {
        let result = self.resolve();
        // Sources that were pinned before one that failed stay. A recipe moves with all of its sources or not at all.
        let kept = if result.is_err() && !self.moves { self.save() } else { Ok(()) };
        self.tell(result.is_err());
        result.and(kept)
    }

    fn resolve(&mut self) -> Outcome {
        let mut inputs = akbuild_recipe::lock_inputs(&self.project.written, &self.project.overlay)?;
        inputs.debian.iter_mut().for_each(|debian| debian.allow_expired |= self.allow_expired);
        self.project.draft(&self.lock)?;
        self.fill_gaps()?;
        self.prune(&inputs)?;
        self.pin_sources(&inputs)?;
        self.complete()?;
        self.inspect(&inputs)?;
        let anew = self.is_anew(Anew::Sysroots);
        debian::lock(self.session, self.project, &inputs, &mut self.lock, anew)?;
        self.complete()?;
        self.pin_tools(&inputs)?;
        self.complete()?;
        let anew = self.is_anew(Anew::Python);
        self.lock.python = python::pins(self.session, self.project, &self.lock, anew)?;
        self.complete()
    }

    fn is_anew(&self, what: Anew) -> bool {
        self.anew.contains(&what) || self.anew.contains(&Anew::All)
    }

    /// A step is complete.
    fn complete(&mut self) -> Outcome {
        self.done += 1;
        self.save()
    }

    /// Writes what there is.
    fn save(&mut self) -> Outcome {
        if self.moves {
            // The recipe goes first: a lock of another version is found out, a recipe of another version is locked again.
            replace(&self.project.recipe_path, &self.project.recipe_text)?;
            self.session.ui.note(&format!("wrote {}", self.project.recipe_path.display()));
            self.moves = false;
        }
        let text = self.lock.render();
        let nothing = self.on_disk.is_empty() && self.lock == Lock::default() && self.done < STEPS.len();
        if text != self.on_disk && !nothing {
            replace(&self.project.lock_path, &text)?;
            self.on_disk = text;
        }
        Ok(())
    }

    fn tell(&self, failed: bool) {
        let (ui, old) = (&self.session.ui, &self.project.lock_text);
        let (added, removed) = difference(old, &self.on_disk);
        let path = self.project.lock_path.display();
        match (failed, self.on_disk == *old) {
            (false, true) => ui.note("the lock is up to date"),
            (false, false) => ui.note(&format!("wrote {path}: lines added {added}, removed {removed}")),
            (true, true) => {}
            (true, false) => ui.note(&format!(
                "wrote {path}: lines added {added}, removed {removed}; not resolved yet: {}; the next `akbuild lock` goes \
                 on from there",
                STEPS[self.done..].join(", ")
            )),
        }
    }

    /// Fetches sources of which an overlay pins a part only, to say what is missing.
    fn fill_gaps(&self) -> Outcome {
        let gaps = akbuild_recipe::overlay_gaps(&self.project.written, &self.project.overlay, &self.lock);
        let mut errors = Vec::new();
        for gap in gaps.iter().filter(|gap| !self.project.local.sources.contains_key(&gap.id)) {
            self.session.ui.note(&format!("fetching source `{}` as the overlay has it", gap.id));
            let found = sources::pin(self.session, self.project, &gap.id, &gap.request)?;
            errors.push(gap.error(Some(found.hash)));
        }
        if errors.is_empty() { Ok(()) } else { Err(RecipeErrors(errors).into()) }
    }

    /// Removes what the recipe has no longer. What an overlay pins stays in the lock as the recipe alone has it: the lock
    /// is shared, and the overlay is not.
    fn prune(&mut self, inputs: &LockInputs) -> Outcome {
        let alone = akbuild_recipe::lock_inputs(&self.project.written, &Overlay::default())?;
        let is_own = |id: &SourceId, pin: &LockedSource| {
            alone.sources.get(id).is_some_and(|request| akbuild_recipe::pin_fits(request, pin))
        };
        self.lock.sources.retain(|id, pin| inputs.sources.contains_key(id) || is_own(id, pin));
        let wanted = |tools: &[ToolRequest], id: &_| tools.iter().any(|tool| tool.id == *id);
        let same = |id: &_, spec: &_| alone.tools.iter().any(|tool| tool.id == *id && tool.spec == *spec);
        self.lock.tools.retain(|id, pin| wanted(&inputs.tools, id) || same(id, &pin.spec));
        let is_there = |id: &str| inputs.sysroots.iter().any(|sysroot| sysroot.id.as_str() == id);
        self.lock.sysroots.retain(|id, _| is_there(id.as_str()));
        debian::drop_sysroots(&mut self.lock.debs, |id| !is_there(id));
        Ok(())
    }

    fn pin_sources(&mut self, inputs: &LockInputs) -> Outcome {
        let anew = self.is_anew(Anew::Sources);
        let fits = |lock: &Lock, id: &SourceId, request: &SourceRequest| {
            lock.sources.get(id).is_some_and(|pin| akbuild_recipe::pin_fits(request, pin))
        };
        for (id, request) in &inputs.sources {
            if anew || !fits(&self.lock, id, request) {
                self.session.ui.note(&format!("pinning source `{id}`"));
                let pin = sources::pin(self.session, self.project, id, request)?;
                self.lock.sources.insert(id.clone(), pin);
            }
        }
        Ok(())
    }

    /// Says everything that is wrong with stages and that sources alone show, before it takes long.
    fn inspect(&self, inputs: &LockInputs) -> Outcome {
        let draft = self.project.draft(&self.lock)?;
        // Which wheels a sysroot can use depends on its C library. The newest one there may ever be finds no fault where
        // there is none.
        let pinned = draft.pinned_sysroots().unwrap_or_default();
        let known = |id: &SysrootId| pinned.iter().find(|s| s.id == *id && !s.packages.is_empty()).cloned();
        let assumed = |id: &SysrootId| Sysroot { id: id.clone(), packages: newest_libc(id), host: None, suites: None };
        let sysroots = inputs.sysroots.iter().map(|s| known(&s.id).unwrap_or_else(|| assumed(&s.id))).collect();
        let plan = draft.with_sysroots(sysroots);
        let engine = self.session.engine(self.project, plan, self.session.options(None, Vec::new()))?;
        let found =
            self.session.block_on(akbuild_engine::inspect_sources(&engine, &python::stages(&engine.plan.stages)))?;
        let stages: Vec<NodeId> = engine.plan.stages.iter().map(|stage| NodeId::Stage(stage.id.clone())).collect();
        let idle = akbuild_engine::idle_patterns(&engine, stages.iter().chain(found.outputs.keys()), &found.outputs)?;
        found.warnings.iter().chain(&idle).for_each(|warning| self.session.ui.warn(warning));
        Ok(())
    }

    fn pin_tools(&mut self, inputs: &LockInputs) -> Outcome {
        let anew = self.is_anew(Anew::Tools);
        let fits = |tool: &ToolRequest| self.lock.tools.get(&tool.id).is_some_and(|pin| pin.spec == tool.spec);
        let open: Vec<ToolRequest> = inputs.tools.iter().filter(|tool| anew || !fits(tool)).cloned().collect();
        if open.is_empty() {
            return Ok(());
        }
        // Whoever has no registry configured asks the clients of a sysroot, so sysroots must be there first.
        let engine = tools::bare_engine(self.session, self.project, &self.lock)?;
        for tool in &open {
            self.session.ui.note(&format!("pinning tool `{}` ({})", tool.id, tool.spec));
            self.lock.tools.insert(tool.id.clone(), tools::lock(self.session, &engine, tool)?);
        }
        Ok(())
    }
}

/// A pin that stands for the C library of a sysroot that is not resolved yet.
fn newest_libc(id: &SysrootId) -> Vec<DebPin> {
    let pin = || {
        Some(DebPin {
            name: "libc6".parse().ok()?,
            version: "2.999".parse().ok()?,
            path: "pool/libc6.deb".parse().ok()?,
            digest: akbuild_nar::Digest::sha256(b""),
            size: 0,
            sysroots: vec![id.to_string()],
        })
    };
    pin().into_iter().collect()
}

fn difference(old: &str, new: &str) -> (usize, usize) {
    let lines = |text: &'_ str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (old, new) = (lines(old), lines(new));
    (new.difference(&old).count(), old.difference(&new).count())
}
