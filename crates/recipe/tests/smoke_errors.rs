//! What is said about `[smoke]` sections that are wrong: one message a test; and what becomes of one that is not.

mod common;

use common::{SMOKE, with_images};

fn complaint_with(from: &str, to: &str) -> String {
    assert_eq!(SMOKE.matches(from).count(), 1, "`{from}` does not stand once in the section");
    with_images(&SMOKE.replacen(from, to, 1)).expect_err("the recipe is sound").to_string()
}

#[test]
fn a_sound_section_is_taken_over() {
    insta::assert_debug_snapshot!(with_images(SMOKE).unwrap().smoke.unwrap(), @r#"
    Smoke {
        image: "image",
        memory: 536870912,
        timeout: 60,
        grace: 10,
        env: {
            "KEY": "value",
        },
        services: [
            SmokeService {
                name: "database",
                sysroot: "runtime",
                port: 5432,
                script: "exec serve {x}",
                env: {
                    "DATA": "/tmp",
                },
            },
            SmokeService {
                name: "queue",
                sysroot: "build",
                port: 6379,
                script: "exec serve",
                env: {},
            },
        ],
        commands: [
            SmokeCommand {
                name: "migrations",
                args: [
                    "migrate",
                ],
                env: {},
                files: [
                    WrittenFile {
                        path: "/etc/migrations",
                        text: "{x}",
                        executable: false,
                    },
                ],
                allow_logs: [],
            },
        ],
        processes: [
            SmokeProcess {
                name: "server",
                args: [
                    "server",
                ],
                env: {},
                files: [],
                probes: [
                    Probe {
                        port: 9000,
                        path: "/ready",
                        status: 204,
                    },
                ],
                expect: [
                    "ready",
                ],
                allow_logs: [],
            },
        ],
        pages: [
            Page {
                process: "server",
                port: 9000,
                path: "/",
                contains: [
                    "welcome",
                ],
                assets: false,
            },
        ],
        checks: [
            SmokeCheck {
                name: "jobs",
                sysroot: "runtime",
                script: "true",
                env: {},
                once: false,
            },
        ],
    }
    "#);
}

#[test]
fn what_is_left_out_has_defaults() {
    let brief = "[stages.image]\nkind = 'ship'\ntree = 'all'\n[smoke]\nimage = 'image'\n[[smoke.processes]]\nname = 'a'\n\
        probes = [{ port = 1, path = '/' }]\n[[smoke.pages]]\nprocess = 'a'\nport = 1\npath = '/'\n";
    let smoke = with_images(brief).unwrap().smoke.unwrap();
    assert_eq!((smoke.memory, smoke.timeout, smoke.grace), (0, 300, 30));
    let once = with_images(&SMOKE.replace("script = \"true\"", "script = \"true\"\nonce = true")).unwrap();
    assert!(once.smoke.unwrap().checks[0].once);
    assert_eq!((smoke.processes[0].probes[0].status, smoke.pages[0].assets), (200, true));
}

#[test]
fn no_image() {
    insta::assert_snapshot!(complaint_with("image = \"image\"\n", ""), @"
    error: `[smoke]` has no `image`
      --> akbuild.toml:56:2
       |
    56 | [smoke]
       |  ^^^^^
       = help: add `image = …`
    ");
}

#[test]
fn an_image_that_is_no_stage() {
    insta::assert_snapshot!(complaint_with("image = \"image\"", "image = \"imgae\""), @r#"
    error: no stage `imgae`
      --> akbuild.toml:57:10
       |
    57 | image = "imgae"
       |          ^^^^^
       = help: did you mean `image`?
    "#);
}

#[test]
fn an_image_that_is_another_stage() {
    insta::assert_snapshot!(complaint_with("image = \"image\"", "image = \"web\""), @r#"
    error: stage `web`, which `[smoke]` starts, makes no image
      --> akbuild.toml:57:10
       |
    57 | image = "web"
       |          ^^^
       = help: images are `image`
    "#);
}

#[test]
fn an_unknown_field() {
    insta::assert_snapshot!(complaint_with("grace = 10", "garce = 10"), @"
    error: unknown field `garce`
      --> akbuild.toml:60:1
       |
    60 | garce = 10
       | ^^^^^ not a field of `[smoke]`
       = help: valid fields are `checks`, `commands`, `env`, `grace`, `image`, `memory_mib`, `pages`, `processes`, `services`, `timeout`; did you mean `grace`?
    ");
}

#[test]
fn too_much_memory() {
    insta::assert_snapshot!(complaint_with("memory_mib = 512", "memory_mib = 9999999"), @"
    error: `memory_mib` is out of range: 9999999
      --> akbuild.toml:58:14
       |
    58 | memory_mib = 9999999
       |              ^^^^^^^
       = help: expected a number from 0 to 1048576
    ");
}

#[test]
fn a_memory_with_a_unit() {
    insta::assert_snapshot!(complaint_with("memory_mib = 512", "memory_mib = \"512M\""), @r#"
    error: `memory_mib` has the wrong type
      --> akbuild.toml:58:15
       |
    58 | memory_mib = "512M"
       |               ^^^^ expected an integer, found a string
    "#);
}

#[test]
fn a_text_that_would_allow_any_crash() {
    let allowed = with_images(&SMOKE.replace("expect = [\"ready\"]", "allow_logs = [\"KeyError: 'x'\"]")).unwrap();
    assert_eq!(allowed.smoke.unwrap().processes[0].allow_logs, ["KeyError: 'x'"]);
    insta::assert_snapshot!(complaint_with("expect = [\"ready\"]", "allow_logs = [\" \"]"), @r#"
    error: an empty text would allow any crash
      --> akbuild.toml:85:14
       |
    85 | allow_logs = [" "]
       |              ^^^^^
       = help: write a text that is in the expected traceback: `"ConnectionRefusedError"`
    "#);
}

#[test]
fn no_time_at_all() {
    insta::assert_snapshot!(complaint_with("timeout = 60", "timeout = 0"), @"
    error: `timeout` is out of range: 0
      --> akbuild.toml:59:11
       |
    59 | timeout = 0
       |           ^
       = help: expected a number from 1 to 86400
    ");
}

#[test]
fn too_much_time_to_end() {
    insta::assert_snapshot!(complaint_with("grace = 10", "grace = 86401"), @"
    error: `grace` is out of range: 86401
      --> akbuild.toml:60:9
       |
    60 | grace = 86401
       |         ^^^^^
       = help: expected a number from 1 to 86400
    ");
}

#[test]
fn a_variable_with_two_values() {
    insta::assert_snapshot!(complaint_with("KEY = \"value\"", "\"KEY=\" = \"value\""), @r#"
    error: `KEY=` is no name of a variable
      --> akbuild.toml:61:10
       |
    61 | env = { "KEY=" = "value" }
       |          ^^^^
       = help: write a name that is not empty and has no `=`: `NAME = "value"`
    "#);
}

#[test]
fn a_service_without_a_name() {
    insta::assert_snapshot!(complaint_with("name = \"database\"\n", ""), @"
    error: `services` of `[smoke]` has no `name`
      --> akbuild.toml:63:1
       |
    63 | [[smoke.services]]
       | ^^^^^^^^^^^^^^^^^^
       = help: add `name = …`
    ");
}

#[test]
fn a_bad_name() {
    insta::assert_snapshot!(complaint_with("name = \"database\"", "name = \"data/base\""), @r#"
    error: bad name `data/base`
      --> akbuild.toml:64:9
       |
    64 | name = "data/base"
       |         ^^^^^^^^^ only letters, digits, `.`, `_` and `-` are allowed
    "#);
}

#[test]
fn a_service_without_a_sysroot() {
    insta::assert_snapshot!(complaint_with("name = \"database\"\nsysroot = \"runtime\"\n", "name = \"database\"\n"), @"
    error: `services` of `[smoke]` has no `sysroot`
      --> akbuild.toml:63:1
       |
    63 | [[smoke.services]]
       | ^^^^^^^^^^^^^^^^^^
       = help: add `sysroot = …`
    ");
}

#[test]
fn a_sysroot_that_is_none() {
    insta::assert_snapshot!(complaint_with("name = \"database\"\nsysroot = \"runtime\"", "name = \"database\"\nsysroot = \"runtmie\""), @r#"
    error: no sysroot `runtmie`
      --> akbuild.toml:65:12
       |
    65 | sysroot = "runtmie"
       |            ^^^^^^^
       = help: did you mean `runtime`?
    "#);
}

#[test]
fn a_service_without_a_port() {
    insta::assert_snapshot!(complaint_with("port = 5432\n", ""), @"
    error: `services` of `[smoke]` has no `port`
      --> akbuild.toml:63:1
       |
    63 | [[smoke.services]]
       | ^^^^^^^^^^^^^^^^^^
       = help: add `port = …`
    ");
}

#[test]
fn a_port_out_of_range() {
    insta::assert_snapshot!(complaint_with("port = 5432", "port = 65536"), @"
    error: `port` is out of range: 65536
      --> akbuild.toml:66:8
       |
    66 | port = 65536
       |        ^^^^^
       = help: expected a number from 1 to 65535
    ");
}

#[test]
fn two_services_with_one_port() {
    insta::assert_snapshot!(complaint_with("port = 6379", "port = 5432"), @"
    error: two services have the port 5432
      --> akbuild.toml:73:8
       |
    73 | port = 5432
       |        ^^^^
       = help: all of them are reached at 127.0.0.1: choose another port
    ");
}

#[test]
fn a_service_without_a_script() {
    insta::assert_snapshot!(complaint_with("script = \"exec serve {x}\"\n", ""), @"
    error: `services` of `[smoke]` has no `script`
      --> akbuild.toml:63:1
       |
    63 | [[smoke.services]]
       | ^^^^^^^^^^^^^^^^^^
       = help: add `script = …`
    ");
}

#[test]
fn an_unknown_field_of_a_service() {
    insta::assert_snapshot!(complaint_with("env = { DATA = \"/tmp\" }", "environment = { DATA = \"/tmp\" }"), @r#"
    error: unknown field `environment`
      --> akbuild.toml:68:1
       |
    68 | environment = { DATA = "/tmp" }
       | ^^^^^^^^^^^ not a field of `services` of `[smoke]`
       = help: valid fields are `env`, `name`, `port`, `script`, `sysroot`
    "#);
}

#[test]
fn a_variable_of_a_service_without_a_name() {
    insta::assert_snapshot!(complaint_with("DATA = \"/tmp\"", "\"\" = \"/tmp\""), @r#"
    error: `` is no name of a variable
      --> akbuild.toml:68:9
       |
    68 | env = { "" = "/tmp" }
       |         ^
       = help: write a name that is not empty and has no `=`: `NAME = "value"`
    "#);
}

#[test]
fn two_things_of_one_name() {
    insta::assert_snapshot!(complaint_with("name = \"jobs\"", "name = \"server\""), @r#"
    error: `[smoke]` has two things called `server`
      --> akbuild.toml:95:9
       |
    95 | name = "server"
       |         ^^^^^^
       = help: logs are named after them: give each a name of its own
    "#);
}

#[test]
fn a_command_without_a_name() {
    insta::assert_snapshot!(complaint_with("name = \"migrations\"\n", ""), @"
    error: `commands` of `[smoke]` has no `name`
      --> akbuild.toml:76:1
       |
    76 | [[smoke.commands]]
       | ^^^^^^^^^^^^^^^^^^
       = help: add `name = …`
    ");
}

#[test]
fn arguments_that_are_one_text() {
    insta::assert_snapshot!(complaint_with("args = [\"migrate\"]", "args = \"migrate\""), @r#"
    error: `args` has the wrong type
      --> akbuild.toml:78:9
       |
    78 | args = "migrate"
       |         ^^^^^^^ expected an array of strings, found a string
    "#);
}

#[test]
fn a_file_with_a_relative_path() {
    insta::assert_snapshot!(complaint_with("path = \"/etc/migrations\"", "path = \"etc/migrations\""), @r#"
    error: bad path `etc/migrations`
      --> akbuild.toml:79:20
       |
    79 | files = [{ path = "etc/migrations", text = "{x}" }]
       |                    ^^^^^^^^^^^^^^ it is relative
       = help: write the whole path, from `/`
    "#);
}

#[test]
fn a_file_that_climbs() {
    insta::assert_snapshot!(complaint_with("path = \"/etc/migrations\"", "path = \"/etc/../migrations\""), @r#"
    error: bad path `/etc/../migrations`
      --> akbuild.toml:79:20
       |
    79 | files = [{ path = "/etc/../migrations", text = "{x}" }]
       |                    ^^^^^^^^^^^^^^^^^^ it has an empty part, `.` or `..`
       = help: write the whole path, from `/`
    "#);
}

#[test]
fn a_file_without_a_path() {
    insta::assert_snapshot!(complaint_with("path = \"/etc/migrations\", ", ""), @r#"
    error: `files` of `commands` of `[smoke]` has no `path`
      --> akbuild.toml:79:10
       |
    79 | files = [{ text = "{x}" }]
       |          ^^^^^^^^^^^^^^^^
       = help: add `path = …`
    "#);
}

#[test]
fn a_file_without_a_text() {
    insta::assert_snapshot!(complaint_with(", text = \"{x}\"", ""), @r#"
    error: `files` of `commands` of `[smoke]` has no `text`
      --> akbuild.toml:79:10
       |
    79 | files = [{ path = "/etc/migrations" }]
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = help: add `text = …`
    "#);
}

#[test]
fn two_files_at_one_path() {
    insta::assert_snapshot!(complaint_with("{ path = \"/etc/migrations\", text = \"{x}\" }", "{ path = \"/etc/a\", text = \"\" }, { path = \"/etc/a/\", text = \"\" }"), @r#"
    error: two files are mounted at `/etc/a`
      --> akbuild.toml:79:52
       |
    79 | files = [{ path = "/etc/a", text = "" }, { path = "/etc/a/", text = "" }]
       |                                                    ^^^^^^^
       = help: take one of them away
    "#);
}

#[test]
fn an_unknown_field_of_a_file() {
    insta::assert_snapshot!(complaint_with("text = \"{x}\"", "text = \"{x}\", executable = true"), @r#"
    error: unknown field `executable`
      --> akbuild.toml:79:52
       |
    79 | files = [{ path = "/etc/migrations", text = "{x}", executable = true }]
       |                                                    ^^^^^^^^^^ not a field of `files` of `commands` of `[smoke]`
       = help: valid fields are `path`, `text`
    "#);
}

#[test]
fn an_unknown_field_of_a_command() {
    insta::assert_snapshot!(complaint_with("args = [\"migrate\"]", "arguments = [\"migrate\"]"), @r#"
    error: unknown field `arguments`
      --> akbuild.toml:78:1
       |
    78 | arguments = ["migrate"]
       | ^^^^^^^^^ not a field of `commands` of `[smoke]`
       = help: valid fields are `allow_logs`, `args`, `env`, `files`, `name`
    "#);
}

#[test]
fn no_process() {
    insta::assert_snapshot!(complaint_with("[[smoke.processes]]\nname = \"server\"\nargs = [\"server\"]\nprobes = [{ port = 9000, path = \"/ready\", status = 204 }]\nexpect = [\"ready\"]\n", ""), @"
    error: `[smoke]` starts no process of the image
      --> akbuild.toml:56:2
       |
    56 | [smoke]
       |  ^^^^^
       = help: add `[[smoke.processes]]` with its `name` and `args`
    ");
}

#[test]
fn a_process_without_a_name() {
    insta::assert_snapshot!(complaint_with("name = \"server\"\n", ""), @"
    error: `processes` of `[smoke]` has no `name`
      --> akbuild.toml:81:1
       |
    81 | [[smoke.processes]]
       | ^^^^^^^^^^^^^^^^^^^
       = help: add `name = …`
    ");
}

#[test]
fn a_probe_without_a_port() {
    insta::assert_snapshot!(complaint_with("port = 9000, path = \"/ready\"", "path = \"/ready\""), @r#"
    error: `probes` of `processes` of `[smoke]` has no `port`
      --> akbuild.toml:84:11
       |
    84 | probes = [{ path = "/ready", status = 204 }]
       |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = help: add `port = …`
    "#);
}

#[test]
fn a_probe_without_a_path() {
    insta::assert_snapshot!(complaint_with(", path = \"/ready\"", ""), @"
    error: `probes` of `processes` of `[smoke]` has no `path`
      --> akbuild.toml:84:11
       |
    84 | probes = [{ port = 9000, status = 204 }]
       |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = help: add `path = …`
    ");
}

#[test]
fn a_probe_of_a_whole_address() {
    insta::assert_snapshot!(complaint_with("path = \"/ready\"", "path = \"http://localhost/ready\""), @r#"
    error: `http://localhost/ready` does not begin with `/`
      --> akbuild.toml:84:34
       |
    84 | probes = [{ port = 9000, path = "http://localhost/ready", status = 204 }]
       |                                  ^^^^^^^^^^^^^^^^^^^^^^
       = help: write what follows the port in the address: `"/if/user/"`
    "#);
}

#[test]
fn a_status_that_is_none() {
    insta::assert_snapshot!(complaint_with("status = 204", "status = 20"), @r#"
    error: `status` is out of range: 20
      --> akbuild.toml:84:52
       |
    84 | probes = [{ port = 9000, path = "/ready", status = 20 }]
       |                                                    ^^
       = help: expected a number from 100 to 599
    "#);
}

#[test]
fn an_unknown_field_of_a_probe() {
    insta::assert_snapshot!(complaint_with("status = 204", "code = 204"), @r#"
    error: unknown field `code`
      --> akbuild.toml:84:43
       |
    84 | probes = [{ port = 9000, path = "/ready", code = 204 }]
       |                                           ^^^^ not a field of `probes` of `processes` of `[smoke]`
       = help: valid fields are `path`, `port`, `status`
    "#);
}

#[test]
fn an_unknown_field_of_a_process() {
    insta::assert_snapshot!(complaint_with("expect = [\"ready\"]", "expects = [\"ready\"]"), @r#"
    error: unknown field `expects`
      --> akbuild.toml:85:1
       |
    85 | expects = ["ready"]
       | ^^^^^^^ not a field of `processes` of `[smoke]`
       = help: valid fields are `allow_logs`, `args`, `env`, `expect`, `files`, `name`, `probes`; did you mean `expect`?
    "#);
}

#[test]
fn a_page_of_no_process() {
    insta::assert_snapshot!(complaint_with("process = \"server\"", "process = \"sever\""), @r#"
    error: no process `sever`
      --> akbuild.toml:88:12
       |
    88 | process = "sever"
       |            ^^^^^
       = help: did you mean `server`?
    "#);
}

#[test]
fn a_page_of_a_service() {
    insta::assert_snapshot!(complaint_with("process = \"server\"", "process = \"database\""), @r#"
    error: no process `database`
      --> akbuild.toml:88:12
       |
    88 | process = "database"
       |            ^^^^^^^^
       = help: there are `server`
    "#);
}

#[test]
fn a_page_without_a_process() {
    insta::assert_snapshot!(complaint_with("process = \"server\"\n", ""), @"
    error: `pages` of `[smoke]` has no `process`
      --> akbuild.toml:87:1
       |
    87 | [[smoke.pages]]
       | ^^^^^^^^^^^^^^^
       = help: add `process = …`
    ");
}

#[test]
fn a_page_without_a_path() {
    insta::assert_snapshot!(complaint_with("path = \"/\"\n", ""), @"
    error: `pages` of `[smoke]` has no `path`
      --> akbuild.toml:87:1
       |
    87 | [[smoke.pages]]
       | ^^^^^^^^^^^^^^^
       = help: add `path = …`
    ");
}

#[test]
fn a_page_whose_path_is_relative() {
    insta::assert_snapshot!(complaint_with("path = \"/\"\n", "path = \"\"\n"), @r#"
    error: `` does not begin with `/`
      --> akbuild.toml:90:8
       |
    90 | path = ""
       |        ^
       = help: write what follows the port in the address: `"/if/user/"`
    "#);
}

#[test]
fn a_page_without_a_port() {
    insta::assert_snapshot!(complaint_with("process = \"server\"\nport = 9000", "process = \"server\""), @"
    error: `pages` of `[smoke]` has no `port`
      --> akbuild.toml:87:1
       |
    87 | [[smoke.pages]]
       | ^^^^^^^^^^^^^^^
       = help: add `port = …`
    ");
}

#[test]
fn assets_that_are_a_list() {
    insta::assert_snapshot!(complaint_with("assets = false", "assets = [\"a.js\"]"), @r#"
    error: `assets` has the wrong type
      --> akbuild.toml:92:10
       |
    92 | assets = ["a.js"]
       |          ^^^^^^^^ expected `true` or `false`, found an array
    "#);
}

#[test]
fn an_unknown_field_of_a_page() {
    insta::assert_snapshot!(complaint_with("contains = [\"welcome\"]", "contain = [\"welcome\"]"), @r#"
    error: unknown field `contain`
      --> akbuild.toml:91:1
       |
    91 | contain = ["welcome"]
       | ^^^^^^^ not a field of `pages` of `[smoke]`
       = help: valid fields are `assets`, `contains`, `path`, `port`, `process`; did you mean `contains`?
    "#);
}

#[test]
fn a_check_without_a_script() {
    insta::assert_snapshot!(complaint_with("script = \"true\"\n", ""), @"
    error: `checks` of `[smoke]` has no `script`
      --> akbuild.toml:94:1
       |
    94 | [[smoke.checks]]
       | ^^^^^^^^^^^^^^^^
       = help: add `script = …`
    ");
}

#[test]
fn a_check_without_a_sysroot() {
    insta::assert_snapshot!(complaint_with("name = \"jobs\"\nsysroot = \"runtime\"\n", "name = \"jobs\"\n"), @"
    error: `checks` of `[smoke]` has no `sysroot`
      --> akbuild.toml:94:1
       |
    94 | [[smoke.checks]]
       | ^^^^^^^^^^^^^^^^
       = help: add `sysroot = …`
    ");
}

#[test]
fn an_unknown_field_of_a_check() {
    insta::assert_snapshot!(complaint_with("script = \"true\"", "script = \"true\"\ntimeout = 1"), @"
    error: unknown field `timeout`
      --> akbuild.toml:98:1
       |
    98 | timeout = 1
       | ^^^^^^^ not a field of `checks` of `[smoke]`
       = help: valid fields are `env`, `name`, `once`, `script`, `sysroot`
    ");
}

#[test]
fn commands_that_are_one_table() {
    insta::assert_snapshot!(complaint_with("[[smoke.commands]]", "[smoke.commands]"), @"
    error: `commands` has the wrong type
      --> akbuild.toml:76:1
       |
    76 | [smoke.commands]
       | ^^^^^^^^^^^^^^^^ expected an array of tables, found a table
       = help: begin each with a line in two brackets: `[[…]]`
    ");
}

#[test]
fn a_check_that_is_made_twice() {
    insta::assert_snapshot!(complaint_with("script = \"true\"", "script = \"true\"\nonce = 2"), @"
    error: `once` has the wrong type
      --> akbuild.toml:98:8
       |
    98 | once = 2
       |        ^ expected `true` or `false`, found an integer
    ");
}

#[test]
fn a_section_that_is_no_table() {
    insta::assert_snapshot!(with_images("[[smoke]]\nimage = \"image\"\n").unwrap_err(), @"
    error: `smoke` has the wrong type
      --> akbuild.toml:51:1
       |
    51 | [[smoke]]
       | ^^^^^^^^^ expected a table, found an array
    ");
}

#[test]
fn no_image_at_all() {
    insta::assert_snapshot!(with_images("[smoke]\nimage = \"web\"\nprocesses = [{ name = \"a\" }]\n").unwrap_err(), @r#"
    error: stage `web`, which `[smoke]` starts, makes no image
      --> akbuild.toml:52:10
       |
    52 | image = "web"
       |          ^^^
       = help: the recipe has no image: add a stage of the kind `image`, and name it here
    "#);
}
