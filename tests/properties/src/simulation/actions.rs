//! The actions of consumers, of people and of EC2.

use jiff::SignedDuration;
use local::world;
use scenarios::{PROVIDER, event};
use warden::decision::grant::{Grant, Grantee};

use super::{Request, Simulation, is_live, latest, load, now};
use crate::{
    events::Sent,
    scenario::{ACCOUNTS, NAMES, NewEndpoint, Omission, PersonAction},
};

impl Simulation<'_> {
    pub fn request(&mut self, new: NewEndpoint) {
        let NewEndpoint { account, service, remote, dualstack, omitted } = new;
        let service = self.services[service % self.services.len()].clone();
        let name = format!("com.amazonaws.vpce.us-east-1.{service}");
        let endpoint = world::NewEndpoint { region: remote.then(|| "eu-west-1".to_owned()), ..Default::default() };
        let (endpoint, effects) = self.aws.world().create_endpoint(ACCOUNTS[account], &name, endpoint).unwrap();
        self.sent.extend(effects.iter().map(|effect| Sent { value: event(effect), endpoint: endpoint.id.clone() }));
        if dualstack {
            self.aws.world().connection_mut(&endpoint.id).unwrap().ip_address_type = Some("dualstack".to_owned());
        }
        let state = self.state(&endpoint.id);
        self.requests.push(Request {
            endpoint: endpoint.id,
            account,
            service,
            was_live: is_live(&state),
            state,
            was_rejected: false,
            omits: false,
            omits_owner: false,
            accepted_beside: None,
            accepted_and_reported: false,
            role: None,
        });
        if let Some(omitted) = omitted {
            self.omit(self.requests.len() - 1, omitted);
        }
    }

    pub(super) fn omit(&mut self, n: usize, omission: Omission) {
        let request = &mut self.requests[n];
        request.omits |= matches!(omission, Omission::Owner | Omission::Created | Omission::State);
        request.omits_owner |= omission == Omission::Owner;
        let mut world = self.aws.world();
        let connection = world.connection_mut(&request.endpoint).unwrap();
        match omission {
            Omission::Owner => connection.owner = None,
            Omission::Created => connection.created = None,
            Omission::State => connection.state = "migrating".to_owned(),
            Omission::Region => connection.region = None,
            Omission::AddressType => connection.ip_address_type = None,
        }
    }

    pub(super) fn person(&mut self, action: PersonAction) {
        match action {
            PersonAction::Accept(n) => {
                if let Some(Request { endpoint, service, .. }) = self.latest_request(n) {
                    drop(self.aws.world().accept(PROVIDER, &service, &[endpoint]));
                }
            }
            PersonAction::Reject(n) => {
                if let Some(Request { endpoint, service, .. }) = self.latest_request(n) {
                    drop(self.aws.world().reject(PROVIDER, &service, &[endpoint]));
                }
            }
            PersonAction::GrantEndpoint(n, minutes) => {
                if let Some(Request { endpoint, service, .. }) = self.latest_request(n) {
                    self.grant(&service, Grantee::Endpoint(endpoint.parse().unwrap()), minutes);
                }
            }
            PersonAction::GrantAccount { account, service, minutes } => {
                let service = self.services[service % self.services.len()].clone();
                self.grant(&service, Grantee::Account(ACCOUNTS[account].parse().unwrap()), minutes);
            }
            PersonAction::Revoke(n) => {
                let Some(n) = latest(n, self.grants.len()) else { return };
                // Two identical grants are one item on the ledger.
                let revoked = self.grants[n].clone();
                self.grants.retain(|grant| *grant != revoked);
                self.ledger.revoke(|grant| *grant == revoked);
                let running = self.environments.iter_mut().flat_map(|environment| &mut environment.running);
                running.for_each(|invocation| invocation.granted_throughout.retain(|grant| *grant != revoked));
            }
            PersonAction::Publish(n) => {
                let policies = &self.scenario.policies;
                self.in_force = self.written_now(policies[n % policies.len()].clone());
                self.policy = load(self.flaw, &self.in_force);
            }
        }
    }

    pub(super) fn latest_request(&self, n: usize) -> Option<Request> {
        latest(n, self.requests.len()).map(|n| self.requests[n].clone())
    }

    fn grant(&mut self, service: &str, to: Grantee, minutes: Option<i64>) {
        let grant = Grant {
            schema: 1,
            service: service.parse().unwrap(),
            to,
            by: "arn:aws:sts::123456789012:assumed-role/network/kim".to_owned(),
            reason: "migration weekend".to_owned(),
            at: now(),
            until: minutes.map(|minutes| now() + SignedDuration::from_mins(minutes)),
        };
        self.ledger.grant(grant.clone());
        let running = self.environments.iter_mut().flat_map(|environment| &mut environment.running);
        running.for_each(|invocation| invocation.granted.push(grant.clone()));
        self.all_grants.push(grant.clone());
        self.grants.push(grant);
    }

    pub(super) fn rename(&mut self, service: usize, name: usize) {
        let id = self.services[service % self.services.len()].clone();
        self.aws.world().create_tags(PROVIDER, &[id], &[("Name".to_owned(), NAMES[name].to_owned())]).unwrap();
    }
}
