//! EC2's request throttling: a token bucket for each account and action, refilled at a constant rate.

use std::{collections::BTreeMap, time::Instant};

use crate::world::{Ec2Error, Ec2Result};

/// The size of a bucket, and its refill rate.
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

/// The limits by action, and the buckets in use. An action without a limit is not throttled.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    limits: BTreeMap<String, Limit>,
    buckets: BTreeMap<(String, String), Bucket>,
    throttled: BTreeMap<String, u64>,
}

impl Throttle {
    pub(super) fn set(&mut self, action: &str, limit: Limit) {
        self.limits.insert(action.to_owned(), limit);
        self.buckets.retain(|(_, of), _| of != action);
    }

    /// Takes a token for a call, or fails with `RequestLimitExceeded`.
    pub(super) fn take(&mut self, account: &str, action: &str) -> Ec2Result<()> {
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
        *self.throttled.entry(action.to_owned()).or_default() += 1;
        Err(Ec2Error::new("RequestLimitExceeded", "Request limit exceeded.").with_status(503))
    }

    /// The number of throttled calls, by action.
    pub(super) fn throttled(&self) -> &BTreeMap<String, u64> {
        &self.throttled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_account_has_its_own_bucket() {
        let mut throttle = Throttle::default();
        throttle.set("Accept", Limit { capacity: 2.0, refill_per_second: 0.0 });
        let answers: Vec<bool> = ["A", "A", "A", "B"].iter().map(|account| throttle.take(account, "Accept").is_ok()).collect();
        assert_eq!(answers, [true, true, false, true]);
        assert!(throttle.take("A", "Describe").is_ok());
        assert_eq!(throttle.throttled().get("Accept"), Some(&1));
    }

    #[test]
    fn bucket_refills_up_to_its_capacity() {
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
