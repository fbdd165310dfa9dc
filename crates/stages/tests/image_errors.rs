//! What is said about images that are wrong: one message a test.

mod common;

use common::complaint_with;

#[test]
fn no_tree() {
    insta::assert_snapshot!(complaint_with("tree = \"all\"\n", ""), @"
    error: stage `image` has no `tree`
      --> akbuild.toml:31:9
       |
    31 | [stages.image]
       |         ^^^^^
       = help: add `tree = …`
    ");
}

#[test]
fn a_tree_that_is_no_stage() {
    insta::assert_snapshot!(complaint_with("tree = \"all\"", "tree = \"app\""), @r#"
    error: no stage `app`
      --> akbuild.toml:33:9
       |
    33 | tree = "app"
       |         ^^^
       = help: there are `web`, `inner`, `all`, `image`
    "#);
}

#[test]
fn a_tree_that_is_the_image_itself() {
    insta::assert_snapshot!(complaint_with("tree = \"all\"", "tree = \"image\""), @r#"
    error: image `image` cannot ship itself
      --> akbuild.toml:33:9
       |
    33 | tree = "image"
       |         ^^^^^
       = help: name the stage whose output ships in it
    "#);
}

#[test]
fn a_tree_that_is_made_of_the_image() {
    insta::assert_snapshot!(complaint_with("{ from = \"inner\" }", "{ from = \"inner\" }, { from = \"image\" }"), @"
    error: dependency cycle: all -> image -> all
      --> akbuild.toml:27:9
       |
    27 | [stages.all]
       |         ^^^ needs `image`
       = help: each stage reads the output of the next: take one of these inputs away
    ");
}

#[test]
fn a_place_that_is_relative() {
    insta::assert_snapshot!(complaint_with("at = \"/srv/mini/\"", "at = \"srv/mini\""), @r#"
    error: bad path `srv/mini`
      --> akbuild.toml:34:7
       |
    34 | at = "srv/mini"
       |       ^^^^^^^^ it is relative
       = help: write the whole path, from `/`
    "#);
}

#[test]
fn a_place_that_climbs() {
    insta::assert_snapshot!(complaint_with("at = \"/srv/mini/\"", "at = \"/srv/../mini\""), @r#"
    error: bad path `/srv/../mini`
      --> akbuild.toml:34:7
       |
    34 | at = "/srv/../mini"
       |       ^^^^^^^^^^^^ it has an empty part, `.` or `..`
       = help: write the whole path, from `/`
    "#);
}

#[test]
fn a_place_with_an_empty_part() {
    insta::assert_snapshot!(complaint_with("at = \"/srv/mini/\"", "at = \"/srv//mini\""), @r#"
    error: bad path `/srv//mini`
      --> akbuild.toml:34:7
       |
    34 | at = "/srv//mini"
       |       ^^^^^^^^^^ it has an empty part, `.` or `..`
       = help: write the whole path, from `/`
    "#);
}

#[test]
fn no_such_sysroot() {
    insta::assert_snapshot!(complaint_with("at = \"/srv/mini/\"", "sysroot = \"runtmie\""), @r#"
    error: no sysroot `runtmie`
      --> akbuild.toml:34:12
       |
    34 | sysroot = "runtmie"
       |            ^^^^^^^
       = help: did you mean `runtime`?
    "#);
}

#[test]
fn no_sysroot_that_ships() {
    insta::assert_snapshot!(complaint_with("[sysroots.runtime]", "[sysroots.other]"), @"
    error: stage `image` has no `sysroot`, and there is no sysroot `runtime`
      --> akbuild.toml:31:9
       |
    31 | [stages.image]
       |         ^^^^^
       = help: add `[sysroots.runtime]` with its `packages`, or name another with `sysroot = …`
    ");
}

#[test]
fn a_bad_glob() {
    insta::assert_snapshot!(complaint_with("exclude = [\"boot\"]", "exclude = [\"boot\", \"/home\"]"), @r#"
    error: bad glob `/home`
      --> akbuild.toml:35:21
       |
    35 | exclude = ["boot", "/home"]
       |                     ^^^^^ it starts with `/`
       = help: patterns are relative to the tree: `*` stops at `/`, `**` does not, `[ab]` and `{a,b}` choose
    "#);
}

#[test]
fn a_layer_without_a_name() {
    insta::assert_snapshot!(complaint_with("name = \"web\", ", ""), @r#"
    error: `layers` of stage `image` has no `name`
      --> akbuild.toml:36:11
       |
    36 | layers = [{ from = ["web"] }, { name = "app", from = ["source:app"] }]
       |           ^^^^^^^^^^^^^^^^^^
       = help: add `name = …`
    "#);
}

#[test]
fn a_layer_with_a_bad_name() {
    insta::assert_snapshot!(complaint_with("name = \"web\"", "name = \"we/b\""), @r#"
    error: bad name `we/b`
      --> akbuild.toml:36:21
       |
    36 | layers = [{ name = "we/b", from = ["web"] }, { name = "app", from = ["source:app"] }]
       |                     ^^^^ only letters, digits, `.`, `_` and `-` are allowed
    "#);
}

#[test]
fn a_layer_whose_name_begins_with_a_dot() {
    insta::assert_snapshot!(complaint_with("name = \"web\"", "name = \"..web\""), @r#"
    error: bad name `..web`
      --> akbuild.toml:36:21
       |
    36 | layers = [{ name = "..web", from = ["web"] }, { name = "app", from = ["source:app"] }]
       |                     ^^^^^ it starts with no letter or digit
    "#);
}

#[test]
fn a_layer_called_like_the_lowest() {
    insta::assert_snapshot!(complaint_with("name = \"web\"", "name = \"sysroot\""), @r#"
    error: there is a layer `sysroot` already
      --> akbuild.toml:36:21
       |
    36 | layers = [{ name = "sysroot", from = ["web"] }, { name = "app", from = ["source:app"] }]
       |                     ^^^^^^^
       = help: give each layer a name of its own; `sysroot` and `glue` are there in any case
    "#);
}

#[test]
fn a_layer_called_like_the_highest() {
    insta::assert_snapshot!(complaint_with("name = \"web\"", "name = \"glue\""), @r#"
    error: there is a layer `glue` already
      --> akbuild.toml:36:21
       |
    36 | layers = [{ name = "glue", from = ["web"] }, { name = "app", from = ["source:app"] }]
       |                     ^^^^
       = help: give each layer a name of its own; `sysroot` and `glue` are there in any case
    "#);
}

#[test]
fn two_layers_of_one_name() {
    insta::assert_snapshot!(complaint_with("name = \"app\", from", "name = \"web\", from"), @r#"
    error: there is a layer `web` already
      --> akbuild.toml:36:55
       |
    36 | layers = [{ name = "web", from = ["web"] }, { name = "web", from = ["source:app"] }]
       |                                                       ^^^
       = help: give each layer a name of its own; `sysroot` and `glue` are there in any case
    "#);
}

#[test]
fn a_layer_that_takes_nothing() {
    insta::assert_snapshot!(complaint_with("name = \"web\", from = [\"web\"]", "name = \"web\""), @r#"
    error: `layers` of stage `image` has no `from`
      --> akbuild.toml:36:11
       |
    36 | layers = [{ name = "web" }, { name = "app", from = ["source:app"] }]
       |           ^^^^^^^^^^^^^^^^
       = help: add `from = …`
    "#);
}

#[test]
fn a_layer_with_an_empty_list() {
    insta::assert_snapshot!(complaint_with("from = [\"web\"]", "from = []"), @r#"
    error: `from` is empty
      --> akbuild.toml:36:34
       |
    36 | layers = [{ name = "web", from = [] }, { name = "app", from = ["source:app"] }]
       |                                  ^^
       = help: give at least one string
    "#);
}

#[test]
fn a_layer_that_takes_no_tree() {
    insta::assert_snapshot!(complaint_with("from = [\"web\"]", "from = [\"web\", \"wbe\"]"), @r#"
    error: no stage or source `wbe`
      --> akbuild.toml:36:43
       |
    36 | layers = [{ name = "web", from = ["web", "wbe"] }, { name = "app", from = ["source:app"] }]
       |                                           ^^^
       = help: did you mean `web`?
    "#);
}

#[test]
fn a_layer_that_takes_a_text() {
    insta::assert_snapshot!(complaint_with("from = [\"web\"]", "from = \"web\""), @r#"
    error: `from` has the wrong type
      --> akbuild.toml:36:35
       |
    36 | layers = [{ name = "web", from = "web" }, { name = "app", from = ["source:app"] }]
       |                                   ^^^ expected an array of strings, found a string
    "#);
}

#[test]
fn two_layers_that_take_the_same() {
    insta::assert_snapshot!(complaint_with("from = [\"source:app\"]", "from = [\"source:app\", \"stage:web\"]"), @r#"
    error: layer `web` takes `web` already
      --> akbuild.toml:36:84
       |
    36 | layers = [{ name = "web", from = ["web"] }, { name = "app", from = ["source:app", "stage:web"] }]
       |                                                                                    ^^^^^^^^^
       = help: name each tree once, in one layer
    "#);
}

#[test]
fn a_layer_that_takes_the_same_twice() {
    insta::assert_snapshot!(complaint_with("from = [\"web\"]", "from = [\"web\", \"stage:web\"]"), @r#"
    error: layer `web` takes `web` already
      --> akbuild.toml:36:43
       |
    36 | layers = [{ name = "web", from = ["web", "stage:web"] }, { name = "app", from = ["source:app"] }]
       |                                           ^^^^^^^^^
       = help: name each tree once, in one layer
    "#);
}

#[test]
fn a_layer_that_takes_what_does_not_ship() {
    insta::assert_snapshot!(complaint_with("{ from = \"web\", to = \"web\" }, ", ""), @r#"
    error: layer `web` takes `web`, and no piece of `all` comes from it
      --> akbuild.toml:36:36
       |
    36 | layers = [{ name = "web", from = ["web"] }, { name = "app", from = ["source:app"] }]
       |                                    ^^^
       = help: name what pieces come from: `app`
    "#);
}

#[test]
fn a_layer_that_takes_a_part_of_what_is_one_piece() {
    insta::assert_snapshot!(complaint_with("{ from = \"inner\" }", "{ from = \"inner\", exclude = [\"x\"] }"), @r#"
    error: layer `web` takes `web`, and no piece of `all` comes from it
      --> akbuild.toml:36:36
       |
    36 | layers = [{ name = "web", from = ["web"] }, { name = "app", from = ["source:app"] }]
       |                                    ^^^
       = help: `web` is in `inner`, which is not taken apart, since a layer names it or only a part of it ships: name `inner` instead
    "#);
}

#[test]
fn a_layer_that_takes_a_part_of_what_another_takes() {
    insta::assert_snapshot!(complaint_with("[{ name = \"web\", from = [\"web\"] }", "[{ name = \"in\", from = [\"inner\"] }, { name = \"web\", from = [\"web\"] }"), @r#"
    error: layer `web` takes `web`, and no piece of `all` comes from it
      --> akbuild.toml:36:71
       |
    36 | layers = [{ name = "in", from = ["inner"] }, { name = "web", from = ["web"] }, { name = "app", from = ["source:app"] }]
       |                                                                       ^^^
       = help: `web` is in `inner`, which is not taken apart, since a layer names it or only a part of it ships: name `inner` instead
    "#);
}

#[test]
fn an_unknown_field_of_a_layer() {
    insta::assert_snapshot!(complaint_with("from = [\"web\"] }", "from = [\"web\"], form = 1 }"), @r#"
    error: unknown field `form`
      --> akbuild.toml:36:43
       |
    36 | layers = [{ name = "web", from = ["web"], form = 1 }, { name = "app", from = ["source:app"] }]
       |                                           ^^^^ not a field of `layers` of stage `image`
       = help: valid fields are `from`, `name`; did you mean `from`?
    "#);
}

#[test]
fn layers_that_are_no_tables() {
    insta::assert_snapshot!(complaint_with("[{ name = \"web\", from = [\"web\"] }, ", "[\"web\", "), @r#"
    error: `layers` has the wrong type
      --> akbuild.toml:36:12
       |
    36 | layers = ["web", { name = "app", from = ["source:app"] }]
       |            ^^^ expected a table in this array, found a string
    "#);
}

#[test]
fn a_file_without_a_text() {
    insta::assert_snapshot!(complaint_with(", text = \"{word}\"", ""), @r#"
    error: `files` of stage `image` has no `text`
      --> akbuild.toml:37:10
       |
    37 | files = [{ path = "start", executable = true }]
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = help: add `text = …`
    "#);
}

#[test]
fn an_unknown_field_of_a_file() {
    insta::assert_snapshot!(complaint_with("executable = true", "mode = \"755\""), @r#"
    error: unknown field `mode`
      --> akbuild.toml:37:45
       |
    37 | files = [{ path = "start", text = "{word}", mode = "755" }]
       |                                             ^^^^ not a field of `files` of stage `image`
       = help: valid fields are `executable`, `path`, `text`
    "#);
}

#[test]
fn a_file_that_is_given_twice() {
    insta::assert_snapshot!(complaint_with("executable = true }", "executable = true }, { path = \"start\", text = \"\" }"), @r#"
    error: the image has two things at `start`
      --> akbuild.toml:37:76
       |
    37 | files = [{ path = "start", text = "{word}", executable = true }, { path = "start", text = "" }]
       |                                                                            ^^^^^
       = help: give each path once, as a file or as a folder
    "#);
}

#[test]
fn a_folder_at_the_place_of_a_file() {
    insta::assert_snapshot!(complaint_with("path = \"data\"", "path = \"start\""), @r#"
    error: the image has two things at `start`
      --> akbuild.toml:38:55
       |
    38 | folders = [{ path = "tmp", mode = "1777" }, { path = "start" }]
       |                                                       ^^^^^
       = help: give each path once, as a file or as a folder
    "#);
}

#[test]
fn a_folder_that_climbs() {
    insta::assert_snapshot!(complaint_with("path = \"data\"", "path = \"../data\""), @r#"
    error: bad path `../data`
      --> akbuild.toml:38:55
       |
    38 | folders = [{ path = "tmp", mode = "1777" }, { path = "../data" }]
       |                                                       ^^^^^^^ it has an empty part, `.` or `..`
       = help: write it relative to the root folder, or as a whole path, from `/`
    "#);
}

#[test]
fn a_mode_that_is_no_number() {
    insta::assert_snapshot!(complaint_with("mode = \"1777\"", "mode = \"rwx\""), @r#"
    error: `rwx` is no mode
      --> akbuild.toml:38:36
       |
    38 | folders = [{ path = "tmp", mode = "rwx" }, { path = "data" }]
       |                                    ^^^
       = help: write the permission bits as `chmod` takes them: `"755"`, or `"1777"` where everybody writes
    "#);
}

#[test]
fn a_mode_that_is_not_octal() {
    insta::assert_snapshot!(complaint_with("mode = \"1777\"", "mode = \"789\""), @r#"
    error: `789` is no mode
      --> akbuild.toml:38:36
       |
    38 | folders = [{ path = "tmp", mode = "789" }, { path = "data" }]
       |                                    ^^^
       = help: write the permission bits as `chmod` takes them: `"755"`, or `"1777"` where everybody writes
    "#);
}

#[test]
fn a_mode_with_a_sign() {
    insta::assert_snapshot!(complaint_with("mode = \"1777\"", "mode = \"+755\""), @r#"
    error: `+755` is no mode
      --> akbuild.toml:38:36
       |
    38 | folders = [{ path = "tmp", mode = "+755" }, { path = "data" }]
       |                                    ^^^^
       = help: write the permission bits as `chmod` takes them: `"755"`, or `"1777"` where everybody writes
    "#);
}

#[test]
fn a_mode_that_is_too_large() {
    insta::assert_snapshot!(complaint_with("mode = \"1777\"", "mode = \"100755\""), @r#"
    error: `100755` is no mode
      --> akbuild.toml:38:36
       |
    38 | folders = [{ path = "tmp", mode = "100755" }, { path = "data" }]
       |                                    ^^^^^^
       = help: write the permission bits as `chmod` takes them: `"755"`, or `"1777"` where everybody writes
    "#);
}

#[test]
fn a_mode_without_quotes() {
    insta::assert_snapshot!(complaint_with("mode = \"1777\"", "mode = 1777"), @r#"
    error: `mode` has the wrong type
      --> akbuild.toml:38:35
       |
    38 | folders = [{ path = "tmp", mode = 1777 }, { path = "data" }]
       |                                   ^^^^ expected a string, found an integer
    "#);
}

#[test]
fn an_unknown_field_of_a_folder() {
    insta::assert_snapshot!(complaint_with("path = \"data\"", "path = \"data\", owner = \"1\""), @r#"
    error: unknown field `owner`
      --> akbuild.toml:38:62
       |
    38 | folders = [{ path = "tmp", mode = "1777" }, { path = "data", owner = "1" }]
       |                                                              ^^^^^ not a field of `folders` of stage `image`
       = help: valid fields are `mode`, `path`
    "#);
}

#[test]
fn a_compression_that_is_none() {
    insta::assert_snapshot!(complaint_with("compression = \"zstd\"", "compression = \"xz\""), @r#"
    error: no compression `xz`
      --> akbuild.toml:39:16
       |
    39 | compression = "xz"
       |                ^^
       = help: write `zstd` or `gzip`
    "#);
}

#[test]
fn a_level_of_zstd_that_is_too_high() {
    insta::assert_snapshot!(complaint_with("level = 19", "level = 20"), @"
    error: `level` is out of range: 20
      --> akbuild.toml:40:9
       |
    40 | level = 20
       |         ^^
       = help: expected a number from 1 to 19
    ");
}

#[test]
fn a_level_of_gzip_that_is_too_high() {
    insta::assert_snapshot!(complaint_with("compression = \"zstd\"\n", ""), @r#"
    error: `level` is out of range: 19
      --> akbuild.toml:39:9
       |
    39 | level = 19
       |         ^^
       = help: expected a number from 1 to 9
       = help: with `compression = "zstd"` levels go up to 19
    "#);
}

#[test]
fn no_entrypoint() {
    insta::assert_snapshot!(complaint_with("entrypoint = [\"/start\", \"serve\"]\n", ""), @"
    error: stage `image` has no `entrypoint`
      --> akbuild.toml:31:9
       |
    31 | [stages.image]
       |         ^^^^^
       = help: add `entrypoint = …`
    ");
}

#[test]
fn an_empty_entrypoint() {
    insta::assert_snapshot!(complaint_with("entrypoint = [\"/start\", \"serve\"]", "entrypoint = []"), @"
    error: `entrypoint` is empty
      --> akbuild.toml:42:14
       |
    42 | entrypoint = []
       |              ^^
       = help: give at least one string
    ");
}

#[test]
fn an_entrypoint_that_is_relative() {
    insta::assert_snapshot!(complaint_with("entrypoint = [\"/start\", \"serve\"]", "entrypoint = [\"start\", \"serve\"]"), @r#"
    error: the program `start` is not named by its whole path
      --> akbuild.toml:42:16
       |
    42 | entrypoint = ["start", "serve"]
       |                ^^^^^
       = help: write where it is in the image, from `/`
    "#);
}

#[test]
fn an_entrypoint_that_is_a_text() {
    insta::assert_snapshot!(complaint_with("entrypoint = [\"/start\", \"serve\"]", "entrypoint = \"/start serve\""), @r#"
    error: `entrypoint` has the wrong type
      --> akbuild.toml:42:15
       |
    42 | entrypoint = "/start serve"
       |               ^^^^^^^^^^^^ expected an array of strings, found a string
    "#);
}

#[test]
fn a_user_that_is_none() {
    insta::assert_snapshot!(complaint_with("user = \"65534:nogroup\"", "user = \"65534:5:6\""), @r#"
    error: `65534:5:6` is no user
      --> akbuild.toml:44:9
       |
    44 | user = "65534:5:6"
       |         ^^^^^^^^^
       = help: write `"UID"`, `"UID:GID"` or names: `"65534"`
    "#);
}

#[test]
fn a_user_without_quotes() {
    insta::assert_snapshot!(complaint_with("user = \"65534:nogroup\"", "user = 65534"), @"
    error: `user` has the wrong type
      --> akbuild.toml:44:8
       |
    44 | user = 65534
       |        ^^^^^ expected a string, found an integer
    ");
}

#[test]
fn a_working_folder_that_is_relative() {
    insta::assert_snapshot!(complaint_with("workdir = \"/srv/\"", "workdir = \"srv\""), @r#"
    error: bad path `srv`
      --> akbuild.toml:45:12
       |
    45 | workdir = "srv"
       |            ^^^ it is relative
       = help: write the whole path, from `/`
    "#);
}

#[test]
fn a_port_without_a_protocol_that_exists() {
    insta::assert_snapshot!(complaint_with("\"53/udp\"", "\"53/upd\""), @r#"
    error: `53/upd` is no port
      --> akbuild.toml:46:23
       |
    46 | ports = ["9000/tcp", "53/upd", "80"]
       |                       ^^^^^^
       = help: write a number up to 65535 and `tcp`, `udp` or `sctp`: `"9000/tcp"`
    "#);
}

#[test]
fn a_port_that_is_too_large() {
    insta::assert_snapshot!(complaint_with("\"80\"", "\"65536\""), @r#"
    error: `65536` is no port
      --> akbuild.toml:46:33
       |
    46 | ports = ["9000/tcp", "53/udp", "65536"]
       |                                 ^^^^^
       = help: write a number up to 65535 and `tcp`, `udp` or `sctp`: `"9000/tcp"`
    "#);
}

#[test]
fn a_port_that_is_written_otherwise() {
    insta::assert_snapshot!(complaint_with("\"80\"", "\"080\""), @r#"
    error: `080` is no port
      --> akbuild.toml:46:33
       |
    46 | ports = ["9000/tcp", "53/udp", "080"]
       |                                 ^^^
       = help: write a number up to 65535 and `tcp`, `udp` or `sctp`: `"9000/tcp"`
    "#);
}

#[test]
fn a_port_without_quotes() {
    insta::assert_snapshot!(complaint_with("\"80\"", "80"), @r#"
    error: `ports` has the wrong type
      --> akbuild.toml:46:32
       |
    46 | ports = ["9000/tcp", "53/udp", 80]
       |                                ^^ expected a string, found an integer
    "#);
}

#[test]
fn a_volume_that_is_relative() {
    insta::assert_snapshot!(complaint_with("\"/data/\"", "\"data\""), @r#"
    error: bad path `data`
      --> akbuild.toml:47:23
       |
    47 | volumes = ["/media", "data"]
       |                       ^^^^ it is relative
       = help: write the whole path, from `/`
    "#);
}

#[test]
fn a_variable_without_a_name() {
    insta::assert_snapshot!(complaint_with("PATH = \"/usr/bin\"", "PATH = \"/usr/bin\", \"\" = \"x\""), @r#"
    error: `` is no name of a variable
      --> akbuild.toml:49:28
       |
    49 | env = { PATH = "/usr/bin", "" = "x" }
       |                            ^
       = help: write a name that is not empty and has no `=`: `NAME = "value"`
    "#);
}

#[test]
fn a_variable_with_two_values() {
    insta::assert_snapshot!(complaint_with("PATH = \"/usr/bin\"", "PATH = \"/usr/bin\", \"A=B\" = \"x\""), @r#"
    error: `A=B` is no name of a variable
      --> akbuild.toml:49:29
       |
    49 | env = { PATH = "/usr/bin", "A=B" = "x" }
       |                             ^^^
       = help: write a name that is not empty and has no `=`: `NAME = "value"`
    "#);
}

#[test]
fn a_variable_that_is_a_number() {
    insta::assert_snapshot!(complaint_with("PATH = \"/usr/bin\"", "WORKERS = 2"), @"
    error: `WORKERS` has the wrong type
      --> akbuild.toml:49:19
       |
    49 | env = { WORKERS = 2 }
       |                   ^ expected a string, found an integer
    ");
}

#[test]
fn labels_that_are_no_table() {
    insta::assert_snapshot!(complaint_with("labels = { \"org.opencontainers.image.version\" = \"{version}\" }", "labels = [\"version\"]"), @r#"
    error: `labels` has the wrong type
      --> akbuild.toml:50:10
       |
    50 | labels = ["version"]
       |          ^^^^^^^^^^^ expected a table of strings, found an array
    "#);
}

#[test]
fn a_check_of_health_without_a_command() {
    insta::assert_snapshot!(complaint_with("command = [\"/start\", \"check\"], interval", "interval"), @"
    error: `healthcheck` of stage `image` has no `command`
      --> akbuild.toml:51:1
       |
    51 | healthcheck = { interval = 5 }
       | ^^^^^^^^^^^
       = help: add `command = …`
    ");
}

#[test]
fn a_check_of_health_that_takes_too_long() {
    insta::assert_snapshot!(complaint_with("interval = 5", "interval = 3601"), @r#"
    error: `interval` is out of range: 3601
      --> akbuild.toml:51:59
       |
    51 | healthcheck = { command = ["/start", "check"], interval = 3601 }
       |                                                           ^^^^
       = help: expected a number from 0 to 3600
    "#);
}

#[test]
fn an_unknown_field_of_a_check_of_health() {
    insta::assert_snapshot!(complaint_with("interval = 5", "intervall = 5"), @r#"
    error: unknown field `intervall`
      --> akbuild.toml:51:48
       |
    51 | healthcheck = { command = ["/start", "check"], intervall = 5 }
       |                                                ^^^^^^^^^ not a field of `healthcheck` of stage `image`
       = help: valid fields are `command`, `interval`, `retries`, `start_period`, `timeout`; did you mean `interval`?
    "#);
}

#[test]
fn a_check_of_health_that_is_a_text() {
    insta::assert_snapshot!(complaint_with("healthcheck = { command = [\"/start\", \"check\"], interval = 5 }", "healthcheck = \"/start check\""), @r#"
    error: `healthcheck` has the wrong type
      --> akbuild.toml:51:16
       |
    51 | healthcheck = "/start check"
       |                ^^^^^^^^^^^^ expected a table, found a string
    "#);
}

#[test]
fn an_unknown_field_of_an_image() {
    insta::assert_snapshot!(complaint_with("stop_signal", "stopsignal"), @r#"
    error: unknown field `stopsignal`
      --> akbuild.toml:48:1
       |
    48 | stopsignal = "SIGQUIT"
       | ^^^^^^^^^^ not a field of stage `image`
       = help: valid fields are `at`, `command`, `compression`, `entrypoint`, `env`, `exclude`, `files`, `folders`, `healthcheck`, `kind`, `labels`, `layers`, `level`, `output_hash`, `ports`, `push`, `stop_signal`, `sysroot`, `tree`, `user`, `volumes`, `weight`, `workdir`; did you mean `stop_signal`?
    "#);
}

#[test]
fn a_place_to_push_to_that_is_no_text() {
    insta::assert_snapshot!(complaint_with("push = \"registry.example/{name}:{key}\"", "push = true"), @"
    error: `push` has the wrong type
      --> akbuild.toml:41:8
       |
    41 | push = true
       |        ^^^^ expected a string, found a boolean
    ");
}
