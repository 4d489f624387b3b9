//! The test cases of adopted rules.

use serde::Serialize;
use warden::{
    decision::cases::{Case, run},
    model::ids::AccountId,
    policy::PolicySet,
};

use super::rules::Rule;
use crate::{error::CliError, wording::service_name};

/// A case as `cases.json` has it.
#[derive(Debug, Serialize)]
pub(super) struct WrittenCase {
    case: String,
    account: String,
    service: WrittenService,
    decision: &'static str,
    policies: Vec<String>,
}

#[derive(Debug, Serialize)]
struct WrittenService {
    id: String,
}

/// Returns a case for each rule, and one of an account that no rule names. A case that does not hold is left out: other policies of
/// the set may read facts that a case does not have.
pub(super) fn cases(rules: &[Rule<'_>], set: &PolicySet) -> Result<Vec<WrittenCase>, CliError> {
    let accepted = rules.iter().filter_map(|rule| {
        let (account, service) = (rule.accounts.first()?, rule.services.first()?);
        Some(WrittenCase {
            case: format!("an adopted account of {} connects to {}", rule.name, service_name(service)),
            account: account.to_string(),
            service: WrittenService { id: service.id.to_string() },
            decision: "accept",
            policies: vec![rule.name.clone()],
        })
    });
    let other = rules.first().and_then(|rule| rule.services.first()).and_then(|service| {
        Some(WrittenCase {
            case: format!("an account that was not adopted requests {}", service_name(service)),
            account: unnamed(set)?.to_string(),
            service: WrittenService { id: service.id.to_string() },
            decision: "refer",
            policies: Vec::new(),
        })
    });
    let mut cases = Vec::new();
    for written in accepted.chain(other) {
        let case: Case =
            serde_json::to_value(&written).and_then(serde_json::from_value).map_err(|error| CliError::Failed(error.to_string()))?;
        if run(set, &case).problem.is_none() {
            cases.push(written);
        }
    }
    Ok(cases)
}

/// An account that no group names.
fn unnamed(set: &PolicySet) -> Option<AccountId> {
    let plain = |digit: u8| char::from(digit).to_string().repeat(12).parse::<AccountId>().ok();
    (b'0'..=b'9').rev().filter_map(plain).find(|account| set.groups_of(account).is_empty())
}
