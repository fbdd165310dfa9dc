//! Links of an output that lead into a folder of its build. Such a folder is gone when the stage has ended, or somebody else
//! has it: the link leads nowhere where the output is used. Looks at the list of the output; follows nothing.

use std::path::{Component, Path, PathBuf};

use akbuild_nar::{Kind, Listing};
use akbuild_recipe::plan::{Exec, WORK};

/// Where akbuild mounts tools and repositories for stages.
const OWN: &str = "/opt/akbuild";
/// Where an output is that lives elsewhere later.
const OUT: &str = "/out";
/// More links are not listed.
const SHOWN: usize = 20;

/// A link into a folder of the build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrayLink {
    /// The link, in the output.
    pub path: String,
    /// Where it leads, as it is written.
    pub target: String,
}

/// The links of a stage's output that lead into its work folder, into its output where that is no lasting place, to a
/// tool of the build, or to a file that is in the stage's `/tmp`: a link to a file that is yet to come there is meant.
pub(crate) fn links(exec: &Exec, output: &Listing, is_in_tmp: impl Fn(&Path) -> bool) -> Vec<StrayLink> {
    let stray = |entry: &akbuild_nar::Entry| {
        let Kind::Symlink { target } = &entry.kind else { return None };
        let (path, target) = (Path::new(&entry.path), Path::new(target));
        is_stray(exec, path, target, &is_in_tmp)
            .then(|| StrayLink { path: path.display().to_string(), target: target.display().to_string() })
    };
    output.entries.iter().filter_map(stray).collect()
}

fn is_stray(exec: &Exec, path: &Path, target: &Path, is_in_tmp: &impl Fn(&Path) -> bool) -> bool {
    let out = Path::new(&exec.out);
    let whole = resolved(&out.join(path.parent().unwrap_or(Path::new(""))).join(target));
    if whole.starts_with(out) {
        return target.is_absolute() && exec.out == OUT;
    }
    let in_tmp = whole.strip_prefix("/tmp").is_ok_and(|inside| !inside.as_os_str().is_empty() && is_in_tmp(inside));
    [WORK, OUT, OWN].iter().any(|folder| whole.starts_with(folder)) || in_tmp
}

/// A path without `.` and `..`; no link is followed.
fn resolved(path: &Path) -> PathBuf {
    let mut resolved = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => resolved.push(name),
            Component::ParentDir => drop(resolved.pop()),
            _ => {}
        }
    }
    resolved
}

/// How many there are, in words.
pub(crate) fn count(links: &[StrayLink]) -> String {
    match links.len() {
        1 => "a link into a folder of its build, which leads nowhere afterwards".to_owned(),
        n => format!("{n} links into folders of its build, which lead nowhere afterwards"),
    }
}

/// A line for each.
pub(crate) fn list(links: &[StrayLink]) -> String {
    let line = |link: &StrayLink| format!("  {} -> {}", link.path, link.target);
    let mut lines: Vec<String> = links.iter().take(SHOWN).map(line).collect();
    if links.len() > SHOWN {
        lines.push(format!("  and {} more", links.len() - SHOWN));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use akbuild_recipe::plan::SysrootId;

    use super::*;

    fn stray(out: &str, path: &str, target: &str) -> bool {
        let exec = Exec {
            sysroot: SysrootId::new("build"),
            tools: Vec::new(),
            git: Vec::new(),
            copies: Vec::new(),
            mounts: Vec::new(),
            files: Vec::new(),
            script: String::new(),
            env: BTreeMap::new(),
            cwd: WORK.into(),
            out: out.into(),
            locks: Vec::new(),
            checks: Vec::new(),
        };
        is_stray(&exec, Path::new(path), Path::new(target), &|inside| inside == Path::new("made"))
    }

    #[test]
    fn links_into_folders_of_the_build_are_stray() {
        for (out, path, target) in [
            ("/out", "x", "/build/x"),
            ("/out", "x", "/build"),
            ("/out", "bin/x", "/out/lib/x"),
            ("/out", "bin/x", "../../build/x"),
            ("/out", "x", "/opt/akbuild/tools/uv/bin/uv"),
            ("/out", "x", "/tmp/made"),
            ("/opt/venv", "bin/x", "/out/x"),
            ("/opt/venv", "bin/x", "/build/.venv/x"),
            ("/build/node_modules", "x", "/build/packages/x"),
            ("/build/node_modules", "x", "../packages/x"),
        ] {
            assert!(stray(out, path, target), "{out}/{path} -> {target}");
        }
    }

    #[test]
    fn other_links_are_left_alone() {
        for (out, path, target) in [
            ("/out", "bin/x", "../lib/x"),
            ("/out", "bin/x", "/usr/bin/python3"),
            ("/out", "x", "/builds/x"),
            ("/out", "x", "/output"),
            ("/out", "run", "/tmp/app.sock"),
            ("/out", "tmp", "/tmp"),
            ("/out", "x", "nowhere"),
            ("/opt/venv", "bin/x", "/opt/venv/bin/python"),
            ("/build", "node_modules/.bin/x", "/build/node_modules/x/cli.js"),
        ] {
            assert!(!stray(out, path, target), "{out}/{path} -> {target}");
        }
    }

    #[test]
    fn links_are_named_with_where_they_lead() {
        let link = |i: usize| StrayLink { path: format!("bin/{i}"), target: "/build/x".into() };
        let error = |n| crate::EngineError::BuildLinks { stage: "app".into(), links: (0..n).map(link).collect() };
        insta::assert_snapshot!(error(1), @"
        stage `app` left a link into a folder of its build, which leads nowhere afterwards:
          bin/0 -> /build/x
          help: copy what the link leads to, or make the link relative within the output
        ");
        let many = error(22).to_string();
        assert!(
            many.starts_with("stage `app` left 22 links into folders of its build") && many.contains("  and 2 more\n"),
            "{many}"
        );
    }
}
