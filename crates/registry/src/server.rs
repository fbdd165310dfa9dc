//! The loopback registry: an HTTP server on a listener that it is given, answering the clients of all
//! ecosystems from a [`Catalogue`]. Knows nothing of where the listener is, nor how files came to be local.

mod answer;
mod body;
mod file;
mod miss;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};

use crate::Catalogue;
use crate::upstream::Upstream;
use answer::State;
pub use miss::Miss;

/// A running registry. Dropping it ends it, open connections included.
#[derive(Debug)]
pub struct Server {
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Serves a catalogue on a listener, on tasks of this runtime. With `upstream`, what the Python
    /// side lacks comes through it.
    ///
    /// # Errors
    /// The listener cannot be used without blocking, or registered with the runtime.
    pub fn start(
        listener: TcpListener,
        catalogue: Arc<Catalogue>,
        upstream: Option<Arc<dyn Upstream>>,
        rt: &Handle,
    ) -> std::io::Result<Self> {
        listener.set_nonblocking(true)?;
        let entered = rt.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        drop(entered);
        let state = Arc::new(State::new(catalogue, upstream));
        let accepting = rt.spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { state, accepting })
    }

    /// What was asked for and is not in the catalogue, each once, in the order of asking.
    pub fn misses(&self) -> Vec<Miss> {
        self.state.misses.all()
    }

    /// How many requests were answered with a file or a page so far.
    pub fn served(&self) -> u64 {
        self.state.served.load(Ordering::Relaxed)
    }

    /// Ends the server, open connections included.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Accepts until it is aborted; the set of connections goes with it.
async fn accept(listener: tokio::net::TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // Out of file descriptors, or the peer is gone already: the next one may do better.
            Err(error) => {
                tracing::warn!(%error, "the loopback registry could not accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let state = Arc::clone(&state);
        connections.spawn(async move {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "no TCP_NODELAY");
            }
            let service = service_fn(|request| {
                let state = Arc::clone(&state);
                async move { Ok::<_, std::convert::Infallible>(state.answer(&request).await) }
            });
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "a connection to the loopback registry ended early");
            }
        });
    }
}
