//! A way of showing that also does something when nothing happens: by a thread that does one thing
//! again and again until the end.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use akbuild_engine::{Event, Sink};
use akbuild_fetch::WaitNotice;

use super::display::Ui;
use super::streams::OutputStreams;
use super::summary::Summary;

/// Shows as `shown` does, with a thread beside it until the end of the run.
pub(crate) struct Ticking<T> {
    shown: Arc<T>,
    ticker: Mutex<Option<Ticker>>,
}

impl<T: Ui + 'static> Ticking<T> {
    /// Has `tick` called every so often from now on.
    pub(crate) fn new(shown: Arc<T>, every: Duration, tick: fn(&T)) -> Self {
        let ticked = shown.clone();
        Self { shown, ticker: Mutex::new(Some(Ticker::start(every, move || tick(&ticked)))) }
    }
}

impl<T: Ui> Sink for Ticking<T> {
    fn event(&self, event: Event) {
        self.shown.event(event);
    }
}

impl<T: Ui> Ui for Ticking<T> {
    fn finish(&self, end: &Summary) {
        self.ticker.lock().unwrap_or_else(|e| e.into_inner()).take();
        self.shown.finish(end);
    }

    fn note(&self, text: &str) {
        self.shown.note(text);
    }

    fn waiting(&self, notice: &WaitNotice) {
        self.shown.waiting(notice);
    }

    fn progress(&self, text: &str) {
        self.shown.progress(text);
    }

    fn warn(&self, text: &str) {
        self.shown.warn(text);
    }

    fn error(&self, block: &str) {
        self.shown.error(block);
    }

    fn streams(&self) -> &Arc<OutputStreams> {
        self.shown.streams()
    }

    fn out(&self, text: &str) {
        self.shown.out(text);
    }

    fn out_bytes(&self, data: &[u8]) {
        self.shown.out_bytes(data);
    }
}

/// Ends its thread, and waits for that, when dropped.
struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Calls `tick` every so often. Where no thread can be had nothing is called, which costs only liveliness.
    fn start(every: Duration, tick: impl Fn() + Send + 'static) -> Self {
        let (stop, stopped) = channel();
        let run = move || {
            while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                tick();
            }
        };
        let thread = std::thread::Builder::new().name("ui".into()).spawn(run).ok();
        Self { stop: Some(stop), thread }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ticks_until_it_is_dropped() {
        let (told, ticks) = channel();
        let ticker = Ticker::start(Duration::from_millis(1), move || told.send(()).unwrap());
        ticks.recv().unwrap();
        ticks.recv().unwrap();
        drop(ticker);
        // The thread is gone, and with it the sender: what is left can be counted, and nothing follows.
        while ticks.try_recv().is_ok() {}
        assert_eq!(ticks.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected));
    }
}
