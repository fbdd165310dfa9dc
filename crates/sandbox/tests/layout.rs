//! How mounts become a tree: as a list of operations, and as the command sees it.
#![allow(clippy::disallowed_methods, reason = "tests start programs")]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use akbuild_sandbox::{Limits, Mount, MountKind, Network, Output, SandboxError, Spec, operations};
use common::{World, as_everybody};
use tempfile::TempDir;

/// A folder with a root in it (`usr/bin`, `opt/old`, `etc/hosts`, a link `bin`) and a tree `web`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["root/usr/bin", "root/opt/old", "root/etc", "root/proc", "root/tmp", "web/src", "out"] {
        fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("root/etc/hosts"), "").unwrap();
    fs::write(folder.path().join("web/package.json"), "{}").unwrap();
    symlink("usr/bin", folder.path().join("root/bin")).unwrap();
    folder
}

fn spec(folder: &TempDir, mounts: &[(&str, MountKind)]) -> Spec {
    let mount = |(at, what): &(&str, MountKind)| Mount { at: at.into(), what: what.clone() };
    Spec {
        root: folder.path().join("root"),
        mounts: mounts.iter().map(mount).collect(),
        argv: vec!["/bin/true".into()],
        ..Spec::default()
    }
}

fn ro(folder: &TempDir, name: &str) -> MountKind {
    MountKind::ReadOnly(folder.path().join(name))
}

fn rw(folder: &TempDir, name: &str) -> MountKind {
    MountKind::ReadWrite(folder.path().join(name))
}

/// The operations, a line each, with the folder's path taken out and the constant middle left out.
fn plan(folder: &TempDir, spec: &Spec) -> String {
    let lines: Vec<String> = operations(spec).unwrap().iter().map(ToString::to_string).collect();
    let is_constant = |l: &&String| !["/dev/", "/proc/", "/dev/shm"].iter().any(|c| l.contains(c));
    let lines: Vec<&str> = lines.iter().filter(is_constant).map(String::as_str).collect();
    lines.join("\n").replace(&folder.path().display().to_string(), "HOST")
}

fn refusal(folder: &TempDir, spec: &Spec) -> String {
    let error = operations(spec).expect_err("refused");
    error.to_string().replace(&folder.path().display().to_string(), "HOST")
}

#[test]
fn a_stage_is_this_list_of_operations() {
    let f = folder();
    let mut spec = spec(
        &f,
        &[
            ("/tmp", rw(&f, "out")),
            ("/opt/new/tool", ro(&f, "web")),
            ("/build", rw(&f, "out")),
            ("/build/web", ro(&f, "web")),
            ("/build/web/node_modules", ro(&f, "out")),
            ("/etc/hosts", MountKind::File(b"127.0.0.1 localhost\n".to_vec())),
        ],
    );
    spec.listen = vec![4873, 80];
    spec.cwd = "/build".into();
    spec.limits = Limits { nofile: Some(1024), memory: Some(1 << 30), ..Limits::default() };
    insta::assert_snapshot!(plan(&f, &spec), @"
    set the host name localhost
    bring the loopback interface up
    listen on 127.0.0.1:4873
    listen on 127.0.0.1:80
    make an empty root
    link /bin to usr/bin
    make the folder /etc
    mount HOST/root/etc read-only at /etc
    make the folder /opt
    make the folder /opt/old
    make the folder /opt/new
    make the folder /opt/new/tool
    make the folder /usr
    mount HOST/root/usr read-only at /usr
    make the folder /proc
    make the folder /dev
    make the folder /tmp
    make the folder /build
    mount the process table at /proc
    mount HOST/out writable at /tmp
    mount HOST/web read-only at /opt/new/tool
    mount HOST/out writable at /build
    make the folder /build/web
    mount a tmpfs for mount points at /build/web
    make the file /build/web/package.json
    mount HOST/web/package.json read-only at /build/web/package.json
    make the folder /build/web/src
    make the folder /build/web/node_modules
    mount HOST/out read-only at /build/web/node_modules
    mount a file of 20 bytes at /etc/hosts
    seal /
    seal /build/web
    enter the new root
    change to the folder /build
    limit open files to 1024
    limit core file bytes to 0
    limit memory bytes of a process to 1073741824
    ");
}

#[test]
fn with_the_hosts_network_and_the_roots_tmp_it_is_this_list() {
    let f = folder();
    let mut spec = spec(&f, &[("/tmp/inner", ro(&f, "web"))]);
    (spec.network, spec.private_tmp, spec.ids) = (Network::Host, false, (65_534, 0));
    fs::write(f.path().join("root/tmp/left"), "").unwrap();
    insta::assert_snapshot!(plan(&f, &spec), @"
    set the host name localhost
    make an empty root
    link /bin to usr/bin
    make the folder /etc
    mount HOST/root/etc read-only at /etc
    make the folder /opt
    mount HOST/root/opt read-only at /opt
    make the folder /tmp
    make the file /tmp/left
    mount HOST/root/tmp/left read-only at /tmp/left
    make the folder /tmp/inner
    make the folder /usr
    mount HOST/root/usr read-only at /usr
    make the folder /proc
    make the folder /dev
    mount the process table at /proc
    mount HOST/web read-only at /tmp/inner
    seal /
    enter the new root
    change to the folder /
    limit core file bytes to 0
    ");
    spec.mounts.clear();
    let tmp = |spec: &Spec| plan(&f, spec).lines().filter(|l| l.contains("/tmp")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(tmp(&spec), @"
    make the folder /tmp
    mount HOST/root/tmp read-only at /tmp
    ");
    spec.private_tmp = true;
    insta::assert_snapshot!(tmp(&spec), @"
    make the folder /tmp
    mount a tmpfs, mode 1777, at /tmp
    ");
}

#[test]
fn the_devices_and_the_process_table_are_this_list() {
    let f = folder();
    let mut spec = spec(&f, &[]);
    spec.output = Output::Inherit;
    let lines: Vec<String> = operations(&spec).unwrap().iter().map(ToString::to_string).collect();
    let lines: Vec<&str> =
        lines.iter().map(String::as_str).filter(|l| l.contains("/dev") || l.contains("/proc")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    make the folder /proc
    make the folder /dev
    mount the process table at /proc
    make /proc/sys read-only
    make /proc/sysrq-trigger read-only
    make /proc/irq read-only
    make /proc/bus read-only
    make /proc/fs read-only
    hide /proc/kcore
    hide /proc/keys
    hide /proc/timer_list
    hide /proc/acpi
    hide /proc/scsi
    make the file /dev/null
    mount /dev/null as a device at /dev/null
    make the file /dev/zero
    mount /dev/zero as a device at /dev/zero
    make the file /dev/full
    mount /dev/full as a device at /dev/full
    make the file /dev/random
    mount /dev/random as a device at /dev/random
    make the file /dev/urandom
    mount /dev/urandom as a device at /dev/urandom
    make the file /dev/tty
    mount /dev/tty as a device at /dev/tty
    link /dev/fd to /proc/self/fd
    link /dev/stdin to fd/0
    link /dev/stdout to fd/1
    link /dev/stderr to fd/2
    make the folder /dev/shm
    mount a tmpfs, mode 1777, at /dev/shm
    make the folder /dev/pts
    mount private terminals at /dev/pts
    link /dev/ptmx to pts/ptmx
    ");
}

#[test]
fn a_mount_that_makes_no_sense_is_refused() {
    let f = folder();
    let refuse = |mounts: &[(&str, MountKind)]| refusal(&f, &spec(&f, mounts));
    insta::assert_snapshot!(refuse(&[("build", ro(&f, "web"))]), @r#"cannot mount at build: write an absolute path without "..""#);
    insta::assert_snapshot!(refuse(&[("/a/../b", ro(&f, "web"))]), @r#"cannot mount at /a/../b: write an absolute path without "..""#);
    insta::assert_snapshot!(refuse(&[("/", ro(&f, "web"))]), @"cannot mount at /: that is the root; give it as the sandbox's root");
    insta::assert_snapshot!(refuse(&[("/proc/x", ro(&f, "web"))]), @"cannot mount at /proc/x: it would lie in the process table, /proc; mount it elsewhere");
    insta::assert_snapshot!(refuse(&[("/bin/x", ro(&f, "web"))]), @"cannot mount at /bin/x: /bin is a symbolic link to usr/bin; write the path without it");
    insta::assert_snapshot!(refuse(&[("/etc/hosts", ro(&f, "web"))]), @"cannot mount at /etc/hosts: HOST/root/etc/hosts is a file, and a folder is needed there");
    insta::assert_snapshot!(refuse(&[("/etc/hosts/x", ro(&f, "web"))]), @"cannot mount at /etc/hosts/x: HOST/root/etc/hosts is a file, and a folder is needed there");
    insta::assert_snapshot!(refuse(&[("/etc", MountKind::File(Vec::new()))]), @"cannot mount at /etc: HOST/root/etc is a folder, and a file is needed there");
    insta::assert_snapshot!(refuse(&[("/a/b", ro(&f, "web")), ("/a", ro(&f, "out"))]), @"cannot mount at /a: it would hide /a/b, mounted before it; mount it first");
    insta::assert_snapshot!(refuse(&[("/f", MountKind::File(Vec::new())), ("/f/x", ro(&f, "web"))]), @"cannot mount at /f/x: it would lie in a file, /f; mount it elsewhere");
    insta::assert_snapshot!(refuse(&[("/a", ro(&f, "nonesuch"))]), @"cannot mount HOST/nonesuch: No such file or directory (os error 2)");
}

#[test]
fn a_spec_that_makes_no_sense_is_refused() {
    let f = folder();
    let refuse = |change: &dyn Fn(&mut Spec)| {
        let mut spec = spec(&f, &[]);
        change(&mut spec);
        refusal(&f, &spec)
    };
    insta::assert_snapshot!(refuse(&|s| s.argv.clear()), @"the sandbox's argv is not usable: it is empty, and must begin with the program");
    insta::assert_snapshot!(refuse(&|s| s.argv = vec!["true".into()]), @r#"the sandbox's argv is not usable: the program must be an absolute path, and is "true""#);
    insta::assert_snapshot!(refuse(&|s| s.argv.push("a\0b".into())), @"the sandbox's command is not usable: an argument or variable has a NUL byte in it");
    insta::assert_snapshot!(refuse(&|s| s.ids = (0, u32::MAX)), @"the sandbox's user or group is not usable: 4294967295 stands for nobody");
    insta::assert_snapshot!(refuse(&|s| (s.network, s.listen) = (Network::Host, vec![80])), @"the sandbox's listen is not usable: with the host's network there is nothing to hand out; listen outside, and leave it empty");
    insta::assert_snapshot!(refuse(&|s| s.cwd = "build".into()), @r#"the sandbox's cwd is not usable: it must be an absolute path, and is "build""#);
    insta::assert_snapshot!(refuse(&|s| s.root = "root".into()), @r#"the sandbox's root is not usable: it must be an absolute path, and is "root""#);
    insta::assert_snapshot!(refuse(&|s| s.root = f.path().join("web/package.json")), @"the sandbox's root is not usable: HOST/web/package.json is not a folder");
}

#[test]
fn a_program_that_forgot_the_helper_is_told() {
    let f = folder();
    let error = akbuild_sandbox::spawn(&spec(&f, &[])).unwrap_err();
    assert!(matches!(error, SandboxError::Helper { .. }));
    insta::assert_snapshot!(error.to_string(), @"the sandbox's helper ended before the command started (not started); the program must call helper_entry first of all");
}

#[test]
fn a_mount_point_missing_in_a_read_only_tree_appears_beside_what_is_there() {
    as_everybody(|w| {
        let input = w.path("input").display().to_string();
        let options = ["--ro", "/input/sub/new/deep", &input, "--ro", "/opt/tool/more", &input];
        let script = "cat /input/file /input/sub/file /input/sub/new/deep/file /opt/tool/file /opt/tool/more/file";
        assert_eq!(w.run_with(&options, script), "input\nsub\ninput\ntool\ninput\nstatus: exited 0\n");
        let script = "for d in /input/sub /input/sub/new /opt /opt/tool; do touch $d/x; done";
        assert_eq!(w.run_with(&options, script).matches("Read-only file system").count(), 4);
        assert!(!w.path("input/sub/new").exists() && !w.path("root/opt/tool/more").exists());
    });
}

#[test]
fn a_mount_point_missing_in_a_writable_folder_is_made_there() {
    as_everybody(|w| {
        let input = w.path("input").display().to_string();
        let options = ["--ro", "/build/out/a/b", &input, "--file", "/build/out/c", "text\n"];
        let script = "cat /build/out/a/b/file /build/out/c; touch /build/out/a/mine; echo x > /build/out/c";
        let output = w.run_with(&options, script);
        assert!(output.starts_with("input\ntext\n"), "{output}");
        assert!(output.contains("/build/out/c: Read-only file system"), "{output}");
        assert!(w.path("out/a/mine").exists());
    });
}

#[test]
fn a_link_in_a_writable_folder_leads_no_mount_out_of_it() {
    as_everybody(|w| {
        symlink(w.path("home"), w.path("out/link")).unwrap();
        let output = w.run_with(&["--tmpfs", "/build/out/link/new"], "true");
        assert!(output.starts_with("error: cannot set up the sandbox: make the folder /build/out/link:"), "{output}");
        assert!(!w.path("home/new").exists());
    });
}

#[test]
fn a_tmpfs_belongs_to_the_build_user_and_is_as_large_as_it_says() {
    as_everybody(|w| {
        let script = "stat -c '%a %U' /t; head -c 2000000 /dev/zero > /t/big; stat -c %s /t/big";
        let output = w.run_with(&["--tmpfs", "/t"], script);
        assert!(output.starts_with("700 build\n"), "{output}");
        assert!(output.contains("No space left on device\n1048576\n"), "{output}");
    });
}

#[test]
fn without_a_private_tmp_it_is_what_the_root_and_the_mounts_say() {
    as_everybody(|w| {
        let run = |options: &[&str], script: &str| w.run_with(&[&["--no-private-tmp"], options].concat(), script);
        assert!(w.run("touch /tmp/x && ls /tmp").starts_with("x\n"), "private and writable unless told otherwise");
        let absent = run(&[], "ls -d /tmp");
        assert!(absent.contains("cannot access '/tmp': No such file"), "{absent}");
        assert!(run(&["--tmpfs", "/tmp"], "touch /tmp/x && ls /tmp").starts_with("x\n"));
        fs::create_dir(w.path("root/tmp")).unwrap();
        assert!(run(&[], "touch /tmp/x").contains("Read-only file system"));
        fs::write(w.path("root/tmp/left"), "left\n").unwrap();
        let output = run(&["--tmpfs", "/tmp/inner"], "cat /tmp/left; touch /tmp/x; touch /tmp/inner/x && ls /tmp");
        assert!(output.starts_with("left\n") && output.contains("Read-only file system"), "{output}");
        assert!(output.contains("inner\nleft\n"), "{output}");
        assert_eq!(w.run("ls /tmp"), "status: exited 0\n", "the root's is hidden by the private one");
    });
}

#[test]
fn the_pieces_of_a_folder_with_odd_names_are_mounted() {
    as_everybody(|w| {
        let odd = w.path("out").join("a:b,c\\d e");
        for name in ["lower", "upper", "work"] {
            fs::create_dir_all(odd.join(name)).unwrap();
        }
        fs::write(odd.join("lower/file"), "lower\n").unwrap();
        hand_to_build(w, &odd);
        let path = |name: &str| odd.join(name).display().to_string();
        let options = ["--overlay", "/o", &path("lower"), &path("upper"), &path("work")];
        let output = w.run_with(&options, "cat /o/file; echo changed > /o/file; echo new > /o/new; cat /o/file");
        assert_eq!(output, "lower\nchanged\nstatus: exited 0\n");
        let read = |name| fs::read_to_string(odd.join(name)).unwrap();
        assert_eq!(
            (read("lower/file"), read("upper/file"), read("upper/new")),
            ("lower\n".into(), "changed\n".into(), "new\n".into())
        );
    });
}

/// Gives a tree to whom the sandbox's user is on the host.
fn hand_to_build(world: &World, tree: &Path) {
    if common::is_root() {
        let owner = match world.who {
            common::Who::Root => akbuild_sandbox::build_owner().0,
            common::Who::User => common::USER,
        };
        let chown = std::process::Command::new("chown").arg("-R").arg(format!("{owner}:{owner}")).arg(tree).status();
        assert!(chown.unwrap().success());
    }
}
