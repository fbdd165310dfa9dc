//! A recipe with an image, to change line by line. It needs no lock: its source is a folder, and its sysroots are the
//! machine's own.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;

use akbuild_recipe::plan::Plan;
use akbuild_recipe::{Local, Lock, Overlay, RecipeErrors, read, resolve};
use akbuild_stages::StageKinds;

/// A recipe that is sound.
pub(crate) const GOOD: &str = r#"[project]
name = "mini"
version = "1.2.0"
prefix = "/opt/{name}"
targets = ["image"]

[sources.app]
path = "."

[debian]
suites = ["forky"]

[sysroots.build]
packages = ["bash"]

[sysroots.runtime]
packages = ["bash"]

[stages.web]
kind = "run"
script = "make"

[stages.inner]
kind = "tree"
pieces = [{ from = "web", to = "web" }, { from = "app", path = "doc", to = "doc" }]

[stages.all]
kind = "tree"
pieces = [{ from = "inner" }, { from = "app", include = ["*.py"] }]

[stages.image]
kind = "image"
tree = "all"
at = "/srv/mini/"
exclude = ["boot"]
layers = [{ name = "web", from = ["web"] }, { name = "app", from = ["source:app"] }]
files = [{ path = "start", text = "{word}", executable = true }]
folders = [{ path = "tmp", mode = "1777" }, { path = "data" }]
compression = "zstd"
level = 19
push = "registry.example/{name}:{key}"
entrypoint = ["/start", "serve"]
command = ["all"]
user = "65534:nogroup"
workdir = "/srv/"
ports = ["9000/tcp", "53/udp", "80"]
volumes = ["/media", "/data/"]
stop_signal = "SIGQUIT"
env = { PATH = "/usr/bin" }
labels = { "org.opencontainers.image.version" = "{version}" }
healthcheck = { command = ["/start", "check"], interval = 5 }
"#;

pub(crate) fn plan(recipe: &str) -> Result<Plan, RecipeErrors> {
    let local = Local { host: true, ..Local::default() };
    let written = read(recipe, "akbuild.toml")?;
    resolve(&written, &Overlay::default(), &Lock::default(), &local, &StageKinds, Path::new("/project"))
        .map(|draft| draft.with_sysroots(Vec::new()))
}

/// [`GOOD`] with one piece of text replaced.
pub(crate) fn with(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "`{from}` does not stand once in the recipe");
    GOOD.replacen(from, to, 1)
}

/// What is said about [`GOOD`] with one piece of text replaced.
pub(crate) fn complaint_with(from: &str, to: &str) -> String {
    plan(&with(from, to)).expect_err("the recipe is sound").to_string()
}
