//! `akbuild smoke`: an image that works, and the first thing that is wrong with others.

use rustix::process::{Pid, Signal, kill_process};

use crate::archive::busybox;
use crate::gate::Live;
use crate::image::files;
use crate::world::{Ran, World, text};

/// An image with a web server and a worker, and a service that answers a line.
const SMOKE: &str = r#"
[sysroots.run]
extends = "build"
packages = ["busybox"]
essential = false

[stages.last]
kind = "run"
script = '''
mkdir -p "$out/www/static"
echo '<html><link rel="stylesheet" href="/static/a.css"><script src="/static/a.js"></script>welcome</html>' > "$out/www/index.html"
echo 'a { background: url(b.css) }' > "$out/www/static/a.css"
echo 'b {}' > "$out/www/static/b.css"
echo 'import "./c.js"' > "$out/www/static/a.js"
echo 'let c' > "$out/www/static/c.js"
'''

[stages.image]
kind = "image"
tree = "last"
sysroot = "run"
folders = [{ path = "tmp", mode = "1777" }, { path = "data", mode = "777" }]
entrypoint = ["/start"]
user = "65534"
env = { TMPDIR = "/tmp" }

[[stages.image.files]]
path = "start"
executable = true
text = '''
#!/bin/bash
set -e
echo "$*" > "$TMPDIR/started"
case "$1" in
    migrate) exec 3<>/dev/tcp/127.0.0.1/5432; head -1 <&3 ;;
    server) exec busybox httpd -f -p 127.0.0.1:9000 -h {prefix}/www ;;
    worker)
        trap 'echo bye; exit 0' TERM
        for file in /data/custom/*; do echo "found ${file##*/}"; done
        while :; do sleep 0.05; done
        ;;
esac
'''

[smoke]
image = "image"
memory_mib = 512
timeout = 60
grace = 20

[[smoke.services]]
name = "database"
sysroot = "run"
port = 5432
script = 'exec busybox nc -ll -p 5432 -e /usr/bin/busybox echo here'

[[smoke.commands]]
name = "migrations"
args = ["migrate"]

[[smoke.processes]]
name = "server"
args = ["server"]
probes = [{ port = 9000, path = "/" }, { port = 9000, path = "/none", status = 404 }]

[[smoke.processes]]
name = "worker"
args = ["worker"]
expect = ["found mounted"]
files = [{ path = "/data/custom/mounted", text = "x" }]

[[smoke.pages]]
process = "server"
port = 9000
path = "/"
contains = ["welcome"]

[[smoke.checks]]
name = "answers"
sysroot = "run"
script = 'exec 3<>/dev/tcp/127.0.0.1/5432; [ "$(head -1 <&3)" = here ]'
"#;

/// `None` where there is no busybox, which a machine of our own must have.
fn world(change: impl Fn(&str) -> String) -> Option<World> {
    if busybox().is_none() {
        assert!(std::env::var_os("CI").is_none(), "install busybox-static");
        return None;
    }
    let world = World::new(&change(SMOKE));
    files(&world);
    Some(world)
}

/// The finding of a smoke test of a changed recipe: the line, and its causes.
fn found(from: &str, to: &str) -> Option<String> {
    assert_eq!(SMOKE.matches(from).count(), 1, "{from}");
    // What never comes is not waited for so long.
    let soon = |recipe: &str| recipe.replace("timeout = 60", "timeout = 8").replace("grace = 20", "grace = 2");
    let world = world(|recipe| soon(recipe).replace(from, to))?;
    Some(finding(&world.run(&["smoke", "--json"])))
}

fn finding(ran: &Ran) -> String {
    assert_eq!(ran.code, Some(3), "{}\n{}", ran.out, ran.err);
    let event = ran.events().into_iter().find(|event| event["reason"] == "smoke").unwrap();
    let finding = &event["finding"];
    let causes = finding["causes"].as_array().unwrap().iter().map(text);
    std::iter::once(text(&finding["what"])).chain(causes).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_image_that_works() {
    let Some(world) = world(str::to_owned) else { return };
    works(&world);
}

#[test]
fn the_same_as_an_ordinary_user() {
    if busybox().is_none() {
        return;
    }
    let world = World::of_user(SMOKE);
    files(&world);
    world.lock();
    works(&world);
}

fn works(world: &World) {
    let ran = world.run(&["smoke", "--json"]).ok();
    let events = ran.events();
    let event = events.iter().find(|event| event["reason"] == "smoke").unwrap();
    let done: Vec<&str> = event["done"].as_array().unwrap().iter().map(|done| text(&done["what"])).collect();
    insta::allow_duplicates! {
        insta::assert_snapshot!(done.join("\n"), @"
        the image is sound
        service `database` listens on port 5432
        command `migrations` succeeds
        process `server` answers 200 at :9000/
        process `server` answers 404 at :9000/none
        process `worker` writes `found mounted`
        page / is there
        check `answers` comes true
        the processes end within 20 s of SIGTERM
        ");
    }
    let page = event["done"].as_array().unwrap().iter().find(|done| done["what"] == "page / is there").unwrap();
    assert_eq!(page["note"], "101 bytes; 4 files that it names, 56 bytes");
    assert!(event["memory"].as_array().unwrap().iter().all(|memory| memory["peak"].as_u64().unwrap() > 0));
    assert_eq!(events.last().unwrap()["reason"], "finished");
    let logs = std::path::Path::new(text(&event["logs"]));
    assert_eq!(std::fs::read_to_string(logs.join("smoke_worker.log")).unwrap(), "found mounted\nbye\n");
    assert_eq!(world.bucket("tmp-v1"), Vec::<String>::new());
}

/// `akbuild run` and a smoke test launch the same process, whose environment is that of a container.
#[test]
fn a_process_has_the_same_environment_as_in_akbuild_run() {
    let printed = "migrate) unset _; declare -x | busybox grep -v -e OLDPWD -e SHLVL";
    let Some(world) = world(|recipe| recipe.replace("migrate) exec 3<>/dev/tcp/127.0.0.1/5432; head -1 <&3", printed))
    else {
        return;
    };
    let ran = world.run(&["smoke", "--json"]).ok();
    let event = ran.events().into_iter().find(|event| event["reason"] == "smoke").unwrap();
    let log = std::path::Path::new(text(&event["logs"])).join("smoke_migrations.log");
    let tested = std::fs::read_to_string(log).unwrap();
    insta::assert_snapshot!(tested, @r#"
    declare -x HOME="/nonexistent"
    declare -x HOSTNAME="localhost"
    declare -x PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    declare -x PWD="/"
    declare -x TMPDIR="/tmp"
    "#);
    assert_eq!(world.run(&["run", "--quiet", "migrate"]).ok().out, tested);
}

#[test]
fn the_memory_of_a_process_is_what_the_kernel_has_counted() {
    // It holds that only until it becomes the server.
    let held = "    server) x=$(busybox head -c 48000000 /dev/zero | busybox tr '\\0' x); ";
    let Some(world) = world(|recipe| recipe.replace("    server) ", held)) else { return };
    let ran = world.run(&["smoke", "--json"]).ok();
    let event = ran.events().into_iter().find(|event| event["reason"] == "smoke").unwrap();
    let memory = &event["memory"][0];
    assert_eq!(memory["process"], "server");
    assert!(memory["peak"].as_u64().unwrap() >= 48_000_000, "{memory}");
    assert!(["process", "group"].contains(&text(&memory["scope"])), "{memory}");
    // What akbuild itself holds is not in it.
    let small = &event["memory"][1]["largest"];
    assert!(small.as_u64().unwrap() < 48_000_000, "{event}");
}

#[test]
fn a_page_that_names_no_file_is_told_with_its_size() {
    let plain = |recipe: &str| {
        let (begin, rest) = recipe.split_once("echo '<html>").unwrap();
        let (_, rest) = rest.split_once("</html>'").unwrap();
        format!("{begin}echo '<html>welcome</html>'{rest}")
    };
    let Some(world) = world(plain) else { return };
    let ran = world.run(&["smoke", "--json"]).ok();
    let event = ran.events().into_iter().find(|event| event["reason"] == "smoke").unwrap();
    let page = event["done"].as_array().unwrap().iter().find(|done| done["what"] == "page / is there").unwrap();
    assert_eq!(page["note"], "21 bytes; it names no file of its server");
}

/// What a worker writes that has lost a task and goes on.
const TRACEBACK: &str = "    worker) printf '%s\\n' started 'Traceback (most recent call last):' '  File \"x.py\", line 3' \
        '    y = z[0]' \"KeyError: 'z'\" 'going on'\n";

#[test]
fn a_process_that_logs_a_traceback_does_not_work() {
    let Some(world) = world(|recipe| recipe.replace("    worker)\n", TRACEBACK)) else { return };
    let said = world.run(&["smoke", "--quiet"]).to_string();
    // Before it stands the memory that was held, and who has counted it.
    let (_, said) = said.split_once("--- exit 3\n").unwrap();
    insta::assert_snapshot!(said, @r#"
    error: process `worker` logged a Python traceback
      KeyError: 'z'
      `worker` wrote, from line 2 of its log:
        | Traceback (most recent call last):
        |  File "x.py", line 3
        |  y = z[0]
        | KeyError: 'z'
      help: if it is expected, add a text of it to `allow_logs` of `worker` in the recipe; the whole log is `[HOME]/builds-v1/[NAME]/smoke_worker.log`
    "#);
}

#[test]
fn a_traceback_that_the_recipe_expects_is_allowed() {
    let allowed = "allow_logs = [\"KeyError: 'z'\"]\nexpect = [\"found mounted\"]";
    let change =
        |recipe: &str| recipe.replace("    worker)\n", TRACEBACK).replace("expect = [\"found mounted\"]", allowed);
    let Some(world) = world(change) else { return };
    let _ = world.run(&["smoke"]).ok();
}

#[test]
fn a_command_that_logs_a_traceback_does_not_work() {
    let raised = "migrate) printf '%s\\n' 'Traceback (most recent call last):' '  File \"x.py\"' 'OSError: no'; exec";
    let Some(said) = found("migrate) exec", raised) else { return };
    insta::assert_snapshot!(said, @"
    command `migrations` logged a Python traceback
    OSError: no
    ");
}

#[test]
fn a_line_that_has_nothing_to_do_with_it_is_not_blamed() {
    let says = "        echo \"could not find a plugin, error: none is there\"; echo Found Mounted\n        for file in /data/custom/";
    let change = |recipe: &str| {
        let recipe = recipe.replace("timeout = 60", "timeout = 4").replace("found mounted\"]", "found mounted: x\"]");
        recipe.replace("        for file in /data/custom/", says).replace("Found Mounted", "Found Mounted: x")
    };
    let Some(world) = world(change) else { return };
    insta::assert_snapshot!(world.run(&["smoke", "--quiet"]), @"
    report and logs: [HOME]/builds-v1/[NAME]
    --- exit 3
    error: process `worker` does not write `found mounted: x`; it wrote 3 lines without it
      it was awaited for 4 s
      line 2 has it with other capital letters: Found Mounted: x
      the last lines of `worker`:
        | could not find a plugin, error: none is there
        | Found Mounted: x
        | found mounted
      help: the whole log is `[HOME]/builds-v1/[NAME]/smoke_worker.log`
    ");
}

#[test]
fn a_text_is_not_awaited_of_a_process_that_has_ended() {
    let ends = "        echo \"error: no queue\"; exit 3\n        for file in /data/custom/";
    let change = |recipe: &str| {
        // Were it awaited, the error would be another one.
        recipe.replace("timeout = 60", "timeout = 600").replace("        for file in /data/custom/", ends)
    };
    let Some(world) = world(change) else { return };
    insta::assert_snapshot!(finding(&world.run(&["smoke", "--json"])), @"
    process `worker` exited with status 3, and should go on
    error: no queue
    ");
}

#[test]
fn a_text_is_not_awaited_of_a_process_that_has_crashed() {
    let change = |recipe: &str| {
        let recipe = recipe.replace("timeout = 60", "timeout = 600").replace("found mounted\"]", "never\"]");
        recipe.replace("    worker)\n", TRACEBACK)
    };
    let Some(world) = world(change) else { return };
    let said = finding(&world.run(&["smoke", "--json"]));
    // How many lines there are by then is a matter of time.
    let (said, _) = said.split_once("; it wrote ").unwrap();
    insta::assert_snapshot!(said, @"
    process `worker` logged a Python traceback
    KeyError: 'z'
    meanwhile: process `worker` does not write `never`
    ");
}

#[test]
fn a_database_of_the_previous_image() {
    let Some(world) = world(str::to_owned) else { return };
    let _ = world.run(&["image", "--output", "old", "--format", "oci", "--bare"]).ok();
    world.edit("akbuild.toml", "echo 'let c'", "echo 'let d'");
    let ran = world.run(&["smoke", "--json", "--from", "old"]).ok();
    let event = ran.events().into_iter().find(|event| event["reason"] == "smoke").unwrap();
    let done: Vec<String> =
        event["done"].as_array().unwrap().iter().map(|done| text(&done["what"]).to_owned()).collect();
    assert!(done.contains(&"command `migrations` of the previous image succeeds".to_owned()), "{done:?}");
    assert!(done.contains(&"command `migrations` succeeds".to_owned()), "{done:?}");
}

#[test]
fn no_folder_for_temporary_files() {
    let Some(said) = found("{ path = \"tmp\", mode = \"1777\" }, ", "") else { return };
    insta::assert_snapshot!(said, @"
    the image has no folder for temporary files
    user 65534 may not write to `/tmp`: it belongs to 0:0 and its mode is 755
    `TMPDIR` is `/tmp`
    ");
    let Some(said) = found("TMPDIR = \"/tmp\"", "TMPDIR = \"/opt/tiny\"") else { return };
    insta::assert_snapshot!(said, @"
    the image has no folder for temporary files
    user 65534 may not write to `/opt/tiny`: it belongs to 0:0 and its mode is 755
    `TMPDIR` is `/opt/tiny`
    ");
    let Some(said) = found("TMPDIR = \"/tmp\"", "TMPDIR = \"/nowhere\"") else { return };
    insta::assert_snapshot!(said, @"
    the image has no folder for temporary files
    `/nowhere` is not in the image
    `TMPDIR` is `/nowhere`
    ");
}

#[test]
fn a_variable_that_leads_nowhere() {
    let Some(said) = found("TMPDIR = \"/tmp\"", "TMPDIR = \"/tmp\", ZONES_DIR = \"/usr/share/zones\"") else { return };
    insta::assert_snapshot!(said, @"
    the variable `ZONES_DIR` leads nowhere
    `/usr/share/zones` is not in the image
    ");
}

#[test]
fn an_entry_point_that_is_not_there() {
    let problem = |from: &str, to: &str| {
        let world = world(|recipe| recipe.replace(from, to))?;
        let ran = world.run(&["build", "image", "--json"]);
        assert_eq!(ran.code, Some(0), "{ran}");
        let is_warning = |event: &serde_json::Value| event["reason"] == "warning";
        let warning = ran.events().into_iter().find(is_warning).unwrap()["message"].as_str().unwrap().to_owned();
        Some(warning.lines().next().unwrap().to_owned())
    };
    let entry = "entrypoint = [\"/start\"]";
    let Some(said) = problem(entry, "entrypoint = [\"/begin\"]") else { return };
    insta::assert_snapshot!(said, @"the image of stage `image` cannot be started: there is no program `/begin` in it");
    let Some(said) = problem(entry, "entrypoint = [\"{prefix}/www/index.html\"]") else { return };
    insta::assert_snapshot!(said, @"the image of stage `image` cannot be started: `/opt/tiny/www/index.html` cannot be executed");
    let Some(said) = problem("#!/bin/bash\nset -e", "#!/usr/bin/python3\nset -e") else { return };
    insta::assert_snapshot!(said, @"the image of stage `image` cannot be started: `/start` is for `/usr/bin/python3`, which is not in it");
    let Some(said) = problem("#!/bin/bash\nset -e", "#!/usr/bin/env python3\nset -e") else { return };
    insta::assert_snapshot!(said, @"the image of stage `image` cannot be started: `/start` is for `/usr/bin/env`, and there is no program `python3` in `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`");
}

#[test]
fn a_program_that_is_not_there() {
    let Some(said) = found("exec busybox httpd -f", "exec gunicorn -f") else { return };
    insta::assert_snapshot!(said, @"
    process `server` exited with status 127, and should go on
    /start: line 6: exec: gunicorn: not found
    ");
}

#[test]
fn a_file_at_another_place() {
    let Some(said) = found("    server) ", "    server) cat {prefix}/static/static/a.css; ") else { return };
    insta::assert_snapshot!(said, @"
    process `server` exited with status 1, and should go on
    cat: /opt/tiny/static/static/a.css: No such file or directory
    `/opt/tiny/static/static/a.css` is not in the image; `/opt/tiny/www/static/a.css` is
    ");
}

#[test]
fn a_command_that_fails() {
    let Some(said) = found("migrate) exec", "migrate) echo 'error: no column x'; exit 4; exec") else { return };
    insta::assert_snapshot!(said, @"
    command `migrations` exited with status 4
    error: no column x
    ");
}

#[test]
fn a_service_that_does_not_start() {
    let Some(said) = found("exec busybox nc -ll", "echo no room; exit 1; exec busybox nc -ll") else { return };
    insta::assert_snapshot!(said, @"service `database` exited with status 1");
}

#[test]
fn a_page_that_lacks_something() {
    let Some(said) = found("echo 'let c' > \"$out/www/static/c.js\"", "") else { return };
    insta::assert_snapshot!(said, @"
    /static/c.js is answered with 404
    /static/a.js names it
    ");
    let Some(said) = found("contains = [\"welcome\"]", "contains = [\"farewell\"]\nassets = false") else { return };
    insta::assert_snapshot!(said, @"page / is not there: it does not have `farewell`");
}

#[test]
fn what_a_page_behind_a_redirect_names_is_relative_to_where_it_is() {
    // For a folder without its slash, the server names the one with it.
    let app = "mkdir -p \"$out/www/app\"\n\
        echo '<script src=own.js></script>welcome' > \"$out/www/app/index.html\"\n\
        echo 'let own' > \"$out/www/app/own.js\"\necho 'b {}'";
    let change = |recipe: &str| {
        let recipe = recipe.replace("echo 'b {}'", app).replace("path = \"/\"\ncontains", "path = \"/app\"\ncontains");
        assert!(recipe.contains("own.js") && recipe.contains("path = \"/app\""));
        recipe
    };
    let Some(world) = world(change) else { return };
    let ran = world.run(&["smoke", "--json"]).ok();
    let event = ran.events().into_iter().find(|event| event["reason"] == "smoke").unwrap();
    let page = event["done"].as_array().unwrap().iter().find(|done| done["what"] == "page /app is there").unwrap();
    assert_eq!(text(&page["note"]), "36 bytes; 1 file that it names, 8 bytes");
}

#[test]
fn a_check_ends_at_an_interrupt() {
    let Some(world) =
        world(|recipe| recipe.replace("script = 'exec 3<>/dev/tcp/", "script = 'sleep 1000; exec 3<>/dev/tcp/"))
    else {
        return;
    };
    let mut run = Live::start(&world, &["smoke"]);
    run.wait_until(|event| event["reason"] == "note" && event.to_string().contains("page / is there"));
    kill_process(Pid::from_raw(run.pid().try_into().unwrap()).unwrap(), Signal::INT).unwrap();
    let ran = run.end(&world);
    assert_eq!(ran.code, Some(130), "{ran}");
    // In order: had it been ended for want of patience, the image would be there.
    assert_eq!(world.bucket("tmp-v1"), Vec::<String>::new());
}

#[test]
fn a_probe_that_is_not_answered() {
    let Some(said) = found("path = \"/none\", status = 404", "path = \"/none\", status = 200") else { return };
    insta::assert_snapshot!(said, @"process `server` is not well at :9000/none: it answers 404");
}

#[test]
fn a_check_that_does_not_come_true() {
    let Some(said) = found("= here ]", "= there ]") else { return };
    insta::assert_snapshot!(said, @"check `answers` does not come true: exited with status 1");
}

#[test]
fn a_process_that_does_not_end() {
    let Some(said) = found("trap 'echo bye; exit 0' TERM", "trap : TERM") else { return };
    insta::assert_snapshot!(said, @"process `worker` goes on for more than 2 s after SIGTERM");
}

#[test]
fn what_is_found_is_told() {
    let Some(world) =
        world(|recipe| recipe.replace("migrate) exec", "migrate) echo 'error: no column x'; exit 4; exec"))
    else {
        return;
    };
    let ran = world.run(&["smoke", "--quiet"]);
    insta::assert_snapshot!(ran, @"
    report and logs: [HOME]/builds-v1/[NAME]
    --- exit 3
    error: command `migrations` exited with status 4
      error: no column x
      the last lines of `migrations`:
        | error: no column x
      help: the whole log is `[HOME]/builds-v1/[NAME]/smoke_migrations.log`
    ");
}

#[test]
fn nothing_says_how_it_is_tried() {
    let world = World::new(crate::image::IMAGE);
    files(&world);
    insta::assert_snapshot!(world.run(&["smoke"]), @"
    --- exit 1
    error: the recipe does not say how the image is tried
      help: add `[smoke]` with what is to be started (docs/recipe.md)
    ");
}

#[test]
fn a_previous_image_that_is_none() {
    let Some(world) = world(str::to_owned) else { return };
    let value = |from: &str| world.run(&["smoke", "--quiet", "--from", from]).failed().err;
    insta::assert_snapshot!(value("./nowhere"), @"
    error: `./nowhere` is no folder with an image
      help: make one with `akbuild image --format oci --output FOLDER`, or name a reference
    ");
    insta::assert_snapshot!(world.run(&["smoke", "--quiet", "--offline", "--from", "r.example/x:1"]).err, @"
    error: `r.example/x:1` cannot be pulled with `--offline`
      help: name a folder with an image, or leave one of the two out
    ");
    insta::assert_snapshot!(value("nowhere"), @"
    error: `nowhere` does not say in which registry it is
      help: write the registry's host in front: `registry.example/nowhere`
    ");
}
