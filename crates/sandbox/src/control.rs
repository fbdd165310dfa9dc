//! Handles on a sandbox that runs: one that kills it, and one that asks and tells it something until it ends.
//!
//! Knows how to ask init. Holds nothing that keeps the sandbox alive.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};

use crate::cgroup::Cgroup;
use crate::message::{self, Message};
use crate::processes::{self, MemoryUse};

/// Reaches into a sandbox, from any thread, also after the [`Running`](crate::Running) has been moved into
/// a wait.
#[derive(Clone, Debug)]
pub struct Control(Arc<Ends>);

#[derive(Debug)]
struct Ends {
    /// Where init is asked. Locked from a request to its answer.
    requests: Mutex<OwnedFd>,
    command: Option<OwnedFd>,
    init: Arc<OwnedFd>,
    cgroup: Option<Weak<Cgroup>>,
}

/// Ends a sandbox, from any thread, also after the [`Running`](crate::Running) has been moved into a wait.
#[derive(Clone, Debug)]
pub struct Killer(pub(crate) Arc<OwnedFd>);

impl Killer {
    /// Kills every process of the sandbox at once. One that has ended already is left as it is.
    pub fn kill(&self) {
        // The only possible failure is ESRCH, "no such process": the descriptor cannot name another one.
        let _ = rustix::process::pidfd_send_signal(&*self.0, rustix::process::Signal::KILL);
    }
}

/// A signal to the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP: whom it was for is gone.
    Hangup,
    /// SIGINT: what Ctrl-C sends.
    Interrupt,
    /// SIGQUIT: what Ctrl-\ sends.
    Quit,
    /// SIGTERM: to end in its own way.
    Terminate,
}

impl Control {
    pub(crate) fn new(
        requests: OwnedFd,
        command: Option<OwnedFd>,
        killer: &Killer,
        cgroup: Option<&Arc<Cgroup>>,
    ) -> Control {
        let (requests, init, cgroup) = (Mutex::new(requests), killer.0.clone(), cgroup.map(Arc::downgrade));
        Control(Arc::new(Ends { requests, command, init, cgroup }))
    }

    /// A connection to this port of 127.0.0.1, as a process inside would make it: of the sandbox's own
    /// loopback interface or, with [`Network::Host`](crate::Network::Host), of the host's. `timeout`, which
    /// must not be zero, is the longest that it may take.
    ///
    /// # Errors
    /// `ConnectionRefused` where nothing listens, `TimedOut`, and `NotConnected` if the sandbox has ended.
    pub fn connect(&self, port: u16, timeout: Duration) -> io::Result<TcpStream> {
        connect(self.socket()?, SocketAddrV4::new(Ipv4Addr::LOCALHOST, port), timeout)
    }

    /// Sends a signal to the command, the first process of the sandbox, and to no other. As always, the
    /// sandbox ends when the command does.
    ///
    /// # Errors
    /// `NotConnected` if the command has ended.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let signal = match signal {
            Signal::Hangup => rustix::process::Signal::HUP,
            Signal::Interrupt => rustix::process::Signal::INT,
            Signal::Quit => rustix::process::Signal::QUIT,
            Signal::Terminate => rustix::process::Signal::TERM,
        };
        match rustix::process::pidfd_send_signal(self.0.command.as_ref().ok_or_else(ended)?, signal) {
            Err(Errno::SRCH) => Err(ended()),
            result => Ok(result?),
        }
    }

    /// The memory that the processes of the sandbox hold. `None` if it has ended, or if nothing tells.
    pub fn memory(&self) -> Option<MemoryUse> {
        let below = processes::number(&self.0.init).and_then(processes::memory_below);
        match &self.0.cgroup {
            Some(group) => Some(MemoryUse { together: group.upgrade()?.current()?, ..below.unwrap_or_default() }),
            None => below,
        }
    }

    /// A new socket of the sandbox's network.
    fn socket(&self) -> io::Result<OwnedFd> {
        let requests = self.0.requests.lock().unwrap_or_else(PoisonError::into_inner);
        match message::send(&*requests, &Message::Socket, &[]) {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => return Err(ended()),
            result => result?,
        }
        match message::receive(&*requests)? {
            Some((Message::Socket, with)) => with.into_iter().next().ok_or(io::ErrorKind::InvalidData.into()),
            Some((Message::Failed(failure), _)) => Err(io::Error::from_raw_os_error(failure.errno)),
            Some(_) => Err(io::ErrorKind::InvalidData.into()),
            None => Err(ended()),
        }
    }
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the sandbox has ended")
}

fn connect(socket: OwnedFd, to: SocketAddrV4, timeout: Duration) -> io::Result<TcpStream> {
    set_socket_timeout(&socket, Timeout::Send, Some(timeout))?;
    loop {
        match rustix::net::connect(&socket, &to) {
            Err(Errno::INTR) => {}
            // Not yet, when the time is up.
            Err(Errno::INPROGRESS | Errno::ALREADY) => return Err(io::ErrorKind::TimedOut.into()),
            result => break result?,
        }
    }
    set_socket_timeout(&socket, Timeout::Send, None)?;
    let stream = TcpStream::from(socket);
    // Its own port is chosen among the free ones. If that is the one it goes to, it is connected to itself.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
    use rustix::process::{PidfdFlags, getpid, pidfd_open};

    use super::*;

    fn control(cgroup: Option<&Arc<Cgroup>>) -> (Control, OwnedFd) {
        let (asks, answers) = message::pair().unwrap();
        let this = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
        (Control::new(asks, None, &Killer(Arc::new(this)), cgroup), answers)
    }

    fn free_socket() -> OwnedFd {
        socket(AddressFamily::INET, SocketType::STREAM, None).unwrap()
    }

    fn bound(socket: &OwnedFd) -> SocketAddrV4 {
        bind(socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
        match SocketAddr::try_from(rustix::net::getsockname(socket).unwrap()).unwrap() {
            SocketAddr::V4(address) => address,
            SocketAddr::V6(_) => unreachable!("made for version 4"),
        }
    }

    #[test]
    fn any_thread_may_use_it() {
        fn check<T: Clone + Send + Sync + 'static>() {}
        check::<Control>();
    }

    #[test]
    fn it_is_no_error_of_the_machine_that_the_sandbox_has_ended() {
        let (control, answers) = control(None);
        drop(answers);
        let second = Duration::from_secs(1);
        assert_eq!(control.connect(1, second).unwrap_err().kind(), io::ErrorKind::NotConnected);
        assert_eq!(control.signal(Signal::Hangup).unwrap_err().kind(), io::ErrorKind::NotConnected);
    }

    #[test]
    fn an_end_between_request_and_answer_is_an_end() {
        let (control, answers) = control(None);
        let init = std::thread::spawn(move || message::receive(&answers).map(|request| request.map(|r| r.0)));
        let error = control.connect(1, Duration::from_secs(1)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
        assert_eq!(init.join().unwrap().unwrap(), Some(Message::Socket));
    }

    #[test]
    fn what_init_cannot_do_it_says() {
        let (control, answers) = control(None);
        let failure = message::Failure { step: message::Step::Other, what: "make a socket".into(), errno: 24 };
        message::send(&answers, &Message::Failed(failure), &[]).unwrap();
        assert_eq!(control.connect(1, Duration::from_secs(1)).unwrap_err().raw_os_error(), Some(24));
    }

    #[test]
    fn a_connection_blocks_and_is_no_longer_timed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else { panic!("another version") };
        let stream = connect(free_socket(), address, Duration::from_secs(60)).unwrap();
        assert_eq!((stream.write_timeout().unwrap(), stream.peer_addr().unwrap()), (None, address.into()));
    }

    #[test]
    fn a_socket_that_meets_itself_has_met_nobody() {
        let socket = free_socket();
        let address = bound(&socket);
        let error = connect(socket, address, Duration::from_secs(60)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_server_that_lets_nobody_in_is_not_waited_for() {
        let server = free_socket();
        let address = bound(&server);
        listen(&server, 0).unwrap();
        // The first few are let into the queue.
        let mut waiting = Vec::new();
        let error = loop {
            assert!(waiting.len() < 10, "the queue has no end");
            match connect(free_socket(), address, Duration::from_millis(50)) {
                Ok(stream) => waiting.push(stream),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn memory_is_the_groups_where_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("memory.current"), "12345\n").unwrap();
        let group = Arc::new(Cgroup::at(folder.path()));
        let (control, _answers) = control(Some(&group));
        assert_eq!(control.memory().unwrap().together, 12_345);
        drop(group);
        assert_eq!(control.memory(), None);
    }
}
