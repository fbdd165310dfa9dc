//! `--toolchain host`: this machine's own programs in the place of the sysroots. Knows which sysroots need which
//! programs; how one is found is `program`'s business, what of the machine is mounted `folders`'.

mod folders;
mod program;

use std::collections::BTreeSet;

use akbuild_engine::{Graph, NodeId};
use akbuild_fetch::Machine;
use akbuild_recipe::plan::{HostRoot, Plan, StageId, Sysroot, SysrootId};
use akbuild_recipe::{PlanDraft, Requirement, WrittenSysroot};

use self::folders::Folders;
use self::program::{Fault, Found, Search};
use crate::failure::{Failure, Outcome};
use crate::machine;
use crate::project::Project;

/// The plan with all sysroots that these stages need. This machine is looked at only with `--toolchain host`.
pub(crate) fn complete(machine: &Machine, project: &Project, draft: PlanDraft, targets: &[StageId]) -> Outcome<Plan> {
    draft.complete(|stages| sysroots_of_machine(machine, project, &Graph::new(stages, targets, false)))
}

/// This machine's programs in the place of the sysroots of a graph.
fn sysroots_of_machine(machine: &Machine, project: &Project, graph: &Graph) -> Outcome<Vec<Sysroot>> {
    let needed = graph.indices().filter_map(|at| match &graph.node(at).id {
        NodeId::Sysroot(id) => Some(id.clone()),
        _ => None,
    });
    let needed: BTreeSet<SysrootId> = needed.collect();
    let written: Vec<_> = needed.iter().filter_map(|id| Some((id, project.written.sysroots.get(id)?))).collect();
    let without: Vec<_> = written.iter().filter(|(_, w)| w.host.is_empty()).collect();
    if !without.is_empty() {
        let places = without.iter().map(|(id, written)| format!("\n  sysroot `{id}` ({})", written.place.at()));
        return Err(Failure::Say(no_list(&places.collect::<String>())));
    }
    sysroots(&Search::new(machine, Folders::of_machine()), &written)
}

/// What is said of it before a build.
pub(crate) const WARNING: &str = "stages run with this machine's own programs: the result depends on this machine";

fn no_list(places: &str) -> String {
    format!(
        "`--toolchain host` is asked for, and the recipe does not say which programs of this machine to take for{places}\n  \
         help: give each a list such as `host = [\"bash\", \"gcc\"]`, or leave out `--toolchain host`"
    )
}

/// Finds the programs of all of them; all that are missing are one error.
fn sysroots(search: &Search, wanted: &[(&SysrootId, &WrittenSysroot)]) -> Outcome<Vec<Sysroot>> {
    let (mut made, mut faults) = (Vec::new(), Vec::new());
    for (id, written) in wanted {
        let mut found = Vec::new();
        for requirement in [Requirement::any("bash")].iter().chain(&written.host) {
            match search.find(requirement) {
                Ok(program) => found.push(program),
                Err(fault) => faults.push(describe(id, requirement, &fault)),
            }
        }
        made.push(Sysroot { id: (*id).clone(), packages: Vec::new(), host: Some(root(search, found)), suites: None });
    }
    if faults.is_empty() { Ok(made) } else { Err(Failure::Say(missing(&faults))) }
}

fn root(search: &Search, mut found: Vec<Found>) -> HostRoot {
    let mut folders = search.folders.clone();
    for program in &found {
        folders.add(&program.path);
    }
    folders.add_shells(|name| search.canonical(name));
    found.sort_by_key(|f| f.place);
    let path = search.path_of(&found);
    let mut programs: Vec<_> = found.into_iter().map(|f| f.program()).collect();
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    programs.dedup();
    let (links, mounts) = folders.end();
    HostRoot { programs, glibc: search.glibc(), machine: machine::processor().to_owned(), path, links, mounts }
}

fn describe(id: &SysrootId, wanted: &Requirement, fault: &Fault) -> String {
    format!("\n  {wanted} (for sysroot `{id}`): {fault}")
}

fn missing(faults: &[String]) -> String {
    let count = match faults.len() {
        1 => "a program".to_owned(),
        n => format!("{n} programs"),
    };
    format!(
        "this machine lacks {count} that `--toolchain host` needs{}\n  \
         help: install what is missing in a folder of the PATH outside of any home folder, \
         or leave out `--toolchain host` to use the recipe's packages",
        faults.concat()
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    fn program(folder: &Path, name: &str, says: &str) {
        fs::create_dir_all(folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Two folders of the PATH, `home/bin` and `programs/bin`, in a machine that has nothing else.
    fn search(top: &Path) -> Search {
        program(&top.join("programs/bin"), "bash", "bash 5.2.15");
        program(&top.join("programs/bin"), "old", "old v1.9");
        program(&top.join("programs/bin"), "mute", "");
        program(&top.join("home/bin"), "mine", "mine 2.0");
        program(&top.join("home/bin"), "old", "old v2.0");
        let path = format!("{}:{}", top.join("home/bin").display(), top.join("programs/bin").display());
        Search { path, folders: Folders::bare(vec![top.join("home")]), own_bash: None }
    }

    fn written(host: &[&str]) -> WrittenSysroot {
        let head = "[project]\nname='a'\nversion='1'\nprefix='/a'\ntargets=['s']\n[stages.s]\nkind='run'\n";
        let recipe = format!("{head}[debian]\nsuites=['x']\n[sysroots.build]\npackages=['bash']\nhost={host:?}\n");
        akbuild_recipe::read(&recipe, "akbuild.toml").unwrap().sysroots[&SysrootId::new("build")].clone()
    }

    fn made(top: &Path, host: &[&str]) -> Outcome<HostRoot> {
        let sysroots = sysroots(&search(top), &[(&SysrootId::new("build"), &written(host))])?;
        Ok(sysroots[0].host.clone().unwrap())
    }

    #[test]
    fn programs_are_found_outside_of_home_folders() {
        let top = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(top.path()).unwrap();
        let root = made(&top, &["old < 2", "mute"]).unwrap();
        let names: Vec<_> = root.programs.iter().map(|p| (p.name.as_str(), p.version.as_str())).collect();
        assert_eq!(names, [("bash", "bash 5.2.15"), ("mute", ""), ("old", "old v1.9")]);
        assert_eq!(root.path[0], top.join("programs/bin").display().to_string());
        assert!(root.mounts.iter().any(|m| m.from == top.join("programs")));
        assert!(!root.mounts.iter().any(|m| m.from.starts_with(top.join("home"))));
    }

    #[test]
    fn another_file_is_another_fingerprint() {
        let top = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(top.path()).unwrap();
        let (search, id, written) = (search(&top), SysrootId::new("build"), written(&["old < 2"]));
        let wanted = [(&id, &written)];
        let first = sysroots(&search, &wanted).unwrap()[0].host.clone().unwrap();
        assert_eq!(sysroots(&search, &wanted).unwrap()[0].host.as_ref(), Some(&first));
        fs::write(top.join("programs/bin/old"), "#!/bin/sh\n# changed\necho 'old v1.9'\n").unwrap();
        let second = sysroots(&search, &wanted).unwrap()[0].host.clone().unwrap();
        assert_ne!(first.programs, second.programs);
        let said = |root: &HostRoot| root.programs.iter().map(|p| p.version.clone()).collect::<Vec<_>>();
        assert_eq!(said(&first), said(&second));
    }

    #[test]
    fn all_that_is_missing_is_said_at_once() {
        let top = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(top.path()).unwrap();
        let wanted = ["mine", "mute >= 1", "none", "old >= 1.10"];
        let Err(Failure::Say(text)) = made(&top, &wanted) else { panic!("it lacks nothing") };
        insta::assert_snapshot!(text.replace(&top.display().to_string(), "[TOP]"), @"
        this machine lacks 4 programs that `--toolchain host` needs
          mine (for sysroot `build`): only `[TOP]/home/bin/mine` is there, in a folder that stages never see, as it may hold secrets or change at any time
          mute >= 1 (for sysroot `build`): `[TOP]/programs/bin/mute` does not tell its version
          none (for sysroot `build`): not on the PATH
          old >= 1.10 (for sysroot `build`): `[TOP]/programs/bin/old` is 1.9
          help: install what is missing in a folder of the PATH outside of any home folder, or leave out `--toolchain host` to use the recipe's packages
        ");
    }

    #[test]
    fn sysroots_without_a_list() {
        insta::assert_snapshot!(no_list("\n  sysroot `runtime` (akbuild.toml:33)"), @r#"
        `--toolchain host` is asked for, and the recipe does not say which programs of this machine to take for
          sysroot `runtime` (akbuild.toml:33)
          help: give each a list such as `host = ["bash", "gcc"]`, or leave out `--toolchain host`
        "#);
    }
}
