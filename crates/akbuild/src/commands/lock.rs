//! `akbuild lock`: words the events of locking, and writes the lock after each of its steps.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use akbuild_engine::{EngineContext, Options, Outcome as RunOutcome};
use akbuild_lock::{LockAttempt, LockError, LockEvent, LockHost, LockInput, LockStep, RenewedPins};
use akbuild_recipe::plan::{Plan, StageId};
use akbuild_recipe::{Lock, PlanDraft};
use akbuild_stages::StageKinds;

use super::build;
use crate::args::Anew;
use crate::failure::{Exit, Failure, Outcome};
use crate::project::Project;
use crate::replacement::replace;
use crate::session::Session;

pub(crate) fn run(session: &Session, project: &Project, anew: &[Anew], allow_expired: bool) -> Outcome {
    let is_anew = |what| anew.contains(&what) || anew.contains(&Anew::All);
    let renewed = RenewedPins {
        sources: is_anew(Anew::Sources),
        sysroots: is_anew(Anew::Sysroots),
        tools: is_anew(Anew::Tools),
        build_requirements: is_anew(Anew::Python),
    };
    LockFiles { session, project, on_disk: project.lock_text.clone(), moves: false }.lock(renewed, allow_expired)
}

/// The same for a recipe of another version, which is written with the first step of its lock.
pub(super) fn run_update(session: &Session, project: &Project, allow_expired: bool) -> Outcome {
    let files = LockFiles { session, project, on_disk: project.lock_text.clone(), moves: true };
    files.lock(RenewedPins::default(), allow_expired)
}

/// The recipe and the lock, as they are written.
struct LockFiles<'a> {
    session: &'a Session,
    project: &'a Project,
    /// The text of the lock.
    on_disk: String,
    /// Whether the file of the recipe is still to be written, with another version.
    moves: bool,
}

impl LockFiles<'_> {
    /// Resolves and writes, and says what was written, also if a step fails.
    fn lock(mut self, renewed: RenewedPins, allow_expired: bool) -> Outcome {
        let Project { written, overlay, local, root, lock, .. } = self.project;
        let input = LockInput { written, overlay, local, kinds: &StageKinds, root, renewed, allow_expired };
        let mut attempt = LockAttempt::new(input, lock.clone());
        let result = attempt.resolve(&mut self);
        // Sources that were pinned before one that failed stay. A recipe moves with all of its sources or not at all.
        let kept =
            if result.is_err() && !self.moves { self.save(attempt.lock(), attempt.open_steps()) } else { Ok(()) };
        self.tell(result.is_err(), attempt.open_steps());
        result.and(kept)
    }

    fn tell(&self, failed: bool, open: &[LockStep]) {
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
                open.iter().map(|step| label(*step)).collect::<Vec<_>>().join(", ")
            )),
        }
    }
}

impl LockHost for LockFiles<'_> {
    type Error = Failure;

    fn event(&self, event: LockEvent<'_>) {
        let ui = &self.session.ui;
        match event {
            LockEvent::OverlaySource(id) => ui.note(&format!("fetching source `{id}` as the overlay has it")),
            LockEvent::Source(id) => ui.note(&format!("pinning source `{id}`")),
            LockEvent::Sysroots => ui.note("resolving sysroots"),
            LockEvent::Suite { suite, date, signed_by } => {
                ui.note(&format!("suite `{suite}` of {date}, signed by {signed_by}"));
            }
            LockEvent::Tool { id, spec } => ui.note(&format!("pinning tool `{id}` ({spec})")),
            LockEvent::BuildRequirements => {
                ui.note("building source distributions once, to see what they are built with");
            }
            LockEvent::UnfitPins(names) => {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                ui.note(&format!("the pins of {} do not fit any more: trying without them", names.join(", ")));
            }
            LockEvent::Warning(warning) => ui.warn(warning),
        }
    }

    fn save(&mut self, lock: &Lock, open: &[LockStep]) -> Outcome {
        if self.moves {
            // The recipe goes first: a lock of another version is found out, a recipe of another version is locked again.
            replace(&self.project.recipe_path, &self.project.recipe_text)?;
            self.session.ui.note(&format!("wrote {}", self.project.recipe_path.display()));
            self.moves = false;
        }
        let text = lock.render();
        let nothing = self.on_disk.is_empty() && *lock == Lock::default() && !open.is_empty();
        if text != self.on_disk && !nothing {
            replace(&self.project.lock_path, &text)?;
            self.on_disk = text;
        }
        Ok(())
    }

    fn context(&self, plan: Plan) -> Outcome<Arc<EngineContext>> {
        self.session.context(self.project, plan, self.session.options(None, Vec::new()))
    }

    fn build_context(&self, draft: PlanDraft, stages: &[StageId]) -> Outcome<Arc<EngineContext>> {
        let options = Options { keep_going: false, ..self.session.options(None, Vec::new()) };
        self.session.build(self.project, draft, options, stages)
    }

    fn run(&self, context: &Arc<EngineContext>, stages: &[StageId]) -> Outcome<RunOutcome> {
        self.session.run(context, stages)
    }

    fn run_failed(&self, context: &Arc<EngineContext>, outcome: RunOutcome, begun: Instant) {
        build::tell(self.session, context, build::Ended::new(outcome, begun));
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Recipe(errors) => errors.into(),
            LockError::EngineContext(error) => error.into(),
            LockError::RunFailed => Failure::Told(Exit::Failed),
            other => Failure::Say(other.to_string()),
        }
    }
}

/// A step, as messages call it.
fn label(step: LockStep) -> &'static str {
    match step {
        LockStep::Sources => "sources",
        LockStep::Sysroots => "sysroots",
        LockStep::Tools => "tools",
        LockStep::BuildRequirements => "what source distributions are built with",
    }
}

fn difference(old: &str, new: &str) -> (usize, usize) {
    let lines = |text: &'_ str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (old, new) = (lines(old), lines(new));
    (new.difference(&old).count(), old.difference(&new).count())
}
