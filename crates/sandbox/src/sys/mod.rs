//! The system calls that have no safe wrapper elsewhere: the only module of the crate with `unsafe`.
//!
//! Knows the calls, not what they are for.
#![allow(unsafe_code, reason = "each block says why it is sound")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::fd::AsFd;
use rustix::process::Pid;
use rustix::thread::UnshareFlags;

use crate::finished::Status;

/// What a process and those it waited for have used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) user_seconds: f64,
    pub(crate) system_seconds: f64,
    /// Bytes.
    pub(crate) max_rss: u64,
}

/// One instruction of a classic BPF filter.
pub(crate) type Instruction = libc::sock_filter;

fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Forks a process that has a single thread: `Some(child)` in the parent, `None` in the child.
pub(crate) fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: the helper never starts a thread, so the child's copy of the heap and of every lock is
    // in the state that the forking thread left it in.
    let pid = check(unsafe { libc::fork() }.into())?;
    Ok(Pid::from_raw(pid as i32))
}

/// Moves this process into new namespaces.
pub(crate) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: the call is unsafe because it may take the descriptor table or working folder apart
    // between threads; the helper has one thread.
    Ok(unsafe { rustix::thread::unshare_unsafe(flags) }?)
}

/// Sets attributes of a mount (`MOUNT_ATTR_*`) and its propagation (`MS_*` or 0), with `recursive` also
/// of those below it.
pub(crate) fn mount_setattr(mount: BorrowedFd<'_>, set: u64, propagation: u64, recursive: bool) -> io::Result<()> {
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    let attributes = libc::mount_attr { attr_set: set, attr_clr: 0, propagation, userns_fd: 0 };
    // SAFETY: the path is a NUL-terminated constant, and the structure lives through the call, which
    // reads exactly its size.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    check(result).map(drop)
}

/// Sets the flag "up" of the interface `lo`.
pub(crate) fn bring_loopback_up(socket: impl AsFd) -> io::Result<()> {
    // SAFETY: `ifreq` is plain data, for which zeroes are a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[..2].copy_from_slice(&[b'l' as libc::c_char, b'o' as libc::c_char]);
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads one `ifreq`, which lives through the call.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw mut request) };
    check(result.into()).map(drop)
}

/// Installs a system call filter for this process and all that it starts.
pub(crate) fn install_filter(program: &[Instruction]) -> io::Result<()> {
    let program = libc::sock_fprog {
        len: program.len().try_into().map_err(|_| io::ErrorKind::InvalidInput)?,
        filter: program.as_ptr().cast_mut(),
    };
    // SAFETY: the structure points at `len` instructions that live through the call, and the kernel
    // only reads them.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) };
    check(result).map(drop)
}

/// Closes every descriptor but the first three.
pub(crate) fn close_inherited() -> io::Result<()> {
    // SAFETY: called before this process has opened anything, so that nothing here owns one of them.
    check(unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) }).map(drop)
}

/// Leaves the keyring of the session that this process was started in.
pub(crate) fn leave_keyring() -> io::Result<()> {
    // SAFETY: with a null name the call reads no memory.
    let result =
        unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, std::ptr::null::<libc::c_char>()) };
    check(result).map(drop)
}

/// Blocks SIGCHLD, and gives a descriptor that is readable while one is pending.
pub(crate) fn child_signals() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by `sigemptyset` before it is read, and lives through all calls;
    // the descriptor is new and ours.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGCHLD);
        check(libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()).into())?;
        let fd = check(libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK).into())?;
        Ok(OwnedFd::from_raw_fd(fd as i32))
    }
}

/// Sets every signal to its default action and blocks none.
pub(crate) fn reset_signals() {
    // SAFETY: no handler is installed, only the default put back: the kernel's `sigaction` of four words
    // and eight bytes of mask, all zero, means that. The C library's own call would refuse the signals
    // that it keeps for itself; those that the kernel refuses need nothing. The set is initialised
    // before it is read.
    unsafe {
        let default = [0_u64; 4];
        for signal in 1..=64 {
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), std::ptr::null::<u64>(), 8);
        }
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigprocmask(libc::SIG_SETMASK, &set, std::ptr::null_mut());
    }
}

/// Ignores the signals that a terminal sends to its users, and SIGTERM, which may be sent to the whole process group.
pub(crate) fn ignore_terminal_signals() {
    let of_terminal = [libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP, libc::SIGTTOU, libc::SIGTTIN, libc::SIGHUP];
    for signal in of_terminal.into_iter().chain([libc::SIGTERM]) {
        // SAFETY: no handler is installed; ignoring a signal touches no memory of ours.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Kills every process that this one may signal, but not itself: as pid 1, the rest of its namespace.
pub(crate) fn kill_all() -> io::Result<()> {
    // SAFETY: the call touches no memory. Only pid 1 of a namespace calls this.
    check(unsafe { libc::kill(-1, libc::SIGKILL) }.into()).map(drop)
}

/// Takes the status of one ended child, if there is one: `Ok(None)` if none has ended, an error
/// (ECHILD) if there are no children. With `block`, waits for one to end.
pub(crate) fn reap(block: bool) -> io::Result<Option<(Pid, Status)>> {
    let mut status = 0;
    // SAFETY: `status` lives through the call, which writes one integer.
    let pid = unsafe { libc::waitpid(-1, &mut status, if block { 0 } else { libc::WNOHANG }) };
    let pid = check(pid.into())?;
    Ok(Pid::from_raw(pid as i32).map(|pid| (pid, decode(status))))
}

/// Waits for a child of this process, and gives what it and its own waited-for children have used.
pub(crate) fn wait_with_usage(pid: u32) -> io::Result<Usage> {
    // SAFETY: `rusage` is plain data, for which zeroes are a valid value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let mut status = 0;
    loop {
        // SAFETY: `status` and `usage` live through the call, which writes one of each.
        match check(unsafe { libc::wait4(pid as i32, &mut status, 0, &mut usage) }.into()) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
            Ok(_) => break,
        }
    }
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    Ok(Usage {
        user_seconds: seconds(usage.ru_utime),
        system_seconds: seconds(usage.ru_stime),
        max_rss: usage.ru_maxrss as u64 * 1024,
    })
}

/// The most bytes that one of the children of this process has held, of those that were waited for, and of those that they
/// have waited for. 0 if the kernel does not tell.
///
/// Unlike the peak of a child that this process starts as another program, it has nothing of this process itself: to
/// the kernel, the memory that a process had before it became a program is that program's.
pub(crate) fn largest_child() -> u64 {
    // SAFETY: `rusage` is plain data, for which zeroes are a valid value; it lives through the call, which writes one.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        check(libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage).into()).map(|_| usage)
    };
    usage.map_or(0, |usage| usage.ru_maxrss as u64 * 1024)
}

fn decode(status: i32) -> Status {
    if libc::WIFSIGNALED(status) {
        Status::Signalled(libc::WTERMSIG(status))
    } else {
        Status::Exited(libc::WEXITSTATUS(status))
    }
}
