//! The options of every command, and the settings of a stack that take the place of those that are not given.

use clap::{Args, ValueEnum};
use warden::{
    model::{organization::OrganizationAccess, scope::Scope},
    policy::PolicyUri,
};

use crate::stack::StackSettings;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
    Csv,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Given {
    /// Name of the warden's stack, whose outputs and parameters replace the options that are not given. Commands without calls to AWS ignore it
    #[arg(long, global = true, env = "WARDEN_STACK", value_name = "NAME")]
    pub(crate) stack: Option<String>,
    /// Policy set (*.cedar, groups.json, cases.json): a directory, s3://BUCKET/KEY or s3://BUCKET/PREFIX/; by default, the one of --stack (except for `policy`), or the directory `policies`
    #[arg(long, global = true, env = "WARDEN_POLICIES", value_name = "URI")]
    pub(crate) policies: Option<PolicyUri>,
    /// DynamoDB table of the ledger (stack output `LedgerName`)
    #[arg(long, global = true, env = "WARDEN_LEDGER", value_name = "TABLE")]
    ledger: Option<String>,
    /// Endpoint services: `all`, ids separated by commas, or `tag:KEY=VALUE`; by default, the scope of --stack, or all
    #[arg(long, global = true, env = "WARDEN_SCOPE", value_name = "SCOPE")]
    pub(crate) scope: Option<Scope>,
    /// Access to AWS Organizations: `none`, `direct` or the ARN of a role; by default, that of --stack, or none
    #[arg(long, global = true, env = "WARDEN_ORGANIZATION", value_name = "ACCESS")]
    organization: Option<OrganizationAccess>,
    /// AWS Region of the services; by default, that of your AWS configuration
    #[arg(long, global = true)]
    pub(crate) region: Option<String>,
    /// Profile of your AWS configuration
    #[arg(long, global = true)]
    pub(crate) profile: Option<String>,
    /// URL for every call instead of AWS, such as the one that `make up` prints
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// Output format
    #[arg(long, global = true, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub(crate) output: Format,
}

impl Given {
    pub(crate) fn with_profile(self, profile: &str) -> Self {
        Self { profile: Some(profile.to_owned()), ..self }
    }
}

/// The global options, completed by the settings of a stack and by defaults.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    pub(crate) given: Given,
    /// Absent without `--stack`, or before it is read.
    pub(crate) stack: Option<StackSettings>,
    pub(crate) policies: PolicyUri,
    ledger: Option<String>,
    pub(crate) scope: Scope,
    pub(crate) organization: OrganizationAccess,
    pub(crate) output: Format,
}

impl Common {
    pub(crate) fn of(given: Given, stack: Option<StackSettings>) -> Self {
        let of_stack = stack.as_ref();
        let local = || PolicyUri::Folder("policies".into());
        // A script with an unset variable gives an empty name, which is none.
        let ledger = given.ledger.clone().filter(|name| !name.is_empty());
        Self {
            policies: given.policies.clone().or_else(|| of_stack?.policies.clone()).unwrap_or_else(local),
            ledger: ledger.or_else(|| Some(of_stack?.ledger.clone())),
            scope: given.scope.clone().or_else(|| Some(of_stack?.scope.clone())).unwrap_or(Scope::All),
            organization: given.organization.clone().or_else(|| Some(of_stack?.organization.clone())).unwrap_or(OrganizationAccess::None),
            output: given.output,
            given,
            stack,
        }
    }

    pub(crate) fn ledger(&self) -> Option<&str> {
        self.ledger.as_deref()
    }
}
