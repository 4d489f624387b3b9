//! The checks of the audit.

pub use connections::{Inspection, Justification, LedgerContext, inspect};
pub use services::{Exposure, inspect_service};
pub use usage::{Usage, inspect_usage};

mod connections;
mod services;
mod usage;
