//! Machines that do not have what is needed: no room, no namespaces.

use crate::archive::{PACKAGE, archive};
use crate::basics::{STAGES, files};
use crate::world::World;

#[test]
fn no_user_namespaces() {
    let world = World::new(STAGES);
    files(&world);
    let forbidden = "echo 0 > /proc/sys/user/max_user_namespaces; exec \"$@\"";
    let child = world.inside(forbidden, &["all"]).spawn().unwrap();
    insta::assert_snapshot!(world.end(child), @"
    --- exit 1
    to build: 3 stages
    started  sysroot:build
    built  sysroot:build  [TIME]  [OUTPUT]
    started  words
    failed  words  [TIME]  this machine gives no user namespaces: enter a new user namespace, with the others: No space left on device (os error 28)

    stage  status  time  size  output
    words  failed  [TIME]
    loud  skipped
    last  skipped

    sysroots  1 built in [TIME]
    downloads  1 file, [SIZE]

    failed words after [TIME]
      this machine gives no user namespaces: enter a new user namespace, with the others: No space left on device (os error 28)
      user.max_user_namespaces is 0. As root: sysctl -w user.max_user_namespaces=15000, and the same in /etc/sysctl.d.
      NixOS: security.allowUserNamespaces = true.
      akbuild does not build without a sandbox.
      log: [HOME]/builds-v1/[NAME]/words.log
      help: `akbuild log words` prints the log, `akbuild shell words` opens its sandbox

    skipped (what they need failed, or the run stopped): loud, last

    failed after [TIME]: 1 failed, 2 skipped
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
    let doctor = world.end(world.inside(forbidden, &["doctor"]).spawn().unwrap()).failed();
    // The rest follows from the machine.
    insta::assert_snapshot!(doctor.out.split("works").next().unwrap(), @"
    missing  namespaces: enter a new user namespace, with the others: No space left on device (os error 28)
               help: user.max_user_namespaces is 0. As root: sysctl -w user.max_user_namespaces=15000, and the same in /etc/sysctl.d.
                     NixOS: security.allowUserNamespaces = true.
                     akbuild does not build without a sandbox.
    ");
}

#[test]
fn a_full_disk() {
    let world = World::new(
        "[stages.last]\nkind = \"run\"\nscript = 'while echo \"0123456789012345678901234567890123456789\" >> \"$out/large\"; do :; done'\n",
    );
    std::fs::create_dir_all(world.home()).unwrap();
    // The package, what is unpacked of it, and a little more.
    let child = world.inside(&on_small_disk(2 * size() + (2 << 20)), &["all"]).spawn().unwrap();
    insta::assert_snapshot!(world.end(child), @"
    1; left: [HOME]/kept-v1:

    [HOME]/tmp-v1:
    --- exit 0
    to build: 1 stage
    started  sysroot:build
    built  sysroot:build  [TIME]  [OUTPUT]
    started  last
    failed  last  [TIME]  cannot write `the log`: No space left on device (os error 28)

    stage  status  time  size  output
    last  failed  [TIME]

    sysroots  1 built in [TIME]
    downloads  1 file, [SIZE]

    failed last after [TIME]
      cannot write `the log`: No space left on device (os error 28)
        help: make room on the file system of `[HOME]`: more than [SIZE] are needed, 0 B are free; or put the store elsewhere with --home DIR
      log: [HOME]/builds-v1/[NAME]/last.log
      help: `akbuild log last` prints the log, `akbuild shell last` opens its sandbox

    failed after [TIME]: 1 failed
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
}

#[test]
fn no_room_for_the_sysroot() {
    let world = World::new(STAGES);
    files(&world);
    std::fs::create_dir_all(world.home()).unwrap();
    let child = world.inside(&on_small_disk(size() + size() / 2), &["all"]).spawn().unwrap();
    let ran = world.end(child).to_string();
    let file = ran.split("cannot write ").nth(1).and_then(|rest| rest.split(": No").next()).unwrap();
    insta::assert_snapshot!(ran.replace(file, "[FILE]"), @"
    1; left: [HOME]/kept-v1:

    [HOME]/tmp-v1:
    --- exit 0
    to build: 3 stages
    started  sysroot:build
    failed  sysroot:build  [TIME]  cannot write [FILE]: No space left on device (os error 28)

    stage  status  time  size  output
    words  skipped
    loud  skipped
    last  skipped

    sysroots  1 failed in [TIME]
    downloads  1 file, [SIZE]

    failed sysroot:build after [TIME]
      cannot write [FILE]: No space left on device (os error 28)
        help: make room on the file system of `[HOME]`: more than [SIZE] are needed, 0 B are free; or put the store elsewhere with --home DIR

    skipped (what they need failed, or the run stopped): words, loud, last

    failed after [TIME]: 1 failed, 3 skipped
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
}

/// A script that gives the program a home on a file system of so many bytes. What is left there is listed
/// after the run: the file system is gone when its namespace is.
fn on_small_disk(bytes: usize) -> String {
    format!(
        "mount -t tmpfs -o size={bytes},mode=755 none \"$AKBUILD_HOME\"; \"$@\" && exit 9
        echo \"$?; left: $(ls \"$AKBUILD_HOME/tmp-v1\" \"$AKBUILD_HOME/kept-v1\")\""
    )
}

/// How many bytes the sysroot's package has.
fn size() -> usize {
    archive().files[PACKAGE].len()
}

#[test]
fn a_home_that_cannot_be_written() {
    let world = World::of_user(STAGES);
    let command = &mut world.command(&["all"]);
    let child = command.env("AKBUILD_HOME", "/proc/nowhere").spawn().unwrap();
    insta::assert_snapshot!(world.end(child), @"
    --- exit 1
    error: cannot create the folder /proc/nowhere/trees-v1: No such file or directory (os error 2)
    ");
}
