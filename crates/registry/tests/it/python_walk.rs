//! Which packages of a `uv.lock` are selected: conflicts, extras that groups and dependencies switch on, and the messages for
//! choices that cannot be.

use akbuild_registry::{PythonLock, PythonWant};

/// A lock with this head and these packages. Each one is its name, its version (`-`: it is local, at the path that follows),
/// and the rest of its entry.
fn lock(head: &str, packages: &[(&str, &str, &str)]) -> String {
    let mut text = format!("version = 1\nrevision = 5\nrequires-python = \">=3.12\"\n{head}\n");
    for (name, version, rest) in packages {
        let (version, source) = match version.strip_prefix('-') {
            Some(path) => ("1", format!("{{ virtual = \"{path}\" }}")),
            None => (*version, "{ registry = \"https://index.invalid/simple\" }".to_owned()),
        };
        let hash = "00".repeat(32);
        let file = format!("https://files.invalid/{name}-{version}-py3-none-any.whl");
        text += &format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = {source}\n\
             wheels = [{{ url = \"{file}\", hash = \"sha256:{hash}\" }}]\n{rest}\n"
        );
    }
    text
}

/// A dependency on one of several versions.
fn on(name: &str, version: &str, marker: &str) -> String {
    let source = "{ registry = \"https://index.invalid/simple\" }";
    format!("{{ name = \"{name}\", version = \"{version}\", source = {source}, marker = \"{marker}\" }}")
}

const PROJECT: &str = "[project]\nname = \"demo\"\n";

/// What is selected with these extras and groups, as `name==version`.
fn selected(text: &str, pyproject: &str, python: &str, extras: &[&str], groups: &[&str]) -> Result<String, String> {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    let want = PythonWant {
        python: python.to_owned(),
        extras: names(extras),
        groups: names(groups),
        glibc: (2, 41),
        machine: "x86_64".to_owned(),
        git: Default::default(),
    };
    let lock = PythonLock::parse(text, pyproject, "uv.lock").map_err(|error| error.to_string())?;
    let selection = lock.select(&want).map_err(|error| error.to_string())?;
    let what = selection.artifacts.iter().map(|artifact| artifact.what.to_string());
    Ok(what.map(|what| what.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>().join(" "))
}

/// Two extras that exclude each other; a group, an extra and a member switch one on.
fn two_extras() -> String {
    let forked = format!(
        "dependencies = [{}, {}]",
        on("idna", "3.8", "extra == 'extra-4-demo-cpu'"),
        on("idna", "3.9", "extra == 'extra-4-demo-gpu'")
    );
    lock(
        "conflicts = [[{ package = \"demo\", extra = \"cpu\" }, { package = \"demo\", extra = \"gpu\" }]]\n\
         [manifest]\nmembers = [\"demo\", \"other\"]",
        &[
            ("anyio", "4", &forked),
            (
                "demo",
                "-.",
                "dependencies = [{ name = \"sniffio\" }]\n[package.optional-dependencies]\n\
                 cpu = [{ name = \"anyio\" }]\ngpu = [{ name = \"anyio\" }]\nall = [{ name = \"demo\", extra = [\"gpu\"] }]\n\
                 [package.dev-dependencies]\nprod = [{ name = \"demo\", extra = [\"cpu\"], marker = \"extra == 'extra-4-demo-cpu'\" }]\n\
                 member = [{ name = \"other\" }]\nboth = [{ name = \"demo\", extra = [\"cpu\", \"gpu\"] }]\n\
                 [package.metadata]\nprovides-extras = [\"cpu\", \"gpu\", \"all\", \"empty\"]\n\
                 [package.metadata.requires-dev]\nprod = []\nmember = []\nboth = []\nnothing = []",
            ),
            ("idna", "3.8", ""),
            ("idna", "3.9", ""),
            ("other", "-other", "dependencies = [{ name = \"demo\", extra = [\"gpu\"] }]"),
            ("sniffio", "1", ""),
        ],
    )
}

#[test]
fn an_extra_is_switched_on_by_name_by_a_group_by_an_extra_and_by_a_member() {
    let selected = |extras: &[&str], groups: &[&str]| selected(&two_extras(), PROJECT, "3.14", extras, groups).unwrap();
    assert_eq!(selected(&[], &[]), "sniffio==1");
    assert_eq!(selected(&["cpu"], &[]), "anyio==4 idna==3.8 sniffio==1");
    assert_eq!(selected(&[], &["prod"]), "anyio==4 idna==3.8 sniffio==1");
    assert_eq!(selected(&["all"], &[]), "anyio==4 idna==3.9 sniffio==1");
    assert_eq!(selected(&[], &["member"]), "anyio==4 idna==3.9 sniffio==1");
    assert_eq!(selected(&["empty"], &["nothing"]), "sniffio==1");
}

#[test]
fn choices_that_exclude_each_other_are_refused() {
    let wrong =
        |extras: &[&str], groups: &[&str]| selected(&two_extras(), PROJECT, "3.14", extras, groups).unwrap_err();
    insta::assert_snapshot!(wrong(&["gpu", "cpu"], &[]), @r"
uv.lock: extra `cpu` and extra `gpu` exclude each other
  [tool.uv] declares the conflict {`demo[cpu]`, `demo[gpu]`}
  help: choose one of them: correct `extras` and `groups` of the stage in akbuild.toml, or the conflict in pyproject.toml
");
    insta::assert_snapshot!(wrong(&["gpu"], &["prod"]), @r"
uv.lock: the extras `demo[cpu]` and `demo[gpu]` exclude each other, and both are switched on
  [tool.uv] declares the conflict; an extra is also switched on by a dependency such as `name[extra]`
  help: correct `extras` and `groups` of the stage in akbuild.toml, or the dependencies in pyproject.toml
");
    assert_eq!(wrong(&["cpu"], &["member"]), wrong(&[], &["both"]));
}

#[test]
fn a_project_and_a_group_are_items_of_conflicts_too() {
    let versions = format!(
        "dependencies = [{}, {}, {}]",
        on("idna", "1", "extra == 'project-4-demo' and extra != 'group-4-demo-old'"),
        on("idna", "2", "extra == 'project-5-other'"),
        on("idna", "3", "extra == 'group-4-demo-old'")
    );
    let text = lock(
        "conflicts = [[{ package = \"demo\" }, { package = \"other\" }], [{ package = \"demo\", group = \"old\" }, { package = \"demo\", group = \"new\" }]]\n\
         [manifest]\nmembers = [\"demo\", \"other\"]",
        &[
            ("anyio", "4", &versions),
            (
                "demo",
                "-.",
                "dependencies = [{ name = \"anyio\" }]\n[package.dev-dependencies]\n\
                 old = [{ name = \"anyio\" }]\nnew = [{ name = \"anyio\" }]\npair = [{ name = \"other\" }]",
            ),
            ("idna", "1", ""),
            ("idna", "2", ""),
            ("idna", "3", ""),
            ("other", "-other", "dependencies = [{ name = \"anyio\" }]"),
        ],
    );
    let with = |groups: &[&str]| selected(&text, PROJECT, "3.14", &[], groups);
    assert_eq!(with(&[]).unwrap(), "anyio==4 idna==1");
    assert_eq!(with(&["old"]).unwrap(), "anyio==4 idna==3");
    insta::assert_snapshot!(with(&["pair"]).unwrap_err(), @r"
uv.lock: package `demo` and package `other` exclude each other
  [tool.uv] declares the conflict {`demo`, `other`}
  help: choose one of them: correct `extras` and `groups` of the stage in akbuild.toml, or the conflict in pyproject.toml
");
    let pyproject =
        format!("{PROJECT}[dependency-groups]\nold = []\nnew = []\n[tool.uv]\ndefault-groups = [\"old\"]\n");
    insta::assert_snapshot!(selected(&text, &pyproject, "3.14", &[], &["new"]).unwrap_err(), @r"
uv.lock: group `new` and group `old` (chosen by default) exclude each other
  [tool.uv] declares the conflict {`demo:new`, `demo:old`}
  help: choose one of them: correct `extras` and `groups` of the stage in akbuild.toml, or the conflict in pyproject.toml
");
    // All members of a root that is not a project are installed at once.
    assert!(selected(&text, "[tool.uv.workspace]\nmembers = []\n", "3.14", &[], &[]).is_err());
}

#[test]
fn names_that_do_not_exist_are_refused_with_those_that_do() {
    let wrong = |pyproject: &str, extras: &[&str], groups: &[&str]| {
        selected(&two_extras(), pyproject, "3.14", extras, groups).unwrap_err()
    };
    insta::assert_snapshot!(wrong(PROJECT, &["cpus", "elsewhere"], &["prd"]), @r"
uv.lock: the project has no extra `cpus`
  it has these extras: all, cpu, empty, gpu
  help: correct `extras` of the stage in akbuild.toml: did you mean `cpu`?
uv.lock: the project has no extra `elsewhere`
  it has these extras: all, cpu, empty, gpu
  help: correct `extras` of the stage in akbuild.toml
uv.lock: the project has no group `prd`
  it has these groups: both, member, nothing, prod
  help: correct `groups` of the stage in akbuild.toml: did you mean `prod`?
");
    let pyproject = format!("{PROJECT}[dependency-groups]\nyoung = []\n");
    insta::assert_snapshot!(wrong(&pyproject, &[], &["young"]), @r"
uv.lock: the lock has no group `young`, which pyproject.toml has
  help: write the lock again with `uv lock`
");
    let pyproject = format!("{PROJECT}[tool.uv]\ndefault-groups = [\"prod\"]\n");
    insta::assert_snapshot!(wrong(&pyproject, &[], &[]), @r"
uv.lock: `default-groups` of [tool.uv] names the group `prod`, which [dependency-groups] does not have
  help: correct pyproject.toml
");
    insta::assert_snapshot!(wrong("[project]\nname = \"Renamed\"\n", &[], &[]), @r"
uv.lock: the lock has 0 entries for the project `renamed`, expected 1
  help: write the lock again with `uv lock`
");
}

#[test]
fn an_old_lock_does_not_know_extras_without_dependencies() {
    let pyproject = format!("{PROJECT}[project.optional-dependencies]\nbare = []\n");
    let text = lock("", &[("demo", "-.", "")]);
    assert!(selected(&text, &pyproject, "3.14", &["bare"], &[]).unwrap_err().contains("write the lock again"));
    assert_eq!(selected(&text.replace("revision = 5\n", ""), &pyproject, "3.14", &["bare"], &[]).unwrap(), "");
}

#[test]
fn a_lock_does_not_decide_how_many_environments_are_walked() {
    let on_release =
        |name, release| format!("{{ name = \"{name}\", marker = \"python_full_version == '3.14.{release}'\" }}");
    let demo = format!("dependencies = [{}, {}]", on_release("a", "99"), on_release("b", "4000"));
    let text = lock("", &[("demo", "-.", &demo), ("a", "1", ""), ("b", "1", "")]);
    assert_eq!(selected(&text, PROJECT, "3.14", &[], &[]).unwrap(), "a==1");
}

#[test]
fn groups_of_a_root_that_is_not_a_project_follow_the_forks() {
    let fork = |marker: &str| format!("resolution-markers = [\"{marker}\"]");
    let text = lock(
        "[manifest]\n[manifest.dependency-groups]\n\
         dev = [{ name = \"late\" }]\nrun = [{ name = \"forked\", extras = [\"x\"] }, { name = \"late\", marker = \"sys_platform == 'win32'\" }]",
        &[
            (
                "forked",
                "1",
                &format!(
                    "{}\n[package.optional-dependencies]\nx = [{{ name = \"more\" }}]",
                    fork("sys_platform == 'linux'")
                ),
            ),
            ("forked", "2", &fork("sys_platform != 'linux'")),
            ("late", "1", ""),
            ("more", "1", ""),
        ],
    );
    let with =
        |groups: &[&str]| selected(&text, "[dependency-groups]\ndev = []\nrun = []\nnone = []\n", "3.14", &[], groups);
    assert_eq!(with(&[]).unwrap(), "");
    assert_eq!(with(&["run", "none"]).unwrap(), "forked==1 more==1");
    assert_eq!(with(&["dev"]).unwrap(), "late==1");
}

#[test]
fn a_short_version_asks_each_marker_on_both_sides_of_the_release_that_it_names() {
    let text = lock(
        "",
        &[
            (
                "demo",
                "-.",
                "dependencies = [{ name = \"a\", marker = \"python_full_version == '3.14.2'\" }, { name = \"b\", marker = \"python_full_version > '3.14.2' and python_full_version < '3.14.4'\" }, { name = \"c\", marker = \"python_full_version < '3.14'\" }]",
            ),
            ("a", "1", ""),
            ("b", "1", ""),
            ("c", "1", ""),
        ],
    );
    assert_eq!(selected(&text, PROJECT, "3.14", &[], &[]).unwrap(), "a==1 b==1");
    assert_eq!(selected(&text, PROJECT, "3.14.3", &[], &[]).unwrap(), "b==1");
    // Releases that the lock is not for select nothing.
    let late = text.replace(">=3.12", ">=3.14.3");
    assert_eq!(selected(&late, PROJECT, "3.14", &[], &[]).unwrap(), "b==1");
    insta::assert_snapshot!(selected(&late, PROJECT, "3.14.2", &[], &[]).unwrap_err(), @r"
uv.lock: 1 entry cannot be used:
  python 3.14.2: the lock is for `>=3.14.3`
Correct pyproject.toml or the choices named above, and write the lock file again with `uv lock`.
");
}

#[test]
fn environments_that_the_lock_or_a_group_is_not_for_are_refused() {
    let demo = ("demo", "-.", "[package.dev-dependencies]\nnew = []\nall = []");
    let darwin = lock("supported-markers = [\"sys_platform == 'darwin'\", \"sys_platform == 'win32'\"]", &[demo]);
    insta::assert_snapshot!(selected(&darwin, PROJECT, "3.14", &[], &[]).unwrap_err(), @r"
uv.lock: 1 entry cannot be used:
  CPython 3.14 on x86_64 Linux: the lock is for other environments: `sys_platform == 'darwin'`, `sys_platform == 'win32'`
Correct pyproject.toml or the choices named above, and write the lock file again with `uv lock`.
");
    let linux = lock(
        "supported-markers = [\"sys_platform == 'linux'\"]\nresolution-markers = [\"sys_platform == 'linux'\"]",
        &[demo],
    );
    assert!(selected(&linux, PROJECT, "3.14", &[], &[]).is_ok());
    let pyproject = format!(
        "{PROJECT}[dependency-groups]\nnew = []\nall = [{{ include-group = \"new\" }}]\n[tool.uv.dependency-groups]\nnew = {{ requires-python = \">=3.15\" }}\n"
    );
    assert!(selected(&linux, &pyproject, "3.14", &[], &[]).is_ok());
    insta::assert_snapshot!(selected(&linux, &pyproject, "3.14", &[], &["all"]).unwrap_err(), @r"
uv.lock: 1 entry cannot be used:
  python 3.14: the group `new` is for `>=3.15`
Correct pyproject.toml or the choices named above, and write the lock file again with `uv lock`.
");
}

#[test]
fn a_conflict_that_is_not_one_is_refused() {
    let wrong = |conflicts: &str| {
        let text = lock(&format!("conflicts = [{conflicts}]"), &[("demo", "-.", "")]);
        selected(&text, PROJECT, "3.14", &[], &[]).unwrap_err()
    };
    insta::assert_snapshot!(wrong("1"), @"uv.lock:4:14: `conflicts`: expected an array; write the file again with `uv lock`");
    insta::assert_snapshot!(wrong("[{ extra = 'x' }]"), @"uv.lock:4:15: an item of a conflict has no `package`; write the file again with `uv lock`");
}
