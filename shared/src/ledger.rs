//! What the ledger stores, and how it is spelled.

pub mod digest;
pub mod finding;
pub mod grants;
pub mod history;
pub mod open_finding;
pub mod record;
pub mod stream;
