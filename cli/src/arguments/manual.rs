//! The arguments of people's decisions.

use clap::Args;
use jiff::Timestamp;
use warden::{
    decision::order::Reason,
    model::{ids::ServiceId, subject::Subject},
};

use super::values;

/// A person's decision on one endpoint.
#[derive(Debug, Args)]
pub(crate) struct ManualDecision {
    /// VPC endpoint id (vpce-…)
    pub(crate) endpoint: Subject,
    /// Reason, which is recorded with your name: 1 to 500 characters
    #[arg(long, value_parser = values::reason)]
    pub(crate) reason: Reason,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
}

/// A person's order to stop every act, or to go on.
#[derive(Debug, Args)]
pub(crate) struct HoldOrder {
    /// Only this service; by default, every service of the stack
    #[arg(long, value_name = "ID")]
    pub(crate) service: Option<ServiceId>,
    /// Reason, which is recorded with your name: 1 to 500 characters
    #[arg(long, value_parser = values::reason)]
    pub(crate) reason: Reason,
}

#[derive(Debug, Args)]
pub(crate) struct Approval {
    #[command(flatten)]
    pub(crate) order: ManualDecision,
    /// End of the grant: a time, a day (UTC), or how long from now (30d, 12h); by default, it has none
    #[arg(long, value_parser = values::future, value_name = "TIME")]
    pub(crate) until: Option<Timestamp>,
    /// Accept every endpoint of its account, now and later
    #[arg(long)]
    pub(crate) account: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Revocation {
    #[command(flatten)]
    pub(crate) order: ManualDecision,
    /// Disconnect every endpoint of its account from the service, and end every grant of the account for it
    #[arg(long)]
    pub(crate) account: bool,
}
