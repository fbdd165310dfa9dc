//! What is said about recipes that are wrong in themselves: one message a test.

mod common;

use common::{complaint, complaint_with};

#[test]
fn toml_without_an_end() {
    insta::assert_snapshot!(complaint("[project]\nname = \"mini\n"), @r#"
    error: a string has no end
     --> akbuild.toml:2:13
      |
    2 | name = "mini
      |             ^ the line ends inside it
    "#);
}

#[test]
fn toml_that_is_none() {
    insta::assert_snapshot!(complaint("[project\nname = 1\n"), @r"
    error: not valid TOML
     --> akbuild.toml:1:9
      |
    1 | [project
      |         ^ expected a right bracket, found a newline
    ");
}

#[test]
fn a_value_without_quotes() {
    insta::assert_snapshot!(complaint("[project]\nname = mini\n"), @r"
    error: a string without quotes
     --> akbuild.toml:2:8
      |
    2 | name = mini
      |        ^^^^ put it in double quotes
    ");
}

#[test]
fn a_stage_that_is_defined_twice() {
    insta::assert_snapshot!(complaint_with("[stages.web]", "[stages.all]"), @r"
    error: `all` is defined twice
      --> akbuild.toml:47:1
       |
    47 | [stages.all]
       | ^^^^^^^^^^^^ first given in line 43
    ");
}

#[test]
fn a_key_that_is_given_twice() {
    insta::assert_snapshot!(complaint_with("weight = 2", "weight = 2\nweight = 3"), @r"
    error: `weight` is given twice
      --> akbuild.toml:51:1
       |
    51 | weight = 3
       | ^^^^^^ first given in line 50
    ");
}

#[test]
fn no_project() {
    insta::assert_snapshot!(complaint(""), @r"
    error: the recipe has no `[project]`
     --> akbuild.toml:1:1
      |
    1 |
      | ^
      = help: start the file with `[project]` and its `name`, `version`, `prefix` and `targets`
    ");
}

#[test]
fn no_version() {
    insta::assert_snapshot!(complaint_with("version = \"1.2.0\"\n", ""), @r"
    error: `[project]` has no `version`
     --> akbuild.toml:1:2
      |
    1 | [project]
      |  ^^^^^^^
      = help: add `version = …`
    ");
}

#[test]
fn a_mistyped_field_that_is_needed() {
    insta::assert_snapshot!(complaint_with("version = \"1.2.0\"", "verison = \"1.2.0\""), @r"
    error: `[project]` has no `version`
     --> akbuild.toml:1:2
      |
    1 | [project]
      |  ^^^^^^^
      = help: there is a field `verison`: did you mean `version`?
    ");
}

#[test]
fn a_version_with_a_space() {
    insta::assert_snapshot!(complaint_with("\"1.2.0\"", "\"1.2 0\""), @r#"
    error: bad version `1.2 0`
     --> akbuild.toml:3:12
      |
    3 | version = "1.2 0"
      |            ^^^^^ only letters, digits, `.`, `_`, `+`, `~` and `-` are allowed
    "#);
}

#[test]
fn a_name_with_a_slash() {
    insta::assert_snapshot!(complaint_with("\"mini\"", "\"mi/ni\""), @r#"
    error: bad name `mi/ni`
     --> akbuild.toml:2:9
      |
    2 | name = "mi/ni"
      |         ^^^^^ only letters, digits, `.`, `_` and `-` are allowed
    "#);
}

#[test]
fn a_prefix_that_is_relative() {
    insta::assert_snapshot!(complaint_with("/opt/{name}", "opt/{name}"), @r#"
    error: bad prefix `opt/{name}`
     --> akbuild.toml:4:11
      |
    4 | prefix = "opt/{name}"
      |           ^^^^^^^^^^ it is not absolute
      = help: give the absolute folder where the result will live: `prefix = "/opt/NAME"`
    "#);
}

#[test]
fn a_prefix_with_dots() {
    insta::assert_snapshot!(complaint_with("/opt/{name}", "/opt/../{name}"), @r#"
    error: bad prefix `/opt/../{name}`
     --> akbuild.toml:4:11
      |
    4 | prefix = "/opt/../{name}"
      |           ^^^^^^^^^^^^^^ it has an empty part, `.` or `..`
      = help: give the absolute folder where the result will live: `prefix = "/opt/NAME"`
    "#);
}

#[test]
fn no_targets() {
    insta::assert_snapshot!(complaint_with("targets = [\"all\"]\n", ""), @r"
    error: `[project]` has no `targets`
     --> akbuild.toml:1:2
      |
    1 | [project]
      |  ^^^^^^^
      = help: add `targets = …`
    ");
}

#[test]
fn a_target_that_is_no_stage() {
    insta::assert_snapshot!(complaint_with("targets = [\"all\"]", "targets = [\"al\"]"), @r#"
    error: no stage `al`
     --> akbuild.toml:5:13
      |
    5 | targets = ["al"]
      |             ^^
      = help: did you mean `all`?
    "#);
}

#[test]
fn an_unknown_top_level_field() {
    insta::assert_snapshot!(complaint_with("[debian]", "[debain]"), @"
    error: unknown field `debain`
      --> akbuild.toml:19:2
       |
    19 | [debain]
       |  ^^^^^^ not a field of a recipe
       = help: valid fields are `debian`, `patches`, `project`, `smoke`, `sources`, `stages`, `sysroots`, `tools`; did you mean `debian`?

    error: sysroot `runtime` needs `[debian]`, which is missing
      --> akbuild.toml:22:11
       |
    22 | [sysroots.runtime]
       |           ^^^^^^^
       = help: add `[debian]` with its `suites`
    ");
}

#[test]
fn an_unknown_field_of_a_sysroot() {
    insta::assert_snapshot!(complaint_with("packages = [\"bash\"]", "packages = [\"bash\"]\nextend = 1"), @r"
    error: unknown field `extend`
      --> akbuild.toml:24:1
       |
    24 | extend = 1
       | ^^^^^^ not a field of sysroot `runtime`
       = help: valid fields are `essential`, `extends`, `host`, `packages`; did you mean `extends`?
    ");
}

#[test]
fn a_mistyped_list_of_packages() {
    insta::assert_snapshot!(complaint_with("packages = [\"bash\"]", "pakages = [\"bash\"]"), @r"
    error: sysroot `runtime` has no `packages`
      --> akbuild.toml:22:11
       |
    22 | [sysroots.runtime]
       |           ^^^^^^^
       = help: there is a field `pakages`: did you mean `packages`?
    ");
}

#[test]
fn an_unknown_variable() {
    insta::assert_snapshot!(complaint_with("version/{version}", "version/{verison}"), @r#"
    error: unknown variable `{verison}`
      --> akbuild.toml:10:8
       |
    10 | tag = "version/{verison}"
       |        ^^^^^^^^^^^^^^^^^
       = help: valid variables are `{name}`, `{prefix}`, `{version}`
       = help: did you mean `{version}`?
    "#);
}

#[test]
fn the_wrong_type() {
    insta::assert_snapshot!(complaint_with("suites = [\"forky\"]", "suites = \"forky\""), @r#"
    error: `suites` has the wrong type
      --> akbuild.toml:20:11
       |
    20 | suites = "forky"
       |           ^^^^^ expected an array of strings, found a string
    "#);
}

#[test]
fn the_wrong_type_in_an_array() {
    insta::assert_snapshot!(complaint_with("suites = [\"forky\"]", "suites = [\"forky\", 1]"), @r#"
    error: `suites` has the wrong type
      --> akbuild.toml:20:20
       |
    20 | suites = ["forky", 1]
       |                    ^ expected a string, found an integer
    "#);
}

#[test]
fn a_source_of_two_sorts() {
    insta::assert_snapshot!(complaint_with("path = \".\"", "path = \".\"\ngit = \"x\""), @r#"
    error: source `local` has both `git` and `path`
      --> akbuild.toml:16:9
       |
    16 | path = "."
       |         ^
       = help: give exactly one of `git`, `tarball` and `path`
    "#);
}

#[test]
fn a_source_of_no_sort() {
    insta::assert_snapshot!(complaint_with("path = \".\"\n", ""), @r"
    error: source `local` has no `git`, `tarball` or `path`
      --> akbuild.toml:15:10
       |
    15 | [sources.local]
       |          ^^^^^
       = help: give exactly one of `git`, `tarball` and `path`
    ");
}

#[test]
fn a_source_that_is_no_table() {
    insta::assert_snapshot!(complaint("[project]\nname = \"a\"\nversion = \"1\"\nprefix = \"/p\"\ntargets = []\n[sources]\napp = 1\n"), @r"
    error: `targets` is empty
     --> akbuild.toml:5:11
      |
    5 | targets = []
      |           ^^
      = help: give at least one string

    error: `app` of `sources` has the wrong type
     --> akbuild.toml:7:7
      |
    7 | app = 1
      |       ^ expected a table, found an integer
      = help: write `[sources.NAME]`
    ");
}

#[test]
fn a_source_with_a_bad_name() {
    insta::assert_snapshot!(complaint_with("[sources.data]", "[sources.\"../data\"]"), @r#"
    error: bad name `../data` in `sources`
      --> akbuild.toml:12:11
       |
    12 | [sources."../data"]
       |           ^^^^^^^ it starts with no letter or digit
    "#);
}

#[test]
fn a_git_source_without_a_tag() {
    insta::assert_snapshot!(complaint_with("tag = \"version/{version}\"\n", ""), @r"
    error: source `app` has no `tag`, `branch` or `rev`
     --> akbuild.toml:7:10
      |
    7 | [sources.app]
      |          ^^^
      = help: say what to take: `tag = …`
    ");
}

#[test]
fn a_git_source_with_tag_and_branch() {
    insta::assert_snapshot!(complaint_with("tag = \"version/{version}\"", "tag = \"a\"\nbranch = \"b\""), @r#"
    error: source `app` has both `tag` and `branch`
      --> akbuild.toml:11:11
       |
    11 | branch = "b"
       |           ^
       = help: give exactly one of `tag`, `branch` and `rev`
    "#);
}

#[test]
fn a_commit_that_is_short() {
    insta::assert_snapshot!(complaint_with("tag = \"version/{version}\"", "rev = \"abc123\""), @r#"
    error: `rev` is not a full commit
      --> akbuild.toml:10:8
       |
    10 | rev = "abc123"
       |        ^^^^^^ expected 40 lower-case hex digits, found 6 characters
       = help: give all of it, as `git rev-parse` prints it, or name a `tag` instead
    "#);
}

#[test]
fn a_rev_with_a_commit() {
    insta::assert_snapshot!(complaint_with("tag = \"version/{version}\"", &format!("rev = \"{0}\"\ncommit = \"{0}\"", "1".repeat(40))), @r#"
    error: source `app` has both `rev` and `commit`
      --> akbuild.toml:11:11
       |
    11 | commit = "1111111111111111111111111111111111111111"
       |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = help: `rev` is the commit already: remove `commit`
    "#);
}

#[test]
fn a_hash_that_is_none() {
    insta::assert_snapshot!(complaint_with("tag = \"version/{version}\"", "tag = \"a\"\nhash = \"sha256-abc\""), @r#"
    error: `hash` is not a hash
      --> akbuild.toml:11:9
       |
    11 | hash = "sha256-abc"
       |         ^^^^^^^^^^
       = note: `sha256-abc` is not valid SHA-256 (SRI, Nix's base 32 or base 16); copy the whole digest, with its `=` at the end if it has one
       = help: expected an SRI hash, `sha256-` and 44 characters, as `akbuild hash` prints it
    "#);
}

#[test]
fn a_hash_of_the_wrong_length() {
    insta::assert_snapshot!(complaint_with("tag = \"version/{version}\"", "tag = \"a\"\nhash = \"sha256-AAAA\""), @r#"
    error: `hash` is not a hash
      --> akbuild.toml:11:9
       |
    11 | hash = "sha256-AAAA"
       |         ^^^^^^^^^^^
       = note: `sha256-AAAA` is not valid SHA-256 (SRI, Nix's base 32 or base 16); copy the whole digest, with its `=` at the end if it has one
       = help: expected an SRI hash, `sha256-` and 44 characters, as `akbuild hash` prints it
    "#);
}

#[test]
fn sysroots_without_debian() {
    insta::assert_snapshot!(complaint_with("[debian]\nsuites = [\"forky\"]\n", ""), @r"
    error: sysroot `runtime` needs `[debian]`, which is missing
      --> akbuild.toml:20:11
       |
    20 | [sysroots.runtime]
       |           ^^^^^^^
       = help: add `[debian]` with its `suites`
    ");
}

#[test]
fn a_fingerprint_that_is_short() {
    insta::assert_snapshot!(complaint_with("suites = [\"forky\"]", "suites = [\"forky\"]\nfingerprints = [\"ABCD\"]"), @r#"
    error: `ABCD` is not the fingerprint of a key
      --> akbuild.toml:21:16
       |
    21 | fingerprints = ["ABCD"]
       |                ^^^^^^^^
       = help: give all 40 (or 64) hex digits, as `gpg --show-keys` prints them
    "#);
}

#[test]
fn a_package_with_a_version() {
    insta::assert_snapshot!(complaint_with("[\"gcc\", \"make\"]", "[\"gcc=16\", \"make\"]"), @r#"
    error: `gcc=16` is not the name of a Debian package
      --> akbuild.toml:28:12
       |
    28 | packages = ["gcc=16", "make"]
       |            ^^^^^^^^^^^^^^^^^^
       = help: give bare names, as `apt-cache search` prints them: the lock holds the versions
    "#);
}

#[test]
fn a_program_of_the_machine_that_is_none() {
    let to = "packages = [\"bash\"]\nhost = [\"bash\", \"node 24\"]";
    insta::assert_snapshot!(complaint_with("packages = [\"bash\"]", to), @r#"
    error: `node 24` is not a program, with or without a version
      --> akbuild.toml:24:8
       |
    24 | host = ["bash", "node 24"]
       |        ^^^^^^^^^^^^^^^^^^^
       = help: write `NAME` or `NAME >= VERSION`; `>`, `=`, `<` and `<=` are understood too
    "#);
}

#[test]
fn a_sysroot_without_packages() {
    insta::assert_snapshot!(complaint_with("packages = [\"bash\"]\n", ""), @r"
    error: sysroot `runtime` has no `packages`
      --> akbuild.toml:22:11
       |
    22 | [sysroots.runtime]
       |           ^^^^^^^
       = help: add `packages = …`
    ");
}

#[test]
fn a_sysroot_that_extends_none() {
    insta::assert_snapshot!(complaint_with("extends = \"runtime\"", "extends = \"runtim\""), @r#"
    error: no sysroot `runtim`
      --> akbuild.toml:27:12
       |
    27 | extends = "runtim"
       |            ^^^^^^
       = help: did you mean `runtime`?
    "#);
}

#[test]
fn sysroots_that_extend_each_other() {
    insta::assert_snapshot!(complaint_with("essential = false", "extends = \"build\""), @r"
    error: sysroots extend each other: runtime -> build -> runtime
      --> akbuild.toml:22:11
       |
    22 | [sysroots.runtime]
       |           ^^^^^^^
       = help: remove one `extends`

    error: sysroots extend each other: build -> runtime -> build
      --> akbuild.toml:26:11
       |
    26 | [sysroots.build]
       |           ^^^^^
       = help: remove one `extends`
    ");
}

#[test]
fn a_tool_without_a_package() {
    insta::assert_snapshot!(complaint_with("npm = \"typescript@5.9.3\"\n", ""), @r#"
    error: tool `typescript` has no `python` or `npm`
      --> akbuild.toml:33:8
       |
    33 | [tools.typescript]
       |        ^^^^^^^^^^
       = help: name its package: `python = "NAME==VERSION"` or `npm = "NAME@VERSION"`
    "#);
}

#[test]
fn a_tool_without_an_exact_version() {
    insta::assert_snapshot!(complaint_with("uv==0.9.18", "uv>=0.9"), @r#"
    error: `uv>=0.9` is not a package with an exact version
      --> akbuild.toml:31:11
       |
    31 | python = "uv>=0.9"
       |           ^^^^^^^
       = help: expected `python = "NAME==VERSION"`
    "#);
}

#[test]
fn an_npm_tool_with_a_range() {
    insta::assert_snapshot!(complaint_with("typescript@5.9.3", "typescript@^5"), @r#"
    error: `typescript@^5` is not a package with an exact version
      --> akbuild.toml:34:8
       |
    34 | npm = "typescript@^5"
       |        ^^^^^^^^^^^^^
       = help: expected `npm = "NAME@VERSION"`
    "#);
}

#[test]
fn a_patch_of_an_unknown_source() {
    insta::assert_snapshot!(complaint_with("source = \"app\"", "source = \"ap\""), @r#"
    error: no source `ap`
      --> akbuild.toml:37:11
       |
    37 | source = "ap"
       |           ^^
       = help: did you mean `app`?
    "#);
}

#[test]
fn a_patch_without_from_and_to() {
    insta::assert_snapshot!(complaint_with("from = \"./web {other}\"\nto = \"{prefix}/web\"\n", ""), @r"
    error: a patch has no `from` and `to`
      --> akbuild.toml:36:1
       |
    36 | [[patches]]
       | ^^^^^^^^^^^
       = help: give `from` and `to`, or `with` and a file that takes its place
    ");
}

#[test]
fn a_patch_without_to() {
    insta::assert_snapshot!(complaint_with("to = \"{prefix}/web\"\n", ""), @r"
    error: a patch has no `to`
      --> akbuild.toml:36:1
       |
    36 | [[patches]]
       | ^^^^^^^^^^^
       = help: give `from` and `to`, or `with` and a file that takes its place
    ");
}

#[test]
fn a_patch_with_two_edits() {
    insta::assert_snapshot!(complaint_with("to = \"{prefix}/web\"", "with = \"x\""), @r#"
    error: a patch has both `with` and `from` or `to`
      --> akbuild.toml:40:9
       |
    40 | with = "x"
       |         ^
       = help: give `from` and `to`, or `with` and a file that takes its place
    "#);
}

#[test]
fn a_patch_with_an_empty_from() {
    insta::assert_snapshot!(complaint_with("from = \"./web {other}\"", "from = \"\""), @r#"
    error: `from` is empty
      --> akbuild.toml:39:8
       |
    39 | from = ""
       |        ^
       = help: give the text that must occur exactly once
    "#);
}

#[test]
fn a_patch_out_of_the_tree() {
    insta::assert_snapshot!(complaint_with("internal/x.go", "../x.go"), @r#"
    error: bad path `../x.go`
      --> akbuild.toml:38:9
       |
    38 | file = "../x.go"
       |         ^^^^^^^ it has an empty part, `.` or `..`
       = help: give a path inside the tree: `folder/file`
    "#);
}

#[test]
fn two_errors_at_once() {
    let with_two = common::with("suites = [\"forky\"]", "suite = 1").replace("uv==", "uv=");
    insta::assert_snapshot!(complaint(&with_two), @r#"
    error: `[debian]` has no `suites`
      --> akbuild.toml:19:2
       |
    19 | [debian]
       |  ^^^^^^
       = help: there is a field `suite`: did you mean `suites`?

    error: `uv=0.9.18` is not a package with an exact version
      --> akbuild.toml:31:11
       |
    31 | python = "uv=0.9.18"
       |           ^^^^^^^^^
       = help: expected `python = "NAME==VERSION"`
    "#);
}

/// Headline and label of what is said, on one line.
fn brief(recipe: &str) -> String {
    let said = common::plan(recipe, "", common::LOCK).expect_err("the recipe is sound");
    format!("{}: {}", said.0[0].message(), said.0[0].label())
}

#[test]
fn further_errors_of_syntax() {
    insta::assert_snapshot!(brief("a = "), @"the file ends too early:");
    insta::assert_snapshot!(brief("a = [1,"), @"the file ends too early:");
    insta::assert_snapshot!(brief("a = \"\"\"x"), @"a string has no end: opened here");
    insta::assert_snapshot!(brief("a = 1\na.b = 2"), @"a dotted key runs through a plain value: first given in line 1");
    insta::assert_snapshot!(brief(&format!("a = {}", "[".repeat(200))), @"nested too deeply:");
}

#[test]
fn further_bad_prefixes() {
    insta::assert_snapshot!(brief(&common::with("/opt/{name}", "/")), @"bad prefix `/`: it is the root folder");
    insta::assert_snapshot!(brief(&common::with("/opt/{name}", "/opt/a b")), @"bad prefix `/opt/a b`: it has a character that shells or search paths give a meaning");
}

#[test]
fn further_bad_names() {
    insta::assert_snapshot!(brief(&common::with("[sources.data]", "[sources.\"\"]")), @"bad name `` in `sources`: it is empty");
    insta::assert_snapshot!(brief(&common::with("[sources.data]", &format!("[sources.{}]", "a".repeat(65)))), @"bad name `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` in `sources`: it is longer than 64 bytes");
    insta::assert_snapshot!(brief(&common::with("\"1.2.0\"", "\"\"")), @"bad version ``: it is empty");
}

#[test]
fn further_wrong_types() {
    insta::assert_snapshot!(brief(&common::with("essential = false", "essential = \"no\"")), @"`essential` has the wrong type: expected `true` or `false`, found a string");
    insta::assert_snapshot!(brief(&common::with("[[patches]]", "[patches]")), @"`patches` has the wrong type: expected an array of tables, found a table");
    insta::assert_snapshot!(brief("project = 1.5"), @"`project` has the wrong type: expected a table, found a float");
}
