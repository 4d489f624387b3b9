//! EC2's throttling of requests: a bucket of tokens for each account and action, filled up at a steady rate.

use std::{collections::BTreeMap, time::Instant};

use crate::world::Ec2Error;

/// What a bucket holds at most, and what comes in each second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) capacity: f64,
    pub(super) refill_per_second: f64,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    seen: Instant,
}

/// The limits by action, and the buckets in use. Without a limit nothing is throttled.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    limits: BTreeMap<String, Limit>,
    buckets: BTreeMap<(String, String), Bucket>,
    refused: BTreeMap<String, u64>,
}

impl Throttle {
    pub(super) fn set(&mut self, action: &str, limit: Limit) {
        self.limits.insert(action.to_owned(), limit);
        self.buckets.retain(|(_, of), _| of != action);
    }

    /// One call of an account.
    pub(super) fn take(&mut self, account: &str, action: &str) -> Result<(), Ec2Error> {
        let Some(limit) = self.limits.get(action) else { return Ok(()) };
        let now = Instant::now();
        let bucket = self.buckets.entry((account.to_owned(), action.to_owned())).or_insert(Bucket { tokens: limit.capacity, seen: now });
        let refilled = now.duration_since(bucket.seen).as_secs_f64() * limit.refill_per_second;
        bucket.tokens = (bucket.tokens + refilled).min(limit.capacity);
        bucket.seen = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        *self.refused.entry(action.to_owned()).or_default() += 1;
        Err(Ec2Error { code: "RequestLimitExceeded".to_owned(), message: "Request limit exceeded.".to_owned(), status: 503 })
    }

    /// How many calls were turned away, by action.
    pub(super) fn refused(&self) -> &BTreeMap<String, u64> {
        &self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_an_accounts_own_and_empties() {
        let mut throttle = Throttle::default();
        throttle.set("Accept", Limit { capacity: 2.0, refill_per_second: 0.0 });
        let answers: Vec<bool> = ["A", "A", "A", "B"].iter().map(|account| throttle.take(account, "Accept").is_ok()).collect();
        assert_eq!(answers, [true, true, false, true]);
        assert!(throttle.take("A", "Describe").is_ok());
        assert_eq!(throttle.refused().get("Accept"), Some(&1));
    }

    #[test]
    fn a_bucket_fills_up_and_not_beyond_its_size() {
        let mut throttle = Throttle::default();
        throttle.set("Accept", Limit { capacity: 1.0, refill_per_second: 1e6 });
        for _ in 0..3 {
            std::thread::sleep(std::time::Duration::from_millis(1));
            assert!(throttle.take("A", "Accept").is_ok());
        }
        throttle.set("Accept", Limit { capacity: 1.0, refill_per_second: 0.0 });
        assert!(throttle.take("A", "Accept").is_ok());
        assert!(throttle.take("A", "Accept").is_err());
    }
}
