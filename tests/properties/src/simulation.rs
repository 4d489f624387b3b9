//! Runs a scenario against a warden, over the test environment. After each step it compares the changes in the world and
//! on the ledger with what the warden was told, by the reference model (laws 1 and 7).

mod actions;
mod clock;
mod evidence;
mod facts;
mod invariants;
mod invocations;
mod setup;

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use scenarios::{Aws, Faults, Mailbox, MemoryLedger, Reports};
use serde_json::Value;
use warden::{
    decision::grant::{Grant, Grantee},
    policy::PolicySet,
};

pub use clock::now;
pub use setup::OWN_TOPIC;

use crate::{
    events::Sent,
    grammar::{InForce, Policies},
    mutants::{self, Flaw},
    scenario::{ACCOUNTS, Call, Scenario, Step},
};
use invocations::{Environment, Work};

/// A broken law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    Safety,
    PartialSuccess,
}

/// The timeouts of `approve` and of `audit`.
const APPROVE_MAX: SignedDuration = SignedDuration::from_secs(120);
const AUDIT_MAX: SignedDuration = SignedDuration::from_secs(900);
/// The time for which the warden may use a description of a service, and of an account.
const SERVICE_KNOWN_FOR: SignedDuration = SignedDuration::from_secs(60);
const MEMBER_KNOWN_FOR: SignedDuration = SignedDuration::from_mins(5);

/// The number of loaded policy sets that are kept: loading takes longer than all else, and a law runs a scenario several
/// times.
const LOADED_MAX: usize = 64;

thread_local! {
    static LOADED: RefCell<BTreeMap<String, Arc<PolicySet>>> = const { RefCell::new(BTreeMap::new()) };
}

/// A request and its history.
#[derive(Debug, Clone)]
pub struct Request {
    pub endpoint: String,
    pub account: usize,
    pub service: String,
    pub state: String,
    pub was_live: bool,
    pub was_rejected: bool,
    /// EC2 omits a fact that it usually describes.
    pub omits: bool,
    /// EC2 omits the owner.
    pub omits_owner: bool,
    /// The connections of its account and of all accounts when the warden accepted it.
    pub accepted_beside: Option<(i64, i64)>,
    /// The invocation that accepted it reported success.
    pub accepted_and_reported: bool,
    /// The proved role in the record of its acceptance.
    pub role: Option<String>,
}

impl Request {
    pub fn is_live(&self) -> bool {
        is_live(&self.state)
    }

    pub fn is_pending(&self) -> bool {
        self.state == "pendingAcceptance"
    }
}

pub fn is_live(state: &str) -> bool {
    matches!(state, "pending" | "available" | "partial")
}

/// The party that makes a change.
#[derive(Debug, Clone, Copy)]
enum Actor {
    /// `approve`, in one of its environments.
    Approve(usize),
    Other,
}

pub struct Simulation<'a> {
    flaw: Option<Flaw>,
    pub scenario: &'a Scenario,
    pub aws: Aws,
    pub ledger: MemoryLedger,
    pub mailbox: Mailbox,
    pub reports: Reports,
    pub services: Vec<String>,
    pub requests: Vec<Request>,
    pub sent: Vec<Sent>,
    pub in_force: InForce,
    policy: Arc<PolicySet>,
    environments: [Environment; 2],
    audit: Option<(Work<Result<(), String>>, Timestamp)>,
    /// Records of the stream that `notify` must still get.
    untold: Vec<Value>,
    pub grants: Vec<Grant>,
    /// Also the revoked ones.
    pub all_grants: Vec<Grant>,
    records_checked: usize,
    audits: usize,
    /// Each with an explanation.
    pub violations: Vec<(Violation, String)>,
}

impl<'a> Simulation<'a> {
    /// A warden in the world of a scenario, before the first step.
    pub fn new(flaw: Option<Flaw>, scenario: &'a Scenario) -> Self {
        clock::start();
        let (world, services) = setup::world(&scenario.world);
        let aws = Aws::new(world, Faults::default());
        let first = InForce {
            policies: scenario.policies[0].clone(),
            services: services.clone(),
            endpoints: Vec::new(),
            start: scenarios::start(),
        };
        let environments = [(); 2].map(|()| Environment::cold(flaw, &aws, scenario.world.page_size));
        Self {
            flaw,
            scenario,
            aws,
            ledger: MemoryLedger::default(),
            mailbox: Mailbox::default(),
            reports: Reports::default(),
            services,
            requests: Vec::new(),
            sent: Vec::new(),
            policy: load(flaw, &first),
            in_force: first,
            environments,
            audit: None,
            untold: Vec::new(),
            grants: Vec::new(),
            all_grants: Vec::new(),
            records_checked: 0,
            audits: 0,
            violations: Vec::new(),
        }
    }

    pub fn run(&mut self) {
        for step in &self.scenario.steps {
            self.step(step);
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Request(new) => self.request(*new),
            Step::Invoke { environment, event, ending } => drop(self.invoke(*environment, *event, *ending)),
            Step::Continue { environment, awaits } => drop(self.advance(*environment, *awaits)),
            Step::Audit(ending) => drop(self.audit(*ending)),
            Step::Notify { ending, again } => drop(self.notify(*ending, *again)),
            Step::Fault(call, fault) => self.faults_of(*call).next(name_of(*call), &[*fault]),
            Step::Person(action) => self.person(*action),
            Step::Delete(n) => {
                if let Some(Request { endpoint, account, .. }) = self.latest_request(*n) {
                    self.aws.world().delete_endpoints(ACCOUNTS[account], &[endpoint]);
                }
            }
            Step::Reorganize(account, member) => setup::put_member(&mut self.aws.world(), ACCOUNTS[*account], *member),
            Step::Rename { service, name } => self.rename(*service, *name),
            Step::Omit(n, omission) => {
                if let Some(n) = latest(*n, self.requests.len()).filter(|n| self.requests[*n].is_pending()) {
                    self.omit(n, *omission);
                }
            }
            Step::Pass { seconds } => self.pass(SignedDuration::from_secs(*seconds)),
            Step::KeepMoment => {
                self.aws.keep_moment();
                self.ledger.keep_moment();
            }
        }
        self.check_changes(Actor::Other);
    }

    pub fn pass(&mut self, time: SignedDuration) {
        let later = now() + time;
        self.aws.world().set_now(later);
        clock::set(later);
        for n in 0..2 {
            match &mut self.environments[n].running {
                Some(invocation) if later.duration_since(invocation.since) > APPROVE_MAX => self.crash(n),
                Some(invocation) => invocation.nows.push(later),
                None => {}
            }
        }
        self.audit.take_if(|(_, since)| later.duration_since(*since) > AUDIT_MAX);
        self.check_changes(Actor::Other);
    }

    /// Lets each reading of the clock return a later time. Otherwise the clock stands still, so that the same events make
    /// the same records.
    pub fn let_the_clock_run(&self) {
        clock::run();
    }

    /// Removes the faults that did not happen yet.
    pub fn stop_faults(&mut self) {
        [&self.aws.faults, &self.ledger.faults, &self.mailbox.faults, &self.reports.faults].into_iter().for_each(Faults::stop);
    }

    /// Puts policies in force that another party loaded.
    pub fn use_policy(&mut self, in_force: InForce, policy: Arc<PolicySet>) {
        self.in_force = in_force;
        self.policy = policy;
    }

    /// Policies as an operator would write them now.
    pub fn written_now(&self, policies: Policies) -> InForce {
        let endpoints = self.requests.iter().map(|request| request.endpoint.clone()).collect();
        InForce { policies, endpoints, ..self.in_force.clone() }
    }

    fn faults_of(&self, call: Call) -> &Faults {
        match call {
            Call::Ec2(_) => &self.aws.faults,
            Call::Ledger(_) => &self.ledger.faults,
            Call::Sns => &self.mailbox.faults,
            Call::S3 => &self.reports.faults,
        }
    }

    pub fn state(&self, endpoint: &str) -> String {
        self.aws.world().connection_mut(endpoint).unwrap().state.clone()
    }
}

pub fn covers(grant: &Grant, request: &Request) -> bool {
    grant.service.as_str() == request.service
        && match &grant.to {
            Grantee::Endpoint(endpoint) => endpoint.as_str() == request.endpoint,
            Grantee::Account(account) => account.as_str() == ACCOUNTS[request.account],
        }
}

/// The index of the n-th item from the end, modulo the number of items.
fn latest(n: usize, len: usize) -> Option<usize> {
    (len > 0).then(|| len - 1 - n % len)
}

fn load(flaw: Option<Flaw>, in_force: &InForce) -> Arc<PolicySet> {
    let files = in_force.files();
    let key = format!("{flaw:?} {files:?}");
    LOADED.with_borrow_mut(|loaded| {
        if loaded.len() > LOADED_MAX {
            loaded.clear();
        }
        Arc::clone(loaded.entry(key).or_insert_with(|| Arc::new(mutants::load(flaw, &files).unwrap())))
    })
}

fn name_of(call: Call) -> &'static str {
    match call {
        Call::Ec2(name) | Call::Ledger(name) => name,
        Call::Sns => "Publish",
        Call::S3 => "PutObject",
    }
}

pub fn count(items: impl Iterator) -> i64 {
    i64::try_from(items.count()).unwrap()
}
