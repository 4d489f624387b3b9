//! The clock of a simulation. The functions take it as a plain function, so it belongs to the thread.

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};

thread_local! {
    static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::UNIX_EPOCH) };
    static RUNS: Cell<bool> = const { Cell::new(false) };
}

/// The current time.
pub fn now() -> Timestamp {
    let now = NOW.get();
    if RUNS.get() {
        NOW.set(now + SignedDuration::from_micros(1));
    }
    now
}

pub(super) fn start() {
    NOW.set(scenarios::start());
    RUNS.set(false);
}

pub(super) fn set(now: Timestamp) {
    NOW.set(now);
}

pub(super) fn run() {
    RUNS.set(true);
}
