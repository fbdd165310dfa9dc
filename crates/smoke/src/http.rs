//! One request over HTTP to a port inside a sandbox. Knows requests and answers; not what they are asked for.

use std::io;
use std::time::Duration;

use akbuild_sandbox::Control;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, LOCATION};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// The longest answer that is read, in bytes.
const LONGEST: usize = 64 << 20;
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Asks for a path, from outside of any thread of the runtime.
pub(crate) fn get(control: &Control, port: u16, path: &str, runtime: &Handle) -> io::Result<Answer> {
    let stream = control.connect(port, Duration::from_secs(10))?;
    stream.set_nonblocking(true)?;
    runtime.block_on(async {
        let timed = tokio::time::timeout(PATIENCE, ask(stream, port, path));
        timed.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    })
}

async fn ask(stream: std::net::TcpStream, port: u16, path: &str) -> io::Result<Answer> {
    let stream = TokioIo::new(TcpStream::from_std(stream)?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.map_err(io::Error::other)?;
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get(path)
        .header(HOST, format!("localhost:{port}"))
        .header("user-agent", "akbuild-smoke")
        .header("accept", "*/*")
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let header = |name| response.headers().get(name).and_then(|v: &hyper::header::HeaderValue| v.to_str().ok());
    let (status, location) = (response.status().as_u16(), header(LOCATION).map(str::to_owned));
    let content_type = header(CONTENT_TYPE).unwrap_or_default().to_owned();
    let body = Limited::new(response.into_body(), LONGEST).collect().await.map_err(io::Error::other)?;
    drop(sender);
    connection.abort();
    Ok(Answer { status, content_type, location, body: body.to_bytes().to_vec() })
}
