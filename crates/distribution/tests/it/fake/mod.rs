//! A registry in this process: keeps what is pushed, and fails where a test tells it to. Knows connections and
//! rules; what a registry answers is in `registry.rs`, who may ask in `guard.rs`.

mod guard;
mod registry;
mod wire;

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

pub(crate) use guard::{Guard, Tokens};
pub(crate) use registry::Registry;
pub(crate) use wire::{Reply, Request};

/// What happens to a request that a rule is for.
pub(crate) enum Fault {
    /// It gets this answer and nothing else is done.
    Reply(Reply),
    /// It gets an answer that depends on it, and nothing else is done.
    Answer(Box<dyn Fn(&Request) -> Reply + Send + Sync>),
    /// It gets an answer that depends on it before its body is read, and then the connection is gone.
    Early(Box<dyn Fn(&Request) -> Reply + Send + Sync>),
    /// So many bytes of the body are taken, then the connection is gone.
    DropAfter(usize),
    /// It is taken, and then there is silence until the other side goes.
    Silence,
    /// It is done, and the connection is gone before the answer.
    DropAnswer,
    /// It is done, and the connection is gone after so many bytes of the answer's body.
    CutAnswer(usize),
    /// It is done, and there is silence after so many bytes of the answer's body.
    StallAnswer(usize),
    /// Something happens to the registry first; then it is done.
    Before(Box<dyn Fn(&mut Registry) + Send + Sync>),
    /// It is done; then something happens to the registry.
    After(Box<dyn Fn(&mut Registry) + Send + Sync>),
    /// It is done, and the answer is changed.
    Change(Box<dyn Fn(Reply) -> Reply + Send + Sync>),
}

struct Rule {
    matches: Box<dyn Fn(&Request) -> bool + Send>,
    left: usize,
    fault: Arc<Fault>,
}

/// A registry that runs until the test ends.
pub(crate) struct Fake {
    pub(crate) host: String,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    registry: Mutex<Registry>,
    rules: Mutex<Vec<Rule>>,
    seen: Mutex<Vec<Request>>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        Self::with(Registry::default())
    }

    pub(crate) fn with(registry: Registry) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let inner = Arc::new(Inner { registry: Mutex::new(registry), ..Inner::default() });
        let shared = Arc::clone(&inner);
        let own = host.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (inner, host) = (Arc::clone(&shared), own.clone());
                std::thread::spawn(move || serve(stream, &inner, &host));
            }
        });
        Self { host, inner }
    }

    /// The next `times` requests that match get the fault.
    pub(crate) fn rule(&self, times: usize, matches: impl Fn(&Request) -> bool + Send + 'static, fault: Fault) {
        self.inner.rules.lock().unwrap().push(Rule { matches: Box::new(matches), left: times, fault: Arc::new(fault) });
    }

    /// The same for requests of one method whose path ends so or holds that.
    pub(crate) fn on(&self, times: usize, method: &'static str, part: &'static str, fault: Fault) {
        self.rule(times, move |r| r.method == method && r.path.contains(part), fault);
    }

    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        self.inner.registry.lock().unwrap()
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.inner.seen.lock().unwrap().clone()
    }

    /// All requests so far, one a line, and from now on none of them.
    pub(crate) fn log(&self) -> String {
        let seen = std::mem::take(&mut *self.inner.seen.lock().unwrap());
        seen.iter().map(Request::line).collect::<Vec<_>>().join("\n")
    }
}

impl Inner {
    /// What happens to a request; each time one less.
    fn fault(&self, request: &Request) -> Option<Arc<Fault>> {
        let mut rules = self.rules.lock().unwrap();
        let rule = rules.iter_mut().find(|rule| rule.left > 0 && (rule.matches)(request))?;
        rule.left -= 1;
        Some(Arc::clone(&rule.fault))
    }
}

fn serve(mut stream: TcpStream, inner: &Inner, host: &str) {
    let mut reader = std::io::BufReader::new(stream.try_clone().unwrap());
    while let Some(mut request) = wire::head(&mut reader) {
        let fault = inner.fault(&request);
        if let Some(Fault::Early(answer)) = fault.as_deref() {
            inner.seen.lock().unwrap().push(request.clone());
            wire::send(&mut stream, &request, &answer(&request).with("Connection", "close"), None);
            return;
        }
        let take = match fault.as_deref() {
            Some(Fault::DropAfter(bytes)) => (*bytes).min(request.length()),
            _ => request.length(),
        };
        if !wire::body(&mut reader, &mut request, take) {
            return;
        }
        // A registry of this machine is asked first whether it speaks plainly.
        if (request.method.as_str(), request.path.as_str()) == ("GET", "/v2/") {
            wire::send(&mut stream, &request, &Reply::status(200), None);
            continue;
        }
        inner.seen.lock().unwrap().push(request.clone());
        let mut registry = inner.registry.lock().unwrap();
        let mut cut = None;
        let reply = match fault.as_deref() {
            None => registry.answer(&request, host),
            Some(Fault::Reply(reply)) => reply.clone(),
            Some(Fault::Answer(answer) | Fault::Early(answer)) => answer(&request),
            Some(Fault::DropAfter(_)) => {
                registry.part(&request);
                return;
            }
            Some(Fault::Silence) => {
                drop(registry);
                wire::silence(&mut reader);
                return;
            }
            Some(Fault::DropAnswer) => {
                registry.answer(&request, host);
                return;
            }
            Some(Fault::CutAnswer(bytes)) => {
                cut = Some(*bytes);
                registry.answer(&request, host)
            }
            Some(Fault::StallAnswer(bytes)) => {
                let reply = registry.answer(&request, host);
                drop(registry);
                wire::send(&mut stream, &request, &reply, Some(*bytes));
                wire::silence(&mut reader);
                return;
            }
            Some(Fault::Before(change)) => {
                change(&mut registry);
                registry.answer(&request, host)
            }
            Some(Fault::After(change)) => {
                let reply = registry.answer(&request, host);
                change(&mut registry);
                reply
            }
            Some(Fault::Change(change)) => change(registry.answer(&request, host)),
        };
        drop(registry);
        if !wire::send(&mut stream, &request, &reply, cut) {
            return;
        }
    }
}
