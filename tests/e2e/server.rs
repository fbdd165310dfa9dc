//! A small HTTP server: files by path, whole or from some byte on, and what a test wants to happen instead.
//! Counts what it was asked for.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a path is answered with.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// These bytes.
    File(Vec<u8>),
    /// These bytes, in pieces with a pause after each.
    Slow(Vec<u8>),
    /// Status 500 so many times, and then these bytes.
    Broken(usize, Vec<u8>),
    /// Nothing, until the client hangs up.
    Silent,
    /// A head, and of the body one byte after the other, a thousand at most.
    Drip,
    /// Status 429, and that it should be asked again in an hour.
    Busy,
    /// A redirect to this address.
    To(String),
}

#[derive(Default)]
struct State {
    replies: BTreeMap<String, Reply>,
    asked: Vec<String>,
}

/// A server on 127.0.0.1, for as long as the tests run.
pub(crate) struct Server {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// Serves nothing yet: everything is 404.
    pub(crate) fn new() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Server { port, state }
    }

    /// The address of a path, which begins with `/`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Sets what a path is answered with.
    pub(crate) fn put(&self, path: &str, reply: Reply) {
        self.state.lock().unwrap().replies.insert(path.to_owned(), reply);
    }

    /// Forgets a path.
    pub(crate) fn remove(&self, path: &str) -> Reply {
        self.state.lock().unwrap().replies.remove(path).expect("the path was served")
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.state.lock().unwrap().asked.iter().filter(|p| *p == path).count()
    }

    /// How many questions there were.
    pub(crate) fn questions(&self) -> usize {
        self.state.lock().unwrap().asked.len()
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let Ok(input) = stream.try_clone() else { return };
    let (mut input, mut output) = (BufReader::new(input), stream);
    while let Some((path, from)) = read(&mut input) {
        let stalled = stalled(&mut state.lock().unwrap(), &path);
        match stalled {
            Some(Reply::Silent) => return drop(read(&mut input)),
            Some(Reply::Drip) => return drip(&mut output),
            Some(Reply::Busy) => {
                let _ = output.write_all(b"HTTP/1.1 429 X\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n");
                continue;
            }
            Some(Reply::To(target)) => {
                let head = format!("HTTP/1.1 302 X\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n");
                let _ = output.write_all(head.as_bytes());
                continue;
            }
            _ => {}
        }
        let (status, body, pause) = answer(&mut state.lock().unwrap(), &path);
        let rest = body.get(from..).filter(|rest| status == 200 && from > 0 && !rest.is_empty());
        let head = match rest {
            Some(_) => format!("HTTP/1.1 206 X\r\nContent-Range: bytes {from}-{}/{}\r\n", body.len() - 1, body.len()),
            None => format!("HTTP/1.1 {status} X\r\n"),
        };
        let body = rest.unwrap_or(&body);
        let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
        let mut send = |piece: &[u8]| {
            std::thread::sleep(pause);
            output.write_all(piece)
        };
        if send(head.as_bytes()).and_then(|()| body.chunks(32 << 10).try_for_each(&mut send)).is_err() {
            return;
        }
    }
}

/// What a path is answered with that has no end or no body.
fn stalled(state: &mut State, path: &str) -> Option<Reply> {
    let found =
        state.replies.get(path).filter(|r| matches!(r, Reply::Silent | Reply::Drip | Reply::Busy | Reply::To(_)));
    let found = found.cloned()?;
    state.asked.push(path.to_owned());
    Some(found)
}

fn drip(output: &mut TcpStream) {
    let mut next = output.write_all(b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n");
    for _ in 0..1000 {
        if next.is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
        next = output.write_all(b".");
    }
}

fn answer(state: &mut State, path: &str) -> (u16, Vec<u8>, Duration) {
    state.asked.push(path.to_owned());
    match state.replies.get_mut(path) {
        None => (404, b"not here".to_vec(), Duration::ZERO),
        Some(Reply::Broken(left, _)) if *left > 0 => {
            *left -= 1;
            (500, b"not now".to_vec(), Duration::ZERO)
        }
        Some(Reply::File(bytes) | Reply::Broken(_, bytes)) => (200, bytes.clone(), Duration::ZERO),
        Some(Reply::Slow(bytes)) => (200, bytes.clone(), Duration::from_millis(1)),
        Some(Reply::Silent | Reply::Drip | Reply::Busy | Reply::To(_)) => unreachable!("it is answered before"),
    }
}

/// The path of the next request and the byte from which on it is wanted, or nothing at the end of the connection.
fn read(input: &mut impl BufRead) -> Option<(String, usize)> {
    let mut first = String::new();
    input.read_line(&mut first).ok().filter(|n| *n > 0)?;
    let (mut line, mut from) = (String::new(), 0);
    while input.read_line(&mut line).ok()? > 0 && !line.trim().is_empty() {
        let range = line.to_ascii_lowercase();
        from = range
            .strip_prefix("range: bytes=")
            .map_or(from, |range| range.trim().trim_end_matches('-').parse().unwrap());
        line.clear();
    }
    Some((first.split_whitespace().nth(1)?.to_owned(), from))
}
