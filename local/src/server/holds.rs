//! Calls that hang: a call is held before or after its effect until it is released or its connection is closed.
//!
//! A process that is killed while its call hangs stopped exactly there. A call that was chosen to hang, but is released
//! before it does, passes.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    str::FromStr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use tokio::sync::watch;

use super::request::Call;

/// The side of a call's effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum When {
    Before,
    After,
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "before" => Ok(Self::Before),
            "after" => Ok(Self::After),
            _ => Err(format!("`{text}` is no moment; take before or after")),
        }
    }
}

/// An order to hold the next calls of an action.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) action: String,
    /// `None`: about any endpoint service.
    pub(super) service: Option<String>,
    pub(super) when: When,
    pub(super) calls: usize,
}

/// A call that hangs.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Hanging {
    action: String,
    service: Option<String>,
    when: When,
    /// The caller's end of the connection: it leads to the process.
    peer: SocketAddr,
}

/// The orders, and the calls that hang.
#[derive(Debug, Default)]
pub(super) struct Holds {
    state: Mutex<State>,
    released: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    orders: Vec<Hold>,
    hanging: BTreeMap<u64, Hanging>,
    chosen: u64,
}

impl Holds {
    pub(super) fn add(&self, hold: Hold) {
        self.state().orders.push(hold);
    }

    /// Chooses a call that an order is for.
    pub(super) fn choose(&self, call: &Call, peer: SocketAddr) -> Option<Held<'_>> {
        let mut state = self.state();
        let is_for =
            |hold: &&mut Hold| hold.calls > 0 && hold.action == call.action && (hold.service.is_none() || hold.service == call.service);
        let order = state.orders.iter_mut().find(is_for)?;
        order.calls -= 1;
        let call = Hanging { action: call.action.clone(), service: call.service.clone(), when: order.when, peer };
        state.chosen += 1;
        Some(Held { holds: self, number: state.chosen, call, released: self.released.subscribe() })
    }

    /// Returns the calls that hang, the longest first.
    pub(super) fn hanging(&self) -> Vec<Hanging> {
        self.state().hanging.values().cloned().collect()
    }

    /// Releases the calls chosen so far, and cancels the orders.
    pub(super) fn release(&self) {
        let mut state = self.state();
        state.orders.clear();
        state.hanging.clear();
        self.released.send_replace(());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A chosen call. Dropped with its connection, it no longer counts as hanging.
#[derive(Debug)]
pub(super) struct Held<'a> {
    holds: &'a Holds,
    number: u64,
    call: Hanging,
    /// Subscribed when the call was chosen, so that no later release is missed.
    released: watch::Receiver<()>,
}

impl Held<'_> {
    /// Hangs here if this is the side of the effect that the order names.
    pub(super) async fn hang(&mut self, when: When) {
        if when == self.call.when {
            self.holds.state().hanging.insert(self.number, self.call.clone());
            drop(self.released.changed().await);
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.holds.state().hanging.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn released_call_does_not_hang() {
        let holds = Holds::default();
        holds.add(Hold { action: "X".to_owned(), service: None, when: When::After, calls: 1 });
        let name = || "X".to_owned();
        let call = Call { account: name(), action: name(), user_agent: name(), session: name(), service: None };
        let mut held = holds.choose(&call, ([127, 0, 0, 1], 1).into()).unwrap();
        holds.release();
        tokio::time::timeout(Duration::from_secs(10), held.hang(When::After)).await.unwrap();
    }
}
