//! On a schedule: checks that the account's connections are still what the policy allows. It changes nothing in EC2.
//!
//! A run reads each service in scope page by page (`read`), judges it with the policy that `approve` uses (`judge`),
//! writes the findings into a report (`report`), and writes the changes since the last run to the ledger
//! (`publish`). `notify` reads the ledger's stream and makes messages of the changes.
//!
//! A failed call does not end a run. The report names what could not be read, and findings about it stay open. A run
//! fails only if its report could not be stored.
//!
//! **Races.** Of two runs at the same time, only the one that holds the lock publishes, after it has read the ledger
//! again. The next run publishes the changes of the other. A run with more changes than one transaction holds may die
//! between two transactions: the next run publishes the remaining ones again.

mod audit;
mod judge;
mod publish;
mod read;
mod report;
mod run;
mod state;
mod summary;
mod unseen;

pub use audit::{Audit, MARGIN};
pub use report::{FILES, SCHEMA_VERSION};
pub use run::AuditError;
pub use summary::Summary;
