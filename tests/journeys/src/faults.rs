//! What goes wrong, as a decorator around any call: before its effect, after it (the answer is lost), or in the answer.
//!
//! Every call has two moments at which whoever makes it may end: before the effect and after it. A test that drops the
//! caller at one of them has crashed it there.

use std::{
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use warden::ports::CallError;

/// One call's fate. What a call cannot suffer leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// All is well.
    None,
    /// Refused with this code; nothing happened. An empty code is an answer that never came.
    Before(&'static str),
    /// It happened, and the answer was this error.
    After(&'static str),
    /// It happened, the answer was lost, and the SDK asked again: the answer is the one to the second time.
    Again,
    /// A read that shows how things were so many moments ago ([`Aws::keep_moment`](crate::Aws::keep_moment)).
    Stale(usize),
    /// An answer with HTTP 200 in which some ids are unsuccessful: those whose bit is set in `named`. Of these, the ones in
    /// `done` were acted on all the same. AWS documents no codes for them.
    Partly {
        /// The code of each.
        code: &'static str,
        /// Which ids, by their place in the call.
        named: u8,
        /// Which of these were acted on.
        done: u8,
    },
    /// Somebody else is writing the same: nothing was written. In a transaction that is an answer, elsewhere an error.
    Conflict,
}

/// The fates of the next calls by name, and the calls made.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Inner>>);

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faults")
    }
}

/// Something others do at the very moment of a call.
type Meanwhile = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Inner {
    meanwhile: BTreeMap<String, Meanwhile>,
    next: BTreeMap<String, VecDeque<Fault>>,
    calls: Vec<&'static str>,
}

impl Faults {
    /// Lays down the fates of the next calls of this name.
    pub fn next(&self, call: &str, fates: &[Fault]) {
        self.lock().next.entry(call.to_owned()).or_default().extend(fates);
    }

    /// Has somebody else do something just before the next call of this name takes effect.
    pub fn meanwhile(&self, call: &str, what: impl FnOnce() + Send + 'static) {
        self.lock().meanwhile.insert(call.to_owned(), Box::new(what));
    }

    /// Forgets all fates that were not met yet: the faults stop.
    pub fn stop(&self) {
        self.lock().next.clear();
    }

    /// The calls made since the last time this was asked.
    #[must_use]
    pub fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.lock().calls)
    }

    /// Makes a call, or not, as its fate will have it.
    ///
    /// # Errors
    /// The call's own, or the fate's.
    pub async fn around<T>(&self, call: &'static str, make: impl FnOnce() -> Result<T, CallError>) -> Result<T, CallError> {
        self.fated(call, |_| make()).await
    }

    /// The same for a call that may go wrong in its answer: it is told its fate.
    ///
    /// # Errors
    /// The call's own, or the fate's.
    pub async fn fated<T>(&self, call: &'static str, make: impl FnOnce(Fault) -> Result<T, CallError>) -> Result<T, CallError> {
        moment().await;
        let answer = self.meet(call, make);
        moment().await;
        answer
    }

    fn meet<T>(&self, call: &'static str, make: impl FnOnce(Fault) -> Result<T, CallError>) -> Result<T, CallError> {
        let (fate, meanwhile) = {
            let mut inner = self.lock();
            inner.calls.push(call);
            (inner.next.get_mut(call).and_then(VecDeque::pop_front).unwrap_or(Fault::None), inner.meanwhile.remove(call))
        };
        if let Some(others) = meanwhile {
            others();
        }
        match fate {
            Fault::Before(code) => Err(refuse(call, code)),
            Fault::After(code) => make(Fault::None).and(Err(refuse(call, code))),
            Fault::None | Fault::Again | Fault::Stale(_) | Fault::Partly { .. } | Fault::Conflict => make(fate),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets go once: a caller that is dropped here has ended here.
async fn moment() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// An error with a code; an empty code is an answer that never came.
pub(crate) fn refuse(call: &'static str, code: &str) -> CallError {
    CallError { call, code: (!code.is_empty()).then(|| code.to_owned()), message: format!("{call} did not go well"), source: None }
}
