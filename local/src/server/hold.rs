//! Calls that hang: taken in, and not answered until they are let go, or until whoever called is gone.
//!
//! A process that is ended while its call hangs has ended exactly there: before the call's effect, or after it.

use std::{collections::BTreeMap, net::SocketAddr};

use serde::Serialize;
use tokio::sync::oneshot;

use super::{Local, asked::Asked};

/// On which side of its effect a call hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum When {
    Before,
    After,
}

impl std::str::FromStr for When {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "before" => Ok(Self::Before),
            "after" => Ok(Self::After),
            _ => Err(format!("`{text}` is no moment; take before or after")),
        }
    }
}

/// Which of the next calls shall hang.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) action: String,
    /// About which endpoint service; without one, about any.
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
    /// The caller's end of the connection, by which its process can be told.
    peer: SocketAddr,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Holds {
    wanted: Vec<Hold>,
    hanging: BTreeMap<u64, (Hanging, oneshot::Sender<()>)>,
    counter: u64,
}

impl Holds {
    pub(super) fn want(&mut self, hold: Hold) {
        self.wanted.push(hold);
    }

    /// Whether this call shall hang, and when.
    pub(super) fn take(&mut self, call: &Asked) -> Option<When> {
        let meant =
            |hold: &&mut Hold| hold.calls > 0 && hold.action == call.action && (hold.service.is_none() || hold.service == call.service);
        let hold = self.wanted.iter_mut().find(meant)?;
        hold.calls -= 1;
        Some(hold.when)
    }

    /// Those that hang now, the longest first.
    pub(super) fn hanging(&self) -> Vec<Hanging> {
        self.hanging.values().map(|(hanging, _)| hanging.clone()).collect()
    }

    /// Lets all go, and holds nothing any more.
    pub(super) fn release(&mut self) {
        self.wanted.clear();
        self.hanging.clear();
    }
}

impl Local {
    /// Returns when the call is let go. Dropped with its connection, it is off the list as well.
    pub(super) async fn hang(&self, call: &Asked, when: When, peer: SocketAddr) {
        let (let_go, released) = oneshot::channel();
        let hanging = Hanging { action: call.action.clone(), service: call.service.clone(), when, peer };
        let _listed = {
            let holds = &mut self.knobs().holds;
            holds.counter += 1;
            holds.hanging.insert(holds.counter, (hanging, let_go));
            Listed(self, holds.counter)
        };
        // Either way of ending it is a release.
        drop(released.await);
    }
}

/// A place on the list.
struct Listed<'a>(&'a Local, u64);

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.0.knobs().holds.hanging.remove(&self.1);
    }
}
