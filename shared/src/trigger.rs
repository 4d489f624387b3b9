//! Messages of the request queue → [`Target`]. The only room that knows the shapes of SQS, SNS, EventBridge, CloudTrail and the
//! Scheduler.
//!
//! A message is a hint that a request may be pending. Only ids survive this room, and what an event claims about the role
//! behind a request and its reason; everything else is read again from EC2. The body of PrivateLink's own notification is undocumented,
//! so ids are taken out of it by their form.

mod cloudtrail;
mod ids;
mod message;
mod parse;
mod target;

pub use message::{Message, NotABatch, batch};
pub use parse::{MessageError, hint};
pub use target::{SubjectRef, Target, Trigger};
