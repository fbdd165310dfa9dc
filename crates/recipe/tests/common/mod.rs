//! Tables of toy kinds, and a recipe to change line by line.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;

use akbuild_recipe::plan::{
    Compose, Exec, Folder, Image, ImageConfig, ImageLayer, Mount, Piece, Plan, StageId, Step, Subset, SysrootId,
    TreeRef, WrittenFile,
};
use akbuild_recipe::{Fields, Kinds, Local, Lock, Overlay, RecipeError, RecipeErrors, read, read_overlay, resolve};

pub(crate) struct Toy;

impl Kinds for Toy {
    fn names(&self) -> Vec<&'static str> {
        vec!["copy", "join"]
    }

    fn step(&self, kind: &str, fields: &mut Fields<'_>) -> Option<Result<(u32, &'static str, Step), RecipeError>> {
        match kind {
            "copy" => Some(copy(fields).map(|step| (1, "copy", step))),
            "join" => Some(join(fields).map(|step| (2, "join", step))),
            _ => None,
        }
    }
}

/// The same, one that runs a script, and one that makes an image: the layer `low`, its `layers`, and the layer `high`.
pub(crate) struct WithImages;

impl Kinds for WithImages {
    fn names(&self) -> Vec<&'static str> {
        Toy.names()
    }

    fn step(&self, kind: &str, fields: &mut Fields<'_>) -> Option<Result<(u32, &'static str, Step), RecipeError>> {
        match kind {
            "make" => Some(make(fields).map(|step| (1, "make", step))),
            "ship" => Some(ship(fields).map(|step| (3, "ship", step))),
            _ => Toy.step(kind, fields),
        }
    }
}

fn make(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let from = fields.opt_tree("from")?.into_iter();
    let mounts = from.map(|from| Mount { from, path: String::new(), to: "/in".into(), folders: None, optional: false });
    Ok(Step::Exec(Box::new(Exec {
        sysroot: SysrootId::new("build"),
        tools: vec![],
        git: vec![],
        copies: vec![],
        mounts: mounts.collect(),
        files: vec![],
        script: String::new(),
        env: Default::default(),
        cwd: "/".into(),
        out: "/out".into(),
        locks: Vec::new(),
        checks: vec![],
    })))
}

fn ship(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let (tree, at) = (TreeRef::Stage(fields.stage("tree")?), fields.string_or("at", "{prefix}")?);
    let image = fields.stage_name().to_owned();
    let layer = |name: &str, from| {
        let tree = TreeRef::Stage(StageId::new(format!("{image}/{name}")));
        ImageLayer { name: name.to_owned(), tree, from }
    };
    let mut layers = vec![layer("low", Vec::new())];
    for mut table in fields.tables("layers")? {
        layers.push(layer(&table.string("name")?, table.trees("from")?));
        table.finish()?;
    }
    layers.push(layer("high", Vec::new()));
    let own = WrittenFile { path: "own".into(), text: String::new(), executable: false };
    let (sysroot, exclude) = (SysrootId::new("runtime"), vec!["boot".to_owned()]);
    Ok(Step::Image(Box::new(Image {
        tree,
        at,
        sysroot: (sysroot, Subset { exclude, ..Subset::default() }),
        files: vec![own],
        folders: vec![Folder { path: "tmp".into(), mode: 0o1777 }],
        compression: Default::default(),
        layers,
        config: ImageConfig::default(),
        push: None,
    })))
}

fn compose(pieces: Vec<Piece>) -> Step {
    Step::Compose(Compose { pieces, files: vec![], checks: vec![] })
}

fn copy(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let from = TreeRef::Source(fields.source("source")?);
    let subset = fields.subset()?;
    let to = fields.string_or("to", "{name}")?;
    fields.opt_sysroot("sysroot")?;
    fields.opt_tool("tool")?;
    fields.opt_string("script")?;
    Ok(compose(vec![Piece { from, path: String::new(), subset, to }]))
}

fn join(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    fields.sysroot_or("sysroot", "build")?;
    let mut pieces = Vec::new();
    for mut table in fields.tables("pieces")? {
        let (from, to) = (table.tree("from")?, table.string_or("to", "")?);
        pieces.push(Piece { from, path: table.opt_path("path")?.unwrap_or_default(), subset: table.subset()?, to });
        table.finish()?;
    }
    let files = fields.strings("files")?;
    let files = files.into_iter().map(|path| WrittenFile { path, text: String::new(), executable: false }).collect();
    Ok(Step::Compose(Compose { pieces, files, checks: vec![] }))
}

/// A recipe that is sound.
pub(crate) const GOOD: &str = r#"[project]
name = "mini"
version = "1.2.0"
prefix = "/opt/{name}"
targets = ["all"]

[sources.app]
git = "https://forge.example/app"
mirrors = ["https://mirror.example/app"]
tag = "version/{version}"

[sources.data]
tarball = "https://forge.example/data-{version}.tar.gz"

[sources.local]
path = "."
include = ["web/**"]

[debian]
suites = ["forky"]

[sysroots.runtime]
packages = ["bash"]
essential = false

[sysroots.build]
extends = "runtime"
packages = ["gcc", "make"]

[tools.uv]
python = "uv==0.9.18"

[tools.typescript]
npm = "typescript@5.9.3"

[[patches]]
source = "app"
file = "internal/x.go"
from = "./web {other}"
to = "{prefix}/web"
why = "paths at run time"

[stages.all]
kind = "join"
pieces = [{ from = "web" }, { from = "source:app", to = "app" }]

[stages.web]
kind = "copy"
source = "local"
weight = 2
"#;

/// The lock that belongs to [`GOOD`].
pub(crate) const LOCK: &str = r#"# Written by `akbuild lock`; change akbuild.toml and run it again instead of editing this file.
version = 1

sources = [
  { name = "app", git = "https://forge.example/app", tag = "version/1.2.0", commit = "1111111111111111111111111111111111111111", hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
  { name = "data", tarball = "https://forge.example/data-1.2.0.tar.gz", digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
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
essential = true
packages = [
  "bash",
  "gcc",
  "make",
]

[[sysroots]]
name = "runtime"
suites = ["forky"]
components = ["main"]
architecture = "amd64"
essential = false
packages = [
  "bash",
]
"#;

/// More of [`GOOD`]: an image, and how it is tried.
pub(crate) const SMOKE: &str = r#"
[stages.image]
kind = "ship"
tree = "all"

[smoke]
image = "image"
memory_mib = 512
timeout = 60
grace = 10
env = { KEY = "value" }

[[smoke.services]]
name = "database"
sysroot = "runtime"
port = 5432
script = "exec serve {x}"
env = { DATA = "/tmp" }

[[smoke.services]]
name = "queue"
sysroot = "build"
port = 6379
script = "exec serve"

[[smoke.commands]]
name = "migrations"
args = ["migrate"]
files = [{ path = "/etc/migrations", text = "{x}" }]

[[smoke.processes]]
name = "server"
args = ["server"]
probes = [{ port = 9000, path = "/ready", status = 204 }]
expect = ["ready"]

[[smoke.pages]]
process = "server"
port = 9000
path = "/"
contains = ["welcome"]
assets = false

[[smoke.checks]]
name = "jobs"
sysroot = "runtime"
script = "true"
"#;

/// [`GOOD`] with one piece of text replaced.
pub(crate) fn with(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "`{from}` does not stand once in the recipe");
    GOOD.replacen(from, to, 1)
}

/// Resolves with the lock of [`GOOD`].
pub(crate) fn plan(recipe: &str, overlay: &str, lock: &str) -> Result<Plan, RecipeErrors> {
    plan_of(recipe, overlay, lock, &Toy)
}

/// Resolves with the kinds that have an image and the lock of [`GOOD`], with more tables behind those of [`GOOD`].
pub(crate) fn with_images(more: &str) -> Result<Plan, RecipeErrors> {
    plan_of(&format!("{GOOD}{more}"), "", LOCK, &WithImages)
}

fn plan_of(recipe: &str, overlay: &str, lock: &str, kinds: &dyn Kinds) -> Result<Plan, RecipeErrors> {
    let lock = if lock.is_empty() { Lock::default() } else { Lock::parse(lock, "akbuild.lock")? };
    let overlay = if overlay.is_empty() { Overlay::default() } else { read_overlay(overlay, "akbuild.local.toml")? };
    resolve(&read(recipe, "akbuild.toml")?, &overlay, &lock, &Local::default(), kinds, Path::new("/project"))
        .map(|draft| draft.complete(|_| Err("the lock pins no sysroots")).unwrap())
}

/// What is said about a recipe.
pub(crate) fn complaint(recipe: &str) -> String {
    plan(recipe, "", LOCK).expect_err("the recipe is sound").to_string()
}

/// What is said about [`GOOD`] with one piece of text replaced.
pub(crate) fn complaint_with(from: &str, to: &str) -> String {
    complaint(&with(from, to))
}
