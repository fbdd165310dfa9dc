//! git's smart HTTP protocol, version 0, as a fetching client without history of its own
//! (gitprotocol-http(5), gitprotocol-pack(5)). Knows references and packs; not where a pack goes.

use std::io::{self, Read};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{RequestBuilder, Response, StatusCode};
use url::Url;

use super::credentials::Credentials;
use super::http::{BodyReader, GitHttp};
use super::pkt::{self, Pkt};
use super::trouble::Trouble;
use crate::auth::split_user;

/// The longest list of references that is read, in bytes.
const ADVERT_LIMIT: u64 = 64 << 20;

/// What a server says that it has.
pub(super) struct Advert {
    /// Names and object ids; an annotated tag is followed by `NAME^{}` and its commit.
    pub(super) refs: Vec<(String, String)>,
    capabilities: Vec<String>,
}

impl Advert {
    /// The object id of a name.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.refs.iter().find(|(n, _)| n == name).map(|(_, id)| id.as_str())
    }

    /// Whether the server offers this.
    pub(super) fn offers(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|c| c == capability)
    }
}

/// One repository behind HTTP.
pub(super) struct Remote<'a> {
    http: &'a GitHttp,
    credentials: &'a Credentials,
    base: Url,
    header: Option<String>,
}

impl<'a> Remote<'a> {
    /// Asks for the references. Follows redirects, and asks credential helpers once on a 401.
    pub(super) fn open(http: &'a GitHttp, url: &Url, credentials: &'a Credentials) -> Result<(Self, Advert), Trouble> {
        let header = credentials.header(url).map_err(Trouble::firm)?;
        let (base, _) = split_user(url);
        let mut remote = Self { http, credentials, base, header };
        let mut asked = remote.ask()?;
        if asked.status() == StatusCode::UNAUTHORIZED
            && let Some(header) = remote.credentials.ask_helpers(url)
        {
            remote.header = Some(header);
            asked = remote.ask()?;
        }
        let asked = checked(asked)?;
        remote.follow(asked.url().clone());
        let advert = read_advert(http.body(asked, ADVERT_LIMIT))?;
        Ok((remote, advert))
    }

    fn ask(&self) -> Result<Response, Trouble> {
        let url = format!("{}/info/refs?service=git-upload-pack", self.base.as_str().trim_end_matches('/'));
        self.http.send(self.authorised(self.http.http.get(url)))
    }

    /// After a redirect, the pack is asked for where the references were found; a secret goes along
    /// only within the host that it is for.
    fn follow(&mut self, found: Url) {
        let Some(path) = found.path().strip_suffix("/info/refs").map(str::to_owned) else { return };
        if found.origin() != self.base.origin() {
            self.header = self.credentials.header(&found).ok().flatten();
        }
        self.base = found;
        self.base.set_query(None);
        self.base.set_path(&path);
    }

    fn authorised(&self, request: RequestBuilder) -> RequestBuilder {
        match self.header.as_deref().and_then(|h| HeaderValue::from_str(h).ok()) {
            Some(mut value) => {
                value.set_sensitive(true);
                request.header(AUTHORIZATION, value)
            }
            None => request,
        }
    }

    /// Asks for these objects and what hangs on them, without history if `shallow`. The answer is read as the pack.
    pub(super) fn pack(&self, wants: &[&str], shallow: bool, advert: &Advert) -> Result<Pack<BodyReader<'a>>, Trouble> {
        let mut body = Vec::new();
        let wanted = ["side-band-64k", "ofs-delta", "no-progress"];
        let mut asked: String = wanted.iter().filter(|c| advert.offers(c)).map(|c| format!(" {c}")).collect();
        if shallow && advert.offers("shallow") {
            asked.push_str(" shallow");
        }
        for (number, want) in wants.iter().enumerate() {
            let capabilities = if number == 0 { asked.as_str() } else { "" };
            pkt::line(&mut body, &format!("want {want}{capabilities}\n"));
        }
        if shallow && advert.offers("shallow") {
            pkt::line(&mut body, "deepen 1\n");
        }
        pkt::flush(&mut body);
        pkt::line(&mut body, "done\n");
        let url = format!("{}/git-upload-pack", self.base.as_str().trim_end_matches('/'));
        let request = self.http.http.post(url).header(CONTENT_TYPE, "application/x-git-upload-pack-request").body(body);
        let answer = checked(self.http.send(self.authorised(request))?)?;
        Pack::open(self.http.pack_body(answer), advert.offers("side-band-64k")).map_err(Trouble::read)
    }
}

fn checked(response: Response) -> Result<Response, Trouble> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let hint = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            " (the server wants credentials: put them into ~/.netrc, a token file or a git credential helper)"
        }
        StatusCode::NOT_FOUND => " (no such repository, or one that needs credentials)",
        _ => "",
    };
    if let Some(reason) = crate::redirect::not_followed(&response) {
        return Err(Trouble::firm(reason));
    }
    let asked = crate::retry::retry_after(response.headers());
    Err(Trouble { reason: format!("HTTP {status}{hint}"), may_pass: crate::retry::may_pass(status), asked })
}

/// Reads `info/refs`.
fn read_advert(mut from: impl Read) -> Result<Advert, Trouble> {
    let mut advert = Advert { refs: Vec::new(), capabilities: Vec::new() };
    let mut first = true;
    let mut next = || pkt::read(&mut from).map_err(Trouble::read);
    match next()? {
        Some(Pkt::Data(line)) if line.starts_with(b"# service=git-upload-pack") => {}
        _ => return Err(Trouble::firm("this is not git's smart HTTP protocol")),
    }
    // A flush ends the service line, the next one the references.
    next()?;
    while let Some(Pkt::Data(line)) = next()? {
        let line = String::from_utf8_lossy(&line);
        if let Some(said) = line.strip_prefix("ERR ") {
            return Err(Trouble::firm(said.trim()));
        }
        let (reference, capabilities) = line.split_once('\0').unwrap_or((&line, ""));
        if first {
            advert.capabilities = capabilities.split_whitespace().map(str::to_owned).collect();
            first = false;
        }
        if let Some((id, name)) = reference.trim_end().split_once(' ')
            && name != "capabilities^{}"
        {
            advert.refs.push((name.to_owned(), id.to_owned()));
        }
    }
    Ok(advert)
}

/// The pack in an answer, taken out of its frames.
pub(super) struct Pack<R> {
    from: R,
    framed: bool,
    left: Vec<u8>,
    at: usize,
}

impl<R: Read> Pack<R> {
    /// Reads up to the acknowledgement, after which the pack begins.
    fn open(mut from: R, framed: bool) -> io::Result<Self> {
        loop {
            match pkt::read(&mut from)? {
                None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer ends before the pack")),
                Some(Pkt::Data(line)) if line.starts_with(b"NAK") || line.starts_with(b"ACK") => {
                    return Ok(Self { from, framed, left: Vec::new(), at: 0 });
                }
                Some(Pkt::Data(line)) if line.starts_with(b"ERR ") => return Err(server_says(&line[4..])),
                Some(_) => {}
            }
        }
    }

    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            match pkt::read(&mut self.from)? {
                None | Some(Pkt::Flush) => return Ok(false),
                Some(Pkt::Data(data)) => match data.first() {
                    Some(1) => {
                        self.left = data;
                        self.at = 1;
                        return Ok(true);
                    }
                    Some(3) => return Err(server_says(&data[1..])),
                    _ => {}
                },
            }
        }
    }
}

/// Reads bytes as a server's references, and as its pack with frames and without; gives the length of what each
/// pack holds. For fuzzing.
pub fn read_any_answer(bytes: &[u8]) -> [Option<usize>; 2] {
    let _ = read_advert(bytes).map(|advert| (advert.find("HEAD").is_some(), advert.offers("shallow")));
    [true, false].map(|framed| {
        let mut pack = Pack::open(bytes, framed).ok()?;
        let mut out = Vec::new();
        pack.read_to_end(&mut out).ok()
    })
}

fn server_says(text: &[u8]) -> io::Error {
    let text = String::from_utf8_lossy(text);
    io::Error::new(io::ErrorKind::InvalidData, format!("the server says: {}", text.trim()))
}

impl<R: Read> Read for Pack<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.framed {
            return self.from.read(buffer);
        }
        while self.at == self.left.len() {
            if !self.next_frame()? {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.left.len() - self.at);
        buffer[..count].copy_from_slice(&self.left[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
