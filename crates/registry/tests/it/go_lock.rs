//! Reading `go.mod` and `go.sum`.

use std::collections::BTreeMap;

use akbuild_names::{GoFileKind, GoModuleFile};
use akbuild_nar::Digest;
use akbuild_registry::{Artifact, GoLock, GoModText, PackageFile};

const H1: &str = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// The files that are needed if every dependency has an empty `go.mod`.
fn found(go_mod: &str, go_sum: &str) -> Vec<String> {
    let lock = GoLock::parse(go_mod, &go_sum.replace("H1", H1), "go.mod").unwrap();
    let needed = lock.needed_files(&|_| Some(String::new())).unwrap();
    assert!(needed.is_complete);
    names(&needed.artifacts)
}

fn names(artifacts: &[Artifact]) -> Vec<String> {
    artifacts.iter().map(|artifact| artifact.what.to_string()).collect()
}

fn wrong(go_mod: &str, go_sum: &str) -> String {
    let lock = GoLock::parse(go_mod, &go_sum.replace("H1", H1), "api/go.mod");
    lock.and_then(|lock| lock.needed_files(&|_| Some(String::new()))).unwrap_err().to_string()
}

const SUM: &str = "\
a.invalid/one v1.0.0 H1
a.invalid/one v1.0.0/go.mod H1
a.invalid/Two v1.1.0 H1
a.invalid/Two v1.1.0/go.mod H1
a.invalid/fork v1.2.0 H1
a.invalid/fork v1.2.0/go.mod H1
a.invalid/old v0.1.0 H1
a.invalid/old v0.1.0/go.mod H1
a.invalid/modonly v0.2.0/go.mod H1
";

#[test]
fn takes_the_required_modules_and_no_other_line() {
    let go_mod = "\
module m // the module
go 1.25.5
toolchain go1.26.0
godebug default=go1.21
tool a.invalid/one/cmd
ignore ./node_modules
require a.invalid/modonly v0.2.0
require (
\ta.invalid/one v1.0.0// indirect
\t\"a.invalid/Two\" \"v1.1.0\"

\ta.invalid/replaced v1.0.0
\ta.invalid/here v1.0.0
\ta.invalid/exact v1.0.0
)
exclude a.invalid/old v0.1.0
retract [v1.0.0, v1.1.0]
replace (
\ta.invalid/replaced => a.invalid/fork v1.2.0
\ta.invalid/here => ./here
\ta.invalid/exact v1.0.0 => ../exact
)
";
    let files = [
        "a.invalid/Two@v1.1.0 (go.mod)",
        "a.invalid/fork@v1.2.0 (go.mod)",
        "a.invalid/modonly@v0.2.0 (go.mod)",
        "a.invalid/one@v1.0.0 (go.mod)",
        "a.invalid/Two@v1.1.0",
        "a.invalid/fork@v1.2.0",
        "a.invalid/one@v1.0.0",
    ];
    assert_eq!(found(go_mod, SUM), files);
    assert_eq!(found(&go_mod.replace('\n', "\r\n"), &SUM.replace('\n', "\r\n")), files);
    assert!(found("module m\ngo 1.17\n", SUM).is_empty());
}

/// Modules by `name@version`, and their `go.mod` files.
type Graph = BTreeMap<&'static str, &'static str>;

/// What is needed of modules that have these `go.mod` files, in each round of downloads.
fn rounds(go_mod: &str, graph: &Graph) -> Vec<Vec<String>> {
    let digest = |key: &str| Digest::sha256(key.as_bytes());
    let encoded = |key: &str| digest(key).to_string().split_once('-').unwrap().1.to_owned();
    let line = |key: &&str| {
        let (module, version) = key.split_once('@').unwrap();
        format!("{module} {version} h1:{0}\n{module} {version}/go.mod h1:{0}\n", encoded(key))
    };
    let sums: String = graph.keys().map(line).collect();
    let lock = GoLock::parse(go_mod, &sums, "go.mod").unwrap();
    let mut here: Vec<Digest> = Vec::new();
    let mut rounds = Vec::new();
    loop {
        let text = |wanted: GoModText<'_>| match wanted {
            GoModText::Pinned(wanted) if !here.contains(wanted) => None,
            GoModText::Pinned(wanted) => {
                let found = graph.iter().find(|(key, _)| digest(key).as_bytes() == wanted.as_bytes());
                found.map(|(_, text)| (*text).to_owned())
            }
            GoModText::Folder(folder) => panic!("{folder}"),
        };
        let needed = lock.needed_files(&text).unwrap();
        rounds.push(names(&needed.artifacts));
        if needed.is_complete {
            return rounds;
        }
        here.extend(
            needed
                .artifacts
                .iter()
                .filter(|a| matches!(a.what, PackageFile::Go(GoModuleFile { kind: GoFileKind::Mod, .. })))
                .map(|a| a.digest),
        );
        assert!(rounds.len() <= graph.len() + 1, "{rounds:?}");
    }
}

#[test]
fn before_go_1_17_the_whole_graph_is_read_and_selected_versions_are_taken() {
    let graph = Graph::from([
        ("a.invalid/a@v1.0.0", "require (\na.invalid/b v1.0.0\na.invalid/c v1.5.0\n)"),
        ("a.invalid/b@v1.0.0", "go 1.20\nrequire a.invalid/c v1.10.0\n"),
        ("a.invalid/c@v1.5.0", "module c\nrequire a.invalid/excluded v1.0.0"),
        ("a.invalid/c@v1.10.0", "require a.invalid/a v0.9.0"),
        ("a.invalid/a@v0.9.0", ""),
        ("a.invalid/excluded@v1.0.0", ""),
        ("a.invalid/stale@v1.0.0", ""),
    ]);
    let main = "module m\nrequire a.invalid/a v1.0.0\nexclude a.invalid/excluded v1.0.0\n";
    let found = rounds(main, &graph);
    assert_eq!(found[0], ["a.invalid/a@v1.0.0 (go.mod)"], "no zip before its version is known");
    let all = [
        "a.invalid/a@v0.9.0 (go.mod)",
        "a.invalid/a@v1.0.0 (go.mod)",
        "a.invalid/b@v1.0.0 (go.mod)",
        "a.invalid/c@v1.10.0 (go.mod)",
        "a.invalid/c@v1.5.0 (go.mod)",
        "a.invalid/a@v1.0.0",
        "a.invalid/b@v1.0.0",
        "a.invalid/c@v1.10.0",
    ];
    assert_eq!(found.last().unwrap(), &all);
    assert_eq!(rounds(&format!("go 1.16\n{main}"), &graph), found);
}

#[test]
fn from_go_1_17_on_the_graph_is_pruned() {
    let graph = Graph::from([
        ("a.invalid/new@v1.0.0", "go 1.17\nrequire a.invalid/pruned v1.0.0"),
        ("a.invalid/pruned@v1.0.0", ""),
        ("a.invalid/old@v1.0.0", "go 1.16\nrequire a.invalid/deep v1.0.0"),
        ("a.invalid/deep@v1.0.0", "go 1.20\nrequire a.invalid/deeper v1.0.0"),
        ("a.invalid/deeper@v1.0.0", ""),
    ]);
    let main = "go 1.17\nrequire (\na.invalid/new v1.0.0\na.invalid/old v1.0.0\n)\n";
    let all = [
        "a.invalid/deep@v1.0.0 (go.mod)",
        "a.invalid/deeper@v1.0.0 (go.mod)",
        "a.invalid/new@v1.0.0 (go.mod)",
        "a.invalid/old@v1.0.0 (go.mod)",
        "a.invalid/new@v1.0.0",
        "a.invalid/old@v1.0.0",
    ];
    assert_eq!(rounds(main, &graph).last().unwrap(), &all);
}

#[test]
fn what_is_read_only_for_a_missing_package_is_optional() {
    let module = |name: &str| format!("a.invalid/{name} v1.0.0/go.mod h1:{}\n", BASE64[usize::from(name == "deep")]);
    let optional = |language: &str| {
        let main = format!("go {language}\nrequire a.invalid/old v1.0.0\n");
        let lock = GoLock::parse(&main, &(module("old") + &module("deep")), "go.mod").unwrap();
        let needed = lock.needed_files(&|_| Some("require a.invalid/deep v1.0.0\n".to_owned())).unwrap();
        let is_optional = |artifact: &Artifact| (artifact.what.to_string(), needed.optional.contains(&artifact.digest));
        needed.artifacts.iter().map(is_optional).collect::<Vec<_>>()
    };
    let names = ["a.invalid/deep@v1.0.0 (go.mod)", "a.invalid/old@v1.0.0 (go.mod)"].map(str::to_owned);
    let [deep, old] = names;
    assert_eq!(optional("1.17"), [(deep.clone(), true), (old.clone(), false)]);
    assert_eq!(optional("1.16"), [(deep, false), (old, false)]);
}

const BASE64: [&str; 2] =
    ["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "AAAAQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="];

#[test]
fn the_requirements_of_a_folder_count() {
    let sum = "a.invalid/of_lib v1.0.0 H1\na.invalid/of_lib v1.0.0/go.mod H1\n".replace("H1", H1);
    let main = "go 1.17\nrequire a.invalid/lib v0.0.0\nreplace a.invalid/lib => ../lib\n";
    let text = |wanted: GoModText<'_>| match wanted {
        GoModText::Folder("../lib") => Some("require a.invalid/of_lib v1.0.0".to_owned()),
        GoModText::Folder(other) => panic!("{other}"),
        GoModText::Pinned(_) => Some(String::new()),
    };
    let lock = GoLock::parse(main, &sum, "srv/go.mod").unwrap();
    assert_eq!(names(&lock.needed_files(&text).unwrap().artifacts), ["a.invalid/of_lib@v1.0.0 (go.mod)"]);
    assert_eq!(lock.replaced_folders().collect::<Vec<_>>(), ["../lib"]);
}

#[test]
fn a_replacement_of_one_version_leaves_others() {
    let go_mod = "go 1.20\nrequire a.invalid/one v1.0.0\nreplace a.invalid/one v0.9.0 => ./x\n";
    assert_eq!(found(go_mod, SUM).last().map(String::as_str), Some("a.invalid/one@v1.0.0"));
}

#[test]
fn lines_that_go_passes_over_do_not_count() {
    let sums = "\n  \r\na.invalid/one v1.0.0 h2:anything\na.invalid/one v1.0.0/go.mod H1\r\n\
        a.invalid/one v1.0.0/go.mod H1\na.invalid/one  v1.0.0\tH1\n\
        a.invalid/Two v1.1.0/go.mod h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=\n";
    let files = ["a.invalid/one@v1.0.0 (go.mod)", "a.invalid/one@v1.0.0"];
    assert_eq!(found("go 1.20\nrequire a.invalid/one v1.0.0\n", sums), files);
}

#[test]
fn names_all_modules_without_a_line() {
    insta::assert_snapshot!(wrong("go 1.20\nrequire a.invalid/x v1.0.0\nrequire (\n a.invalid/one v1.0.0\n a.invalid/y v2.0.0\n)", SUM), @r"
api/go.mod: 2 entries cannot be used:
  a.invalid/x@v1.0.0: api/go.sum has no line for it
  a.invalid/y@v2.0.0: api/go.sum has no line for it
Write the missing lines with `go mod tidy`, and commit go.sum.
");
}

#[test]
fn says_where_a_line_is_wrong() {
    insta::assert_snapshot!(wrong("module m\nrequire a.invalid/x\n", ""), @"api/go.mod:2:1: `require a.invalid/x` is not a require directive; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("go one\n", ""), @"api/go.mod:1:1: `one` is not a version of go; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("require \"a v1\n", ""), @r#"api/go.mod:1:1: a " is not closed; correct it, then run `go mod tidy`"#);
    insta::assert_snapshot!(wrong("replace a b c => d v1\n", ""), @"api/go.mod:1:1: `replace a b c => d v1` is not a replace directive; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("go 1.20\ngo 1.21\n", ""), @"api/go.mod:2:1: there is a second `go` directive; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("\u{feff}go 1.20\n", ""), @"api/go.mod:1:1: the file has a byte order mark, which Go does not accept; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("require (\n\ta.invalid/x v1.0.0 /* x */\n", ""), @"api/go.mod:2:1: a comment begins with `//` here, not with `/*`; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("\nrequire (\n\ta.invalid/x v1.0.0\n", ""), @"api/go.mod:2:1: the block `require (` is not closed; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("require (\n) x\n", ""), @"api/go.mod:2:1: nothing may follow `)`; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("require `a.invalid/x` v1.0.0\n", ""), @r#"api/go.mod:1:1: `a.invalid/x` is not quoted with `"`, the only quote that Go accepts here; correct it, then run `go mod tidy`"#);
    insta::assert_snapshot!(wrong("require a.invalid/x main\n", ""), @"api/go.mod:1:1: `main` is not a version of a module, such as `v1.2.3`; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("replace a.invalid/x => lib\n", ""), @"api/go.mod:1:1: `lib` is neither a folder (`./lib`) nor has a version; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("replace a.invalid/x => ./lib v1.0.0\n", ""), @"api/go.mod:1:1: the folder `./lib` has no version; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("replace a.invalid/x =>\n", ""), @"api/go.mod:1:1: `replace a.invalid/x` is followed by too many or too few words; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("go (\n1.20\n)\n", ""), @"api/go.mod:1:1: `go` has no block; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("", "a.invalid/one v1.0.0\n"), @"api/go.sum:1:1: expected MODULE VERSION HASH; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("", "\na.invalid/one v1.0.0 h1:x\n"), @"api/go.sum:2:1: `h1:x` is not base 64; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("", "a v1 h1:AAAA\n"), @"api/go.sum:1:1: a h1-zip digest has 32 bytes, found 3; copy the whole digest; correct it, then run `go mod tidy`");
    let other = "a.b/c v1.0.0 H1\na.b/c v1.0.0 h1:AAAAQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
    insta::assert_snapshot!(wrong("", other), @"api/go.sum:2:1: a.b/c v1.0.0 has a second, different hash; the first is at line 1; correct it, then run `go mod tidy`");
}

#[test]
fn names_all_lines_with_wrong_names() {
    let sum = "h1:AAAAQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let lines = ["http://host/x v1.0.0", "a.invalid/one v1.0.0", "../x v1.0.0/go.mod", "a.invalid/one ../v1"];
    let text: String = lines.iter().map(|line| format!("{line} {sum}\n")).collect();
    let required = "require (\n\"http://host/x\" v1.0.0\n../x v1.0.0\na.invalid/one v1.0.0\n)\n";
    assert!(found("module m\n", &text).is_empty(), "names that nothing needs do not count");
    insta::assert_snapshot!(wrong(required, &text), @r"
api/go.sum: 2 entries cannot be used:
  line 1: `http://host/x` is not the path of a Go module: its first part has no dot
  line 3: `../x` is not the path of a Go module: a part of it starts or ends with `.`
Find out how these lines came into the file; write it again with `go mod tidy`.
");
}
