//! How long an invocation may go on. Kept apart from the clock of records, which tests move by hand.

use std::time::{Duration, Instant};

/// The moment after which no new work should begin.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// With so much time left in all, of which so much is kept free for ending what has begun.
    #[must_use]
    pub fn after(left: Duration, kept_free: Duration) -> Self {
        Self(Instant::now() + left.saturating_sub(kept_free))
    }

    /// Whether no new work should begin.
    #[must_use]
    pub fn near(&self) -> bool {
        Instant::now() >= self.0
    }
}
