//! Runs a scenario against a warden, over the test environment. After each await it compares the changes in the world and
//! on the ledger with what the warden was told, by the reference model.

mod actions;
mod clock;
mod evidence;
mod facts;
mod invariants;
mod invocations;
mod people;
mod request;
mod setup;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use scenarios::{Aws, Faults, Mailbox, MemoryLedger, MemoryQueue, Reports, UntoldRecords};
use serde_json::Value;
use warden::policy::PolicySet;

pub(crate) use actions::finish;
pub use clock::now;
pub use people::{Granted, People};
pub use request::{Request, is_live};
pub use setup::OWN_TOPIC;

use crate::{
    events::{Claim, Sent},
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
    /// Beyond a cap, by the warden's own acts.
    Cap,
    /// Against a decision of a person that was on the ledger before the intent.
    Overruled,
    /// On the record a second time, though nothing changed it since the first.
    Twice,
    /// During a hold that was on the ledger before the intent.
    Hold,
}

/// The timeouts of `approve` and of `audit`.
const APPROVE_MAX: SignedDuration = SignedDuration::from_secs(30);
const AUDIT_MAX: SignedDuration = SignedDuration::from_secs(900);
/// The time for which the warden may use a description of an account.
const MEMBER_KNOWN_FOR: SignedDuration = SignedDuration::from_mins(5);

/// The number of earlier states that are kept.
const MOMENTS_MAX: usize = 4;

/// The number of loaded policy sets that are kept: loading takes longer than all else, and a law runs a scenario several
/// times.
const LOADED_MAX: usize = 64;

thread_local! {
    static LOADED: RefCell<BTreeMap<String, Arc<PolicySet>>> = const { RefCell::new(BTreeMap::new()) };
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
    pub queue: MemoryQueue,
    pub mailbox: Mailbox,
    /// The records that `notify` set aside.
    pub set_aside: UntoldRecords,
    pub reports: Reports,
    pub services: Vec<String>,
    pub requests: Vec<Request>,
    pub sent: Vec<Sent>,
    pub in_force: InForce,
    policy: Arc<PolicySet>,
    environments: [Environment; 2],
    audit: Option<(Work<Result<(), String>>, Timestamp)>,
    /// Deliveries of the stream that `notify` must still get.
    untold: Vec<Value>,
    pub people: People,
    /// Also those that others replaced.
    all_grants: Vec<Granted>,
    /// The claims of all messages that were delivered.
    claims: Vec<Claim>,
    /// The acts that were allowed when their intent was written.
    intended: BTreeSet<(String, &'static str)>,
    /// The warden does not wait between two acts.
    pub unpaced: bool,
    /// EC2's descriptions are at most a minute old.
    pub reads_are_fresh: bool,
    /// The time for which earlier states are kept, at most.
    moments_age: SignedDuration,
    /// The number of accounts that Organizations describes in one invocation.
    pub lookups_max: Option<usize>,
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
            queue: MemoryQueue::new(aws.clone(), Faults::default()),
            aws,
            ledger: MemoryLedger::default(),
            mailbox: Mailbox::default(),
            set_aside: UntoldRecords::default(),
            reports: Reports::default(),
            services,
            requests: Vec::new(),
            sent: Vec::new(),
            policy: load(flaw, &first),
            in_force: first,
            environments,
            audit: None,
            untold: Vec::new(),
            people: People::default(),
            all_grants: Vec::new(),
            claims: Vec::new(),
            intended: BTreeSet::new(),
            unpaced: false,
            reads_are_fresh: false,
            moments_age: SignedDuration::ZERO,
            lookups_max: None,
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
            Step::Notify { ending, again } => self.notify(*ending, *again),
            Step::Fault(call, fault) => self.faults_of(*call).next(name_of(*call), &[*fault]),
            Step::Person(action) => self.person(*action),
            Step::Delete(n) => {
                if let Some(request) = self.latest_request(*n) {
                    self.delete(&request);
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
            Step::KeepMoment => self.keep_moment(),
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
        if self.reads_are_fresh {
            self.drop_old_moments(time);
        }
        self.audit.take_if(|(_, since)| later.duration_since(*since) > AUDIT_MAX);
        self.check_changes(Actor::Other);
    }

    fn keep_moment(&self) {
        self.aws.keep_moment();
    }

    /// After a minute, newer states take the place of those that are kept.
    fn drop_old_moments(&mut self, passed: SignedDuration) {
        self.moments_age += passed;
        if self.moments_age >= SignedDuration::from_secs(50) {
            (0..MOMENTS_MAX).for_each(|_| self.keep_moment());
            self.moments_age = SignedDuration::ZERO;
        }
    }

    /// Lets each reading of the clock return a later time. Otherwise the clock stands still, so that the same events make
    /// the same records.
    pub fn let_the_clock_run(&self) {
        clock::run();
    }

    /// Removes the faults that did not happen yet.
    pub fn stop_faults(&mut self) {
        [&self.aws.faults, &self.ledger.faults, &self.queue.faults, &self.mailbox.faults, &self.reports.faults]
            .into_iter()
            .for_each(Faults::stop);
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
            Call::Queue(_) => &self.queue.faults,
            Call::Sns => &self.mailbox.faults,
            Call::S3 => &self.reports.faults,
        }
    }

    pub fn state(&self, endpoint: &str) -> String {
        self.aws.world().connection_mut(endpoint).unwrap().state.clone()
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
        Call::Ec2(name) | Call::Ledger(name) | Call::Queue(name) => name,
        Call::Sns => "Publish",
        Call::S3 => "PutObject",
    }
}

pub fn count(items: impl Iterator) -> i64 {
    i64::try_from(items.count()).unwrap()
}
