//! What is said about stages: one message a test.

mod common;

use common::{complaint, complaint_with, with};

#[test]
fn no_kind() {
    insta::assert_snapshot!(complaint_with("kind = \"copy\"\n", ""), @r"
    error: stage `web` has no `kind`
      --> akbuild.toml:47:9
       |
    47 | [stages.web]
       |         ^^^
       = help: add `kind = …`
       = help: stage kinds are `copy`, `join`
    ");
}

#[test]
fn an_unknown_kind() {
    insta::assert_snapshot!(complaint_with("kind = \"copy\"", "kind = \"cpoy\""), @r#"
    error: no stage kind `cpoy`
      --> akbuild.toml:48:9
       |
    48 | kind = "cpoy"
       |         ^^^^
       = help: did you mean `copy`?
       = help: stage kinds are `copy`, `join`
    "#);
}

#[test]
fn an_unknown_field() {
    insta::assert_snapshot!(complaint_with("weight = 2", "wieght = 2"), @r"
    error: unknown field `wieght`
      --> akbuild.toml:50:1
       |
    50 | wieght = 2
       | ^^^^^^ not a field of stage `web`
       = help: valid fields are `exclude`, `include`, `kind`, `output_hash`, `script`, `source`, `sysroot`, `to`, `tool`, `weight`; did you mean `weight`?
    ");
}

#[test]
fn an_unknown_field_inside() {
    insta::assert_snapshot!(complaint_with("{ from = \"web\" }", "{ from = \"web\", too = \"x\" }"), @r#"
    error: unknown field `too`
      --> akbuild.toml:45:27
       |
    45 | pieces = [{ from = "web", too = "x" }, { from = "source:app", to = "app" }]
       |                           ^^^ not a field of `pieces` of stage `all`
       = help: valid fields are `exclude`, `from`, `include`, `path`, `to`; did you mean `to`?
    "#);
}

#[test]
fn a_missing_field() {
    insta::assert_snapshot!(complaint_with("source = \"local\"\n", ""), @r"
    error: stage `web` has no `source`
      --> akbuild.toml:47:9
       |
    47 | [stages.web]
       |         ^^^
       = help: add `source = …`
    ");
}

#[test]
fn a_missing_source() {
    insta::assert_snapshot!(complaint_with("source = \"local\"", "source = \"locla\""), @r#"
    error: no source `locla`
      --> akbuild.toml:49:11
       |
    49 | source = "locla"
       |           ^^^^^
       = help: did you mean `local`?
    "#);
}

#[test]
fn a_missing_source_that_is_like_no_other() {
    insta::assert_snapshot!(complaint_with("source = \"local\"", "source = \"elsewhere\""), @r#"
    error: no source `elsewhere`
      --> akbuild.toml:49:11
       |
    49 | source = "elsewhere"
       |           ^^^^^^^^^
       = help: there are `app`, `data`, `local`
    "#);
}

#[test]
fn a_missing_stage() {
    insta::assert_snapshot!(complaint_with("from = \"web\"", "from = \"stage:wbe\""), @r#"
    error: no stage `wbe`
      --> akbuild.toml:45:21
       |
    45 | pieces = [{ from = "stage:wbe" }, { from = "source:app", to = "app" }]
       |                     ^^^^^^^^^
       = help: did you mean `web`?
    "#);
}

#[test]
fn a_missing_tree() {
    insta::assert_snapshot!(complaint_with("from = \"web\"", "from = \"nothing\""), @r#"
    error: no stage or source `nothing`
      --> akbuild.toml:45:21
       |
    45 | pieces = [{ from = "nothing" }, { from = "source:app", to = "app" }]
       |                     ^^^^^^^
       = help: there are `all`, `web`, `app`, `data`, `local`
    "#);
}

#[test]
fn a_missing_sysroot() {
    insta::assert_snapshot!(complaint_with("weight = 2", "sysroot = \"biuld\""), @r#"
    error: no sysroot `biuld`
      --> akbuild.toml:50:12
       |
    50 | sysroot = "biuld"
       |            ^^^^^
       = help: did you mean `build`?
    "#);
}

#[test]
fn a_missing_default_sysroot() {
    insta::assert_snapshot!(complaint_with("[sysroots.build]", "[sysroots.other]"), @r"
    error: stage `all` has no `sysroot`, and there is no sysroot `build`
      --> akbuild.toml:43:9
       |
    43 | [stages.all]
       |         ^^^
       = help: add `[sysroots.build]` with its `packages`, or name another with `sysroot = …`
    ");
}

#[test]
fn a_missing_tool() {
    insta::assert_snapshot!(complaint_with("weight = 2", "tool = \"typscript\""), @r#"
    error: no tool `typscript`
      --> akbuild.toml:50:9
       |
    50 | tool = "typscript"
       |         ^^^^^^^^^
       = help: did you mean `typescript`?
    "#);
}

#[test]
fn a_weight_out_of_range() {
    insta::assert_snapshot!(complaint_with("weight = 2", "weight = 0"), @r"
    error: `weight` is out of range: 0
      --> akbuild.toml:50:10
       |
    50 | weight = 0
       |          ^
       = help: expected a number from 1 to 1024
    ");
}

#[test]
fn a_weight_that_is_a_string() {
    insta::assert_snapshot!(complaint_with("weight = 2", "weight = \"2\""), @r#"
    error: `weight` has the wrong type
      --> akbuild.toml:50:11
       |
    50 | weight = "2"
       |           ^ expected an integer, found a string
    "#);
}

#[test]
fn an_output_hash_that_is_none() {
    insta::assert_snapshot!(complaint_with("weight = 2", "output_hash = \"md5-x\""), @r#"
    error: `output_hash` is not a hash
      --> akbuild.toml:50:16
       |
    50 | output_hash = "md5-x"
       |                ^^^^^
       = note: `md5-x` is not valid SHA-256 (SRI, Nix's base 32 or base 16); copy the whole digest, with its `=` at the end if it has one
       = help: expected an SRI hash, `sha256-` and 44 characters, as `akbuild hash` prints it
    "#);
}

#[test]
fn a_bad_glob() {
    insta::assert_snapshot!(complaint_with("weight = 2", "include = [\"a/**\", \"b/[\"]"), @r#"
    error: bad glob `b/[`
      --> akbuild.toml:50:21
       |
    50 | include = ["a/**", "b/["]
       |                     ^^^ unclosed character class; missing ']'
       = help: patterns are relative to the tree: `*` stops at `/`, `**` does not, `[ab]` and `{a,b}` choose
    "#);
}

#[test]
fn a_glob_out_of_the_tree() {
    insta::assert_snapshot!(complaint_with("weight = 2", "exclude = [\"../b\"]"), @r#"
    error: bad glob `../b`
      --> akbuild.toml:50:13
       |
    50 | exclude = ["../b"]
       |             ^^^^ it has a `..`
       = help: patterns are relative to the tree: `*` stops at `/`, `**` does not, `[ab]` and `{a,b}` choose
    "#);
}

#[test]
fn a_path_that_is_absolute() {
    insta::assert_snapshot!(complaint_with("{ from = \"web\" }", "{ from = \"web\", path = \"/x\" }"), @r#"
    error: bad path `/x`
      --> akbuild.toml:45:35
       |
    45 | pieces = [{ from = "web", path = "/x" }, { from = "source:app", to = "app" }]
       |                                   ^^ it is absolute
       = help: give the path inside the tree, without the first `/`: `x`
    "#);
}

#[test]
fn a_cycle() {
    let join =
        |name: &str, from: &str| format!("[stages.{name}]\nkind = \"join\"\npieces = [{{ from = \"{from}\" }}]\n");
    let more = [join("b", "c"), join("c", "a"), join("a", "b")].concat();
    insta::assert_snapshot!(complaint(&(with("from = \"web\"", "from = \"a\"") + &more)), @r"
    error: dependency cycle: a -> b -> c -> a
      --> akbuild.toml:57:9
       |
    57 | [stages.a]
       |         ^ needs `b`
       = help: each stage reads the output of the next: take one of these inputs away
    ");
}

#[test]
fn a_stage_of_itself() {
    insta::assert_snapshot!(complaint_with("from = \"web\"", "from = \"all\""), @r"
    error: dependency cycle: all -> all
      --> akbuild.toml:43:9
       |
    43 | [stages.all]
       |         ^^^ needs `all`
       = help: each stage reads the output of the next: take one of these inputs away
    ");
}

#[test]
fn each_bad_stage_is_told() {
    let with_two = with("weight = 2", "weight = 0").replace("source:app", "source:ap");
    insta::assert_snapshot!(complaint(&with_two), @r#"
    error: no source `ap`
      --> akbuild.toml:45:39
       |
    45 | pieces = [{ from = "web" }, { from = "source:ap", to = "app" }]
       |                                       ^^^^^^^^^
       = help: did you mean `app`?

    error: `weight` is out of range: 0
      --> akbuild.toml:50:10
       |
    50 | weight = 0
       |          ^
       = help: expected a number from 1 to 1024
    "#);
}

#[test]
fn further_bad_globs() {
    let brief = |glob: &str| {
        let said = common::plan(&with("weight = 2", &format!("include = [\"{glob}\"]")), "", common::LOCK).unwrap_err();
        said.0[0].label().to_owned()
    };
    insta::assert_snapshot!(brief(""), @"it is empty");
    insta::assert_snapshot!(brief("/a"), @"it starts with `/`");
    insta::assert_snapshot!(brief("a//b"), @"it has `//`");
    insta::assert_snapshot!(brief("./a"), @"it has a `.`");
    insta::assert_snapshot!(brief("{a,b"), @"unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)");
}
