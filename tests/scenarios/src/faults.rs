//! Faults, as a decorator of any call: before the effect, after it (the answer is lost), or in the answer.
//!
//! Each call suspends once before its effect and once after it. A test that drops the caller at one of these points has
//! crashed it there.

use std::{
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use warden::ports::CallError;

/// The fault of one call. A fault that a call cannot have changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// An error with this code, without any effect. An empty code is a timeout.
    Before(&'static str),
    /// An error with this code, after the effect.
    After(&'static str),
    /// The answer is lost after the effect, and the SDK retries: the answer is that of the second call.
    Again,
    /// A read that returns the state of so many moments ago ([`Aws::keep_moment`](crate::Aws::keep_moment)).
    Stale(usize),
    /// HTTP 200 with unsuccessful ids: those whose bit is set in `named`. The ids in `done` took effect nevertheless.
    /// AWS documents no codes for them.
    Partly {
        code: &'static str,
        /// The unsuccessful ids, by their position in the call.
        named: u8,
        /// Those of them that took effect.
        done: u8,
    },
    /// HTTP 200 with an unsuccessful id that the call did not name. Nothing took effect.
    Unmatched,
    /// A concurrent write of the same item: nothing is written. In a transaction that is an answer, elsewhere an error.
    Conflict,
}

/// The faults of the next calls by name, and the calls made.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Inner>>);

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faults")
    }
}

/// An action of another party at the moment of a call.
type Meanwhile = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Inner {
    meanwhile: BTreeMap<String, Meanwhile>,
    next: BTreeMap<String, VecDeque<Fault>>,
    calls: Vec<&'static str>,
}

impl Faults {
    /// Adds faults of the next calls of this name.
    pub fn next(&self, call: &str, faults: &[Fault]) {
        self.lock().next.entry(call.to_owned()).or_default().extend(faults);
    }

    /// Runs an action of another party immediately before the next call of this name takes effect.
    pub fn meanwhile(&self, call: &str, action: impl FnOnce() + Send + 'static) {
        self.lock().meanwhile.insert(call.to_owned(), Box::new(action));
    }

    pub fn stop(&self) {
        self.lock().next.clear();
    }

    /// Removes and returns the names of the calls made.
    pub fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.lock().calls)
    }

    /// Makes a call, with its fault.
    pub async fn around<T>(&self, call: &'static str, make: impl FnOnce() -> Result<T, CallError>) -> Result<T, CallError> {
        self.around_answer(call, |_| make()).await
    }

    /// Makes a call whose answer can have a fault: `make` gets the fault.
    pub async fn around_answer<T>(&self, call: &'static str, make: impl FnOnce(Fault) -> Result<T, CallError>) -> Result<T, CallError> {
        suspend_once().await;
        let answer = self.answer(call, make);
        suspend_once().await;
        answer
    }

    fn answer<T>(&self, call: &'static str, make: impl FnOnce(Fault) -> Result<T, CallError>) -> Result<T, CallError> {
        let (fault, meanwhile) = {
            let mut inner = self.lock();
            inner.calls.push(call);
            (inner.next.get_mut(call).and_then(VecDeque::pop_front).unwrap_or(Fault::None), inner.meanwhile.remove(call))
        };
        if let Some(action) = meanwhile {
            action();
        }
        match fault {
            Fault::Before(code) => Err(error(call, code)),
            Fault::After(code) => make(Fault::None).and(Err(error(call, code))),
            Fault::None | Fault::Again | Fault::Stale(_) | Fault::Partly { .. } | Fault::Unmatched | Fault::Conflict => make(fault),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn suspend_once() {
    let mut suspended = false;
    poll_fn(|context| {
        if std::mem::replace(&mut suspended, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// An error with a code. An empty code is a timeout.
pub(crate) fn error(call: &'static str, code: &str) -> CallError {
    CallError { call, code: (!code.is_empty()).then(|| code.to_owned()), message: format!("{call} failed"), source: None }
}
