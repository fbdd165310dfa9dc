//! The system call filter, as a program for the kernel's classic BPF machine.
//!
//! Knows numbers and arguments of calls; cannot look behind pointers. It denies little, since the
//! namespaces carry the weight: what makes files that outlive the sandbox dangerous (set-uid bits,
//! extended attributes), and the parts of the kernel that a build has no use for and that have let
//! people out before (new namespaces, mounts, keys, bpf, io_uring, exotic sockets).

use libc::{c_long, c_uint};

use crate::sys::Instruction;

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xC000_00B7;

/// First number of the x32 calls, which exist beside those of x86-64.
#[cfg(target_arch = "x86_64")]
const X32: u32 = 0x4000_0000;
const SET_ID_BITS: u32 = 0o6000;
const NEW_NAMESPACES: u32 = 0x7E02_0080;
const MAKES_A_FILE: u32 = (libc::O_CREAT | (libc::O_TMPFILE & !libc::O_DIRECTORY)) as u32;
const SOCKET_FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

// Calls that the libc crate has no name for on every target; their numbers are the same everywhere.
const SYS_FCHMODAT2: c_long = 452;
const SYS_SETXATTRAT: c_long = 463;
const SYS_OPEN_TREE_ATTR: c_long = 467;

/// Refused whatever the arguments.
const REFUSED: &[c_long] = &[
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_open_tree,
    SYS_OPEN_TREE_ATTR,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_kexec_load,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_open_by_handle_at,
];

/// As if the kernel did not have them: programs then use the older calls, which the filter can see into.
const ABSENT: &[c_long] = &[
    libc::SYS_clone3,
    libc::SYS_openat2,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// As on a file system without extended attributes, which copying programs take calmly.
const UNSUPPORTED: &[c_long] = &[libc::SYS_setxattr, libc::SYS_lsetxattr, libc::SYS_fsetxattr, SYS_SETXATTRAT];

/// Calls whose argument of this index is a mode that must not have the set-id bits.
const MODES: &[(c_long, u32)] = &[
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_chmod, 1),
    (libc::SYS_fchmod, 1),
    (libc::SYS_fchmodat, 2),
    (SYS_FCHMODAT2, 2),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_creat, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mkdir, 1),
    (libc::SYS_mkdirat, 2),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mknod, 1),
    (libc::SYS_mknodat, 2),
];

/// Calls that have a mode only if the flags, the argument before it, say that they make a file.
const OPENS: &[(c_long, u32)] = &[
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, 1),
    (libc::SYS_openat, 2),
];

/// The whole filter.
pub(crate) fn filter() -> Vec<Instruction> {
    let mut f = Filter::default();
    f.load(4);
    f.unless_equal(ARCHITECTURE, |f| f.give(libc::SECCOMP_RET_KILL_PROCESS));
    f.load(0);
    #[cfg(target_arch = "x86_64")]
    f.when(libc::BPF_JGE, X32, |f| f.refuse(libc::ENOSYS));
    for (calls, errno) in [(REFUSED, libc::EPERM), (ABSENT, libc::ENOSYS), (UNSUPPORTED, libc::EOPNOTSUPP)] {
        for call in calls {
            f.when(libc::BPF_JEQ, *call as u32, |f| f.refuse(errno));
        }
    }
    for (call, mode) in MODES {
        f.call(*call, |f| f.refuse_bits(*mode, SET_ID_BITS));
    }
    for (call, flags) in OPENS {
        f.call(*call, |f| {
            f.argument(*flags);
            f.when(libc::BPF_JSET, MAKES_A_FILE, |f| f.refuse_bits(flags + 1, SET_ID_BITS));
        });
    }
    for call in [libc::SYS_clone, libc::SYS_unshare] {
        // The lowest byte of clone's flags is a signal, not a flag.
        let bits = if call == libc::SYS_clone { NEW_NAMESPACES & !0xFF } else { NEW_NAMESPACES };
        f.call(call, |f| f.refuse_bits(0, bits));
    }
    f.call(libc::SYS_ioctl, |f| {
        f.argument(1);
        for request in [libc::TIOCSTI, libc::TIOCLINUX] {
            f.when(libc::BPF_JEQ, request as u32, |f| f.refuse(libc::EPERM));
        }
    });
    for call in [libc::SYS_socket, libc::SYS_socketpair] {
        f.call(call, |f| {
            f.argument(0);
            for family in SOCKET_FAMILIES {
                f.when(libc::BPF_JEQ, family as u32, Filter::allow);
            }
            f.refuse(libc::EAFNOSUPPORT);
        });
    }
    f.allow();
    f.0
}

/// A program being written. Jumps only go forward, over a block that is written first.
#[derive(Default)]
struct Filter(Vec<Instruction>);

impl Filter {
    fn push(&mut self, code: c_uint, jt: u8, jf: u8, k: u32) {
        self.0.push(Instruction { code: code as u16, jt, jf, k });
    }

    /// Loads the word at this offset of `struct seccomp_data`.
    fn load(&mut self, offset: u32) {
        self.push(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset);
    }

    /// Loads the lower half of an argument: all that the kernel looks at in flags, modes and requests.
    fn argument(&mut self, index: u32) {
        self.load(16 + 8 * index);
    }

    fn give(&mut self, action: u32) {
        self.push(libc::BPF_RET | libc::BPF_K, 0, 0, action);
    }

    fn allow(&mut self) {
        self.give(libc::SECCOMP_RET_ALLOW);
    }

    fn refuse(&mut self, errno: i32) {
        self.give(libc::SECCOMP_RET_ERRNO | errno as u32);
    }

    /// Goes through `block` only where the loaded word compares so with `k`.
    fn when(&mut self, comparison: c_uint, k: u32, block: impl FnOnce(&mut Filter)) {
        let at = self.0.len();
        self.push(libc::BPF_JMP | comparison | libc::BPF_K, 0, 0, k);
        block(self);
        self.0[at].jf = (self.0.len() - at - 1) as u8;
    }

    /// Goes through `block` only where the loaded word is another than `k`.
    fn unless_equal(&mut self, k: u32, block: impl FnOnce(&mut Filter)) {
        let at = self.0.len();
        self.push(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 0, k);
        block(self);
        self.0[at].jt = (self.0.len() - at - 1) as u8;
    }

    /// Goes through `block` for this call, and allows it at the end of the block.
    fn call(&mut self, number: c_long, block: impl FnOnce(&mut Filter)) {
        self.when(libc::BPF_JEQ, number as u32, |f| {
            block(f);
            f.allow();
        });
    }

    fn refuse_bits(&mut self, argument: u32, bits: u32) {
        self.argument(argument);
        self.when(libc::BPF_JSET, bits, |f| f.refuse(libc::EPERM));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel's machine would give for a call.
    fn give(architecture: u32, call: c_long, arguments: &[u64]) -> u32 {
        let mut data = [0; 64];
        data[..4].copy_from_slice(&(call as u32).to_le_bytes());
        data[4..8].copy_from_slice(&architecture.to_le_bytes());
        for (i, argument) in arguments.iter().enumerate() {
            data[16 + 8 * i..][..8].copy_from_slice(&argument.to_le_bytes());
        }
        let (program, mut at, mut word) = (filter(), 0, 0u32);
        loop {
            let i = program[at];
            at += 1;
            let code = u32::from(i.code);
            if code == libc::BPF_LD | libc::BPF_W | libc::BPF_ABS {
                word = u32::from_le_bytes(data[i.k as usize..][..4].try_into().unwrap());
                continue;
            }
            if code == libc::BPF_RET | libc::BPF_K {
                return i.k;
            }
            let holds = match code & !libc::BPF_JMP {
                libc::BPF_JEQ => word == i.k,
                libc::BPF_JGE => word >= i.k,
                libc::BPF_JSET => word & i.k != 0,
                other => panic!("no such comparison: {other}"),
            };
            at += usize::from(if holds { i.jt } else { i.jf });
        }
    }

    fn call(call: c_long, arguments: &[u64]) -> Option<i32> {
        match give(ARCHITECTURE, call, arguments) {
            libc::SECCOMP_RET_ALLOW => None,
            action => Some((action & 0xFFFF) as i32),
        }
    }

    #[test]
    fn everyday_calls_are_allowed() {
        for number in [libc::SYS_read, libc::SYS_execve, libc::SYS_ptrace, libc::SYS_exit_group, libc::SYS_mmap] {
            assert_eq!(call(number, &[0; 6]), None);
        }
        assert_eq!(call(libc::SYS_clone, &[0x3D0F00]), None, "a thread");
        assert_eq!(call(libc::SYS_unshare, &[libc::CLONE_FS as u64]), None);
        assert_eq!(call(libc::SYS_fchmodat, &[0, 0, 0o1777]), None);
    }

    #[test]
    fn another_architecture_is_killed() {
        assert_eq!(give(0x4000_0003, libc::SYS_read, &[]), libc::SECCOMP_RET_KILL_PROCESS);
        #[cfg(target_arch = "x86_64")]
        assert_eq!(call(libc::SYS_read + X32 as c_long, &[]), Some(libc::ENOSYS));
    }

    #[test]
    fn set_id_bits_are_refused_wherever_a_mode_is_given() {
        for mode in [0o4755, 0o2755, 0o6000, 0xFFFF_FFFF_0000_0000 | 0o4000] {
            for (number, argument) in MODES {
                let mut arguments = [0; 6];
                arguments[*argument as usize] = mode;
                assert_eq!(call(*number, &arguments), Some(libc::EPERM), "{number} {mode:o}");
            }
        }
    }

    #[test]
    fn an_open_has_a_mode_only_if_it_makes_a_file() {
        let open = |flags: i32, mode| call(libc::SYS_openat, &[0, 0, flags as u64, mode]);
        assert_eq!(open(libc::O_CREAT, 0o4755), Some(libc::EPERM));
        assert_eq!(open(libc::O_TMPFILE | libc::O_RDWR, 0o2755), Some(libc::EPERM));
        assert_eq!(open(libc::O_CREAT, 0o755), None);
        assert_eq!(open(libc::O_RDONLY, 0o4755), None);
        assert_eq!(open(libc::O_DIRECTORY, 0o4755), None);
    }

    #[test]
    fn new_namespaces_are_refused() {
        for flag in [libc::CLONE_NEWUSER, libc::CLONE_NEWNS, libc::CLONE_NEWNET, libc::CLONE_NEWPID, libc::CLONE_NEWIPC]
        {
            assert_eq!(call(libc::SYS_clone, &[flag as u64 | 17]), Some(libc::EPERM));
            assert_eq!(call(libc::SYS_unshare, &[flag as u64]), Some(libc::EPERM));
        }
        assert_eq!(call(libc::SYS_unshare, &[0x80]), Some(libc::EPERM), "a time namespace");
        assert_eq!(call(libc::SYS_clone3, &[]), Some(libc::ENOSYS));
        assert_eq!(call(libc::SYS_setns, &[]), Some(libc::EPERM));
    }

    #[test]
    fn terminals_cannot_be_typed_into() {
        for request in [0x5412, 0x541C, 0xFFFF_FFFF_0000_5412] {
            assert_eq!(call(libc::SYS_ioctl, &[0, request]), Some(libc::EPERM));
        }
        assert_eq!(call(libc::SYS_ioctl, &[0, 0x5413]), None);
    }

    #[test]
    fn only_everyday_sockets_can_be_made() {
        let socket = |family: i32| call(libc::SYS_socket, &[family as u64]);
        for family in SOCKET_FAMILIES {
            assert_eq!(socket(family), None);
        }
        for family in [libc::AF_VSOCK, libc::AF_PACKET, libc::AF_ALG, libc::AF_BLUETOOTH] {
            assert_eq!(socket(family), Some(libc::EAFNOSUPPORT));
        }
    }

    #[test]
    fn whole_groups_are_refused() {
        for (calls, errno) in [(REFUSED, libc::EPERM), (ABSENT, libc::ENOSYS), (UNSUPPORTED, libc::EOPNOTSUPP)] {
            for number in calls {
                assert_eq!(call(*number, &[]), Some(errno));
            }
        }
    }
}
