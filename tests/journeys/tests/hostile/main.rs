//! Events from somebody who means harm: a bounded share at each test run, a million by `make fuzz`.
//!
//! An event may only ever say where to look. So whatever is done to one, no connection moves that EC2 did not describe as
//! waiting, for an owner that the policy allows; nothing out of scope is touched; nothing is accepted twice; the ledger
//! tells of connections that exist and of nothing else; and nothing panics.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a forged event that does harm ends the test")]

mod approving;
mod bytes;
mod cast;
mod mutate;
mod telling;
mod words;

/// How many events: `EVENTS`, or a few seconds' worth.
fn events(otherwise: u64) -> u64 {
    std::env::var("EVENTS").map_or(otherwise, |text| text.parse().unwrap())
}

/// Names the seed and the event that did harm.
struct Suspect<'a> {
    seed: u64,
    event: &'a [u8],
}

impl Drop for Suspect<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let text = String::from_utf8_lossy(self.event);
            let start: String = text.chars().take(4000).collect();
            eprintln!("seed {}, {} bytes: {start}", self.seed, self.event.len());
        }
    }
}
