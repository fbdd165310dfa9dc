//! A failure of the helper as an error, with what to do about it. Knows the switches that distributions have.
#![allow(clippy::disallowed_methods, reason = "/proc is the kernel's")]

use std::{fs, io};

use crate::SandboxError;
use crate::message::{Failure, Step};

/// A failure of the helper, with what can be done about it.
pub(crate) fn explain(failure: Failure) -> SandboxError {
    let Failure { step, what, errno } = failure;
    let os = io::Error::from_raw_os_error(errno);
    match step {
        Step::Exec => SandboxError::Exec { program: what, os },
        Step::UserNamespace => SandboxError::NoUserNamespaces { tried: what, advice: advice(&Switches::read()), os },
        _ => SandboxError::Operation { what, hint: hint(step, errno).map(str::to_owned), os },
    }
}

fn hint(step: Step, errno: i32) -> Option<&'static str> {
    match (step, errno) {
        (_, libc::ENOSYS) => {
            Some("Linux 5.12 or newer is needed, and a container's system call filter must let it through.")
        }
        (_, libc::ENOSPC) => {
            Some("A limit in /proc/sys/user (max_*_namespaces) or /proc/sys/fs/mount-max is reached; raise it.")
        }
        (Step::Proc, libc::EPERM) => Some(
            "This is a container whose /proc is partly covered, and the kernel gives no full one inside.\n\
             docker: run it with --security-opt systempaths=unconfined; podman: with --security-opt unmask=ALL.",
        ),
        (Step::Overlay, libc::EPERM | libc::EINVAL | libc::ENODEV) => Some(
            "Overlays in user namespaces need Linux 5.11 or newer, the module overlay, and an upper folder on a file system such as ext4, xfs, btrfs or tmpfs.",
        ),
        (Step::Namespaces, libc::EPERM) => {
            Some("This is root without the rights of root. In a container: run it privileged, or as an ordinary user.")
        }
        _ => None,
    }
}

/// The switches that forbid user namespaces, as they stand; `None` where there is no such switch.
#[derive(Clone, Debug, Default)]
struct Switches {
    max: Option<u64>,
    debian: Option<u64>,
    apparmor: Option<u64>,
}

impl Switches {
    fn read() -> Switches {
        let number = |path| fs::read_to_string(path).ok()?.trim().parse().ok();
        Switches {
            max: number("/proc/sys/user/max_user_namespaces"),
            debian: number("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmor: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
        }
    }
}

fn advice(switches: &Switches) -> String {
    let mut lines = Vec::new();
    if switches.max == Some(0) {
        lines.push(
            "user.max_user_namespaces is 0. As root: sysctl -w user.max_user_namespaces=15000, and the same in /etc/sysctl.d.\n\
             NixOS: security.allowUserNamespaces = true.",
        );
    }
    if switches.debian == Some(0) {
        lines.push(
            "kernel.unprivileged_userns_clone is 0. As root: sysctl -w kernel.unprivileged_userns_clone=1, and the same in /etc/sysctl.d.\n\
             NixOS: security.unprivilegedUsernsClone = true.",
        );
    }
    if switches.apparmor == Some(1) {
        lines.push(
            "AppArmor restricts user namespaces (Ubuntu 23.10 and newer). As root, either give this program a profile that allows \
             \"userns\" in /etc/apparmor.d, or: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0.",
        );
    }
    if lines.is_empty() {
        lines.push(
            "No switch of the kernel forbids it. In a container, its system call filter does: docker and podman: \
             --security-opt seccomp=unconfined; Kubernetes: hostUsers: false or a privileged pod. Elsewhere the kernel may lack CONFIG_USER_NS.",
        );
    }
    lines.push("akbuild does not build without a sandbox.");
    lines.join("\n")
}
