//! AWS Organizations: describes accounts.

use aws_config::sts::AssumeRoleProvider;
use aws_sdk_organizations::{Client, operation::describe_account::DescribeAccountError};

use crate::aws::{call_metrics::CallMetrics, error::call_error};
use crate::{
    model::{
        ids::AccountId,
        organization::{Member, Membership, OrganizationAccess, units},
    },
    ports::{CallError, Directory},
};

/// The session name, which the management account's CloudTrail shows.
const SESSION_NAME: &str = "privatelink-warden";

/// AWS Organizations, seen from the management account or a delegated administrator.
#[derive(Debug, Clone)]
pub struct Organizations {
    client: Client,
}

impl Organizations {
    /// Makes a client, or none without access. A role is assumed at the first call.
    pub async fn new(config: &aws_config::SdkConfig, access: &OrganizationAccess) -> Option<Self> {
        let builder = aws_sdk_organizations::config::Builder::from(config).interceptor(CallMetrics);
        let builder = match access {
            OrganizationAccess::None => return None,
            OrganizationAccess::Direct => builder,
            OrganizationAccess::Role(role) => {
                let role = AssumeRoleProvider::builder(role.as_str()).session_name(SESSION_NAME).configure(config);
                builder.credentials_provider(role.build().await)
            }
        };
        Some(Self { client: Client::from_conf(builder.build()) })
    }
}

impl Directory for Organizations {
    async fn member(&self, account: &AccountId) -> Result<Membership, CallError> {
        const CALL: &str = "DescribeAccount";
        let answer = match self.client.describe_account().account_id(account.as_str()).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(DescribeAccountError::is_account_not_found_exception) => {
                return Ok(Membership::Outside);
            }
            Err(error) => return Err(call_error(CALL, error)),
        };
        Ok(answer.account.as_ref().map_or_else(|| unknown("the account"), membership))
    }
}

fn membership(account: &aws_sdk_organizations::types::Account) -> Membership {
    // AWS replaces `Status` by `State`.
    let state = account.state().map(|state| state.as_str()).or_else(|| account.status().map(|status| status.as_str()));
    let Some(state) = state else { return unknown("the account's state") };
    // An account has one path today. If there are more, all of them count.
    let units: Vec<String> = account.paths().iter().flat_map(|path| units(path)).collect();
    if units.is_empty() {
        return unknown("the account's path");
    }
    Membership::Member(Member { name: account.name().map(str::to_owned), state: state.to_owned(), units })
}

fn unknown(what: &str) -> Membership {
    Membership::Unknown { why: format!("DescribeAccount does not return {what}") }
}
