//! The decision about one request: pure, and the only module that mints an [`ActionToken`].
//!
//! In doubt it refers: the request stays pending, and a person is told. A rejection needs a policy of its own, or a person.

mod action;
mod decide;
mod reason;

pub mod cases;
pub mod grant;
pub mod order;
pub mod people;
pub mod queue;

pub use action::{Action, ActionToken, Decision, Grounds, NoAction, ToAccept, ToReject};
pub use decide::{GrantCoverage, decide, decide_with_people, granted, refuse};
pub use people::{Hold, PersonDecisions, Refusal};
