//! The stage on which journeys are told: `local`'s world behind the warden's ports, a ledger in memory, an outbox, and
//! faults laid over any of them. The world knows how AWS behaves and nothing of what the warden should answer.

mod aws;
mod faults;
pub mod guide;
mod ledger;
mod stage;

pub use aws::Aws;
pub use faults::{Fault, Faults};
pub use ledger::MemoryLedger;
pub use stage::{A, B, C, Outbox, PROVIDER, Shelf, Stage, TOPIC, event, notification, start_of_story, sweep_event};
