//! The environment of the tests: `local`'s world behind the warden's ports, a ledger and a queue in memory, a mailbox, a report
//! store, and faults over each of them. The world models AWS and contains no rule of the warden.

mod aws;
mod environment;
mod events;
mod faults;
mod functions;
pub mod guide_examples;
mod ledger;
mod mailbox;
mod policies;
mod policy_bucket;
mod queue;
mod reports;
mod services;

pub use aws::Aws;
pub use environment::{NewRequest, TestEnvironment, start};
pub use events::{event, notification, sweep_event};
pub use faults::{Fault, Faults};
pub use functions::{Settings, Worker, notify_config, thresholds};
pub use ledger::MemoryLedger;
pub use mailbox::{Bus, DEFAULT_TOPIC, Mailbox, UntoldRecords};
pub use policies::{PERMIT_ALL, file, permit_account};
pub use policy_bucket::PolicyBucket;
pub use queue::MemoryQueue;
pub use reports::Reports;
pub use services::{gateway_service, interface_service};

/// The account of the provider.
pub const PROVIDER: &str = "123456789012";
/// A consumer that the policy allows.
pub const ALLOWED: &str = "111122223333";
/// A consumer that may create endpoints, and that no policy names.
pub const UNLISTED: &str = "444455556666";
/// An account that may not create endpoints.
pub const STRANGER: &str = "777788889999";
/// The topic of the connection notifications.
pub const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:connections";

/// The ARN of an account's root user, as a permission names it.
pub fn root(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}
