//! Explanations from records that are put into a store by hand: of what no small project has.

use std::collections::BTreeMap;

use akbuild_nar::{Digest, TreeHash};
use akbuild_store::{Action, Artifact, Maker, Publish, Store};

use super::*;
use crate::keys::manifest::Manifest;

pub(super) struct Home {
    _folder: tempfile::TempDir,
    pub(super) store: Store,
}

pub(super) fn home() -> Home {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    Home { _folder: folder, store }
}

impl Home {
    /// A tree with these files.
    pub(super) fn tree(&self, files: &[(&str, &str)]) -> TreeHash {
        let scratch = self.store.scratch("test").unwrap();
        let tree = scratch.path().join("tree");
        for (path, text) in files {
            let file = tree.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        self.store.publish(&tree, &Publish { listing: true, ..Publish::default() }).unwrap().hash
    }

    /// Records a run, and gives it.
    pub(super) fn ran(
        &self,
        stage: &str,
        created: u64,
        manifest: &Manifest,
        inputs: &[(&str, TreeHash)],
        output: TreeHash,
    ) -> Action {
        let action = Action {
            key: manifest.key(),
            project: "sample".into(),
            stage: stage.into(),
            kind: "run".into(),
            output,
            manifest: manifest.to_json(),
            seconds: 1.0,
            max_rss: 0,
            created,
            log: None,
            bytes: 0,
            files: 0,
            inputs: inputs.iter().map(|(node, tree)| ((*node).to_owned(), *tree)).collect(),
            artifacts: None,
            phases: Vec::new(),
            build: None,
            maker: Maker::default(),
        };
        self.store.record_action(&action).unwrap();
        action
    }

    fn with_packages(&self, action: &Action, names: &[&str]) -> Action {
        let artifact = |name: &&str| Artifact { name: (*name).to_owned(), digest: Digest::sha256(name.as_bytes()) };
        let list = self.store.put_artifacts(&names.iter().map(artifact).collect::<Vec<_>>()).unwrap();
        let action = Action { artifacts: Some(list), ..action.clone() };
        self.store.record_action(&action).unwrap();
        action
    }

    fn why(&self, old: &Action, new: &Action) -> String {
        let why = why_between(&self.store, old, new).unwrap();
        let roots = why.roots(0).into_iter().map(|(way, cause)| why.chain(&way, cause));
        roots.collect::<Vec<_>>().join("\n")
    }
}

fn hash(n: u8) -> TreeHash {
    TreeHash::from([n; 32])
}

/// A manifest of kind `run` with these fields.
fn fields(fields: &[(&str, &str)]) -> Manifest {
    let mut manifest = Manifest::new("run", 1);
    fields.iter().for_each(|(name, value)| manifest.set(&(*name).into(), *value));
    manifest
}

/// With a copy of a part of a tree.
fn copying(field: &str, digest: u8, note: &(&str, TreeHash, &str, akbuild_recipe::plan::Subset)) -> Manifest {
    let mut manifest = fields(&[(field, &hash(digest).to_string())]);
    manifest.note(&field.into(), serde_json::to_string(note).unwrap());
    manifest
}

#[test]
fn a_python_pin() {
    let home = home();
    let pinned = |digest: &str, note: &str| {
        let mut manifest = fields(&[("python-pins", digest)]);
        manifest.note(&"python-pins".into(), note);
        manifest
    };
    let old =
        home.ran("deps", 1, &pinned("1", r#"[["setuptools","80.1"],["wheel","0.4"],["flit","3"]]"#), &[], hash(1));
    let new =
        home.ran("deps", 2, &pinned("2", r#"[["setuptools","80.2"],["wheel","0.4"],["hatch","1"]]"#), &[], hash(2));
    insta::assert_snapshot!(home.why(&old, &new), @"package `flit` 3 is gone, and 2 more");
    let causes = &why_between(&home.store, &old, &new).unwrap().nodes[0].causes;
    insta::assert_snapshot!(serde_json::to_string(causes).unwrap(), @r#"[{"cause":"packages","packages":[{"name":"flit","old":"3","new":null},{"name":"hatch","old":null,"new":"1"},{"name":"setuptools","old":"80.1","new":"80.2"}]}]"#);
    let other_file =
        home.ran("deps", 3, &pinned("3", r#"[["setuptools","80.2"],["wheel","0.4"],["hatch","1"]]"#), &[], hash(3));
    insta::assert_snapshot!(home.why(&new, &other_file), @"files of its pinned packages changed");
}

#[test]
fn a_tool_of_another_version() {
    let home = home();
    let tool = |digest: &str| {
        let mut manifest = Manifest::new("tool", 1);
        manifest.set(&"package".into(), digest);
        manifest
    };
    let old = home.ran("tool:tsc", 1, &tool("a"), &[], hash(1));
    home.with_packages(&old, &["pkg:npm/typescript@5.8.2"]);
    let new = home.ran("tool:tsc", 2, &tool("b"), &[], hash(2));
    home.with_packages(&new, &["pkg:npm/typescript@5.9.0"]);
    let using = |tree: TreeHash| fields(&[("tool.tsc", &tree.to_string())]);
    let old = home.ran("web", 3, &using(hash(1)), &[("tool:tsc", hash(1))], hash(3));
    let new = home.ran("web", 4, &using(hash(2)), &[("tool:tsc", hash(2))], hash(4));
    insta::assert_snapshot!(home.why(&old, &new), @"tool `tsc` changed, because package `typescript` changed from 5.8.2 to 5.9.0");
    let none = home.ran("web", 5, &fields(&[]), &[], hash(5));
    insta::assert_snapshot!(home.why(&new, &none), @"tool `tsc` is gone");
}

#[test]
fn packages_of_lock_files() {
    let home = home();
    let [old, new] = [[("lock", "left-pad 1\n")], [("lock", "left-pad 2\n")]].map(|files| home.tree(&files));
    let copy = |tree: TreeHash, n: u8| copying("copy.0./build", n, &("source `app`", tree, "", Default::default()));
    let old = home.ran("deps", 1, &copy(old, 1), &[("source:app", old)], hash(1));
    let old = home.with_packages(&old, &["pkg:npm/left-pad@1.0", "pkg:npm/%40lit/context@1.1.6", "pkg:npm/gone@3"]);
    let new = home.ran("deps", 2, &copy(new, 2), &[("source:app", new)], hash(2));
    let new = home.with_packages(&new, &["pkg:npm/left-pad@2.0", "pkg:npm/%40lit/context@1.1.6"]);
    let why = why_between(&home.store, &old, &new).unwrap();
    insta::assert_snapshot!(why.reason(0).unwrap(), @"`lock` line 1 changed in source `app`");
    let downloads = why.nodes[0].downloads.iter().map(ToString::to_string).collect::<Vec<_>>();
    insta::assert_snapshot!(downloads.join("\n"), @"
    `gone` 3 is gone
    `left-pad` changed from 1.0 to 2.0
    ");
}

#[test]
fn a_patch_and_the_source_below_it() {
    let home = home();
    let source = |tree: TreeHash, to: &str| {
        let mut manifest = Manifest::new("source", 1);
        manifest.set(&"tree".into(), tree.to_string());
        manifest.set(&"patch.0.a.txt".into(), format!(r#"["replace","one","{to}"]"#));
        manifest
    };
    let raw = home.tree(&[("a.txt", "one\n"), ("b.txt", "b\n")]);
    let raw_later = home.tree(&[("a.txt", "one\n"), ("b.txt", "b\nc\n")]);
    let [old, new] =
        [[("a.txt", "1\n"), ("b.txt", "b\n")], [("a.txt", "2\n"), ("b.txt", "b\nc\n")]].map(|f| home.tree(&f));
    home.ran("source:app", 1, &source(raw, "1"), &[("source:app unpatched", raw)], old);
    home.ran("source:app", 2, &source(raw_later, "2"), &[("source:app unpatched", raw_later)], new);
    let copy = |tree: TreeHash, n: u8| copying("copy.0./build", n, &("source `app`", tree, "", Default::default()));
    let was = home.ran("web", 3, &copy(old, 1), &[("source:app", old)], hash(1));
    let is = home.ran("web", 4, &copy(new, 2), &[("source:app", new)], hash(2));
    insta::assert_snapshot!(home.why(&was, &is), @"
    the patch of `a.txt` changed
    `b.txt` line 2 changed in source `app`
    ");
}

/// With a copy of the imports of a tree's Go files.
fn vendoring(home: &Home, tree: TreeHash) -> Manifest {
    let (field, all) = ("copy.0./build (go imports)", akbuild_recipe::plan::Subset::default());
    let view = akbuild_recipe::plan::View::GoImports;
    let digest =
        crate::keys::part_digest::subset_digest(&home.store.clone().into(), &tree, "", &all, view).unwrap().unwrap();
    let mut manifest = fields(&[(field, &digest)]);
    manifest.note(&field.into(), serde_json::to_string(&("source `app`", tree, "", all)).unwrap());
    manifest
}

#[test]
fn what_a_view_hides_is_no_reason() {
    let home = home();
    let go =
        |import: &str, body: &str| format!("// {body}\npackage a\n\nimport \"{import}\"\n\nfunc f() {{ {body} }}\n");
    let source = |go_files: [String; 2], patch: &str, time: u64| {
        let [one, two] = &go_files;
        let raw = home.tree(&[("one.go", one), ("two.go", two), ("notes.js", "raw")]);
        let tree = home.tree(&[("one.go", one), ("two.go", two), ("notes.js", patch)]);
        let mut manifest = Manifest::new("source", 1);
        manifest.set(&"tree".into(), raw.to_string());
        manifest.set(&"patch.0.one.go".into(), format!(r#"["replace","func","{patch}"]"#));
        home.ran("source:app", time, &manifest, &[("source:app unpatched", raw)], tree);
        tree
    };
    let old = source([go("fmt", "1"), go("os", "1")], "1", 1);
    let new = source([go("fmt", "2"), go("io", "2")], "2", 2);
    let was = home.ran("deps", 3, &vendoring(&home, old), &[("source:app", old)], hash(1));
    let is = home.ran("deps", 4, &vendoring(&home, new), &[("source:app", new)], hash(2));
    let why = why_between(&home.store, &was, &is).unwrap();
    // `notes.js` is not a Go file, and seen whole.
    insta::assert_snapshot!(home.why(&was, &is), @"`notes.js` line 1 changed in source `app`, and 1 other file changed");
    let Cause::Files { files, .. } = &why.nodes[0].causes[0] else { panic!("{why:?}") };
    insta::assert_snapshot!(files[1].to_string(), @"the imports of `two.go` changed");
    insta::assert_snapshot!(files[1].hunks.as_ref().unwrap(), @r#"
    @@ -1,2 +1,2 @@
     package a
    -import "os"
    +import "io"
    "#);
    // The listings of trees stay, and do not tell what a view shows.
    std::fs::remove_dir_all(home.store.tree_path(&old)).unwrap();
    insta::assert_snapshot!(home.why(&was, &is), @"files of source `app` that it sees changed; which ones is not known");
}

#[test]
fn parts_and_sysroots_of_images() {
    let home = home();
    let [old, new] = [[("a", "1\n")], [("a", "2\n")]].map(|files| home.tree(&files));
    let image = |layer: TreeHash, all: TreeHash, env: &str| {
        let mut manifest = Manifest::new("image", 1);
        let all_files = akbuild_recipe::plan::Subset::default();
        for (field, stage, tree) in [("layer.0.base", "base", layer), ("tree./opt", "all", all)] {
            manifest.set(&field.into(), tree.to_string());
            let note = (format!("stage `{stage}`"), tree, "", &all_files);
            manifest.note(&field.into(), serde_json::to_string(&note).unwrap());
        }
        manifest.set(&"config".into(), format!(r#"{{"env":{{"A":"{env}"}},"user":"1"}}"#));
        manifest
    };
    let inputs = |layer, all| [("base", layer), ("all", all)];
    let was = home.ran("image", 1, &image(old, old, "b"), &inputs(old, old), hash(1));
    let is = home.ran("image", 2, &image(new, old, "c"), &inputs(new, old), hash(2));
    insta::assert_snapshot!(home.why(&was, &is), @"
    its `config.env.A` changed from `b` to `c`
    `base` changed, because its output is another, as in `a`, and what made it is not on record
    ");
    let is = home.ran("image", 3, &image(old, new, "b"), &inputs(old, new), hash(3));
    insta::assert_snapshot!(home.why(&was, &is), @"`all` changed, because its output is another, as in `a`, and what made it is not on record");
}

#[test]
fn sysroots_with_equal_trees_and_checks() {
    let home = home();
    let stage = |sysroot: &str, root: u8, check: &str, n: u64| {
        let mut manifest = fields(&[("sysroot", &hash(root).to_string())]);
        manifest.note(&"sysroot".into(), sysroot);
        for (i, check) in check.split(' ').enumerate() {
            manifest.set(&(&*format!("check.{i}")).into(), format!(r#"["run","{}","/opt","{check}",{{}}]"#, hash(9)));
            manifest.note(&(&*format!("check.{i}")).into(), "runtime");
        }
        let inputs = [("sysroot:build", hash(root)), ("sysroot:runtime", hash(9)), ("sysroot:small", hash(root))];
        home.ran("web", n, &manifest, &inputs, hash(n as u8))
    };
    let was = stage("small", 1, "one two", 1);
    // Both sysroots have the tree; the stage has `small`.
    let is = stage("small", 2, "one two", 2);
    insta::assert_snapshot!(home.why(&was, &is), @"sysroot `small` changed, because its output is another, and what made it is not on record");
    let is = stage("small", 1, "zero one two", 3);
    insta::assert_snapshot!(home.why(&was, &is), @"a check of its output is new");
    let causes = &why_between(&home.store, &was, &is).unwrap().nodes[0].causes;
    insta::assert_snapshot!(serde_json::to_string(causes).unwrap(), @r#"[{"cause":"value","what":"check","name":"check","old":null,"new":"run at `/opt`\nzero"}]"#);
    let is = stage("small", 1, "two one", 4);
    insta::assert_snapshot!(home.why(&was, &is), @"its inputs are in another order");
}

#[test]
fn another_choice_that_takes_the_same_files() {
    let home = home();
    let [old, new] = [[("a.txt", "1\n"), ("b.md", "1\n")], [("a.txt", "2\n"), ("b.md", "2\n")]].map(|f| home.tree(&f));
    let taking = |tree: TreeHash, include: &[&str]| {
        let subset = akbuild_recipe::plan::Subset {
            include: include.iter().map(|pattern| (*pattern).to_owned()).collect(),
            ..akbuild_recipe::plan::Subset::default()
        };
        let view = akbuild_recipe::plan::View::Whole;
        let digest = crate::keys::part_digest::subset_digest(&home.store.clone().into(), &tree, "", &subset, view)
            .unwrap()
            .unwrap();
        let mut manifest = fields(&[("copy.0./build", &digest)]);
        manifest.note(&"copy.0./build".into(), serde_json::to_string(&("source `app`", tree, "", subset)).unwrap());
        manifest
    };
    let ran = |n: u8, tree, include: &[&str]| {
        home.ran("web", n.into(), &taking(tree, include), &[("source:app", tree)], hash(n))
    };
    let was = ran(1, old, &["a.txt"]);
    insta::assert_snapshot!(home.why(&was, &ran(2, new, &["*.txt"])), @"`a.txt` line 1 changed in source `app`");
    insta::assert_snapshot!(home.why(&was, &ran(3, old, &["*.txt", "*.md"])), @"it takes `*.txt`, `*.md` of source `app` at `/build`, and took `a.txt` of source `app`");
    insta::assert_snapshot!(home.why(&was, &ran(4, new, &["*.txt", "*.md"])), @"
    it takes `*.txt`, `*.md` of source `app` at `/build`, and took `a.txt` of source `app`
    `a.txt` line 1 changed in source `app`, and 1 other file changed
    ");
}

#[test]
fn what_akbuild_and_the_machine_do_otherwise() {
    let home = home();
    let old = fields(&[
        ("sandbox", "1"),
        ("host.gcc", "/usr/bin/gcc sha256-x gcc 12"),
        ("cwd", "/build"),
        ("git.app", "1111"),
    ]);
    let mut new = fields(&[
        ("sandbox", "2"),
        ("host.gcc", "/usr/bin/gcc sha256-y gcc 13"),
        ("cwd", "/build/web"),
        ("git.app", "2222"),
    ]);
    new.set(&"kind-version".into(), "2");
    new.set(&"check.0".into(), r#"["elf","x","y"]"#);
    new.set(&"file./build/f".into(), r#"[true,"text"]"#);
    let (old, new) = (home.ran("web", 1, &old, &[], hash(1)), home.ran("web", 2, &new, &[], hash(2)));
    insta::assert_snapshot!(home.why(&old, &new), @"
    a check of its output is new
    its `cwd` changed from `/build` to `/build/web`
    the file `/build/f` that it is given is new
    the commit of source `app` changed from `1111` to `2222`
    `gcc` of this machine changed from `/usr/bin/gcc sha256-x gcc 12` to `/usr/bin/gcc sha256-y gcc 13`
    akbuild's own version of `run` changed from `1` to `2`
    akbuild's own version of `sandbox` changed from `1` to `2`
    ");
}

#[test]
fn a_copy_in_front_of_others_is_the_only_difference() {
    let home = home();
    let tree = home.tree(&[("a.txt", "one\n")]);
    let note = serde_json::to_string(&("source `app`", tree, "", akbuild_recipe::plan::Subset::default())).unwrap();
    let copies = |places: &[&str]| {
        let mut manifest = Manifest::new("run", 1);
        for (i, place) in places.iter().enumerate() {
            manifest.set(&(&*format!("copy.{i}.{place}")).into(), tree.to_string());
            manifest.note(&(&*format!("copy.{i}.{place}")).into(), note.clone());
        }
        home.ran("web", places.len() as u64, &manifest, &[("source:app", tree)], hash(places.len() as u8))
    };
    let (two, three, turned) = (copies(&["/a", "/b"]), copies(&["/new", "/a", "/b"]), copies(&["/b", "/a"]));
    insta::assert_snapshot!(home.why(&two, &three), @"it also takes source `app` at `/new`");
    insta::assert_snapshot!(home.why(&two, &turned), @"its inputs are in another order");
}

#[test]
fn a_cause_that_several_share_is_told_once() {
    let home = home();
    let [old, new] = [[("schema.yml", "a\nb\n")], [("schema.yml", "a\nc\n")]].map(|files| home.tree(&files));
    let copy = |tree: TreeHash, n: u8| copying("copy.0./build", n, &("source `app`", tree, "", Default::default()));
    let of = |from: &str, tree: TreeHash, script: &str| {
        let note = (&*format!("stage `{from}`"), tree, "", Default::default());
        let mut manifest = copying("mount./in", tree.as_bytes()[0], &note);
        manifest.set(&"script".into(), script);
        manifest
    };
    let mut last = Vec::new();
    for (time, source, n) in [(10, old, 10), (20, new, 20)] {
        home.ran("client", time, &copy(source, n), &[("source:app", source)], hash(n));
        home.ran("left", time + 1, &of("client", hash(n), "left"), &[("client", hash(n))], hash(n + 1));
        home.ran("right", time + 2, &of("client", hash(n), "right"), &[("client", hash(n))], hash(n + 2));
        let mut both = of("left", hash(n + 1), "");
        let right = of("right", hash(n + 2), "");
        both.set(&"mount./right".into(), right.value(&"mount./in".into()).unwrap());
        both.note(&"mount./right".into(), right.note_of(&"mount./in".into()).unwrap());
        last.push(home.ran("web", time + 3, &both, &[("left", hash(n + 1)), ("right", hash(n + 2))], hash(n + 3)));
    }
    insta::assert_snapshot!(home.why(&last[0], &last[1]), @"`left` changed, because `client` changed, because `schema.yml` line 2 changed in source `app`");
    let why = why_between(&home.store, &last[0], &last[1]).unwrap();
    let nodes: BTreeMap<String, usize> =
        why.nodes.iter().map(|node| (node.node.to_string(), node.causes.len())).collect();
    let expected = [("client", 1), ("left", 1), ("right", 1), ("web", 2)];
    assert_eq!(nodes, expected.map(|(name, causes)| (name.to_owned(), causes)).into());
}

#[test]
fn what_made_a_tree_is_not_on_record() {
    let home = home();
    let [old, new] = [[("f", "1\n")], [("f", "2\n")]].map(|files| home.tree(&files));
    let of = |tree: TreeHash, n: u8| copying("mount./in", n, &("stage `client`", tree, "", Default::default()));
    let (was, is) = (
        home.ran("web", 1, &of(old, 1), &[("client", old)], hash(1)),
        home.ran("web", 2, &of(new, 2), &[("client", new)], hash(2)),
    );
    insta::assert_snapshot!(home.why(&was, &is), @"`client` changed, because its output is another, as in `f`, and what made it is not on record");
}
