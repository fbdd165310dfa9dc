//! `akbuild run`: what was built, on this machine.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::gate::until;
use crate::image::{IMAGE, files};
use crate::world::World;

fn world(script: &str) -> World {
    let text = format!("#!/bin/bash\n{script}\n");
    let world = World::new(&IMAGE.replace(
        "#!/bin/bash\\nexec {prefix}/bin/hello \\\"$@\\\"\\n",
        &text.escape_default().to_string().replace("\\'", "'"),
    ));
    files(&world);
    world
}

#[test]
fn what_was_built_is_started_with_its_arguments() {
    let world = World::new(IMAGE);
    files(&world);
    let ran = world.run(&["run", "--quiet", "all", "of", "--you"]).ok();
    assert_eq!(ran.out, "ONE!\nTWO!\nhello all of --you\n");
    // Without any, those of the image; with a variable, instead of the image's.
    let ran = world.run(&["run", "--quiet", "--env", "GREETING=good morning"]).ok();
    assert_eq!(ran.out, "ONE!\nTWO!\ngood morning nobody\n");
}

#[test]
fn its_exit_code_is_passed_on() {
    let world = world("exit 7");
    assert_eq!(world.run(&["run", "--quiet"]).code, Some(7));
}

#[test]
fn it_sees_what_it_is_given_and_nothing_else_of_this_machine() {
    let world = world(
        "id -u; ls / | sort | head -3; [ -w /tmp ] && touch /tmp/x; [ ! -w /opt ]; cat /given/a; echo \"${SECRET-none} ${SEEN-none}\"; ls /root 2>&1 || true",
    );
    world.write("given/a", "given\n");
    let given = format!("{}:/given", world.path("project/given").display());
    let mut command = world.command(&["run", "--quiet", "--bind", &given, "--env", "SEE*"]);
    let output = command.env("SECRET", "1").env("SEEN", "2").output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        (lines[0], lines[4], lines[5]),
        ("65534", "given", "none 2"),
        "{out}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let refused = world.run(&["run", "--quiet", "--env", "NOTHING_*"]);
    insta::assert_snapshot!(refused, @"
    --- exit 1
    error: no variable is called `NOTHING_*` here
      help: set it, or write `--env NAME=VALUE`
    ");
}

#[test]
fn it_has_the_network_of_this_machine() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let world = world(&format!("exec 3<>/dev/tcp/127.0.0.1/{port}; echo from inside >&3; head -1 <&3"));
    let child = world.start(&["run", "--quiet"]);
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"from outside\n").unwrap();
    let mut heard = [0; 12];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!((&heard[..], world.end(child).ok().out.as_str()), (&b"from inside\n"[..], "from outside\n"));
}

#[test]
fn a_signal_is_passed_on() {
    let world = world("trap 'echo ended; exit 3' TERM; : > /shared/up; while :; do sleep 0.01; done");
    world.write("shared/.keep", "");
    let shared = world.path("project/shared");
    std::fs::set_permissions(&shared, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let child = world.start(&["run", "--quiet", "--bind", &format!("{}:/shared:rw", shared.display())]);
    until("program", || shared.join("up").exists().then_some(()));
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ran = world.end(child);
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), "ended\n"), "{}", ran.err);
}
