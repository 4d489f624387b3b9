//! What consumers, people and EC2 do while the warden is at work.

use jiff::SignedDuration;
use journeys::{PROVIDER, event};
use local::world::NewEndpoint;
use warden::decision::grant::{Grant, Grantee};

use super::{House, Request, is_live, latest, now};
use crate::{
    events::Sent,
    story::{ACCOUNTS, Deed, Gap, NAMES},
};

impl House<'_> {
    pub fn ask(&mut self, account: usize, service: usize, abroad: bool) {
        let service = self.services[service % self.services.len()].clone();
        let name = format!("com.amazonaws.vpce.us-east-1.{service}");
        let new = NewEndpoint { region: abroad.then(|| "eu-west-1".to_owned()), ..NewEndpoint::default() };
        let (endpoint, effects) = self.aws.world().create_endpoint(ACCOUNTS[account], &name, new).unwrap();
        for effect in &effects {
            self.sent.push(Sent::of(event(effect), &endpoint.id, ACCOUNTS[account]));
        }
        let state = self.state(&endpoint.id);
        self.requests.push(Request {
            endpoint: endpoint.id,
            account,
            service,
            was_live: is_live(&state),
            state,
            was_rejected: false,
            gap: false,
            nameless: false,
            let_in: None,
            let_in_well: false,
            role: None,
        });
    }

    pub(super) fn person(&mut self, deed: Deed) {
        match deed {
            Deed::Accept(n) => {
                if let Some(Request { endpoint, service, .. }) = self.request(n) {
                    drop(self.aws.world().accept(PROVIDER, &service, &[endpoint]));
                }
            }
            Deed::Reject(n) => {
                if let Some(Request { endpoint, service, .. }) = self.request(n) {
                    drop(self.aws.world().reject(PROVIDER, &service, &[endpoint]));
                }
            }
            Deed::GrantEndpoint(n, minutes) => {
                if let Some(Request { endpoint, service, .. }) = self.request(n) {
                    self.grant(&service, Grantee::Endpoint(endpoint.parse().unwrap()), minutes);
                }
            }
            Deed::GrantAccount { account, service, minutes } => {
                let service = self.services[service % self.services.len()].clone();
                self.grant(&service, Grantee::Account(ACCOUNTS[account].parse().unwrap()), minutes);
            }
            Deed::Revoke(n) => {
                let Some(n) = latest(n, self.grants.len()) else { return };
                // One that was given twice, word for word, is one on the ledger.
                let ended = self.grants[n].clone();
                self.grants.retain(|grant| *grant != ended);
                self.ledger.revoke(|grant| *grant == ended);
                for environment in &mut self.lambdas {
                    environment.at_work.iter_mut().for_each(|invocation| invocation.phase.retain(|grant| *grant != ended));
                }
            }
            Deed::Policy(n) => self.put_in_force(self.story.sets[n % self.story.sets.len()].clone()),
        }
    }

    pub(super) fn request(&self, n: usize) -> Option<Request> {
        latest(n, self.requests.len()).map(|n| self.requests[n].clone())
    }

    pub(super) fn grant(&mut self, service: &str, to: Grantee, minutes: Option<i64>) {
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
        for environment in &mut self.lambdas {
            environment.at_work.iter_mut().for_each(|invocation| invocation.granted.push(grant.clone()));
        }
        self.grants_ever.push(grant.clone());
        self.grants.push(grant);
    }

    pub(super) fn rename(&mut self, service: usize, name: usize) {
        let id = self.services[service % self.services.len()].clone();
        self.aws.world().create_tags(PROVIDER, &[id], &[("Name".to_owned(), NAMES[name].to_owned())]).unwrap();
    }

    pub(super) fn leave_out(&mut self, n: usize, gap: Gap) {
        let Some(request) = latest(n, self.requests.len()).map(|n| &mut self.requests[n]).filter(|request| request.waits()) else { return };
        request.gap = true;
        request.nameless |= gap == Gap::Owner;
        let mut world = self.aws.world();
        let connection = world.connection_mut(&request.endpoint).unwrap();
        match gap {
            Gap::Owner => connection.owner = None,
            Gap::Created => connection.created = None,
            Gap::State => connection.state = "migrating".to_owned(),
        }
    }
}
