//! Random stages and random edits: explanations against keys. A reason names what the key covers, all reasons together
//! are all that the key differs by, and where there is none the key is the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use akbuild_nar::{Digest, TreeHash};
use akbuild_recipe::plan::{
    Check, Copy, Edit, Exec, Mount, Origin, Patch, Plan, Source, SourceId, Stage, StageId, Step, Subset, SysrootId,
    TreeRef, View, WrittenFile,
};
use akbuild_store::{Action, OutputLayers};

use super::cause::{Cause, What};
use super::part::Part;
use super::past::why_between;
use super::tests::{Home, home};
use crate::graph::NodeId;
use crate::keys::file_view::FileView;
use crate::keys::manifest::Manifest;
use crate::keys::manifest_field::ManifestField;
use crate::keys::trees;
use crate::keys::{Keys, Outputs, Parts, source as source_manifest};

/// Thousands find nothing that these do not.
const ROUNDS: u64 = 120;

const FILES: [&str; 8] = ["a.go", "b.go", "c.txt", "lib/d.go", "lib/e.txt", "lib/sub/f.go", "go.mod", "lib/run"];

type Files = BTreeMap<&'static str, String>;

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn one_of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.roll(list.len())].clone()
    }
}

/// A stage and all that it is made from.
#[derive(Clone, Debug)]
struct Spec {
    /// Files of the nodes `source:x`, `source:y` and `dep`.
    trees: BTreeMap<&'static str, Files>,
    patches: Vec<(&'static str, &'static str, String)>,
    sysroot: usize,
    copies: Vec<(&'static str, Subset, &'static str, View)>,
    mounts: BTreeMap<&'static str, (&'static str, &'static str)>,
    script: String,
    cwd: String,
    env: BTreeMap<String, String>,
    files: BTreeMap<String, (String, bool)>,
    checks: Vec<String>,
    pins: BTreeMap<String, (String, u8)>,
}

fn text(dice: &mut Dice) -> String {
    let import = dice.one_of(&["fmt", "os", "net/http"]);
    let body = dice.one_of(&["1", "2", "3"]);
    format!("package p\n\nimport \"{import}\"\n\n// {body}\nfunc f() {{}}\n")
}

fn subset(dice: &mut Dice) -> Subset {
    let include =
        dice.one_of(&[vec![], vec!["**/*.go"], vec!["**/*.go", "go.mod"], vec!["lib"], vec!["*.txt", "a.go"]]);
    let exclude = dice.one_of(&[vec![], vec![], vec!["lib/sub"], vec!["c.txt"]]);
    let [include, exclude] = [include, exclude].map(|list: Vec<&str>| list.into_iter().map(str::to_owned).collect());
    Subset { include, exclude, ..Subset::default() }
}

fn copy(dice: &mut Dice) -> (&'static str, Subset, &'static str, View) {
    let from = dice.one_of(&["source:x", "source:y", "dep"]);
    let view = dice.one_of(&[View::Whole, View::GoImports]);
    (from, subset(dice), dice.one_of(&["/build", "/build/more"]), view)
}

impl Spec {
    fn random(dice: &mut Dice) -> Self {
        let tree = |dice: &mut Dice| FILES.into_iter().map(|file| (file, text(dice))).collect::<Files>();
        let mut spec = Spec {
            trees: ["source:x", "source:y", "dep"].map(|node| (node, tree(dice))).into(),
            patches: vec![("source:x", "c.txt", "patched\n".to_owned())],
            sysroot: 1,
            copies: Vec::new(),
            mounts: BTreeMap::new(),
            script: "make\ninstall\n".to_owned(),
            cwd: "/build".to_owned(),
            env: [("TONE".to_owned(), "plain".to_owned())].into(),
            files: [("/build/written".to_owned(), ("one\n".to_owned(), false))].into(),
            checks: vec!["true".to_owned()],
            pins: [("wheel".to_owned(), ("1".to_owned(), 1))].into(),
        };
        spec.copies = (0..1 + dice.roll(3)).map(|_| copy(dice)).collect();
        for _ in 0..dice.roll(3) {
            spec.edit_mounts(dice);
        }
        spec
    }

    fn edit_mounts(&mut self, dice: &mut Dice) {
        let to = dice.one_of(&["/one", "/two"]);
        if self.mounts.remove(to).is_none() || dice.roll(2) == 0 {
            let path = dice.one_of(&["", "lib", "lib/run", "gone"]);
            self.mounts.insert(to, (dice.one_of(&["source:x", "source:y", "dep"]), path));
        }
    }

    /// One change of anything.
    fn edit(&mut self, dice: &mut Dice) {
        let number = dice.roll(5).to_string();
        let node = dice.one_of(&["source:x", "source:y", "dep"]);
        let file = dice.one_of(&FILES);
        match dice.roll(16) {
            0..4 => {
                for _ in 0..3 {
                    let file = dice.one_of(&FILES);
                    self.trees.get_mut(node).unwrap().insert(file, text(dice));
                }
            }
            4 => drop(self.trees.get_mut(node).unwrap().remove(file)),
            5 => drop(self.trees.get_mut(node).unwrap().insert("lib/new.go", text(dice))),
            6 => self.patches.push((dice.one_of(&["source:x", "source:y"]), file, format!("patch {number}\n"))),
            7 => drop(self.patches.pop()),
            8 => self.sysroot = 1 + dice.roll(2),
            9 => {
                let at = dice.roll(self.copies.len() + 1);
                self.copies.insert(at, copy(dice));
            }
            10 => {
                let at = dice.roll(self.copies.len());
                self.copies[at] = copy(dice);
            }
            11 => self.copies.rotate_left(1),
            12 => self.edit_mounts(dice),
            13 => match dice.roll(3) {
                0 => self.script = format!("make\ninstall {number}\n"),
                1 => self.cwd = format!("/build/{number}"),
                _ => drop(self.env.insert(dice.one_of(&["TONE", "TUNE"]).to_owned(), number)),
            },
            14 => match dice.roll(3) {
                0 => self.checks.insert(dice.roll(self.checks.len() + 1), format!("check {number}")),
                1 => drop(self.checks.pop()),
                _ => drop(self.files.insert("/build/written".to_owned(), (number, dice.roll(2) == 0))),
            },
            _ => drop(self.pins.insert(dice.one_of(&["wheel", "flit"]).to_owned(), (number, dice.roll(2) as u8))),
        }
    }

    fn exec(&self) -> Exec {
        let tree = |node: &str| match node.strip_prefix("source:") {
            Some(id) => TreeRef::Source(SourceId::new(id)),
            None => TreeRef::Stage(StageId::new(node)),
        };
        let copies = self.copies.iter().map(|(from, subset, to, view)| Copy {
            from: tree(from),
            subset: subset.clone(),
            to: (*to).to_owned(),
            view: *view,
        });
        let mounts = self.mounts.iter().map(|(to, (from, path))| Mount {
            from: tree(from),
            path: (*path).to_owned(),
            to: (*to).to_owned(),
            folders: None,
            optional: true,
        });
        let file = |(path, (text, executable)): (&String, &(String, bool))| WrittenFile {
            path: path.clone(),
            text: text.clone(),
            executable: *executable,
        };
        let check = |script: &String| {
            let (sysroot, at, env) = (SysrootId::new("build"), "/opt".to_owned(), BTreeMap::new());
            Check::Run { sysroot, at, script: script.clone(), env }
        };
        Exec {
            sysroot: SysrootId::new("build"),
            tools: Vec::new(),
            git: Vec::new(),
            copies: copies.collect(),
            mounts: mounts.collect(),
            files: self.files.iter().map(file).collect(),
            script: self.script.clone(),
            env: self.env.clone(),
            cwd: self.cwd.clone(),
            out: "/out".to_owned(),
            locks: Vec::new(),
            checks: self.checks.iter().map(check).collect(),
        }
    }

    fn plan(&self) -> Plan {
        Plan {
            name: "sample".into(),
            version: "1".into(),
            prefix: "/opt".into(),
            root: PathBuf::new(),
            sources: Vec::new(),
            sysroots: Vec::new(),
            tools: Vec::new(),
            stages: Vec::new(),
            targets: Vec::new(),
            smoke: None,
            python_pins: Vec::new(),
        }
    }

    /// The files of a node, patched.
    fn patched(&self, node: &str) -> Files {
        let mut files = self.trees[node].clone();
        for (_, file, text) in self.patches.iter().filter(|(source, ..)| *source == node) {
            if let Some(own) = files.get_mut(file) {
                own.push_str(text);
            }
        }
        files
    }

    /// Puts all trees into the store, records what made them, and gives the outputs.
    fn outputs(&self, home: &Home, time: u64) -> Outputs {
        let publish = |files: &Files| {
            let mut list: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, &**text)).collect();
            list.push(("always", ""));
            home.tree(&list)
        };
        let mut outputs = Outputs::new();
        for node in self.trees.keys() {
            let tree = publish(&self.patched(node));
            match node.strip_prefix("source:") {
                Some(id) => {
                    let raw = publish(&self.trees[node]);
                    let manifest = source_manifest(&self.source(node, id), &raw);
                    home.ran(node, time, &manifest, &[(&format!("{node} unpatched"), raw)], tree);
                    outputs.insert(NodeId::Source(SourceId::new(id)), tree);
                }
                None => {
                    let mut manifest = Manifest::new("run", 1);
                    manifest.set(&"script".into(), tree.to_string());
                    home.ran(node, time, &manifest, &[], tree);
                    outputs.insert(NodeId::Stage(StageId::new(node)), tree);
                }
            }
        }
        let root = home.tree(&[("bin/sh", &self.sysroot.to_string())]);
        let mut manifest = Manifest::new("sysroot", 1);
        manifest.set(&"deb.sh".into(), format!("[\"{}\",\"x\"]", self.sysroot));
        home.ran("sysroot:build", time, &manifest, &[], root);
        outputs.insert(NodeId::Sysroot(SysrootId::new("build")), root);
        outputs
    }

    fn source(&self, node: &str, id: &str) -> Source {
        let patches = self.patches.iter().filter(|(source, ..)| *source == node).map(|(_, file, text)| Patch {
            file: (*file).to_owned(),
            edit: Edit::Replace { from: String::new(), to: text.clone() },
            at: String::new(),
        });
        Source {
            id: SourceId::new(id),
            origin: Origin::Path(PathBuf::new()),
            hash: None,
            replaced: false,
            subset: Subset::default(),
            patches: patches.collect(),
        }
    }

    /// The manifest; `None` if a copy takes nothing.
    fn manifest(&self, home: &Home, outputs: &Outputs) -> Option<Manifest> {
        let plan = self.plan();
        let stage = Stage {
            id: StageId::new("stage"),
            kind: "run",
            kind_version: 1,
            step: Step::Exec(Box::new(self.exec())),
            weight: 1,
            output_hash: None,
            at: String::new(),
        };
        let backends = OutputLayers::from(home.store.clone());
        let keys = Keys { backends: &backends, parts: Parts::Content, plan: &plan, outputs };
        let mut manifest = keys.stage(&stage).ok()?;
        let pins: Vec<_> =
            self.pins.iter().map(|(name, (version, digest))| (name, version, digest.to_string())).collect();
        let text = serde_json::to_string(&pins).unwrap();
        manifest.set(&"python-pins".into(), Digest::sha256(text.as_bytes()).to_string());
        manifest.note(&"python-pins".into(), text);
        Some(manifest)
    }

    fn ran(&self, home: &Home, time: u64) -> Option<(Action, Manifest)> {
        let outputs = self.outputs(home, time);
        let manifest = self.manifest(home, &outputs)?;
        let inputs: Vec<(String, TreeHash)> = outputs.iter().map(|(node, tree)| (node.to_string(), *tree)).collect();
        let inputs: Vec<(&str, TreeHash)> = inputs.iter().map(|(node, tree)| (&**node, *tree)).collect();
        Some((home.ran("stage", time + 1, &manifest, &inputs, TreeHash::from([time as u8; 32])), manifest))
    }

    /// Takes back what a cause names, and nothing else.
    fn revert(&mut self, cause: &Cause, old: &Spec) {
        match cause {
            Cause::Files { source, files, .. } => {
                for file in files {
                    let path = file.difference.path.to_str().unwrap();
                    let (node, was) = old.trees.get_key_value(&*source.to_string()).unwrap();
                    let now = self.trees.get_mut(node).unwrap();
                    match was.get_key_value(path) {
                        Some((path, text)) => drop(now.insert(path, text.clone())),
                        None => drop(now.remove(path)),
                    }
                }
            }
            Cause::Follows { name, .. } if name.to_string() == "sysroot:build" => self.sysroot = old.sysroot,
            Cause::Follows { name, .. } => {
                let (node, files) = old.trees.get_key_value(&*name.to_string()).unwrap();
                self.trees.insert(node, files.clone());
            }
            Cause::Part { to, old: was, new: is, .. } => {
                self.revert_part(to, was.as_deref(), is.as_deref(), old);
                // A part of another node is named with its tree.
                if let Some(was) = was.as_ref().filter(|was| is.as_ref().is_none_or(|is| is.node != was.node)) {
                    let (node, files) = old.trees.get_key_value(&*was.node.to_string()).unwrap();
                    self.trees.insert(node, files.clone());
                    self.patches.retain(|(source, ..)| source != node);
                    self.patches.extend(old.patches.iter().filter(|(source, ..)| source == node).cloned());
                }
            }
            Cause::Value { what: What::Patch, name, .. } => {
                self.patches.retain(|(_, file, _)| file != name);
                self.patches.extend(old.patches.iter().filter(|(_, file, _)| file == name).cloned());
            }
            Cause::Value { what: What::Script, .. } => self.script = old.script.clone(),
            Cause::Value { what: What::Variable, name, old: was, .. } => match was {
                Some(text) => drop(self.env.insert(name.clone(), text.clone())),
                None => drop(self.env.remove(name)),
            },
            Cause::Value { what: What::WrittenFile, .. } => self.files = old.files.clone(),
            Cause::Value { what: What::Check, old: was, new: is, .. } => {
                let script = |text: &Option<String>| text.as_ref().map(|t| t.split_once('\n').unwrap().1.to_owned());
                match (script(was), script(is)) {
                    (was, Some(is)) => {
                        let at = self.checks.iter().position(|check| *check == is).unwrap();
                        self.checks.splice(at..=at, was);
                    }
                    (was, None) => self.checks.extend(was),
                }
            }
            Cause::Value { what: What::Option, name, .. } if name == "cwd" => self.cwd = old.cwd.clone(),
            Cause::Packages { .. } => self.pins = old.pins.clone(),
            Cause::Order => {}
            other => panic!("{other:?} is no cause of any edit"),
        }
    }

    fn revert_part(&mut self, to: &str, was: Option<&Part>, is: Option<&Part>, old: &Spec) {
        if let Some((to, _)) = old.mounts.get_key_value(to).or(self.mounts.clone().get_key_value(to)) {
            let earlier = old.mounts.get(to).copied();
            match earlier {
                Some(mount) => drop(self.mounts.insert(to, mount)),
                None => drop(self.mounts.remove(to)),
            }
            return;
        }
        let is_it = |copy: &(&'static str, Subset, &'static str, View), part: &Part| {
            NodeId::from(copy.0) == part.node && copy.1 == part.subset && copy.2 == to && copy.3 == part.view
        };
        let before = was.and_then(|was| old.copies.iter().find(|copy| is_it(copy, was)).cloned());
        match is {
            // Equal reasons are told once.
            Some(is) if was.is_none() => {
                self.copies.retain(|copy| !is_it(copy, is));
                self.copies.extend(old.copies.iter().filter(|copy| is_it(copy, is)).cloned());
            }
            Some(is) => {
                let at = self.copies.iter().position(|copy| is_it(copy, is)).unwrap();
                self.copies.splice(at..=at, before);
            }
            None => self.copies.extend(before),
        }
    }

    /// Puts copies and checks into the order that they had, if they are the same ones.
    fn reorder(&mut self, old: &Spec) {
        let sorted = |copies: &[(&str, Subset, &str, View)]| {
            let mut all: Vec<String> = copies.iter().map(|copy| format!("{copy:?}")).collect();
            all.sort();
            all
        };
        if sorted(&self.copies) == sorted(&old.copies) {
            self.copies = old.copies.clone();
        }
        let sorted = |checks: &[String]| checks.iter().cloned().collect::<BTreeSet<_>>();
        if sorted(&self.checks) == sorted(&old.checks) {
            self.checks = old.checks.clone();
        }
    }
}

/// What the stage sees of a source, by the notes of its manifest: paths and entries as the key covers them.
fn seen(home: &Home, manifest: &Manifest, source: &NodeId, tree: Option<TreeHash>) -> BTreeSet<(PathBuf, String)> {
    let fields = manifest.fields().keys().map(|field| ManifestField::from(&**field));
    let parts =
        fields.filter_map(|field| Part::of(&field, manifest.note_of(&field)?)).filter(|part| part.node == *source);
    let mut all = BTreeSet::new();
    for part in parts {
        let tree = tree.unwrap_or(part.tree);
        let listing = home.store.listing(&tree).unwrap();
        let files = akbuild_tree::TreeDir::open(&home.store.tree_path(&tree), "the tree").unwrap();
        let view = FileView::new(&files, &listing, part.view).unwrap();
        for entry in view.select(&listing, &part.path, &part.subset).unwrap() {
            let kind = view.kind(&part.path, entry).unwrap();
            all.insert((trees::join(&part.path, entry.path).into(), format!("{kind:?}")));
        }
    }
    all
}

#[test]
fn reasons_are_what_the_key_covers_and_all_of_it() {
    let home = home();
    let (mut equal, mut files, mut others) = (0, 0, 0);
    for round in 0..ROUNDS {
        let dice = &mut Dice(round * 7919 + 1);
        let old = Spec::random(dice);
        let mut new = old.clone();
        (0..dice.roll(5)).for_each(|_| new.edit(dice));
        let time = round * 10 + 1;
        let (Some((was, before)), Some((is, after))) = (old.ran(&home, time), new.ran(&home, time + 5)) else {
            continue;
        };
        let why = why_between(&home.store, &was, &is).unwrap();
        let causes = &why.nodes[0].causes;
        assert_eq!(causes.is_empty(), was.key == is.key, "round {round}: {causes:#?}");
        assert_eq!(why.nodes[0].fields.is_empty(), was.key == is.key, "round {round}");
        equal += usize::from(causes.is_empty());
        for cause in causes {
            let Cause::Files { source, files: named, .. } = cause else {
                others += 1;
                continue;
            };
            let trees = [&was, &is].map(|action| action.inputs.get(&source.to_string()).copied());
            let [old, new] = trees.map(|tree| seen(&home, &after, source, tree));
            let differing: BTreeSet<&PathBuf> = old.symmetric_difference(&new).map(|(path, _)| path).collect();
            for file in named {
                files += 1;
                let path = PathBuf::from(&file.difference.path);
                assert!(differing.contains(&path), "round {round}: the stage does not see a change of {path:?}");
            }
        }
        let mut reverted = new.clone();
        causes.iter().for_each(|cause| reverted.revert(cause, &old));
        if causes
            .iter()
            .any(|cause| matches!(cause, Cause::Order | Cause::Part { .. } | Cause::Value { what: What::Check, .. }))
        {
            reverted.reorder(&old);
        }
        let outputs = reverted.outputs(&home, time + 7);
        let manifest = reverted.manifest(&home, &outputs);
        let fields = manifest.as_ref().map(Manifest::fields);
        assert_eq!(fields, Some(before.fields()), "round {round}: {causes:#?}");
    }
    // The rounds are not all of one kind.
    assert!(equal > 5 && files > 5 && others > 30, "{equal} equal, {files} files, {others} others");
}
