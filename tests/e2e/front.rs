//! A server in front of a registry, as proxies are: it passes requests on, changes where they go, or answers itself.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// A request that comes to the front.
pub(crate) struct FrontRequest {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    headers: String,
    pub(crate) body: Vec<u8>,
}

/// What the front does with a request.
pub(crate) enum FrontAction {
    /// The registry gets it, for this target.
    Pass(String),
    /// This status, with header lines and a body.
    Answer(u16, String, String),
}

/// Starts a front of the registry at a port; gives the front's own port.
pub(crate) fn front(registry: u16, act: impl Fn(&FrontRequest) -> FrontAction + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let act = Arc::new(act);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let act = Arc::clone(&act);
            // A client that goes away in the middle is none of the test's concern.
            std::thread::spawn(move || serve(stream, registry, &*act).ok());
        }
    });
    port
}

/// One request for each connection.
fn serve(mut stream: TcpStream, registry: u16, act: &dyn Fn(&FrontRequest) -> FrontAction) -> std::io::Result<()> {
    let Some(request) = read(&mut BufReader::new(stream.try_clone()?))? else { return Ok(()) };
    match act(&request) {
        FrontAction::Pass(target) => {
            let mut upstream = TcpStream::connect(("127.0.0.1", registry))?;
            write!(upstream, "{} {target} HTTP/1.1\r\n{}Connection: close\r\n\r\n", request.method, request.headers)?;
            upstream.write_all(&request.body)?;
            std::io::copy(&mut upstream, &mut stream)?;
        }
        FrontAction::Answer(status, headers, body) => {
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} X\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            )?;
        }
    }
    Ok(())
}

fn read(reader: &mut impl BufRead) -> std::io::Result<Option<FrontRequest>> {
    let (mut first, mut headers, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut first)?;
    let mut words = first.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if !lower.starts_with("connection:") {
            headers.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(FrontRequest { method, target, headers, body }))
}
