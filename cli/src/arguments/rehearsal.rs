//! The arguments of `warden smoke`.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use warden::model::ids::ServiceId;

use super::values::seconds;

#[derive(Debug, Args)]
pub(crate) struct Rehearsal {
    /// Endpoint service that the consumer may request
    #[arg(long, value_name = "ID")]
    pub(crate) service: ServiceId,
    /// Profile of the consumer; that of the provider is --profile
    #[arg(long, value_name = "NAME")]
    pub(crate) consumer_profile: String,
    /// VPC of the consumer, for the endpoint
    #[arg(long, value_name = "ID")]
    pub(crate) vpc: String,
    /// Subnets of the VPC, separated by commas, each in an Availability Zone of the service
    #[arg(long, value_name = "IDS", value_delimiter = ',', required = true)]
    pub(crate) subnets: Vec<String>,
    /// Accept the endpoint in your name, for an hour; by default, it becomes what the policy says
    #[arg(long)]
    pub(crate) accept: bool,
    /// Directory for the two raw events
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
    /// Time limit of each step that waits; CloudTrail's events may take a quarter of an hour
    #[arg(long, value_name = "SECONDS", default_value = "1200", value_parser = seconds)]
    pub(crate) within: Duration,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
}
