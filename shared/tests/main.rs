//! The domain without AWS: one binary, a module for each subject.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod cases;
mod counted;
mod decision;
mod event_sizes;
mod findings;
mod fixtures;
mod orders;
mod policy_files;
mod policy_load;
mod policy_sizes;
mod records;
mod service_state;
mod triggers;
mod unknown_facts;
