//! The written files of a project: found, read and resolved.

use std::fs;
use std::path::{Path, PathBuf};

use akbuild_recipe::plan::{SourceId, StageId};
use akbuild_recipe::{Local, Lock, Overlay, PlanDraft, Written};
use akbuild_stages::StageKinds;

use crate::args::{Global, Toolchain};
use crate::failure::{Failure, Outcome, io};

/// The overlay's file, beside the recipe.
pub(crate) const OVERLAY: &str = "akbuild.local.toml";

/// A project's files, read.
#[derive(Clone)]
pub(crate) struct Project {
    /// The folder of the recipe, absolute.
    pub(crate) root: PathBuf,
    pub(crate) recipe_path: PathBuf,
    pub(crate) lock_path: PathBuf,
    pub(crate) recipe_text: String,
    /// Empty if there is no lock.
    pub(crate) lock_text: String,
    /// `None` if there is no overlay.
    pub(crate) overlay_text: Option<String>,
    pub(crate) written: Written,
    pub(crate) overlay: Overlay,
    pub(crate) lock: Lock,
    pub(crate) local: Local,
}

impl Project {
    /// Reads recipe, lock and overlay.
    pub(crate) fn read(global: &Global) -> Outcome<Self> {
        Self::read_with(global, |text, name| Ok(Lock::parse(text, name)?))
    }

    /// The same for whoever pins everything anew: a lock that cannot be read counts as empty.
    pub(crate) fn read_anew(global: &Global) -> Outcome<Self> {
        Self::read_with(global, |text, name| Ok(Lock::parse(text, name).unwrap_or_default()))
    }

    fn read_with(global: &Global, parse: impl Fn(&str, &str) -> Outcome<Lock>) -> Outcome<Self> {
        let start = global.directory.clone().unwrap_or_else(|| ".".into());
        let recipe_path = match &global.recipe {
            Some(path) => start.join(path),
            None => find(&start)?,
        };
        let recipe_path = io(fs::canonicalize(&recipe_path), "find the recipe", &recipe_path)?;
        let root = recipe_path.parent().unwrap_or(Path::new("/")).to_owned();
        let lock_path = global.lock.as_ref().map_or_else(|| root.join("akbuild.lock"), |path| start.join(path));
        let recipe_text = io(fs::read_to_string(&recipe_path), "read", &recipe_path)?;
        let written = akbuild_recipe::read(&recipe_text, &shown(&recipe_path))?;
        let overlay_text = optional(&root.join(OVERLAY))?;
        let overlay = overlay_text.as_ref().map(|text| akbuild_recipe::read_overlay(text, OVERLAY)).transpose()?;
        let lock_text = optional(&lock_path)?;
        let lock = lock_text.as_ref().map(|text| parse(text, &shown(&lock_path))).transpose()?;
        Ok(Self {
            written,
            overlay: overlay.unwrap_or_default(),
            lock: lock.unwrap_or_default(),
            local: local(global, &start)?,
            root,
            recipe_path,
            lock_path,
            recipe_text,
            lock_text: lock_text.unwrap_or_default(),
            overlay_text,
        })
    }

    /// Whether there is no project here.
    pub(crate) fn is_none(global: &Global) -> bool {
        let start = global.directory.clone().unwrap_or_else(|| ".".into());
        global.recipe.is_none() && find(&start).is_err()
    }

    /// The name of the project here; `None` outside of one.
    pub(crate) fn name(global: &Global) -> Outcome<Option<String>> {
        if Self::is_none(global) {
            return Ok(None);
        }
        Ok(Some(Self::read(global)?.written.project.name))
    }

    /// The same with another recipe text, which is checked and not written.
    pub(crate) fn with_recipe(&self, recipe_text: String) -> Outcome<Self> {
        let written = akbuild_recipe::read(&recipe_text, &shown(&self.recipe_path))?;
        Ok(Self { written, recipe_text, ..self.clone() })
    }

    /// Everything resolved but for the sysroots of this machine.
    pub(crate) fn plan(&self) -> Outcome<PlanDraft> {
        Ok(akbuild_recipe::resolve(&self.written, &self.overlay, &self.lock, &self.local, &StageKinds, &self.root)?)
    }
}

/// The stages that patterns mean, in the plan's order; an error if one means none.
pub(crate) fn stages(plan: &PlanDraft, patterns: &[String]) -> Outcome<Vec<StageId>> {
    let mut chosen = vec![false; plan.stages().len()];
    for pattern in patterns {
        let mut any = false;
        for (i, stage) in plan.stages().iter().enumerate() {
            if matches(pattern.as_bytes(), stage.id.as_str().as_bytes()) {
                (chosen[i], any) = (true, true);
            }
        }
        if !any {
            let names = || plan.stages().iter().map(|s| s.id.as_str());
            let list: Vec<_> = names().map(|name| format!("`{name}`")).collect();
            let near = akbuild_recipe::nearest(pattern, names()).map(|n| format!("did you mean `{n}`? "));
            let help = format!("{}the stages are {}", near.unwrap_or_default(), list.join(", "));
            return Err(Failure::Say(format!("no stage is called `{pattern}`\n  help: {help}")));
        }
    }
    Ok(plan.stages().iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(s, _)| s.id.clone()).collect())
}

/// `*` is any text, `?` any character.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => matches(rest, text) || text.split_first().is_some_and(|(_, t)| matches(pattern, t)),
        (Some((b'?', rest)), Some((_, t))) => matches(rest, t),
        (Some((p, rest)), Some((c, t))) if p == c => matches(rest, t),
        _ => false,
    }
}

/// `akbuild.toml` here or in a folder above.
fn find(start: &Path) -> Outcome<PathBuf> {
    let start = io(fs::canonicalize(start), "open the folder", start)?;
    let found = start.ancestors().map(|folder| folder.join("akbuild.toml")).find(|path| path.is_file());
    found.ok_or_else(|| {
        let message = "there is no `akbuild.toml` in this folder or above it";
        Failure::Say(format!("{message}\n  help: go to the project's folder, or name it with -C DIR or --recipe FILE"))
    })
}

fn optional(path: &Path) -> Outcome<Option<String>> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        read => io(read, "read", path).map(Some),
    }
}

/// A path as it is shown: its last part.
pub(crate) fn shown(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn local(global: &Global, start: &Path) -> Outcome<Local> {
    let mut local = Local { host: global.toolchain == Toolchain::Host, ..Local::default() };
    for (name, path) in &global.source {
        let path = start.join(path);
        let folder = io(fs::canonicalize(&path), "open the local source", &path)?;
        local.sources.insert(SourceId::new(name), folder);
    }
    Ok(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, text, expected) in [
            ("webui*", "webui-deps", true),
            ("webui", "webui-deps", false),
            ("*-go", "client-go", true),
            ("client-??", "client-ts", true),
            ("*", "", true),
            ("?", "", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}
