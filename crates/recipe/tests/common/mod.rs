//! A table of two toy kinds, and a recipe to change line by line.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;

use akbuild_recipe::plan::{Compose, Piece, Plan, Step, TreeRef};
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
    Ok(compose(pieces))
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

/// [`GOOD`] with one piece of text replaced.
pub(crate) fn with(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "`{from}` does not stand once in the recipe");
    GOOD.replacen(from, to, 1)
}

/// Resolves with the lock of [`GOOD`].
pub(crate) fn plan(recipe: &str, overlay: &str, lock: &str) -> Result<Plan, RecipeErrors> {
    let lock = if lock.is_empty() { Lock::default() } else { Lock::parse(lock, "akbuild.lock")? };
    let overlay = if overlay.is_empty() { Overlay::default() } else { read_overlay(overlay, "akbuild.local.toml")? };
    resolve(&read(recipe, "akbuild.toml")?, &overlay, &lock, &Local::default(), &Toy, Path::new("/project"))
}

/// What is said about a recipe.
pub(crate) fn complaint(recipe: &str) -> String {
    plan(recipe, "", LOCK).expect_err("the recipe is sound").to_string()
}

/// What is said about [`GOOD`] with one piece of text replaced.
pub(crate) fn complaint_with(from: &str, to: &str) -> String {
    complaint(&with(from, to))
}
