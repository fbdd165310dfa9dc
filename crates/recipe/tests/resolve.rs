//! The plan of a sound recipe, and what local trees and files do to it.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use akbuild_nar::Digest;
use akbuild_recipe::plan::{Edit, Origin, Plan, SourceId, Step, SysrootId};
use akbuild_recipe::{Local, Lock, Overlay, RecipeErrors, read, read_overlay, resolve};
use common::{GOOD, LOCK, Toy, complaint, plan, with};

fn with_local(name: &str, lock: &Lock) -> Result<Plan, RecipeErrors> {
    let local = Local { sources: BTreeMap::from([(SourceId::new(name), PathBuf::from("/elsewhere"))]), host: false };
    resolve(&read(GOOD, "akbuild.toml")?, &Overlay::default(), lock, &local, &Toy, Path::new("/project"))
        .map(|draft| draft.complete(|_| Err("the lock pins no sysroots")).unwrap())
}

#[test]
fn stages_stand_in_order_with_their_common_options() {
    let plan = plan(GOOD, "", LOCK).unwrap();
    let stages: Vec<_> =
        plan.stages.iter().map(|s| (s.id.as_str(), s.kind, s.kind_version, s.weight, s.at.as_str())).collect();
    assert_eq!(stages, [("web", "copy", 1, 2, "akbuild.toml:47"), ("all", "join", 2, 1, "akbuild.toml:43")]);
    assert_eq!(plan.targets.iter().map(|t| t.as_str()).collect::<Vec<_>>(), ["all"]);
    assert_eq!((plan.prefix.as_str(), plan.root.as_path()), ("/opt/mini", Path::new("/project")));
}

#[test]
fn variables_are_replaced_in_options_and_defaults() {
    let plan = plan(&with("weight = 2", "include = [\"{name}/**\"]"), "", LOCK).unwrap();
    let Step::Compose(compose) = &plan.stages[0].step else { panic!("not composed") };
    assert_eq!((compose.pieces[0].subset.include[0].as_str(), compose.pieces[0].to.as_str()), ("mini/**", "mini"));
}

#[test]
fn a_script_keeps_braces_that_are_no_variable() {
    assert!(plan(&with("weight = 2", "script = \"echo ${x} {name}\""), "", LOCK).is_ok());
    assert!(complaint(&with("weight = 2", "to = \"${x}\"")).contains("unknown variable `{x}`"));
}

#[test]
fn sources_get_pins_from_the_lock_and_patches_from_the_recipe() {
    insta::assert_debug_snapshot!(plan(GOOD, "", LOCK).unwrap().sources, @r#"
    [
        Source {
            id: "app",
            origin: Git {
                urls: [
                    "https://forge.example/app",
                    "https://mirror.example/app",
                ],
                reference: Some(
                    "version/1.2.0",
                ),
                commit: "1111111111111111111111111111111111111111",
            },
            subset: Subset {
                include: [],
                exclude: [],
                by_kind: false,
            },
            hash: Some(
                sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=,
            ),
            replaced: false,
            patches: [
                Patch {
                    file: "internal/x.go",
                    edit: Replace {
                        from: "./web {other}",
                        to: "/opt/mini/web",
                    },
                    at: "akbuild.toml:36 (paths at run time)",
                },
            ],
        },
        Source {
            id: "data",
            origin: Tarball {
                urls: [
                    SourceAddress {
                        url: "https://forge.example/data-1.2.0.tar.gz",
                        author: Recipe,
                    },
                ],
                digest: sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=,
            },
            subset: Subset {
                include: [],
                exclude: [],
                by_kind: false,
            },
            hash: Some(
                sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=,
            ),
            replaced: false,
            patches: [],
        },
        Source {
            id: "local",
            origin: Path(
                "/project",
            ),
            subset: Subset {
                include: [
                    "web/**",
                ],
                exclude: [],
                by_kind: false,
            },
            hash: None,
            replaced: false,
            patches: [],
        },
    ]
    "#);
}

#[test]
fn sysroots_and_tools_come_from_the_lock() {
    let plan = plan(GOOD, "", LOCK).unwrap();
    let names = |i: usize| plan.sysroots[i].packages.iter().map(|p| p.name.as_str()).collect::<Vec<_>>();
    assert_eq!((names(0), names(1)), (vec!["bash", "gcc"], vec!["bash"]));
    assert_eq!(plan.tools.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), ["typescript", "uv"]);
    assert_eq!(plan.python_pins.len(), 1);
}

#[test]
fn a_local_tree_needs_no_pin_and_keeps_patches() {
    let mut lock = Lock::parse(LOCK, "akbuild.lock").unwrap();
    lock.sources.remove(&SourceId::new("app"));
    let plan = with_local("app", &lock).unwrap();
    let app = &plan.sources[0];
    assert!(matches!(&app.origin, Origin::Path(path) if path == Path::new("/elsewhere")));
    assert!(app.replaced && app.hash.is_none() && app.patches.len() == 1);
    assert!(with_local("data", &lock).is_err());
}

#[test]
fn the_machines_own_programs_need_no_locked_sysroot() {
    let mut lock = Lock::parse(LOCK, "akbuild.lock").unwrap();
    (lock.sysroots, lock.debs) = Default::default();
    let recipe = with("packages = [\"bash\"]", "packages = [\"bash\"]\nhost = [\"go >= 1.25\", \"bash\"]");
    let recipe = recipe.replace("packages = [\"gcc\", \"make\"]", "packages = [\"gcc\"]\nhost = [\"gcc\", \"bash\"]");
    let written = read(&recipe, "akbuild.toml").unwrap();
    let asked = |id: &str| {
        let host = written.sysroots[&SysrootId::new(id)].host.iter().map(ToString::to_string);
        host.collect::<Vec<_>>().join(", ")
    };
    assert_eq!((asked("build"), asked("runtime")), ("bash, gcc, go >= 1.25".into(), "bash, go >= 1.25".into()));
    let resolved = |host| {
        let local = Local { sources: BTreeMap::new(), host };
        resolve(&written, &Overlay::default(), &lock, &local, &Toy, Path::new("/project"))
    };
    assert!(resolved(true).unwrap().pinned_sysroots().is_none());
    assert!(resolved(false).is_err());
}

#[test]
fn a_local_tree_for_no_source() {
    let lock = Lock::parse(LOCK, "akbuild.lock").unwrap();
    insta::assert_snapshot!(with_local("ap", &lock).unwrap_err(), @r"
    error: `--source` names `ap`, which is no source of the recipe
     = help: did you mean `app`?
    ");
    insta::assert_snapshot!(with_local("nothing", &lock).unwrap_err(), @r"
    error: `--source` names `nothing`, which is no source of the recipe
     = help: the recipe's sources are `app`, `data`, `local`
    ");
}

#[test]
fn a_file_takes_the_place_of_one_in_a_source() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("over")).unwrap();
    std::fs::write(folder.path().join("a.txt"), "one").unwrap();
    std::fs::write(folder.path().join("over/b.txt"), "two").unwrap();
    let recipe = with("from = \"./web {other}\"\nto = \"{prefix}/web\"", "with = \"a.txt\"");
    let overlay = "[[patches]]\nsource = \"app\"\nfile = \"b\"\nwith = \"b.txt\"\n";
    let overlay = read_overlay(overlay, "over/akbuild.local.toml").unwrap();
    let lock = Lock::parse(LOCK, "akbuild.lock").unwrap();
    let written = read(&recipe, "akbuild.toml").unwrap();
    let plan = resolve(&written, &overlay, &lock, &Local::default(), &Toy, folder.path())
        .unwrap()
        .complete(|_| Err("the lock pins no sysroots"))
        .unwrap();
    let digests = plan.sources[0].patches.iter().map(|p| match &p.edit {
        Edit::With { digest, .. } => *digest,
        Edit::Replace { .. } => panic!("not a file"),
    });
    assert_eq!(digests.collect::<Vec<_>>(), [Digest::sha256(b"one"), Digest::sha256(b"two")]);
}

#[test]
fn a_file_that_is_not_there() {
    let said = complaint(&with("from = \"./web {other}\"\nto = \"{prefix}/web\"", "with = \"a.txt\""));
    insta::assert_snapshot!(said, @r"
    error: cannot read `/project/a.txt`, which a patch puts in a source
      --> akbuild.toml:36:1
       |
    36 | [[patches]]
       | ^^^^^^^^^^^
       = note: No such file or directory (os error 2)
       = help: `with` is relative to the folder of the file that it is written in
    ");
}

#[test]
fn styles_change_no_word() {
    let errors = plan(&with("weight = 2", "wieght = 2"), "", LOCK).unwrap_err();
    let painted = errors.render(&|part, text| format!("{{{part:?}:{text}}}"));
    assert!(painted.starts_with("{Mark:error}{Heading:: "), "{painted}");
    let parts = ["{Mark:", "{Frame:", "{Heading:", "}"];
    assert_eq!(parts.iter().fold(painted, |text, part| text.replace(part, "")), errors.to_string());
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let long = format!("weight = 2 # {}", "é".repeat(300));
    let said = complaint(&with("weight = 2", &format!("include = [{}, \"/x\"]", vec!["\"aaaaaaaa\""; 40].join(", "))));
    assert!(said.lines().all(|l| l.chars().count() < 260), "{said}");
    assert!(said.contains("^^ it starts with `/`"), "{said}");
    assert!(plan(&with("weight = 2", &long), "", LOCK).is_ok());
}

#[test]
fn the_version_can_be_found_in_the_text() {
    let (start, end) = read(GOOD, "akbuild.toml").unwrap().project.version_span;
    assert_eq!(&GOOD[start..end], "1.2.0");
}
