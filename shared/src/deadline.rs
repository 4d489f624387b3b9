//! The deadline of an invocation, on the monotonic clock. Records have a clock of their own, which tests set.

use std::time::{Duration, Instant};

/// The moment after which no new work should begin.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// Returns the deadline when `left` is the remaining time and `margin` is reserved for work that has begun.
    #[must_use]
    pub fn after(left: Duration, margin: Duration) -> Self {
        Self(Instant::now() + left.saturating_sub(margin))
    }

    /// Returns true if no new work should begin.
    #[must_use]
    pub fn near(&self) -> bool {
        Instant::now() >= self.0
    }
}
