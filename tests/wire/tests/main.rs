//! The adapters over the wire: the real SDK clients against `local`, or against a server of the test.

mod attachments;
mod bucket_region;
mod bus;
mod ec2;
mod faults;
mod history;
mod ledger;
mod proxy;
mod queue;
mod s3;
mod script;
mod server;
mod stand_in;
mod tls_roots;

/// The account of the provider.
const PROVIDER: &str = "123456789012";
/// A consumer.
const CONSUMER: &str = "111122223333";
