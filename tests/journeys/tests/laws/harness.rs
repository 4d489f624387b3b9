//! Tells a story to a warden over the stage, and looks after every step what became of the world and the ledger. What must
//! never be seen on the way (laws 1 and 7) is judged here, by the reference, on what the warden was told.

mod deeds;
mod facts;
mod grounds;
mod setting;
mod watch;
mod work;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use journeys::{Aws, Faults, MemoryLedger, Outbox, Shelf, start_of_story};
use local::world::World;
use serde_json::Value;
use warden::{
    decision::grant::{Grant, Grantee},
    message::Message,
    model::scope::Scope,
    policy::PolicySet,
};

use crate::{
    events::Sent,
    grammar::{InForce, ROLE, Set},
    ports::Book,
    story::{ACCOUNTS, Call, Move, NAMES, Story},
    wardens::{Warden, Work},
};
use setting::{offer, put_member};
use work::{Environment, Invocation};

/// A law that is broken, and how.
#[derive(Debug, Clone)]
pub enum Breach {
    Safety(String),
    Partial(String),
}

/// Lambda lets an invocation of `approve`, and of `audit`, run for so long.
const APPROVE_MAX: SignedDuration = SignedDuration::from_secs(120);
const AUDIT_MAX: SignedDuration = SignedDuration::from_secs(900);
/// A description of a service is good for so long, and one of an account.
const SERVICE_KNOWN_FOR: SignedDuration = SignedDuration::from_secs(60);
const MEMBER_KNOWN_FOR: SignedDuration = SignedDuration::from_mins(5);

pub const OWN_TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:warden-team";
pub const DEFAULT_TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:warden-owners";

/// Sets that are kept read: more than one story has.
const LOADED_MAX: usize = 64;

thread_local! {
    static LOADED: RefCell<BTreeMap<String, Arc<PolicySet>>> = const { RefCell::new(BTreeMap::new()) };
    static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::UNIX_EPOCH) };
    static RUNS: Cell<bool> = const { Cell::new(false) };
}

/// The time of day, for functions that take none.
pub fn now() -> Timestamp {
    let now = NOW.get();
    if RUNS.get() {
        NOW.set(now + SignedDuration::from_micros(1));
    }
    now
}

/// A request and what became of it.
#[derive(Debug, Clone)]
pub struct Request {
    pub endpoint: String,
    pub account: usize,
    pub service: String,
    pub state: String,
    pub was_live: bool,
    pub was_rejected: bool,
    /// EC2 leaves something out about it.
    pub gap: bool,
    /// EC2 does not say whose it is.
    pub nameless: bool,
    /// What there was beside it when the warden let it in: of its account, of everybody.
    pub let_in: Option<(i64, i64)>,
    /// The invocation that let it in ended, and said that all was well.
    pub let_in_well: bool,
    /// The role that was proved when it was recorded as accepted.
    pub role: Option<String>,
}

impl Request {
    pub fn is_live(&self) -> bool {
        is_live(&self.state)
    }

    pub fn waits(&self) -> bool {
        self.state == "pendingAcceptance"
    }
}

pub fn is_live(state: &str) -> bool {
    matches!(state, "pending" | "available" | "partial")
}

/// Who is at work.
#[derive(Debug, Clone, Copy)]
enum By {
    Lambda(usize),
    Others,
}

pub struct House<'a> {
    warden: &'a dyn Warden,
    pub story: &'a Story,
    pub aws: Aws,
    pub ledger: MemoryLedger,
    pub outbox: Outbox,
    pub shelf: Shelf,
    pub services: Vec<String>,
    pub requests: Vec<Request>,
    pub sent: Vec<Sent>,
    pub in_force: InForce,
    policy: Arc<PolicySet>,
    lambdas: [Environment; 2],
    audit: Option<(Work<Result<(), String>>, Timestamp)>,
    untold: Vec<Value>,
    pub grants: Vec<Grant>,
    /// With those that were ended.
    pub grants_ever: Vec<Grant>,
    recorded: usize,
    runs: usize,
    pub breaches: Vec<Breach>,
}

impl<'a> House<'a> {
    pub fn new(warden: &'a dyn Warden, story: &'a Story) -> Self {
        let start = start_of_story();
        NOW.set(start);
        RUNS.set(false);
        let mut world = World::new("us-east-1", start);
        let services: Vec<String> = story.world.services.iter().map(|service| offer(&mut world, service)).collect();
        world.set_page_size_max(story.world.page);
        world.set_visibility_delay(SignedDuration::from_secs(story.world.hidden_seconds));
        for (account, member) in ACCOUNTS.iter().zip(&story.world.members) {
            put_member(&mut world, account, *member);
        }
        let aws = Aws::new(world, Faults::default());
        let in_force = InForce { set: story.sets[0].clone(), services: services.clone(), endpoints: Vec::new(), start };
        let policy = load(warden, &in_force);
        let lambdas = [(); 2].map(|()| Environment::cold(warden, &aws, story.world.page));
        Self {
            warden,
            story,
            aws,
            ledger: MemoryLedger::default(),
            outbox: Outbox::default(),
            shelf: Shelf::default(),
            services,
            requests: Vec::new(),
            sent: Vec::new(),
            in_force,
            policy,
            lambdas,
            audit: None,
            untold: Vec::new(),
            grants: Vec::new(),
            grants_ever: Vec::new(),
            recorded: 0,
            runs: 0,
            breaches: Vec::new(),
        }
    }

    /// The whole story.
    pub fn play(&mut self) {
        for what in &self.story.moves {
            self.happen(what);
        }
    }

    pub fn happen(&mut self, what: &Move) {
        match what {
            Move::Ask { account, service, abroad } => self.ask(*account, *service, *abroad),
            Move::Invoke { lambda, event, end } => drop(self.invoke(*lambda, *event, *end)),
            Move::GoOn { lambda, moments } => drop(self.go_on(*lambda, *moments)),
            Move::Audit(end) => drop(self.audit(*end)),
            Move::Notify { end, twice } => drop(self.notify(*end, *twice)),
            Move::Fault(call, fate) => self.faults_of(*call).next(name_of(*call), &[*fate]),
            Move::Person(deed) => self.person(*deed),
            Move::Delete(n) => {
                if let Some(Request { endpoint, account, .. }) = self.request(*n) {
                    self.aws.world().delete_endpoints(ACCOUNTS[account], &[endpoint]);
                }
            }
            Move::Reorganize(account, member) => put_member(&mut self.aws.world(), ACCOUNTS[*account], *member),
            Move::Rename { service, name } => self.rename(*service, *name),
            Move::LeaveOut(n, gap) => self.leave_out(*n, *gap),
            Move::Pass { seconds } => self.pass(SignedDuration::from_secs(*seconds)),
            Move::Remember => {
                self.aws.keep_moment();
                self.ledger.keep_moment();
            }
        }
        self.look(By::Others);
    }

    /// No two look at the same time any more. Otherwise it stands still, so that the same makes the same records.
    pub fn let_the_clock_run(&self) {
        RUNS.set(true);
    }

    pub fn pass(&mut self, time: SignedDuration) {
        let later = now() + time;
        self.aws.world().set_now(later);
        NOW.set(later);
        for n in 0..2 {
            match &mut self.lambdas[n].at_work {
                Some(invocation) if later.duration_since(invocation.since) > APPROVE_MAX => self.crash(n),
                Some(invocation) => invocation.nows.push(later),
                None => {}
            }
        }
        self.audit.take_if(|(_, since)| later.duration_since(*since) > AUDIT_MAX);
        self.look(By::Others);
    }

    /// The faults stop.
    pub fn calm(&mut self) {
        [&self.aws.faults, &self.ledger.faults, &self.outbox.faults, &self.shelf.faults].into_iter().for_each(Faults::stop);
    }

    pub fn put_in_force(&mut self, set: Set) {
        self.in_force = self.written(set);
        self.policy = load(self.warden, &self.in_force);
    }

    /// A set as it would be written now.
    pub fn written(&self, set: Set) -> InForce {
        let endpoints = self.requests.iter().map(|request| request.endpoint.clone()).collect();
        InForce { set, endpoints, ..self.in_force.clone() }
    }

    /// A policy takes over that somebody else has made of a set.
    pub fn go_by(&mut self, in_force: InForce, policy: Arc<PolicySet>) {
        self.in_force = in_force;
        self.policy = policy;
    }

    /// Everything that was told so far, with to whom.
    pub fn told(&self) -> Vec<(String, Message)> {
        self.outbox.all()
    }

    fn faults_of(&self, call: Call) -> &Faults {
        match call {
            Call::Ec2(_) => &self.aws.faults,
            Call::Ledger(_) => &self.ledger.faults,
            Call::Sns => &self.outbox.faults,
            Call::S3 => &self.shelf.faults,
        }
    }

    fn book(&self) -> Book {
        Book { ledger: self.ledger.clone(), flaw: self.warden.flaw() }
    }

    fn scope(&self) -> Scope {
        if self.story.world.redis_only { Scope::Tag { key: "Name".to_owned(), value: NAMES[0].to_owned() } } else { Scope::All }
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

/// The n-th from the end, round and round.
fn latest(n: usize, len: usize) -> Option<usize> {
    (len > 0).then(|| len - 1 - n % len)
}

/// What a warden makes of a set. Reading policies takes longer than all else, and a law tells its story several times.
fn load(warden: &dyn Warden, in_force: &InForce) -> Arc<PolicySet> {
    let files = in_force.files();
    let key = format!("{:?} {files:?}", warden.flaw());
    LOADED.with_borrow_mut(|loaded| {
        if loaded.len() > LOADED_MAX {
            loaded.clear();
        }
        Arc::clone(loaded.entry(key).or_insert_with(|| Arc::new(warden.load(&files).unwrap())))
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

/// The role that an account's endpoints are made with.
pub fn role_of(account: &str) -> String {
    format!("arn:aws:iam::{account}:{ROLE}")
}
