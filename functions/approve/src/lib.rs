//! A batch of hints → answers to connection requests, on the record.
//!
//! Messages of the request queue say that a request may be pending (`batch`); a sweep finds all of them (`sweep`). For each service the
//! truth is read (`gather`), the next step is decided (`plan`, pure), and the step is carried out (`answer`): an intent on the
//! ledger, one call to EC2, and the confirmation of what came of it (`confirm`, pure).
//!
//! **Races.** Two workers may answer one service at once. Both name the versions of the ledger's items that they read, so only
//! one writes its intent; the other reads again. A person's decision raises a version too: a decision that is on the ledger
//! before the intent is never overruled. A worker that dies leaves an open intent, which the next one finishes after a minute.
//! A person's own call to EC2 is not serialized with the warden's: within seconds, either may win.

mod answer;
mod batch;
mod confirm;
mod gather;
mod plan;
mod sweep;
mod worker;

pub use batch::{BatchItemFailure, BatchResponse, MARGIN};
pub use worker::{AnswerError, Answered, Approve, Summary};
