//! A small HTTP server: files by path, and what a test wants to happen instead. Counts what it was asked for.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a path is answered with.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// These bytes.
    File(Vec<u8>),
    /// Status 500 so many times, and then these bytes.
    Broken(usize, Vec<u8>),
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
    while let Some(path) = read(&mut input) {
        let (status, body) = answer(&mut state.lock().unwrap(), &path);
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
        if output.write_all(head.as_bytes()).and_then(|()| output.write_all(&body)).is_err() {
            return;
        }
    }
}

fn answer(state: &mut State, path: &str) -> (u16, Vec<u8>) {
    state.asked.push(path.to_owned());
    match state.replies.get_mut(path) {
        None => (404, b"not here".to_vec()),
        Some(Reply::Broken(left, _)) if *left > 0 => {
            *left -= 1;
            (500, b"not now".to_vec())
        }
        Some(Reply::File(bytes) | Reply::Broken(_, bytes)) => (200, bytes.clone()),
    }
}

/// The path of the next request, or nothing at the end of the connection.
fn read(input: &mut impl BufRead) -> Option<String> {
    let mut first = String::new();
    input.read_line(&mut first).ok().filter(|n| *n > 0)?;
    let mut line = String::new();
    while input.read_line(&mut line).ok()? > 0 && !line.trim().is_empty() {
        line.clear();
    }
    Some(first.split_whitespace().nth(1)?.to_owned())
}
