//! What init does for the parent while the command runs. Knows the sandbox's network by being in it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::failure::other;
use crate::message::{self, Message};

/// Answers one request. Whether another may come: not if the other end is closed, or is not the parent's.
pub(super) fn answer(requests: &OwnedFd) -> bool {
    let Ok(Some((Message::Socket, _))) = message::receive(requests) else { return false };
    let answered = match socket() {
        Ok(socket) => message::send(requests, &Message::Socket, &[socket.as_fd()]),
        Err(e) => message::send(requests, &Message::Failed(other("make a socket")(e)), &[]),
    };
    answered.is_ok()
}

fn socket() -> io::Result<OwnedFd> {
    Ok(socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}
