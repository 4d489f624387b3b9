//! The actions of consumers, of people and of EC2.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use jiff::SignedDuration;
use local::world::{self, World};
use scenarios::{PROVIDER, event};
use warden::{
    decision::{
        Hold,
        grant::Grantee,
        order::{Command, Order, Planned, Reason},
    },
    ledger::commit::CommitOutcome,
    ports::PersonLedger,
};

use super::{Request, Simulation, latest, load, now};
use crate::{
    events::Sent,
    scenario::{ACCOUNTS, NAMES, NewEndpoint, Omission, PersonAction},
};

const KIM: &str = "arn:aws:sts::123456789012:assumed-role/network/kim";
const REASON: &str = "migration weekend";

impl Simulation<'_> {
    pub fn request(&mut self, new: NewEndpoint) {
        let NewEndpoint { account, service, remote, dualstack, omitted } = new;
        let n = service % self.services.len();
        let service = self.services[n].clone();
        let name = format!("com.amazonaws.vpce.us-east-1.{service}");
        let (id, effects) = if remote && self.scenario.world.services[n].gateway {
            let zones = world::Zones { names: vec!["us-east-1a".to_owned()], ids: Vec::new() };
            let transit_gateway_id = format!("tgw-{:017x}", self.requests.len());
            let attachment = world::NewAttachment { transit_gateway_id, zones, ..Default::default() };
            let (attachment, effects) = self.aws.world().create_attachment(ACCOUNTS[account], &name, attachment).unwrap();
            (attachment.id, effects)
        } else {
            let endpoint = world::NewEndpoint { region: remote.then(|| "eu-west-1".to_owned()), ..Default::default() };
            let (endpoint, effects) = self.aws.world().create_endpoint(ACCOUNTS[account], &name, endpoint).unwrap();
            (endpoint.id, effects)
        };
        self.sent.extend(effects.iter().map(|effect| Sent { value: event(effect), endpoint: id.clone() }));
        if dualstack {
            self.aws.world().connection_mut(&id).unwrap().ip_address_type = Some("dualstack".to_owned());
        }
        let state = self.state(&id);
        self.requests.push(Request::new(id, account, service, state));
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
            Omission::Owner => {
                connection.owner = None;
                connection.attachment.iter_mut().for_each(|attachment| attachment.owner.clear());
            }
            Omission::Created => connection.created = None,
            Omission::State => connection.state = "migrating".to_owned(),
            Omission::Region => connection.region = None,
            Omission::AddressType => connection.ip_address_type = None,
        }
    }

    /// The consumer deletes a request.
    pub(super) fn delete(&mut self, Request { endpoint, account, .. }: &Request) {
        let mut world = self.aws.world();
        if is_attachment(endpoint) {
            drop(world.delete_attachment(ACCOUNTS[*account], endpoint));
        } else {
            world.delete_endpoints(ACCOUNTS[*account], std::slice::from_ref(endpoint));
        }
    }

    pub(super) fn person(&mut self, action: PersonAction) {
        match action {
            PersonAction::Accept(n) => {
                if let Some(Request { endpoint, service, .. }) = self.latest_request(n) {
                    let mut world = self.aws.world();
                    let accept = if is_attachment(&endpoint) { World::accept_attachments } else { World::accept };
                    drop(accept(&mut world, PROVIDER, &service, &[endpoint]));
                }
            }
            PersonAction::Reject(n) => {
                if let Some(Request { endpoint, service, .. }) = self.latest_request(n) {
                    let mut world = self.aws.world();
                    let reject = if is_attachment(&endpoint) { World::reject_attachments } else { World::reject };
                    drop(reject(&mut world, PROVIDER, &service, &[endpoint]));
                }
            }
            PersonAction::GrantEndpoint(n, minutes) => {
                if let Some(Request { endpoint, service, .. }) = self.latest_request(n) {
                    self.grant(&service, Grantee::Subject(endpoint.parse().unwrap()), minutes);
                }
            }
            PersonAction::GrantAccount { account, service, minutes } => {
                let service = self.services[service % self.services.len()].clone();
                self.grant(&service, Grantee::Account(ACCOUNTS[account].parse().unwrap()), minutes);
            }
            PersonAction::Revoke(n) => {
                let Some(n) = latest(n, self.people.grants.len()) else { return };
                let grant = self.people.grants[n].clone();
                self.order(&grant.service, Command::Revoke { from: vec![grant.to], disconnect: Vec::new(), reject: Vec::new() });
                self.people.end(n, now());
            }
            PersonAction::Refuse(n) => self.refuse(n, false),
            PersonAction::Disconnect(n) => self.refuse(n, true),
            PersonAction::Pause(service) => self.hold(service, true),
            PersonAction::Resume(service) => self.hold(service, false),
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
        self.take_a_moment();
        let until = minutes.map(|minutes| now() + SignedDuration::from_mins(minutes));
        self.order(service, Command::Approve { to: to.clone(), until, shown: Vec::new() });
        self.people.grant(service, to, until, now());
        self.all_grants.extend(self.people.grants.last().cloned());
    }

    fn refuse(&mut self, n: usize, disconnects: bool) {
        let Some(request) = self.latest_request(n) else { return };
        self.take_a_moment();
        let subject = request.endpoint.parse().unwrap();
        let command = if disconnects {
            Command::Revoke { from: Vec::new(), disconnect: vec![subject], reject: Vec::new() }
        } else {
            Command::Reject { subject }
        };
        self.order(&request.service, command);
        self.people.refuse(&request, disconnects, now());
    }

    fn hold(&mut self, service: Option<usize>, held: bool) {
        let Some(service) = service else {
            let hold = Hold { by: KIM.to_owned(), reason: REASON.to_owned(), at: now() };
            self.people.hold(None, held);
            return if held { finish(self.ledger.hold_stack(&hold)).unwrap() } else { finish(self.ledger.resume_stack(&hold)).unwrap() };
        };
        let service = self.services[service % self.services.len()].clone();
        self.order(&service, if held { Command::Pause } else { Command::Resume });
        self.people.hold(Some(&service), held);
    }

    /// People end every hold.
    pub fn resume_all(&mut self) {
        self.hold(None, false);
        (0..self.services.len()).for_each(|service| self.hold(Some(service), false));
    }

    /// Of two decisions, the later one counts: they are not made at the same time.
    fn take_a_moment(&mut self) {
        self.pass(SignedDuration::from_secs(1));
    }

    /// Writes an order to the ledger, as the command line does.
    fn order(&self, service: &str, command: Command) {
        let reason = Reason::try_from(REASON.to_owned()).unwrap();
        let order = Order { service: service.parse().unwrap(), command, by: KIM.to_owned(), reason, at: now() };
        let expected = self.ledger.service(service).version.decisions;
        if let Planned::Changes(changes) = order.plan(&self.ledger.people(service)).unwrap() {
            assert_eq!(self.ledger.decide_now(&order.service, &changes, expected), CommitOutcome::Written);
        }
    }

    pub(super) fn rename(&mut self, service: usize, name: usize) {
        let id = self.services[service % self.services.len()].clone();
        self.aws.world().create_tags(PROVIDER, &[id], &[("Name".to_owned(), NAMES[name].to_owned())]).unwrap();
    }
}

fn is_attachment(id: &str) -> bool {
    id.starts_with("tgw-")
}

/// Runs work that waits for no other party.
pub(crate) fn finish<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
}
