//! Servers that keep a run waiting, and pages, locks and recipes that name what is not theirs.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::archive::PACKAGE;
use crate::basics::{STAGES, files};
use crate::gate::{Live, until};
use crate::server::Reply;
use crate::world::{Ran, World};

const TARBALL: &str = r#"
[sources.data]
tarball = "SERVER/data.tar"

[stages.last]
kind = "tree"
pieces = [{ from = "data" }]
"#;

const GIT: &str = r#"
[sources.data]
git = "SERVER/data.git"
branch = "main"

[stages.last]
kind = "tree"
pieces = [{ from = "data" }]
"#;

const TOOL: &str = r#"
[tools.thing]
python = "thing==1.0"

[stages.last]
kind = "run"
script = "thing"
tools = ["thing"]
"#;

fn interrupt(pid: u32) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::INT).unwrap();
}

/// A run that is interrupted has 900 ms to end in order, and is ended then: where a machine is so slow, it is tried again.
fn in_order(once: impl Fn() -> Option<()>) {
    (0..5).find_map(|_| once()).expect("one of the runs ends in order");
}

#[test]
fn an_interrupt_ends_a_build_that_waits_for_a_server() {
    for reply in [Reply::Silent, Reply::Drip, Reply::Busy] {
        in_order(|| {
            let world = World::new(STAGES);
            files(&world);
            let package = format!("/debian/{PACKAGE}");
            let before = world.server.asked(&package);
            world.server.put(&package, reply.clone());
            let mut run = Live::start(&world, &["all"]);
            match reply {
                Reply::Busy => drop(run.wait_until(|event| event["reason"] == "server-wait")),
                _ => until("request", || (world.server.asked(&package) > before).then_some(())),
            }
            interrupt(run.pid());
            let ran = run.end(&world);
            assert_eq!(ran.code, Some(130), "{ran}");
            let last = ran.events().pop().unwrap();
            (last["reason"] == "finished" && last["cancelled"] == true).then_some(())
        });
    }
}

#[test]
fn an_interrupt_ends_a_lock_that_waits_for_a_server() {
    let cases = [
        (TARBALL, "/data.tar"),
        (GIT, "/data.git/info/refs?service=git-upload-pack"),
        (STAGES, "/debian/dists/sid/InRelease"),
    ];
    for (stages, path) in cases {
        for reply in [Reply::Silent, Reply::Drip, Reply::Busy] {
            in_order(|| {
                let world = World::unlocked(stages);
                world.server.put(path, reply.clone());
                let child = world.command(&["lock"]).stdin(Stdio::null()).spawn().unwrap();
                until("request", || (world.server.asked(path) > 0).then_some(()));
                interrupt(child.id());
                let ran = world.end(child);
                assert_eq!(ran.code, Some(130), "{path}: {ran}");
                // A run that is ended by force leaves its folder.
                world.bucket("tmp-v1").is_empty().then_some(())
            });
        }
    }
}

#[test]
fn a_wait_for_a_server_is_shown() {
    let world = World::unlocked(TARBALL);
    world.server.put("/data.tar", Reply::Busy);
    let mut run = Live::start(&world, &["lock"]);
    let mut event = run.wait_until(|event| event["reason"] == "server-wait");
    interrupt(run.pid());
    let _ = run.end(&world);
    let host = event["host"].take();
    assert!(host.as_str().unwrap().starts_with("127.0.0.1:"), "{host}");
    insta::assert_snapshot!(event, @r#"{"reason":"server-wait","host":null,"seconds":60.0,"attempt":1,"error":"429 Too Many Requests"}"#);
}

/// A world with a tool whose page of the Python index links to `target`.
fn tool(target: &str) -> World {
    let world = World::unlocked(TOOL);
    files(&world);
    let digest = "0".repeat(64);
    let name = "thing-1.0-py3-none-any.whl";
    let page =
        format!(r#"<html><a href="{target}#sha256={digest}">{name}</a></html>"#, target = target.replace("NAME", name));
    world.server.put("/simple/thing/", Reply::File(page.into_bytes()));
    let overlay = world.read("akbuild.local.toml");
    let index = world.server.url("/simple/");
    let line = overlay.lines().find(|line| line.starts_with("python")).unwrap().to_owned();
    world.write("akbuild.local.toml", &overlay.replace(&line, &format!("python = {index:?}")));
    world.lock();
    world
}

#[test]
fn a_page_from_the_web_names_a_file_of_this_machine() {
    let fifo = tempfile::tempdir().unwrap();
    let path = fifo.path().join("thing-1.0-py3-none-any.whl");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
    let ran = bounded(&tool(&format!("file://{}/NAME", fifo.path().display())), &["all"]);
    assert!(ran.err.contains("only the configuration of this machine"), "{ran}");
    assert!(ran.err.contains("its link to thing-1.0-py3-none-any.whl"), "{ran}");
}

/// A run that has to fail, and by itself.
fn bounded(world: &World, args: &[&str]) -> Ran {
    let mut child = world.start(args);
    let mut ended = || child.try_wait().unwrap().map(drop);
    // Pipes hold what little such a run writes.
    until("end of the run", &mut ended);
    world.end(child).failed()
}

#[test]
fn a_recipe_names_a_file_of_this_machine_and_the_overlay_may() {
    let world = World::unlocked(&TARBALL.replace("SERVER/data.tar", "file:///dev/zero"));
    insta::assert_snapshot!(bounded(&world, &["lock"]), @"
    --- exit 1
    pinning source `data`
    error: `file:///dev/zero` is refused: only the configuration of this machine and akbuild.local.toml may name files of this machine
    ");
    let world = World::unlocked(TARBALL);
    let overlay = world.read("akbuild.local.toml");
    let named = |url: &str| world.write("akbuild.local.toml", &format!("{overlay}\n[sources.data]\nurl = {url:?}\n"));
    named("file:///dev/zero");
    let ran = bounded(&world, &["lock"]);
    assert!(ran.err.contains("is not a regular file"), "{ran}");
    std::fs::write(world.path("data.tar"), tar::Builder::new(Vec::new()).into_inner().unwrap()).unwrap();
    named(&format!("file://{}", world.path("data.tar").display()));
    let shown = world.run(&["lock"]).to_string();
    assert!(!shown.contains("refused") && !shown.contains("regular"), "{shown}");
}

#[test]
fn a_redirect_does_not_leave_the_web() {
    let world = World::unlocked(TARBALL);
    world.server.put("/data.tar", Reply::To("file:///etc/passwd".to_owned()));
    let ran = bounded(&world, &["lock"]);
    insta::assert_snapshot!(ran, @"
    --- exit 1
    pinning source `data`
    error: no mirror gave an answer:
      [SERVER]/data.tar: it redirects to file:///etc/passwd, which is neither http nor https
    check the connection, the proxy variables and the credentials, then run the same again
    ");
}

#[test]
fn no_output_shows_a_secret() {
    let hides = |world: &World, args: &[&str]| {
        let ran = world.run(args);
        let shown = format!("{}{}", ran.out, ran.err);
        assert!(!shown.contains("us3r") && !shown.contains("s3cret"), "{shown}");
        shown
    };
    let world = World::unlocked(TARBALL);
    let secret = world.server.url("").replace("http://", "http://us3r:s3cret@");
    let overlay = world.read("akbuild.local.toml");
    let with_secret = overlay.replace(&world.server.url(""), &secret);
    world.write(
        "akbuild.local.toml",
        &format!("{with_secret}\n[sources.data]\nurl = \"{secret}/data.tar?token=s3cret\"\n"),
    );
    // The tarball is 404.
    assert!(hides(&world, &["lock", "-vv"]).contains("/data.tar: 404"));
    world.write("akbuild.local.toml", &with_secret.replacen("http://us3r", "http//us3r", 3));
    hides(&world, &["lock", "-vv"]);
    world.write("akbuild.local.toml", &with_secret.replacen("\"]", "]", 1));
    assert!(hides(&world, &["lock", "-vv"]).contains("akbuild.local.toml"));
    // A source of git, and of other contents than the pinned ones.
    let world = World::unlocked(&GIT.replace("SERVER", &secret));
    hides(&world, &["lock", "-vv"]);
    let digest = format!("{secret}/data.tar\"\ndigest = \"sha256-{}", "A".repeat(43) + "=");
    let world = World::unlocked(&TARBALL.replace("SERVER/data.tar", &digest));
    world.server.put("/data.tar", Reply::File(vec![0; 1024]));
    hides(&world, &["lock", "-vv"]);
}
