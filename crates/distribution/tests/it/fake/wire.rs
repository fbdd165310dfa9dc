//! Requests and answers as bytes: as much of HTTP as the tests need.

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;

#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub(crate) fn length(&self) -> usize {
        self.header("content-length").and_then(|l| l.parse().ok()).unwrap_or(0)
    }

    /// `PATCH /v2/app/blobs/uploads/1 0-9`: digests are cut off.
    pub(crate) fn line(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let mut line = format!("{} {}", self.method, self.path);
        if !query.is_empty() {
            line = format!("{line}?{}", query.join("&"));
        }
        if let Some(range) = self.header("content-range").or_else(|| self.header("range")) {
            line = format!("{line} [{range}]");
        }
        let mut parts = line.split("sha256:");
        let mut short = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let cut = part.char_indices().nth(64).map_or(part.len(), |(at, _)| at);
            short = format!("{short}{}{}", &part[..6.min(cut)], &part[cut..]);
        }
        short
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// An error in the registry's form.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({"errors": [{"code": code, "message": message}]}).to_string().into_bytes();
        Self { status, headers: Vec::new(), body }.with("Content-Type", "application/json")
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// In HTTP's own chunks: its length is not known before its end.
    pub(crate) fn chunked(self) -> Self {
        let mut body = format!("{:x}\r\n", self.body.len()).into_bytes();
        body.extend_from_slice(&self.body);
        body.extend_from_slice(b"\r\n0\r\n\r\n");
        Self { body, ..self }.with("Transfer-Encoding", "chunked")
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self
    }
}

/// The request without its body; `None` at the end of the connection.
pub(super) fn head(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let url = url::Url::parse(&format!("http://x{target}")).ok()?;
    let query = url.query_pairs().into_owned().collect();
    let mut request = Request { method, path: url.path().to_owned(), query, ..Request::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => request.headers.push((name.to_owned(), value.to_owned())),
            None => return Some(request),
        }
    }
}

/// So many bytes of the body; `false` if they do not come.
pub(super) fn body(reader: &mut impl Read, request: &mut Request, bytes: usize) -> bool {
    request.body = vec![0; bytes];
    reader.read_exact(&mut request.body).is_ok()
}

/// Waits until the other side goes.
pub(super) fn silence(reader: &mut impl Read) {
    while reader.read(&mut [0]).is_ok_and(|n| n > 0) {}
}

/// Sends an answer, or the first so many bytes of its body. `false`: the connection is over.
pub(super) fn send(stream: &mut TcpStream, request: &Request, reply: &Reply, cut: Option<usize>) -> bool {
    let mut head = format!("HTTP/1.1 {} X\r\n", reply.status);
    let has_length = |n: &str| ["content-length", "transfer-encoding"].contains(&&*n.to_lowercase());
    if !reply.headers.iter().any(|(n, _)| has_length(n)) && reply.status != 204 {
        head.push_str(&format!("Content-Length: {}\r\n", reply.body.len()));
    }
    reply.headers.iter().for_each(|(n, v)| head.push_str(&format!("{n}: {v}\r\n")));
    head.push_str("\r\n");
    let body = if request.method == "HEAD" { &[] } else { reply.body.as_slice() };
    let body = &body[..cut.unwrap_or(body.len()).min(body.len())];
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).is_ok() && cut.is_none()
}
