//! The items of the ledger: their content, keys and schema versions.

pub mod commit;
pub mod counted;
pub mod decision_event;
pub mod digest;
pub mod finding;
pub mod grants;
pub mod history;
pub mod keys;
pub mod open_finding;
pub mod pending;
pub mod record;
pub mod service_state;
pub mod stream;
pub mod told;
pub mod verdict;
