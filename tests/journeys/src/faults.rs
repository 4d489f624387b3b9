//! What goes wrong, as a decorator around any call: before its effect, after it (the answer is lost), or not at all.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use warden::ports::CallError;

/// One call's fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// All is well.
    None,
    /// Refused with this code; nothing happened.
    Before(&'static str),
    /// It happened, and the answer was this error.
    After(&'static str),
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
    pub fn around<T>(&self, call: &'static str, make: impl FnOnce() -> Result<T, CallError>) -> Result<T, CallError> {
        let (fate, meanwhile) = {
            let mut inner = self.lock();
            inner.calls.push(call);
            (inner.next.get_mut(call).and_then(VecDeque::pop_front).unwrap_or(Fault::None), inner.meanwhile.remove(call))
        };
        if let Some(others) = meanwhile {
            others();
        }
        match fate {
            Fault::None => make(),
            Fault::Before(code) => Err(refuse(call, code)),
            Fault::After(code) => make().and(Err(refuse(call, code))),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error with a code; an empty code is an answer that never came.
pub(crate) fn refuse(call: &'static str, code: &str) -> CallError {
    CallError { call, code: (!code.is_empty()).then(|| code.to_owned()), message: format!("{call} did not go well"), source: None }
}
