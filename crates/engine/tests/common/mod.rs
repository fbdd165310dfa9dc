//! An engine for a recipe that is written here: with a home of its own, without a network, and told to nobody.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

pub(crate) mod go_program;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use akbuild_engine::{Cancel, ContextParts, EngineContext, Event, Host, Network, Options, Sink};
use akbuild_fetch::{ClientConfig, Credentials, Machine, Overrides};
use akbuild_names::Ecosystem;
use akbuild_nar::TreeHash;
use akbuild_recipe::plan::Plan;
use akbuild_recipe::{Local, Lock, Overlay, read, resolve};
use akbuild_stages::StageKinds;
use akbuild_store::{Maker, Publish, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;

struct Nobody;

impl Sink for Nobody {
    fn event(&self, _: Event) {}
}

impl Host for Nobody {
    fn can_answer(&self, _: Ecosystem) -> bool {
        true
    }

    fn ask(&self, ecosystem: Ecosystem) -> Option<String> {
        panic!("{ecosystem:?} was asked")
    }
}

/// A project's folder, a home, and an engine for the project's plan.
pub(crate) struct World {
    folder: TempDir,
    runtime: Runtime,
    pub(crate) context: Arc<EngineContext>,
}

impl World {
    /// A world with these files in the project's folder.
    pub(crate) fn new(recipe: &str, lock: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        write(&project, files);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let context = context(plan(recipe, lock, &project), &folder.path().join("home"), &runtime);
        Self { folder, runtime, context }
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Puts a tree into the store. A text that begins with `#!` or like a program is executable.
    pub(crate) fn tree(&self, files: &[(&str, &[u8])]) -> TreeHash {
        self.tree_with_links(files, &[])
    }

    /// Puts a link in the place of a file or folder of a stored tree, as somebody else could.
    pub(crate) fn plant(&self, tree: &TreeHash, path: &str, target: &Path) {
        let place = self.context.store.tree_path(tree).join(path);
        fs::set_permissions(place.parent().unwrap(), Permissions::from_mode(0o755)).unwrap();
        fs::rename(&place, self.folder.path().join("replaced")).unwrap();
        std::os::unix::fs::symlink(target, place).unwrap();
    }

    /// The same with symbolic links, each with its target.
    pub(crate) fn tree_with_links(&self, files: &[(&str, &[u8])], links: &[(&str, &str)]) -> TreeHash {
        let scratch = self.context.store.scratch("test").unwrap();
        let tree = scratch.path().join("tree");
        fs::create_dir(&tree).unwrap();
        for (path, bytes) in files {
            let path = tree.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            let executable = bytes.starts_with(b"#!") || bytes.starts_with(b"\x7fELF");
            fs::set_permissions(&path, Permissions::from_mode(if executable { 0o755 } else { 0o644 })).unwrap();
        }
        for (path, target) in links {
            let path = tree.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(target, path).unwrap();
        }
        self.context.store.publish(&tree, &Publish { listing: true, ..Publish::default() }).unwrap().hash
    }

    /// An engine with the same home and folder, for another recipe.
    pub(crate) fn again(&self, recipe: &str, lock: &str) -> Arc<EngineContext> {
        context(plan(recipe, lock, &self.project()), &self.folder.path().join("home"), &self.runtime)
    }
}

/// Writes files below a folder.
pub(crate) fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

pub(crate) fn plan(recipe: &str, lock: &str, project: &Path) -> Plan {
    let written = read(recipe, "akbuild.toml").unwrap_or_else(|e| panic!("{e}"));
    let lock = Lock::parse(lock, "akbuild.lock").unwrap_or_else(|e| panic!("{e}"));
    resolve(&written, &Overlay::default(), &lock, &Local::default(), &StageKinds, project)
        .unwrap_or_else(|e| panic!("{e}"))
        .complete(|_| Err("the lock pins no sysroots"))
        .unwrap()
}

fn context(plan: Plan, home: &Path, runtime: &Runtime) -> Arc<EngineContext> {
    let machine = Machine { project: plan.root.clone(), ..Machine::default() };
    let network = Network::new(machine, Overrides::default(), ClientConfig::default(), Box::new(Nobody));
    EngineContext::new(ContextParts {
        plan,
        store: Store::open(home).unwrap(),
        backends: Vec::new(),
        network,
        credentials: Credentials::default(),
        options: Options::default(),
        sink: Arc::new(Nobody),
        cancel: Cancel::new(),
        runtime: runtime.handle().clone(),
        build: None,
        maker: Maker::default(),
    })
}
