//! What helper and init tell the parent, over the control socket, and what it asks init, over another one,
//! so that answers do not come between. Knows nothing of who acts on it.
//!
//! The socket keeps message boundaries; descriptors ride along with the message that announces them.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};

use crate::finished::Status;
use crate::wire::{Reader, Writer};

/// The greatest length of a message, and the most descriptors with one.
const LENGTH: usize = 16 * 1024;
const DESCRIPTORS: usize = 3;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// Init is there; comes with its pidfd.
    Init,
    /// Comes with the listening socket.
    Listener,
    /// The command runs; comes with its pidfd.
    Started,
    /// It could not be brought that far.
    Failed(Failure),
    /// The command has ended, and every other process with it; the largest of them has held this many bytes.
    Ended(Status, u64),
    /// From the parent: a socket is wanted, in the sandbox's network. From init: comes with the socket.
    Socket,
}

/// A step that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) step: Step,
    /// The step in words.
    pub(crate) what: String,
    /// The kernel's reason.
    pub(crate) errno: i32,
}

/// Which step; decides what is said about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    UserNamespace,
    Namespaces,
    Proc,
    Overlay,
    Exec,
    Other,
}

const STEPS: [Step; 6] = [Step::UserNamespace, Step::Namespaces, Step::Proc, Step::Overlay, Step::Exec, Step::Other];

impl Message {
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        match self {
            Message::Init => w.tag(0),
            Message::Listener => w.tag(1),
            Message::Started => w.tag(2),
            Message::Failed(f) => {
                let end = f.what.floor_char_boundary(LENGTH / 2);
                w.tag(3).number(f.step as u64).number(f.errno as u64).bytes(&f.what.as_bytes()[..end])
            }
            Message::Ended(Status::Exited(code), largest) => w.tag(4).number(*code as u64).number(*largest),
            Message::Ended(Status::Signalled(signal), largest) => w.tag(5).number(*signal as u64).number(*largest),
            Message::Socket => w.tag(6),
        };
        w.0
    }

    fn decode(bytes: &[u8]) -> Option<Message> {
        let mut r = Reader(bytes);
        Some(match r.number()? {
            0 => Message::Init,
            1 => Message::Listener,
            2 => Message::Started,
            3 => Message::Failed(Failure {
                step: *STEPS.get(r.number()? as usize)?,
                errno: r.number()? as i32,
                what: r.string()?.into_string().ok()?,
            }),
            4 => Message::Ended(Status::Exited(r.number()? as i32), r.number()?),
            5 => Message::Ended(Status::Signalled(r.number()? as i32), r.number()?),
            6 => Message::Socket,
            _ => return None,
        })
    }
}

/// A message as it would be written again; `None` if the bytes are none. For fuzzing.
pub fn rewritten(bytes: &[u8]) -> Option<Vec<u8>> {
    Message::decode(bytes).map(|message| message.encode())
}

/// Two ends of a control socket, neither passed on by exec.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Sends a message.
pub(crate) fn send(socket: impl AsFd, message: &Message, with: &[BorrowedFd<'_>]) -> io::Result<()> {
    send_bytes(socket, &message.encode(), with)
}

/// Waits for a message; `None` when the other end is closed.
pub(crate) fn receive(socket: impl AsFd) -> io::Result<Option<(Message, Vec<OwnedFd>)>> {
    let Some((bytes, with)) = receive_bytes(socket)? else { return Ok(None) };
    let message = Message::decode(&bytes).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Some((message, with)))
}

/// Sends bytes, which must not be empty.
pub(crate) fn send_bytes(socket: impl AsFd, bytes: &[u8], with: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !with.is_empty() && !control.push(SendAncillaryMessage::ScmRights(with)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Waits for bytes; `None` when the other end is closed.
pub(crate) fn receive_bytes(socket: impl AsFd) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let mut bytes = vec![0; LENGTH];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let length = loop {
        let mut slices = [IoSliceMut::new(&mut bytes)];
        match rustix::net::recvmsg(&socket, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(received) => break received.bytes,
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::CONNRESET) => return Ok(None),
            Err(e) => return Err(e.into()),
        }
    };
    let with = control.drain().filter_map(|m| match m {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let with = with.flatten().collect();
    bytes.truncate(length);
    Ok((length > 0).then_some((bytes, with)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_as_they_were_sent() {
        let (a, b) = pair().unwrap();
        let failure = |step| Failure { step, what: "mount x".into(), errno: 13 };
        let mut all = vec![Message::Init, Message::Listener, Message::Started, Message::Socket];
        all.extend([Message::Ended(Status::Exited(3), 7), Message::Ended(Status::Signalled(9), 0)]);
        all.extend(STEPS.map(|s| Message::Failed(failure(s))));
        for message in &all {
            send(&a, message, &[b.as_fd()]).unwrap();
            let (received, fds) = receive(&b).unwrap().unwrap();
            assert_eq!((&received, fds.len()), (message, 1));
        }
        drop(a);
        assert!(receive(&b).unwrap().is_none());
    }

    #[test]
    fn a_long_step_is_cut_rather_than_lost() {
        let (a, b) = pair().unwrap();
        let what = "ä".repeat(LENGTH);
        send(&a, &Message::Failed(Failure { step: Step::Other, what, errno: 1 }), &[]).unwrap();
        let Message::Failed(failure) = receive(&b).unwrap().unwrap().0 else { panic!("another message") };
        assert_eq!(failure.what, "ä".repeat(LENGTH / 4));
    }
}
