//! What a sandbox must not be able to do, as root and as an ordinary user.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use common::{World, as_everybody};

/// Asserts that the script prints every one of these, and that the sandbox itself worked.
#[track_caller]
fn prints(world: &World, script: &str, expected: &[&str]) {
    let output = world.run(script);
    for part in expected.iter().chain(&["status: exited"]) {
        assert!(output.contains(part), "{script}: no \"{part}\" in:\n{output}");
    }
}

#[test]
fn a_name_cannot_be_resolved() {
    as_everybody(|w| prints(w, "/probe --try resolve name.example", &["refused: failed to lookup"]));
}

#[test]
fn there_is_no_interface_but_loopback_and_no_route() {
    as_everybody(|w| {
        let output =
            w.run("cat /proc/net/dev | tail -n +3 | cut -d: -f1; echo routes; tail -n +2 /proc/net/route; echo end");
        assert_eq!(output, "    lo\nroutes\nend\nstatus: exited 0\n");
    });
}

#[test]
fn a_listener_on_the_hosts_loopback_cannot_be_reached() {
    as_everybody(|w| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::net::TcpStream::connect(address).expect("the host itself reaches it");
        prints(w, &format!("/probe --try connect {address}"), &["refused: Connection refused"]);
        prints(w, "/probe --try connect 192.0.2.1:80", &["refused: Network is unreachable"]);
    });
}

#[test]
fn files_of_the_host_are_not_there() {
    as_everybody(|w| {
        let home = w.path("home/secret");
        assert!(home.exists());
        prints(w, "cat /etc/shadow", &["No such file"]);
        prints(w, "ls /home | wc -l", &["0\n"]);
        prints(w, &format!("cat {}", home.display()), &["No such file"]);
        prints(w, "cat /proc/1/root/etc/shadow", &["Permission denied"]);
        prints(w, "ls /sys /root", &["cannot access '/sys'", "cannot access '/root'"]);
    });
}

#[test]
fn an_input_the_sysroot_and_all_but_out_are_read_only() {
    as_everybody(|w| {
        for at in ["/input/file", "/input/new", "/input/sub/new", "/usr/new", "/opt/tool/file", "/new", "/build/new"] {
            prints(w, &format!("echo x > {at}"), &["Read-only file system"]);
        }
        for at in ["/etc/passwd", "/dev/new", "/opt/new", "/etc/new", "/bin/new"] {
            prints(w, &format!("echo x > {at}"), &["Read-only file system"]);
        }
        prints(w, "chmod 777 /input/file", &["Read-only file system"]);
        prints(w, "rm -f /input/file", &["Read-only file system"]);
        assert_eq!(fs::read_to_string(w.path("input/file")).unwrap(), "input\n");
        prints(w, "echo x > /build/out/x && cat /build/out/x", &["x\n"]);
        assert_eq!(fs::read_to_string(w.path("out/x")).unwrap(), "x\n");
    });
}

#[test]
fn the_kernels_switches_are_read_only() {
    as_everybody(|w| {
        prints(w, "echo 1 > /proc/sys/vm/drop_caches", &["cannot create"]);
        prints(w, "echo x > /proc/sys/kernel/core_pattern", &["cannot create"]);
        prints(w, "echo b > /proc/sysrq-trigger", &["cannot create"]);
        assert_eq!(w.run("cat /proc/keys /proc/timer_list"), "status: exited 0\n");
    });
}

#[test]
fn a_process_of_another_sandbox_is_not_seen_and_not_signalled() {
    as_everybody(|w| {
        let mut other = w.sandbox(&[]);
        other.args(["/bin/sh", "-c", "echo up; sleep 1000"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut other = other.spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(other.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "up\n");
        let seen = w.run("for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done; kill -9 -1; echo alive");
        assert!(!seen.contains("sleep 1000"), "{seen}");
        assert!(seen.contains("alive"), "{seen}");
        prints(w, &format!("kill -9 {}", other.id()), &["No such process"]);
        assert_eq!(other.try_wait().unwrap(), None, "the other is still there");
        other.kill().unwrap();
        other.wait().unwrap();
    });
}

#[test]
fn a_set_uid_file_cannot_be_made() {
    as_everybody(|w| {
        for script in ["cp /bin/true f; chmod u+s f", "cp /bin/true f; chmod g+s f", "mkdir -m 2755 d"] {
            prints(w, &format!("cd /build/out; {script}"), &["Operation not permitted"]);
        }
        prints(w, "/probe --try open-set-uid /build/out/o", &["refused: Operation not permitted"]);
        prints(w, "/probe --try set-attribute /build/out", &["refused: Operation not supported"]);
        prints(w, "find /build/out -perm /6000 | wc -l", &["0\n"]);
    });
}

#[test]
fn a_namespace_cannot_be_made_and_nothing_mounted() {
    as_everybody(|w| {
        for flags in ["-U", "-Ur", "-m", "-n", "-p"] {
            prints(w, &format!("unshare {flags} true"), &["Operation not permitted"]);
        }
        prints(w, "mount -t tmpfs x /tmp || echo refused", &["refused"]);
        prints(w, "umount /input || echo refused", &["refused"]);
    });
}

#[test]
fn the_rest_of_the_kernel_is_closed() {
    as_everybody(|w| {
        for family in [17, 38, 40] {
            prints(w, &format!("/probe --try socket {family}"), &["refused: Address family not supported"]);
        }
        prints(w, "/probe --try socket 16", &["done"]);
        let status = w.run("grep -E '^(Cap...|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'");
        let zero = "0".repeat(16);
        let caps = ["Inh", "Prm", "Eff", "Bnd", "Amb"].map(|c| format!("Cap{c}:{zero}\n")).concat();
        assert_eq!(status, format!("{caps}NoNewPrivs:1\nSeccomp:2\nstatus: exited 0\n"));
    });
}

#[test]
fn everybody_is_build_on_localhost_and_never_root_outside() {
    as_everybody(|w| {
        assert_eq!(
            w.run("id -u; id -g; hostname; env | grep -v PWD"),
            "1000\n1000\nlocalhost\nPATH=/usr/bin:/bin\nstatus: exited 0\n"
        );
        prints(w, "touch /build/out/mine", &[]);
        let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(w.path("out/mine")).unwrap());
        assert_ne!(owner, 0);
        if w.who == common::Who::Root {
            assert_eq!(owner, akbuild_sandbox::build_owner().0);
        }
    });
}

#[test]
fn whoever_the_command_is_inside_it_has_no_rights_and_is_build_outside() {
    as_everybody(|w| {
        for (uid, gid) in [("65534", "65534"), ("0", "0"), ("7", "8")] {
            let ids = ["--ids", uid, gid];
            let script =
                "id -u; id -g; stat -c %u:%g / /tmp /build/out; touch /build/out/mine; stat -c %u:%g /build/out/mine";
            let own = format!("{uid}:{gid}\n").repeat(4);
            assert_eq!(w.run_with(&ids, script), format!("{uid}\n{gid}\n{own}status: exited 0\n"));
            let zero = format!("{}\n", "0".repeat(16));
            let caps = w.run_with(&ids, "grep ^Cap /proc/self/status | cut -f 2");
            assert_eq!(caps, zero.repeat(5) + "status: exited 0\n");
            let refused = "cat /proc/1/root/etc/shadow; chown 1:1 /build/out/mine; hostname x";
            let output = w.run_with(&ids, refused);
            assert!(output.contains("Permission denied") && output.contains("must be root"), "{output}");
            assert!(output.contains("changing ownership"), "{output}");
            let written = w.run_with(&ids, "echo 1 > /proc/sys/vm/drop_caches; echo 0 > /proc/sys/net/ipv4/ip_forward");
            assert_eq!(written.matches("cannot create").count(), 2, "{written}");
            assert_eq!(owner(&w.path("out/mine")), owner(&w.path("out")), "outside it is whom the folder was given to");
            fs::remove_file(w.path("out/mine")).unwrap();
        }
    });
}

#[test]
fn the_hosts_network_is_reached_only_where_the_spec_says_so() {
    as_everybody(|w| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = format!("/probe --try connect {}", listener.local_addr().unwrap());
        prints(w, &connect, &["refused: Connection refused"]);
        assert_eq!(w.run_with(&["--host-network"], &connect), "done\nstatus: exited 0\n");
        let devices = "tail -n +3 /proc/net/dev | wc -l";
        let ours = std::fs::read_to_string("/proc/net/dev").unwrap().lines().skip(2).count();
        assert_eq!(w.run_with(&["--host-network"], devices), format!("{ours}\nstatus: exited 0\n"));
    });
}

#[test]
fn with_the_hosts_network_all_else_is_as_confined() {
    as_everybody(|w| {
        let run = |script: &str| w.run_with(&["--host-network"], script);
        let status =
            run("id -u; hostname; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'");
        let zero = "0".repeat(16);
        let expected = format!("CapEff:{zero}\nCapBnd:{zero}\nNoNewPrivs:1\nSeccomp:2\nstatus: exited 0\n");
        assert_eq!(status, format!("1000\nlocalhost\n{expected}"));
        let output = run("unshare -n true; echo 0 > /proc/sys/net/ipv4/ip_forward; ls /sys");
        for part in ["Operation not permitted", "cannot create", "cannot access '/sys'"] {
            assert!(output.contains(part), "no \"{part}\" in:\n{output}");
        }
        let processes = run("ls -d /proc/[0-9]* | wc -l");
        assert!(processes.lines().next().unwrap().parse::<u32>().unwrap() < 6, "{processes}");
    });
}

fn owner(path: &std::path::Path) -> (u32, u32) {
    use std::os::unix::fs::MetadataExt;
    let meta = fs::metadata(path).unwrap();
    (meta.uid(), meta.gid())
}

#[test]
fn no_descriptor_reaches_the_command_but_its_three() {
    as_everybody(|w| {
        let mut list = w.sandbox(&[]);
        list.args(["/bin/ls", "/proc/self/fd"]);
        let script = "exec 9</dev/null; ls /proc/self/fd >&2; exec \"$@\"";
        let output = w.through(&["sh", "-c", script, "sh"], &list).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stderr).contains("9\n"), "the host's own list has the ninth");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n1\n2\n3\n", "the third is the listed folder");
    });
}
