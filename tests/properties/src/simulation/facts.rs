//! The true facts at a moment, for the laws that look at the end of a scenario.

use scenarios::PROVIDER;
use warden::ledger::record::Record;

use super::{Request, Simulation, count, now};
use crate::{
    events::Claim,
    reference::{Facts, Member},
    scenario::{ACCOUNTS, NAMES, Service},
};

impl Simulation<'_> {
    /// The facts of a request, with these connections of its account and of all accounts.
    pub fn facts(&self, request: &Request, (of_account, of_service): (i64, i64)) -> Facts {
        let mut world = self.aws.world();
        let services = world.describe_services(PROVIDER, std::slice::from_ref(&request.service), &[], Default::default()).unwrap();
        let units = |path: &str| path.split('/').filter(|part| part.starts_with("ou-")).map(str::to_owned).collect();
        let member = match world.organization.describe(ACCOUNTS[request.account]) {
            Ok(account) => Member::Inside { units: units(&account.path), active: account.state == "ACTIVE" },
            Err(_) => Member::Outside,
        };
        let connection = world.connection_mut(&request.endpoint).unwrap();
        Facts {
            endpoint: request.endpoint.clone(),
            account: match &connection.attachment {
                Some(attachment) => Some(attachment.owner.clone()).filter(|owner| !owner.is_empty()),
                None => connection.owner.clone(),
            },
            created: connection.created,
            region: connection.region.clone(),
            address_type: connection.ip_address_type.clone(),
            role: None,
            member,
            service: request.service.clone(),
            name: services.items[0].tags.get("Name").cloned(),
            service_region: "us-east-1".to_owned(),
            of_account,
            of_service,
            now: now(),
        }
    }

    /// The other connections of its account and of all accounts.
    pub fn beside(&self, request: &Request) -> (i64, i64) {
        let is_beside = |one: &&Request| one.service == request.service && one.endpoint != request.endpoint && one.is_live();
        let others = || self.requests.iter().filter(is_beside);
        (count(others().filter(|one| one.account == request.account && !one.omits_owner)), count(others()))
    }

    /// Returns true if a grant covers the request and has not expired.
    pub fn has_grant(&self, request: &Request) -> bool {
        self.people.has_grant(request, now())
    }

    /// Returns true if a grant covered the request at any time.
    pub fn was_granted(&self, request: &Request) -> bool {
        self.all_grants.iter().any(|grant| grant.covers(request))
    }

    pub fn is_in_scope(&self, request: &Request) -> bool {
        !self.scenario.world.redis_only || self.facts(request, (0, 0)).name.as_deref() == Some(NAMES[0])
    }

    /// Returns true if the mode of the stack, or the service's tag, forbids every act on the request.
    pub fn is_observed(&self, request: &Request) -> bool {
        self.scenario.world.observe || self.service_of(request).observed
    }

    pub fn service_of(&self, request: &Request) -> &Service {
        let n = self.services.iter().position(|id| *id == request.service).unwrap();
        &self.scenario.world.services[n]
    }

    /// Returns true if the ledger has one of these verdicts for a request.
    pub fn has_verdict(&self, request: &Request, verdicts: &[&str]) -> bool {
        let of_request = |record: &Record| record.subject().as_str() == request.endpoint && record.service().as_str() == request.service;
        self.ledger.records().iter().any(|record| of_request(record) && verdicts.contains(&record.verdict.as_str()))
    }

    /// The role that the ledger proves, which an event that was delivered must prove too.
    pub fn role(&self, request: &Request) -> Option<String> {
        let items = self.ledger.service(&request.service);
        let proof = items.proofs.get(&request.endpoint.parse().unwrap())?;
        let proves = |claim: &Claim| claim.proves(&request.endpoint, ACCOUNTS[request.account]);
        let role = proof.role.as_ref()?;
        assert!(self.claims.iter().filter_map(proves).any(|said| said == role.as_str()), "nothing proves {proof:?}");
        Some(role.to_string())
    }
}
