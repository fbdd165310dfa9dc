//! An output that only another backend has is brought and not made; a backend that cannot keep its word costs a run.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

mod common;

use std::path::Path;
use std::sync::{Arc, Mutex};

use akbuild_engine::{
    Cancel, ContextParts, EngineContext, Event, Host, Network, NodeId, Options, Outcome, Report, Sink, Status,
};
use akbuild_fetch::{ClientConfig, Credentials, Machine, Overrides, copy_tree};
use akbuild_names::Ecosystem;
use akbuild_nar::{Listing, TreeHash};
use akbuild_recipe::plan::StageId;
use akbuild_store::{Action, Key, Maker, OutputBackend, Publish, Store, StoreError, TreeLocation};
use common::{plan, write};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const RECIPE: &str = r#"[project]
name = "chain"
version = "1.0.0"
prefix = "/opt/chain"
targets = ["last"]

[sources.app]
path = "app"

[stages.first]
kind = "tree"
pieces = [{ from = "app" }]
files = [{ path = "first", text = "1" }]

[stages.second]
kind = "tree"
pieces = [{ from = "first", include = ["**/*.txt"] }]
files = [{ path = "second", text = "2" }]

[stages.last]
kind = "tree"
pieces = [{ from = "second", to = "all" }]
"#;

/// What a backend does when a tree is wanted of it.
#[derive(Clone, Copy, PartialEq)]
enum Conduct {
    /// It brings it.
    Honest,
    /// It says that it has it, and does not bring it.
    Forgetful,
    /// It says that it brought it, and did not.
    Boastful,
    /// It brings other bytes.
    Corrupt,
    /// It answers no question.
    Down,
}

/// A store in another folder, whose trees are brought by copying them.
struct FarStore {
    store: Store,
    conduct: Conduct,
    /// The questions, each with the number of its parts.
    asked: Mutex<Vec<(&'static str, usize)>>,
}

impl FarStore {
    fn ask(&self, question: &'static str, parts: usize) -> Result<(), StoreError> {
        self.asked.lock().unwrap().push((question, parts));
        if self.conduct != Conduct::Down {
            return Ok(());
        }
        Err(StoreError::Backend { backend: "far".into(), source: "the cable is cut".into() })
    }

    fn bring_tree(&self, tree: &TreeHash, into: &Store) -> bool {
        if !self.store.has_tree(tree) {
            return false;
        }
        let scratch = into.scratch("far").unwrap();
        let copy = scratch.path().join("tree");
        copy_tree(&self.store.tree_path(tree), &copy, &|_: &Path| false).unwrap();
        if self.conduct == Conduct::Corrupt {
            std::fs::write(copy.join("unexpected"), "x").unwrap();
        }
        into.publish(&copy, &Publish { expect: Some(*tree), ..Publish::default() }).is_ok()
    }
}

impl OutputBackend for FarStore {
    fn name(&self) -> &str {
        "far"
    }

    fn find_actions(&self, keys: &[Key]) -> Result<Vec<Option<Action>>, StoreError> {
        self.ask("actions", keys.len())?;
        self.store.find_actions(keys)
    }

    fn locate_trees(&self, trees: &[TreeHash]) -> Result<Vec<TreeLocation>, StoreError> {
        self.ask("trees", trees.len())?;
        self.store.locate_trees(trees)
    }

    fn read_listing(&self, tree: &TreeHash) -> Result<Option<Listing>, StoreError> {
        self.ask("listing", 1)?;
        self.store.read_listing(tree)
    }

    fn bring_trees(&self, trees: &[TreeHash], into: &Store) -> Result<Vec<bool>, StoreError> {
        self.ask("bring", trees.len())?;
        match self.conduct {
            Conduct::Forgetful => Ok(vec![false; trees.len()]),
            Conduct::Boastful => Ok(vec![true; trees.len()]),
            _ => Ok(trees.iter().map(|tree| self.bring_tree(tree, into)).collect()),
        }
    }
}

#[derive(Default)]
struct Warnings(Mutex<Vec<String>>);

impl Sink for Warnings {
    fn event(&self, event: Event) {
        if let Event::Warning { message } = event {
            self.0.lock().unwrap().push(message);
        }
    }
}

struct NoHost;

impl Host for NoHost {
    fn can_answer(&self, _: Ecosystem) -> bool {
        true
    }

    fn ask(&self, ecosystem: Ecosystem) -> Option<String> {
        panic!("{ecosystem:?} was asked")
    }
}

/// A project, and two homes: one where it was built, and an empty one.
struct Homes {
    folder: TempDir,
    runtime: Runtime,
    far: Store,
    here: Store,
    warnings: Arc<Warnings>,
}

impl Homes {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("project"), &[("app/a.txt", "a"), ("app/b/c.txt", "c"), ("app/d.md", "d")]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let [far, here] = ["far", "here"].map(|home| Store::open(&folder.path().join(home)).unwrap());
        let homes = Self { folder, runtime, far, here, warnings: Arc::default() };
        assert_eq!(statuses(&homes.run_in(&homes.far, Vec::new()), Status::Built), ["first", "second", "last"]);
        homes
    }

    fn context(&self, store: &Store, backends: Vec<Arc<dyn OutputBackend>>) -> Arc<EngineContext> {
        let plan = plan(RECIPE, "version = 1\n", &self.folder.path().join("project"));
        let machine = Machine { project: plan.root.clone(), ..Machine::default() };
        let build = store.begin_build(&[], &plan.name, &[]).unwrap();
        EngineContext::new(ContextParts {
            plan,
            store: store.clone(),
            backends,
            network: Network::new(machine, Overrides::default(), ClientConfig::default(), Box::new(NoHost)),
            credentials: Credentials::default(),
            options: Options::default(),
            sink: self.warnings.clone(),
            cancel: Cancel::new(),
            runtime: self.runtime.handle().clone(),
            build: Some(build),
            maker: Maker::default(),
        })
    }

    fn run_in(&self, store: &Store, backends: Vec<Arc<dyn OutputBackend>>) -> Outcome {
        let context = self.context(store, backends);
        let outcome = self.runtime.block_on(akbuild_engine::run(&context, &[StageId::new("last")])).unwrap();
        let errors: Vec<&Report> = outcome.reports.iter().filter(|report| report.error.is_some()).collect();
        assert!(outcome.ok && errors.is_empty(), "{errors:?}");
        outcome
    }

    fn far(&self, conduct: Conduct) -> Arc<FarStore> {
        Arc::new(FarStore { store: self.far.clone(), conduct, asked: Mutex::default() })
    }

    /// Runs in the empty home with the other one as a backend; both leave the same target.
    fn run_with(&self, far: &Arc<FarStore>) -> Outcome {
        let outcome = self.run_in(&self.here, vec![far.clone()]);
        let last = outcome.outputs[&NodeId::Stage(StageId::new("last"))];
        assert!(self.here.has_tree(&last) && self.far.has_tree(&last));
        outcome
    }
}

/// The stages that ended so.
fn statuses(outcome: &Outcome, status: Status) -> Vec<String> {
    let ended = outcome.reports.iter().filter(|report| report.status == status);
    ended.filter(|r| matches!(r.node, NodeId::Stage(_))).map(|r| r.node.to_string()).collect()
}

/// The trees of these stages that a store has.
fn trees(outcome: &Outcome, store: &Store) -> Vec<&'static str> {
    let is_here = |stage: &&str| store.has_tree(&outcome.outputs[&NodeId::Stage(StageId::new(stage))]);
    ["first", "second", "last"].into_iter().filter(is_here).collect()
}

#[test]
fn what_only_another_backend_has_is_brought_and_not_run() {
    let homes = Homes::new();
    let far = homes.far(Conduct::Honest);
    let outcome = homes.run_with(&far);
    assert_eq!(statuses(&outcome, Status::Cached), ["first", "second", "last"]);
    // The keys need no more than listings of what came before: nothing but the target is brought.
    assert_eq!(trees(&outcome, &homes.here), ["last"]);
    assert_eq!(far.asked.lock().unwrap().iter().filter(|(what, _)| *what == "bring").count(), 1);

    // All of it is on record here now: the other backend is not asked, and not needed.
    let again = homes.far(Conduct::Down);
    assert_eq!(statuses(&homes.run_with(&again), Status::Cached), ["first", "second", "last"]);
    assert!(again.asked.lock().unwrap().iter().all(|(what, _)| *what == "trees"));
    assert_eq!(statuses(&homes.run_in(&homes.here, Vec::new()), Status::Cached), ["first", "second", "last"]);
}

#[test]
fn a_backend_that_cannot_bring_what_it_promised_leads_to_a_run() {
    for conduct in [Conduct::Forgetful, Conduct::Boastful, Conduct::Corrupt] {
        let homes = Homes::new();
        let far = homes.far(conduct);
        let outcome = homes.run_with(&far);
        assert_eq!(statuses(&outcome, Status::Built), ["first", "second", "last"]);
        assert_eq!(trees(&outcome, &homes.here), ["first", "second", "last"]);
        assert_eq!(*homes.warnings.0.lock().unwrap(), [""; 0]);
    }
}

#[test]
fn a_backend_that_fails_is_reported_once_and_not_asked_again() {
    let homes = Homes::new();
    let far = homes.far(Conduct::Down);
    let outcome = homes.run_with(&far);
    assert_eq!(statuses(&outcome, Status::Built), ["first", "second", "last"]);
    assert_eq!(far.asked.lock().unwrap().len(), 1);
    insta::assert_snapshot!(homes.warnings.0.lock().unwrap().join("\n---\n"), @r"
    cannot ask the output backend `far`: the cable is cut
      it is not asked again in this run; what it does not bring runs here
    ");
}

#[test]
fn what_a_stage_that_runs_needs_is_brought() {
    let homes = Homes::new();
    // The far store has lost the target, so that it runs, from an output that is brought.
    let last = homes.run_in(&homes.far, Vec::new()).outputs[&NodeId::Stage(StageId::new("last"))];
    akbuild_store::remove(&homes.far.tree_path(&last)).unwrap();
    let outcome = homes.run_in(&homes.here, vec![homes.far(Conduct::Honest)]);
    assert_eq!(statuses(&outcome, Status::Built), ["last"]);
    assert_eq!(trees(&outcome, &homes.here), ["second", "last"]);
}

#[test]
fn backends_are_asked_in_turn() {
    let homes = Homes::new();
    let empty = Store::open(&homes.folder.path().join("empty")).unwrap();
    let first = Arc::new(FarStore { store: empty, conduct: Conduct::Honest, asked: Mutex::default() });
    let second = homes.far(Conduct::Honest);
    let outcome = homes.run_in(&homes.here, vec![first.clone(), second.clone()]);
    assert_eq!(statuses(&outcome, Status::Cached), ["first", "second", "last"]);
    // The first one knows no action, so each key is asked of both.
    let keys = |far: &FarStore| far.asked.lock().unwrap().iter().filter(|(what, _)| *what == "actions").count();
    assert_eq!((keys(&first), keys(&second)), (3, 3));
}
