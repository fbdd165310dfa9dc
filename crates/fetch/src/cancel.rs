//! Cancellation: one switch that every running operation observes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// A switch that is thrown once. Throwing it calls every registered function.
#[derive(Clone, Default)]
pub struct Cancel(Arc<State>);

impl std::fmt::Debug for Cancel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_thrown()).finish()
    }
}

type Call = Box<dyn Fn() + Send>;

#[derive(Default)]
struct State {
    thrown: AtomicBool,
    next: std::sync::atomic::AtomicU64,
    calls: Mutex<Vec<(u64, Call)>>,
    notify: tokio::sync::Notify,
}

/// Takes its call back when dropped.
pub struct Registered(Cancel, u64);

impl Cancel {
    /// A switch that is not thrown.
    pub fn new() -> Self {
        Self::default()
    }

    /// Throws it: nothing new begins, and what runs is ended at once.
    pub fn throw(&self) {
        self.0.thrown.store(true, Ordering::SeqCst);
        self.0.notify.notify_waiters();
        for (_, call) in self.0.calls.lock().unwrap_or_else(|e| e.into_inner()).iter() {
            call();
        }
    }

    /// Whether it has been thrown.
    pub fn is_thrown(&self) -> bool {
        self.0.thrown.load(Ordering::SeqCst)
    }

    /// Ends when it is thrown.
    pub async fn thrown(&self) {
        loop {
            let notified = self.0.notify.notified();
            if self.is_thrown() {
                return;
            }
            notified.await;
        }
    }

    /// Has `call` made when the switch is thrown, at once if it has been.
    pub fn on_throw(&self, call: impl Fn() + Send + 'static) -> Registered {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let mut calls = self.0.calls.lock().unwrap_or_else(|e| e.into_inner());
        if self.is_thrown() {
            call();
        }
        calls.push((id, Box::new(call)));
        Registered(self.clone(), id)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.0.calls.lock().unwrap_or_else(|e| e.into_inner()).retain(|(id, _)| *id != self.1);
    }
}
