//! One request over HTTP to a port inside a sandbox. Knows requests and answers; not what they are asked for.
//!
//! It goes over a connection that the sandbox has made, which is more than clients with their own connections can be given.

use std::io;
use std::time::Duration;

use akbuild_sandbox::Control;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, LOCATION};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use url::{Position, Url};

use crate::address::path;

/// The longest answer that is read, in bytes.
const LONGEST: usize = 64 << 20;
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Of what.
    pub(crate) address: Url,
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Asks for what is at an address, from outside of any thread of the runtime.
pub(crate) fn get(control: &Control, address: &Url, runtime: &Handle) -> io::Result<Answer> {
    let port = address.port_or_known_default().ok_or(io::ErrorKind::InvalidInput)?;
    let stream = control.connect(port, Duration::from_secs(10))?;
    stream.set_nonblocking(true)?;
    runtime.block_on(async {
        let timed = tokio::time::timeout(PATIENCE, ask(stream, address, LONGEST));
        let late = || io::Error::new(io::ErrorKind::TimedOut, format!("nothing came in {} s", PATIENCE.as_secs()));
        timed.await.unwrap_or_else(|_| Err(late()))
    })
}

/// Asks over a connection; the answer may have so many bytes.
async fn ask(stream: std::net::TcpStream, address: &Url, longest: usize) -> io::Result<Answer> {
    let stream = TokioIo::new(TcpStream::from_std(stream)?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.map_err(why)?;
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get(path(address))
        .header(HOST, &address[Position::BeforeHost..Position::AfterPort])
        .header("user-agent", "akbuild-smoke")
        .header("accept", "*/*")
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(why)?;
    let header = |name| response.headers().get(name).and_then(|v: &hyper::header::HeaderValue| v.to_str().ok());
    let (status, location) = (response.status().as_u16(), header(LOCATION).map(str::to_owned));
    let content_type = header(CONTENT_TYPE).unwrap_or_default().to_owned();
    let body = Limited::new(response.into_body(), longest).collect().await.map_err(|error| {
        let too_long = || io::Error::other(format!("the answer has more than {longest} bytes"));
        error.downcast().map_or_else(|_| too_long(), |error: Box<hyper::Error>| why(*error))
    })?;
    drop(sender);
    connection.abort();
    Ok(Answer { address: address.clone(), status, content_type, location, body: body.to_bytes().to_vec() })
}

/// An error with what led to it, which hyper keeps to itself.
fn why(error: hyper::Error) -> io::Error {
    let mut text = error.to_string();
    if let Some(source) = std::error::Error::source(&error) {
        text = format!("{text}: {source}");
    }
    io::Error::other(text)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::address::address;
    use crate::page::Kind;

    /// What comes of asking somebody who says this and hangs up, and what that one was asked.
    fn asked(path: &str, says: &str) -> (io::Result<Answer>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        stream.set_nonblocking(true).unwrap();
        let says = says.to_owned();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
                request.push(byte[0]);
            }
            stream.write_all(says.as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(ask(stream, &address(9000, path), 20));
        drop(runtime);
        (answer, server.join().unwrap())
    }

    #[test]
    fn an_answer_is_read() {
        let says = "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 4\r\n\r\nbody";
        let (answer, request) = asked("/a b/\u{e9}?c=%20&d={e}", says);
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.location.as_deref(), &*answer.body), (302, Some("/next"), &b"body"[..]));
        assert_eq!(Kind::of(&answer.content_type), Some(Kind::Html));
        insta::assert_snapshot!(request.replace('\r', "").trim(), @"
        GET /a%20b/%C3%A9?c=%20&d={e} HTTP/1.1
        host: localhost:9000
        user-agent: akbuild-smoke
        accept: */*
        ");
    }

    #[test]
    fn an_answer_ends_with_the_connection_where_nothing_says_its_length() {
        let (answer, _) = asked("/", "HTTP/1.0 200 OK\r\n\r\nall of it");
        let answer = answer.unwrap();
        assert_eq!((answer.status, &*answer.content_type, &*answer.body), (200, "", &b"all of it"[..]));
    }

    #[test]
    fn no_answer_is_an_error() {
        let error = |path: &str, says: &str| asked(path, says).0.unwrap_err().to_string();
        insta::assert_snapshot!(error("/", ""), @"connection closed before message completed");
        insta::assert_snapshot!(error("/", "SSH-2.0-OpenSSH\r\n\r\n"), @"invalid HTTP version parsed");
        insta::assert_snapshot!(error("/", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), @"error reading a body from connection: end of file before message length reached");
        insta::assert_snapshot!(error("/", &format!("HTTP/1.0 200 OK\r\n\r\n{}", "x".repeat(21))), @"the answer has more than 20 bytes");
    }
}
