//! A run: store, network and engine, made from the command line and the project's files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use akbuild_engine::{
    Cancel, ContextParts, Downloaded, EngineContext, Host, Lost, Network, Options, Outcome as RunOutcome, Outputs,
    Registered, Restored, Status,
};
use akbuild_fetch::{ClientConfig, Credentials, Machine, Overrides, TransferLimits, WaitListener};
use akbuild_names::Ecosystem;
use akbuild_recipe::PlanDraft;
use akbuild_recipe::plan::{Plan, StageId};
use akbuild_store::{BuildId, Store};

use crate::args::{Building, Global};
use crate::failure::{Exit, Failure, Outcome, io};
use crate::machine;
use crate::project::Project;
use crate::timeline::{PAGE, Watch};
use crate::toolchain;
use crate::ui::{Paint, Ui};

/// Everything that a command works with.
pub(crate) struct Session {
    pub(crate) machine: Machine,
    pub(crate) store: Store,
    pub(crate) ui: Arc<dyn Ui>,
    runtime: Threads,
    cancel: Cancel,
    watch: Arc<Watch>,
    /// Milliseconds from an interrupt to the end.
    patience: Arc<AtomicU64>,
    jobs: u32,
    offline: bool,
}

/// The runtime. Its end does not wait for what cannot be cancelled, such as the lookup of a host's address.
struct Threads(Option<tokio::runtime::Runtime>);

impl std::ops::Deref for Threads {
    type Target = tokio::runtime::Runtime;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("it is there until the drop")
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(tokio::runtime::Runtime::shutdown_background);
    }
}

/// The machine's own client programs.
struct Clients;

impl Host for Clients {
    fn can_answer(&self, ecosystem: Ecosystem) -> bool {
        machine::client(ecosystem).is_some()
    }

    fn ask(&self, ecosystem: Ecosystem) -> Option<String> {
        machine::ask(ecosystem)
    }
}

impl Session {
    /// Opens the store and gets ready to be interrupted.
    pub(crate) fn open(global: &Global, project: &Path, ui: Arc<dyn Ui>) -> Outcome<Self> {
        let machine = machine::read(project);
        let home = home(global, &machine)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = io(runtime, "start threads for", Path::new("akbuild"))?;
        let store = Store::open(&home)?;
        // One that is only read was chosen because somebody else fills it.
        if store.is_writable() {
            warn_of_others(&*ui, &home);
        }
        let cancel = Cancel::new();
        let patience = Arc::new(AtomicU64::new(PATIENCE));
        listen(&runtime, &cancel, &patience);
        Ok(Self {
            machine,
            store,
            ui,
            runtime: Threads(Some(runtime)),
            cancel,
            watch: Arc::new(Watch::new()),
            patience,
            jobs: global.jobs.unwrap_or_else(machine::processors),
            offline: global.offline,
        })
    }

    /// Where downloads of a project come from.
    fn network(&self, project: &Project) -> Network {
        let overlay = &project.overlay;
        let overrides = Overrides { bases: overlay.registries.clone(), mirrors_only: overlay.mirrors_only };
        Network::new(self.machine.clone(), overrides, self.client_config(project), Box::new(Clients))
    }

    /// How requests are made.
    pub(crate) fn client_config(&self, project: &Project) -> ClientConfig {
        let ui = self.ui.clone();
        let mut limits = TransferLimits::default();
        if let Some(mib) = project.overlay.download_limit_mib {
            limits.max_bytes = mib << 20;
        }
        ClientConfig {
            limits,
            offline: self.offline,
            cancel: self.cancel.clone(),
            waits: WaitListener::new(move |notice| ui.waiting(notice)),
            ..ClientConfig::default()
        }
    }

    /// An engine for a plan, to look at what is there.
    pub(crate) fn context(&self, project: &Project, plan: Plan, options: Options) -> Outcome<Arc<EngineContext>> {
        self.any_context(project, plan, options, None)
    }

    /// An engine to look at what is there of these stages and all that they need.
    pub(crate) fn look(
        &self,
        project: &Project,
        draft: PlanDraft,
        options: Options,
        stages: &[StageId],
    ) -> Outcome<Arc<EngineContext>> {
        self.context(project, toolchain::complete(&self.machine, project, draft, stages)?, options)
    }

    /// An engine to build these stages, and the record of that build where the store can take one.
    pub(crate) fn build(
        &self,
        project: &Project,
        draft: PlanDraft,
        options: Options,
        targets: &[StageId],
    ) -> Outcome<Arc<EngineContext>> {
        let plan = toolchain::complete(&self.machine, project, draft, targets)?;
        self.recorded(project, plan, options, targets)
    }

    /// The same to make only some of what these stages need: they are not targets of the build.
    pub(crate) fn build_needs(
        &self,
        project: &Project,
        draft: PlanDraft,
        options: Options,
        stages: &[StageId],
    ) -> Outcome<Arc<EngineContext>> {
        let plan = toolchain::complete(&self.machine, project, draft, stages)?;
        self.recorded(project, plan, options, &[])
    }

    fn recorded(
        &self,
        project: &Project,
        plan: Plan,
        options: Options,
        targets: &[StageId],
    ) -> Outcome<Arc<EngineContext>> {
        let argv: Vec<String> = std::env::args().collect();
        let targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
        if !self.store.is_writable() {
            let home = self.store.home().display();
            self.ui.warn(&format!("the store `{home}` is read-only: what is there is used, and nothing is recorded"));
            return self.any_context(project, plan, options, None);
        }
        let build = self.store.begin_build(&argv, &plan.name, &targets)?;
        self.any_context(project, plan, options, Some(build))
    }

    fn any_context(
        &self,
        project: &Project,
        plan: Plan,
        options: Options,
        build: Option<BuildId>,
    ) -> Outcome<Arc<EngineContext>> {
        Ok(EngineContext::new(ContextParts {
            network: self.network(project),
            credentials: Credentials::read(&self.machine)?,
            build,
            maker: machine::maker(),
            plan,
            store: self.store.clone(),
            backends: Vec::new(),
            options,
            sink: Arc::new(Forward(self.ui.clone(), self.watch.clone())),
            cancel: self.cancel.clone(),
            runtime: self.runtime.handle().clone(),
        }))
    }

    /// Options of a build.
    pub(crate) fn options(&self, building: Option<&Building>, rebuild: Vec<StageId>) -> Options {
        Options {
            jobs: self.jobs,
            threads: machine::processors().max(1) as usize,
            keep_going: building.is_some_and(|b| b.keep_going),
            keep_failed: building.is_some_and(|b| b.keep_failed),
            rebuild,
            check: Vec::new(),
            offline: self.offline,
            bill: None,
        }
    }

    /// Waits for something that an interrupt ends.
    pub(crate) fn interruptible<T>(&self, future: impl Future<Output = T>) -> Outcome<T> {
        self.runtime.block_on(async {
            tokio::select! {
                done = future => Ok(done),
                () = self.cancel.thrown() => Err(Failure::Told(Exit::Interrupted)),
            }
        })
    }

    /// Makes the targets there.
    pub(crate) fn run(&self, context: &Arc<EngineContext>, targets: &[StageId]) -> Outcome<RunOutcome> {
        let outcome = self.runtime.block_on(akbuild_engine::run(context, targets));
        let ok = outcome.as_ref().is_ok_and(|o| o.ok);
        let ran = outcome.as_ref().is_ok_and(|o| o.reports.iter().any(|report| report.status == Status::Built));
        self.end(context, ok, ran)?;
        let outcome = outcome?;
        self.draw(context, targets, &outcome);
        Ok(outcome)
    }

    /// Makes again what the store has lost; gives also how that went as a run.
    pub(crate) fn restore(&self, context: &Arc<EngineContext>, lost: &Lost) -> Outcome<(Restored, RunOutcome)> {
        let restored = self.runtime.block_on(akbuild_engine::restore(context, lost));
        let ok = restored.as_ref().is_ok_and(|r| r.reports.iter().all(|report| report.error.is_none()));
        self.end(context, ok, true)?;
        let restored = restored?;
        let (cancelled, reports) = (context.cancel.is_thrown(), restored.reports.clone());
        let outcome = RunOutcome {
            ok: ok && !cancelled,
            cancelled,
            reports,
            outputs: Outputs::new(),
            downloaded: Downloaded::default(),
        };
        let stages: Vec<StageId> = context.plan.stages.iter().map(|stage| stage.id.clone()).collect();
        self.draw(context, &stages, &outcome);
        Ok((restored, outcome))
    }

    /// Closes the record of a build in which something ran, or nothing.
    fn end(&self, context: &EngineContext, ok: bool, ran: bool) -> Outcome {
        if let Some(build) = &context.build
            && let Err(error) = self.store.finish_build(build, ok)
        {
            if ok {
                return Err(error.into());
            }
            // What the run failed of comes first.
            self.ui.warn(&format!("the record of this build is not complete: {error}"));
        }
        match ok && self.store.is_writable() {
            true if ran => Ok(self.store.sync()?),
            true => Ok(self.store.rest()?),
            false => Ok(()),
        }
    }

    /// That there is no picture of a build stops nothing.
    fn draw(&self, context: &EngineContext, targets: &[StageId], outcome: &RunOutcome) {
        if let Err(failure) = self.watch.draw(context, targets, outcome) {
            self.ui.warn(&failure.render(Paint(false)).0.unwrap_or_default());
        }
    }

    /// The page with the timeline of a build that has ended.
    pub(crate) fn timeline(&self, context: &EngineContext) -> Option<PathBuf> {
        let page = self.store.build_dir(context.build.as_ref()?).join(PAGE);
        page.is_file().then_some(page)
    }

    /// Makes everything there that a stage needs.
    pub(crate) fn prepare(&self, context: &Arc<EngineContext>, id: &StageId) -> Outcome<RunOutcome> {
        let outcome = self.runtime.block_on(akbuild_engine::prepare(context, id));
        if let Some(build) = &context.build {
            self.store.finish_build(build, outcome.as_ref().is_ok_and(|o| o.ok))?;
        }
        Ok(outcome?)
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.cancel.is_thrown()
    }

    /// Waits for something that is not a run.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Something runs that may take so long to end in order.
    pub(crate) fn be_patient(&self, time: std::time::Duration) {
        self.patience.store(u64::try_from(time.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What to do at an interrupt, as long as the result lives.
    pub(crate) fn on_interrupt(&self, act: impl Fn() + Send + 'static) -> Registered {
        self.cancel.on_throw(act)
    }

    pub(crate) fn handle(&self) -> tokio::runtime::Handle {
        self.runtime.handle().clone()
    }

    pub(crate) fn is_offline(&self) -> bool {
        self.offline
    }
}

/// The folder of the store, absolute; it may not be there yet.
pub(crate) fn home(global: &Global, machine: &Machine) -> Outcome<PathBuf> {
    let home = match &global.home {
        Some(home) => home.clone(),
        None => machine::default_home(machine).ok_or_else(no_home)?,
    };
    io(std::path::absolute(&home), "find the home folder", &home)
}

/// Warns of a home that somebody else can write to: who can, can forge outputs.
fn warn_of_others(ui: &dyn Ui, home: &Path) {
    use std::os::unix::fs::MetadataExt;
    // A home that cannot be looked at has been reported by the store.
    let Ok(meta) = home.metadata() else { return };
    let (who, help) = if meta.uid() != rustix::process::geteuid().as_raw() {
        ("belongs to another user", "use a home of your own with `--home DIR` or AKBUILD_HOME".to_owned())
    } else if meta.mode() & 0o022 != 0 && meta.mode() & 0o1000 == 0 {
        ("can be written by other users", format!("run `chmod go-w {}`", home.display()))
    } else {
        return;
    };
    ui.warn(&format!("the home `{}` {who}, who can forge what is built\n  help: {help}", home.display()));
}

/// Events of the engine go to the one who talks, and into the timeline.
struct Forward(Arc<dyn Ui>, Arc<Watch>);

impl akbuild_engine::Sink for Forward {
    fn event(&self, event: akbuild_engine::Event) {
        self.1.event(&event);
        self.0.event(event);
    }
}

/// Milliseconds that a run has to end in order.
const PATIENCE: u64 = 900;

/// The first interrupt ends the run in order; if that takes longer than `patience`, or at a second one, the
/// program ends at once: sandboxes die with it, and the next start removes what it leaves.
fn listen(runtime: &tokio::runtime::Runtime, cancel: &Cancel, patience: &Arc<AtomicU64>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (cancel, patience) = (cancel.clone(), patience.clone());
    // Here and not in the task, which may begin late: from now on, an interrupt is seen.
    let _context = runtime.enter();
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    runtime.spawn(async move {
        let mut either = async || tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () };
        either().await;
        cancel.throw();
        let patience = std::time::Duration::from_millis(patience.load(Ordering::Relaxed));
        let _ = tokio::time::timeout(patience, either()).await;
        std::process::exit(Exit::Interrupted as i32);
    });
}

fn no_home() -> Failure {
    let message = "there is no home folder to keep the store in: neither HOME nor XDG_CACHE_HOME is set";
    Failure::Say(format!("{message}\n  help: name a folder with --home DIR or AKBUILD_HOME"))
}
