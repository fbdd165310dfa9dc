//! The hash of everything that goes into a stage: what changes it, and what does not.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

mod common;

use akbuild_engine::EngineContext;
use akbuild_recipe::plan::StageId;
use common::{World, write};

const RECIPE: &str = r#"[project]
name = "mini"
version = "1.2.0"
prefix = "/opt/mini"
targets = ["image"]

[sources.app]
git = "https://forge.example/app"
mirrors = ["https://mirror.example/app"]
tag = "version/{version}"

[sources.data]
tarball = "https://forge.example/data.tar.gz"

[sources.local]
path = "local"
exclude = ["drafts/**"]

[sources.unused]
path = "unused"

[debian]
suites = ["forky"]

[sysroots.build]
packages = ["bash", "gcc"]
essential = false

[sysroots.runtime]
packages = ["bash"]
essential = false

[tools.typescript]
npm = "typescript@5.9.3"

[tools.uv]
python = "uv==0.9.18"

[[patches]]
source = "app"
file = "x.go"
from = "./web"
to = "/web"
why = "paths at run time"

[[patches]]
source = "app"
file = "y.go"
with = "over/y.go"

[stages.web]
kind = "run"
script = "tsc"
copies = [{ from = "app", include = ["web/**"] }, { from = "local" }]
mounts = [{ from = "data", to = "/data" }]
files = [{ path = "/build/x", text = "one" }]
tools = ["typescript"]
env = { MODE = "production" }

[stages.python]
kind = "uv-sync"
source = "app"
venv = "/opt/mini/venv"
python = "3.14"
groups = ["more"]

[stages.idle]
kind = "run"
script = "true"
copies = [{ from = "unused" }]

[stages.all]
kind = "tree"
pieces = [{ from = "web", to = "web" }, { from = "python", to = "venv" }]
files = [{ path = "bin/start", text = "start", executable = true }]
checks = [{ elf = "runtime" }]

[stages.image]
kind = "image"
tree = "all"
exclude = ["boot"]
layers = [{ name = "python", from = ["python"] }]
files = [{ path = "start", text = "exec", executable = true }]
folders = [{ path = "tmp", mode = "1777" }]
level = 7
entrypoint = ["/start"]
env = { A = "b" }
push = "registry.example/mini:{key}"
"#;

const LOCK: &str = r#"version = 1

sources = [
  { name = "app", git = "https://forge.example/app", tag = "version/1.2.0", commit = "1111111111111111111111111111111111111111", hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
  { name = "data", tarball = "https://forge.example/data.tar.gz", digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
]

tools = [
  { name = "typescript", npm = "typescript@5.9.3", digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
  { name = "uv", python = "uv==0.9.18", file = "uv-0.9.18.whl", digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
]

python = [
  { name = "setuptools", version = "80.1", file = "setuptools-80.1.whl", digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
]

debs = [
  { name = "bash", version = "5.3-1", path = "pool/main/b/bash/bash_5.3-1_amd64.deb", size = 1000, digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", sysroots = ["build", "runtime"] },
  { name = "gcc", version = "4:16-1", path = "pool/main/g/gcc/gcc_16-1_amd64.deb", size = 2000, digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", sysroots = ["build"] },
]

[[sysroots]]
name = "build"
suites = ["forky"]
components = ["main"]
architecture = "amd64"
essential = false
packages = ["bash", "gcc"]

[[sysroots]]
name = "runtime"
suites = ["forky"]
components = ["main"]
architecture = "amd64"
essential = false
packages = ["bash"]
"#;

const FILES: [(&str, &str); 5] = [
    ("local/a.txt", "a"),
    ("local/unread", "by no stage"),
    ("local/drafts/d.txt", "d"),
    ("unused/u.txt", "u"),
    ("over/y.go", "package y"),
];

fn key(context: &EngineContext) -> String {
    akbuild_engine::input_key(context, &StageId::new("image")).unwrap().to_string()
}

/// The key in a new folder and with an empty store.
fn key_of(recipe: &str, lock: &str, files: &[(&str, &str)]) -> String {
    key(&World::new(recipe, lock, files).context)
}

/// Recipe and lock with one text replaced in either, or in both.
fn changed(from: &str, to: &str) -> (String, String) {
    assert!([RECIPE, LOCK].iter().any(|text| text.contains(from)), "`{from}` is in neither");
    (RECIPE.replacen(from, to, 1), LOCK.replacen(from, to, 1))
}

#[test]
fn equal_plans_have_the_same_anywhere_with_nothing_in_the_store() {
    let world = World::new(RECIPE, LOCK, &FILES);
    let first = key(&world.context);
    assert_eq!(first, key_of(RECIPE, LOCK, &FILES));
    // Nothing was fetched or built.
    let home = world.context.store.home();
    for folder in ["actions-v1", "blobs-v1", "git-v1"] {
        let there = std::fs::read_dir(home.join(folder)).map_or(0, |entries| entries.count());
        assert_eq!(there, 0, "{folder}");
    }
}

#[test]
fn whatever_goes_in_changes_it() {
    let first = key_of(RECIPE, LOCK, &FILES);
    let other = "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let (hash, named) = ("sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", |before: &str| {
        format!("{before}sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
    });
    // Of what the lock pins, by what stands before its hash.
    let pinned = [
        "1111\", hash = \"",
        "hSuFU=\", hash = \"",
        "typescript@5.9.3\", digest = \"",
        "uv-0.9.18.whl\", digest = \"",
        "setuptools-80.1.whl\", digest = \"",
        "size = 1000, digest = \"",
        "size = 2000, digest = \"",
    ];
    let mut changes: Vec<(String, String)> =
        pinned.map(|before| (named(before), named(before).replace(hash, other))).into();
    let texts = [
        // A patch, and a script.
        ("from = \"./web\"", "from = \"./web/\""),
        ("to = \"/web\"", "to = \"/web/\""),
        ("file = \"x.go\"", "file = \"z.go\""),
        ("script = \"tsc\"", "script = \"tsc -p .\""),
        ("include = [\"web/**\"]", "include = [\"web/*\"]"),
        ("to = \"/data\"", "to = \"/x\""),
        ("text = \"one\"", "text = \"two\""),
        ("tools = [\"typescript\"]", "tools = []"),
        ("MODE = \"production\"", "MODE = \"test\""),
        ("groups = [\"more\"]", "groups = []"),
        ("python = \"3.14\"", "python = \"3.13\""),
        ("exclude = [\"drafts/**\"]", "exclude = []"),
        // A package of a sysroot, and a pin of the lock.
        ("version = \"5.3-1\"", "version = \"5.3-2\""),
        ("version = \"80.1\"", "version = \"80.2\""),
        // The tree.
        ("to = \"venv\"", "to = \"env\""),
        ("text = \"start\"", "text = \"begin\""),
        ("elf = \"runtime\"", "elf = \"build\""),
        // The image.
        ("exclude = [\"boot\"]", "exclude = [\"home\"]"),
        ("name = \"python\", from", "name = \"venv\", from"),
        ("from = [\"python\"]", "from = [\"web\"]"),
        ("path = \"start\"", "path = \"go\""),
        ("text = \"exec\"", "text = \"exit\""),
        ("mode = \"1777\"", "mode = \"777\""),
        ("level = 7", "level = 8"),
        ("level = 7", "compression = \"zstd\"\nlevel = 7"),
        ("entrypoint = [\"/start\"]", "entrypoint = [\"/go\"]"),
        ("A = \"b\"", "A = \"c\""),
        ("tree = \"all\"", "tree = \"all\"\nat = \"/srv\""),
        ("tree = \"all\"", "tree = \"all\"\nsysroot = \"build\""),
        ("tree = \"all\"", "tree = \"all\"\nuser = \"1\""),
    ];
    changes.extend(texts.map(|(from, to)| (from.to_owned(), to.to_owned())));
    let mut seen = vec![first];
    for (from, to) in &changes {
        let (recipe, lock) = changed(from, to);
        let key = key_of(&recipe, &lock, &FILES);
        assert!(!seen.contains(&key), "`{from}` to `{to}` changes nothing");
        seen.push(key);
    }
}

#[test]
fn a_file_of_a_local_folder_changes_it_where_it_is_taken() {
    let world = World::new(RECIPE, LOCK, &FILES);
    let first = key(&world.context);
    let change = |path: &str| {
        write(&world.project(), &[(path, "changed")]);
        key(&world.again(RECIPE, LOCK))
    };
    // Left out, and of a source that the image does not need.
    assert_eq!((change("local/drafts/d.txt"), change("unused/u.txt")), (first.clone(), first.clone()));
    // A file counts that no stage looks at; one that is put in a source does.
    let second = change("local/unread");
    let third = change("over/y.go");
    let all = [first, second, third, change("local/a.txt"), change("local/new.txt")];
    assert!((1..all.len()).all(|i| !all[..i].contains(&all[i])), "{all:?}");
}

#[test]
fn two_parts_of_one_folder_are_two_sources() {
    let world = World::new(RECIPE, LOCK, &FILES);
    let first = key(&world.context);
    // The folder itself is as it was.
    let second = key(&world.again(&RECIPE.replace("exclude = [\"drafts/**\"]", "include = [\"a.txt\"]"), LOCK));
    assert_ne!(first, second);
    assert_eq!(key(&world.again(RECIPE, LOCK)), first);
}

#[test]
fn where_things_come_from_and_how_they_are_run_changes_nothing() {
    let first = key_of(RECIPE, LOCK, &FILES);
    let same = [
        ("https://mirror.example/app", "https://elsewhere.example/app"),
        ("https://forge.example/app", "https://other.example/app"),
        ("https://forge.example/data.tar.gz", "https://other.example/data-1.tgz"),
        ("why = \"paths at run time\"", "why = \"other words\""),
        ("pool/main/b/bash/bash_5.3-1_amd64.deb", "pool/b/bash.deb"),
        ("size = 1000", "size = 1001"),
        ("kind = \"image\"", "kind = \"image\"\nweight = 5"),
        ("push = \"registry.example/mini:{key}\"", "push = \"registry.example/other:{version}\""),
        ("script = \"true\"", "script = \"false\""),
        ("targets = [\"image\"]", "targets = [\"all\"]"),
    ];
    for (from, to) in same {
        let (recipe, lock) = changed(from, to);
        assert_eq!(key_of(&recipe, &lock, &FILES), first, "`{from}` to `{to}`");
    }
    let smoke = format!("{RECIPE}[smoke]\nimage = \"image\"\nprocesses = [{{ name = \"a\" }}]\n");
    assert_eq!(key_of(&smoke, LOCK, &FILES), first);
}

#[test]
fn a_stage_that_is_not_there_has_none() {
    let world = World::new(RECIPE, LOCK, &FILES);
    assert!(akbuild_engine::input_key(&world.context, &StageId::new("none")).is_err());
    let of = |stage: &str| akbuild_engine::input_key(&world.context, &StageId::new(stage)).unwrap();
    assert_ne!(of("image"), of("all"));
    assert_eq!(of("idle"), of("idle"));
}
