//! The arguments of people's decisions.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use warden::{
    decision::{
        grant::{GrantId, Grantee},
        order::Reason,
    },
    model::{
        ids::{AccountId, ServiceId},
        subject::Subject,
    },
};

use super::values::{self, Revoked};
use crate::error::CliError;

/// What a person signs a decision with.
#[derive(Debug, Args)]
pub(crate) struct Signature {
    /// Reason, which is recorded with your name: 1 to 500 characters
    #[arg(long, value_parser = values::reason)]
    pub(crate) reason: Reason,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rejection {
    /// VPC endpoint (vpce-…) or transit gateway attachment (tgw-attach-…)
    pub(crate) endpoint: Subject,
    #[command(flatten)]
    pub(crate) signature: Signature,
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
    /// VPC endpoint (vpce-…) or transit gateway attachment (tgw-attach-…)
    endpoint: Option<Subject>,
    /// Accept every endpoint of an account, now and later: of the endpoint's account, or with --service of this one
    #[arg(long, value_name = "ID", value_parser = values::account)]
    account: Option<Option<AccountId>>,
    /// Endpoint service of --account ID
    #[arg(long, value_name = "ID")]
    service: Option<ServiceId>,
    /// End of the grant: a time, a day (UTC), or how long from now (30d, 12h); by default, it has none
    #[arg(long, value_parser = values::future, value_name = "TIME")]
    pub(crate) until: Option<Timestamp>,
    #[command(flatten)]
    pub(crate) signature: Signature,
}

#[derive(Debug, Args)]
pub(crate) struct Revocation {
    /// VPC endpoint (vpce-…) or transit gateway attachment (tgw-attach-…), or a grant's id as `warden grants` shows it (SERVICE/ENDPOINT or SERVICE/ACCOUNT)
    #[arg(value_name = "ENDPOINT|GRANT", value_parser = values::revoked)]
    from: Option<Revoked>,
    /// End every grant of an account for the service, and disconnect its endpoints: of the endpoint's account, or with
    /// --service of this one
    #[arg(long, value_name = "ID", value_parser = values::account)]
    account: Option<Option<AccountId>>,
    /// Endpoint service of --account ID
    #[arg(long, value_name = "ID")]
    service: Option<ServiceId>,
    /// End grants only, and disconnect nothing
    #[arg(long)]
    pub(crate) grants_only: bool,
    #[command(flatten)]
    pub(crate) signature: Signature,
}

/// The endpoint or account that a decision is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// An endpoint. The service is known if a grant's id names it.
    Endpoint(Subject, Option<ServiceId>),
    /// The account of this endpoint, on its service.
    AccountOf(Subject),
    /// An account, with or without an endpoint.
    Account(AccountId, ServiceId),
}

impl Approval {
    /// An approval of one endpoint without a question.
    pub(crate) fn of_endpoint(endpoint: Subject, until: Timestamp, reason: Reason) -> Self {
        let signature = Signature { reason, yes: true };
        Self { endpoint: Some(endpoint), account: None, service: None, until: Some(until), signature }
    }

    pub(crate) fn target(&self) -> Result<Target, CliError> {
        target(self.endpoint.as_ref(), self.account.as_ref(), self.service.as_ref(), "an endpoint")
    }
}

impl Revocation {
    pub(crate) fn target(&self) -> Result<Target, CliError> {
        let what = "an endpoint, a grant's id";
        match &self.from {
            Some(Revoked::Grant(_)) if self.account.is_some() || self.service.is_some() => {
                Err(CliError::Usage("a grant's id names its account and service: give it without --account and --service".to_owned()))
            }
            Some(Revoked::Grant(GrantId { service, to: Grantee::Subject(endpoint) })) => {
                Ok(Target::Endpoint(endpoint.clone(), Some(service.clone())))
            }
            Some(Revoked::Grant(GrantId { service, to: Grantee::Account(account) })) => {
                Ok(Target::Account(account.clone(), service.clone()))
            }
            Some(Revoked::Endpoint(endpoint)) => target(Some(endpoint), self.account.as_ref(), self.service.as_ref(), what),
            None => target(None, self.account.as_ref(), self.service.as_ref(), what),
        }
    }
}

fn target(
    endpoint: Option<&Subject>,
    account: Option<&Option<AccountId>>,
    service: Option<&ServiceId>,
    instead: &str,
) -> Result<Target, CliError> {
    match (endpoint, account, service) {
        (Some(endpoint), None, None) => Ok(Target::Endpoint(endpoint.clone(), None)),
        (Some(endpoint), Some(None), None) => Ok(Target::AccountOf(endpoint.clone())),
        (None, Some(Some(account)), Some(service)) => Ok(Target::Account(account.clone(), service.clone())),
        (Some(_), _, _) => {
            Err(CliError::Usage("an endpoint names its account and service: give --account without an id, and no --service".to_owned()))
        }
        (None, _, _) => Err(CliError::Usage(format!("give {instead}, or --account ID and --service ID"))),
    }
}

/// The adoption of what people accepted before the warden came. By default, nothing is written.
#[derive(Debug, Args)]
pub(crate) struct Adoption {
    /// Write policies, groups and cases to this directory, and judge the connections by the policy set in it
    #[arg(long, value_name = "DIR", conflicts_with = "grants")]
    pub(crate) write: Option<PathBuf>,
    /// Write a grant for each connection, in your name
    #[arg(long, requires = "until")]
    pub(crate) grants: bool,
    /// End of the grants: a time, a day (UTC), or how long from now (180d)
    #[arg(long, requires = "grants", value_parser = values::future, value_name = "TIME")]
    pub(crate) until: Option<Timestamp>,
    /// Reason of the grants, 1 to 500 characters; by default, `adopted on` and the day
    #[arg(long, requires = "grants", value_parser = values::reason)]
    pub(crate) reason: Option<Reason>,
    /// Do not ask for confirmation of the grants
    #[arg(long, requires = "grants")]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GrantFilter {
    /// Only grants for this service
    #[arg(long, value_name = "ID")]
    pub(crate) service: Option<ServiceId>,
    /// Only grants for this account and for its endpoints
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<AccountId>,
    /// Only grants that a person gave or ended: a part of the name, as AWS writes it
    #[arg(long, value_name = "NAME")]
    pub(crate) person: Option<String>,
    /// Only grants that hold and that no endpoint uses
    #[arg(long)]
    pub(crate) unused: bool,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    enum Line {
        Approve(Approval),
        Revoke(Revocation),
    }

    const ENDPOINT: &str = "vpce-0123456789abcdef0";
    const SERVICE: &str = "vpce-svc-0123456789abcdef0";
    const ACCOUNT: &str = "111122223333";

    fn parse(line: &str) -> Result<Target, String> {
        let words = format!("warden {line} --reason x");
        let words = words.replace("ENDPOINT", ENDPOINT).replace("SERVICE", SERVICE).replace("ACCOUNT", ACCOUNT);
        let target = match Line::try_parse_from(words.split(' ')).map_err(|error| error.to_string())? {
            Line::Approve(approval) => approval.target(),
            Line::Revoke(revocation) => revocation.target(),
        };
        target.map_err(|error| error.to_string())
    }

    #[test]
    fn targets_are_endpoints_accounts_and_grants() {
        let (endpoint, service, account): (Subject, ServiceId, AccountId) =
            (ENDPOINT.parse().unwrap(), SERVICE.parse().unwrap(), ACCOUNT.parse().unwrap());
        for verb in ["approve", "revoke"] {
            assert_eq!(parse(&format!("{verb} ENDPOINT")), Ok(Target::Endpoint(endpoint.clone(), None)));
            assert_eq!(parse(&format!("{verb} ENDPOINT --account")), Ok(Target::AccountOf(endpoint.clone())));
            let named = Ok(Target::Account(account.clone(), service.clone()));
            assert_eq!(parse(&format!("{verb} --account ACCOUNT --service SERVICE")), named);
        }
        assert_eq!(parse("revoke SERVICE/ENDPOINT"), Ok(Target::Endpoint(endpoint, Some(service.clone()))));
        assert_eq!(parse("revoke SERVICE/ACCOUNT"), Ok(Target::Account(account, service)));
    }

    #[test]
    fn incomplete_target_says_what_is_missing() {
        for (line, needed) in [
            ("approve", "give an endpoint, or --account ID and --service ID"),
            ("approve --account ACCOUNT", "--service ID"),
            ("approve --account ENDPOINT", "write it before `--account`"),
            ("approve ENDPOINT --account ACCOUNT", "--account without an id"),
            ("revoke --service SERVICE", "a grant's id, or --account ID"),
            ("revoke ACCOUNT", "--account 111122223333 --service"),
            ("revoke SERVICE/ACCOUNT --account", "without --account"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(needed), "{line}: {error}");
        }
    }
}
