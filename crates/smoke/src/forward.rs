//! Connections from one sandbox to another: a port that is listened on here is answered there. Knows sockets, and
//! nothing of what they carry.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use akbuild_sandbox::Control;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// How long after a connection could not be taken the next one is.
const AGAIN: Duration = Duration::from_millis(100);

/// Passes connections on for as long as it lives.
#[derive(Debug)]
pub(crate) struct Forward(JoinHandle<()>);

impl Drop for Forward {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Forward {
    /// From a socket that listens in one sandbox to a port of another.
    pub(crate) fn start(from: TcpListener, to: Control, port: u16, runtime: &Handle) -> io::Result<Self> {
        from.set_nonblocking(true)?;
        let _context = runtime.enter();
        let from = tokio::net::TcpListener::from_std(from)?;
        Ok(Self(runtime.spawn(async move {
            loop {
                match from.accept().await {
                    Ok((near, _)) => drop(tokio::spawn(pass_on(near, to.clone(), port))),
                    // It may be for want of file descriptors, and those come back.
                    Err(_) => tokio::time::sleep(AGAIN).await,
                }
            }
        })))
    }
}

/// One connection; where the other side does not answer, it is closed, as by a server that is not there.
async fn pass_on(mut near: TcpStream, to: Control, port: u16) {
    let connect = move || to.connect(port, Duration::from_secs(10));
    let Ok(Ok(far)) = tokio::task::spawn_blocking(connect).await else { return };
    let Ok(mut far) = far.set_nonblocking(true).and_then(|()| TcpStream::from_std(far)) else { return };
    // How it ends is between the two ends.
    let _ = copy_bidirectional(&mut near, &mut far).await;
}
