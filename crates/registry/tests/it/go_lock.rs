//! Reading `go.mod` and `go.sum`.

use akbuild_registry::GoLock;

const H1: &str = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

fn found(go_mod: &str, go_sum: &str) -> Vec<String> {
    let artifacts = GoLock::parse(go_mod, &go_sum.replace("H1", H1), "go.mod").unwrap().artifacts().unwrap();
    artifacts.iter().map(|artifact| artifact.what.to_string()).collect()
}

fn wrong(go_mod: &str, go_sum: &str) -> String {
    let artifacts = GoLock::parse(go_mod, &go_sum.replace("H1", H1), "api/go.mod").and_then(|lock| lock.artifacts());
    artifacts.unwrap_err().to_string()
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

const MODS: [&str; 5] = [
    "a.invalid/Two@v1.1.0 (go.mod)",
    "a.invalid/fork@v1.2.0 (go.mod)",
    "a.invalid/modonly@v0.2.0 (go.mod)",
    "a.invalid/old@v0.1.0 (go.mod)",
    "a.invalid/one@v1.0.0 (go.mod)",
];

#[test]
fn takes_every_go_mod_and_the_required_zips() {
    let go_mod = "\
module m // the module
go 1.25.5
toolchain go1.26.0
require a.invalid/modonly v0.2.0
require (
\ta.invalid/one v1.0.0 // indirect
\t\"a.invalid/Two\" `v1.1.0`

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
    let zips = ["a.invalid/Two@v1.1.0", "a.invalid/fork@v1.2.0", "a.invalid/one@v1.0.0"];
    assert_eq!(found(go_mod, SUM), [&MODS[..], &zips].concat());
}

#[test]
fn takes_every_zip_before_go_1_17() {
    let zips = ["a.invalid/Two@v1.1.0", "a.invalid/fork@v1.2.0", "a.invalid/old@v0.1.0", "a.invalid/one@v1.0.0"];
    for go_mod in ["module m\n", "module m\ngo 1.16\nrequire a.invalid/one v1.0.0\n"] {
        assert_eq!(found(go_mod, SUM), [&MODS[..], &zips].concat());
    }
    assert_eq!(found("module m\ngo 1.17\n", SUM), MODS);
}

#[test]
fn a_replacement_of_one_version_leaves_others() {
    let go_mod = "go 1.20\nrequire a.invalid/one v1.0.0\nreplace a.invalid/one v0.9.0 => ./x\n";
    assert_eq!(found(go_mod, SUM).last().map(String::as_str), Some("a.invalid/one@v1.0.0"));
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
    insta::assert_snapshot!(wrong("replace a b c => d v1\n", ""), @"api/go.mod:1:1: `replace a b c` has too many words before `=>`; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("", "a.invalid/one v1.0.0\n"), @"api/go.sum:1:1: expected MODULE VERSION HASH; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("", "\na.invalid/one v1.0.0 h1:x\n"), @"api/go.sum:2:1: `h1:x` is not base 64; correct it, then run `go mod tidy`");
    insta::assert_snapshot!(wrong("", "a v1 h1:AAAA\n"), @"api/go.sum:1:1: a h1-zip digest has 32 bytes, found 3; copy the whole digest; correct it, then run `go mod tidy`");
    let other = "a.b/c v1.0.0 H1\na.b/c v1.0.0 h1:AAAAQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
    insta::assert_snapshot!(wrong("", other), @"api/go.sum:2:1: a.b/c v1.0.0 has a second, different hash; correct it, then run `go mod tidy`");
}

#[test]
fn names_all_lines_with_wrong_names() {
    let sum = "h1:AAAAQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let lines = ["http://host/x v1.0.0", "a.invalid/one v1.0.0", "../x v1.0.0/go.mod", "a.invalid/one ../v1"];
    let text: String = lines.iter().map(|line| format!("{line} {sum}\n")).collect();
    insta::assert_snapshot!(wrong("module m\n", &text), @r"
api/go.sum: 3 entries cannot be used:
  line 1: `http://host/x` is not the path of a Go module: its first part has no dot
  line 3: `../x` is not the path of a Go module: a part of it starts or ends with `.`
  line 4: `../v1` is not the version of a Go module: expected semver after a `v`: vMAJOR.MINOR.PATCH
Find out how these lines came into the file; write it again with `go mod tidy`.
");
}
