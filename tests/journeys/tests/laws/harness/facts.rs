//! What is so at this moment, as the laws look at it when all is over.

use journeys::PROVIDER;

use super::{House, Request, count, covers, now};
use crate::{
    reference::{self, Facts},
    story::ACCOUNTS,
};

impl House<'_> {
    /// What is so at this moment, with so many connected beside it.
    pub fn facts(&self, request: &Request, (of_account, of_service): (i64, i64)) -> Facts {
        let mut world = self.aws.world();
        let name = world.describe_services(PROVIDER, std::slice::from_ref(&request.service), &[], Default::default()).unwrap().items[0]
            .tags
            .get("Name")
            .cloned();
        let member = match world.organization.describe(ACCOUNTS[request.account]) {
            Ok(account) => reference::Member::Inside { units: units(&account.path), active: account.state == "ACTIVE" },
            Err(_) => reference::Member::Outside,
        };
        let connection = world.connection_mut(&request.endpoint).unwrap();
        Facts {
            endpoint: request.endpoint.clone(),
            account: connection.owner.clone(),
            created: connection.created,
            region: connection.region.clone(),
            service: request.service.clone(),
            name,
            service_region: "us-east-1".to_owned(),
            member,
            role: None,
            of_account,
            of_service,
            now: now(),
        }
    }

    /// Who is connected beside it: of its account, of everybody.
    pub fn beside(&self, request: &Request) -> (i64, i64) {
        let others =
            || self.requests.iter().filter(|one| one.service == request.service && one.endpoint != request.endpoint && one.is_live());
        (count(others().filter(|one| one.account == request.account && !one.nameless)), count(others()))
    }

    /// Whether a grant on the ledger covers it now.
    pub fn has_grant(&self, request: &Request) -> bool {
        self.grants.iter().any(|grant| covers(grant, request) && grant.until.is_none_or(|until| now() < until))
    }
}

fn units(path: &str) -> Vec<String> {
    path.split('/').filter(|part| part.starts_with("ou-")).map(str::to_owned).collect()
}
