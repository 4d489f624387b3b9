//! One run: the world, and the workers on their way.

use std::{
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use approve::Approve;
use jiff::SignedDuration;
use warden::{
    deadline::Deadline,
    gather::organization_cache::OrganizationCache,
    ledger::record::{Act, RecordFactory, Verdict},
    model::{connection::State, mode::Mode, scope::Scope},
    policy::PolicySet,
    trigger::{Message, hint},
};

use crate::{
    ports::{NoOrganization, Ports, lock},
    world::{self, Event, Flaw, Person, World, now, service, subject},
};

/// The body of the schedule's message.
const SWEEP: &str = r#"{"id": "sweep", "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}"}"#;

/// What is explored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) policy: &'static str,
    pub(crate) subjects: u8,
    pub(crate) workers: usize,
    pub(crate) person: Option<Person>,
    pub(crate) crashes: usize,
    pub(crate) flaw: Flaw,
    /// Live connections that the policy allows.
    pub(crate) cap: usize,
}

/// One choice of the explorer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    Poll(usize),
    Crash(usize),
    Person,
    Land,
}

pub(crate) type Worker = Pin<Box<dyn Future<Output = bool>>>;

/// One run: the world, and the workers on their way.
pub(crate) struct Run {
    pub(crate) world: Arc<Mutex<World>>,
    policy: Arc<PolicySet>,
    workers: Vec<Option<(Worker, Ports)>>,
    polls: Vec<usize>,
    pub(crate) crashes: usize,
    pub(crate) person: Option<Person>,
}

pub(crate) fn worker(world: &Arc<Mutex<World>>, policy: &Arc<PolicySet>, body: String) -> (Worker, Ports) {
    let ports = Ports { world: Arc::clone(world), told: Arc::default(), sent: Arc::default() };
    let approve = Approve {
        ec2: ports.clone(),
        act: ports.clone(),
        ledger: ports.clone(),
        queue: ports.clone(),
        members: OrganizationCache::new(NoOrganization),
        policy: Arc::clone(policy),
        scope: Scope::All,
        region: "us-east-1".parse().unwrap(),
        mode: Mode::Active,
        factory: RecordFactory { retention: SignedDuration::from_hours(24), function_version: "test".to_owned() },
        patience: SignedDuration::from_mins(15),
        people_only: false,
        clock: now,
    };
    let message = Message { id: "1".into(), receipt: "1".into(), sent: Some(now()), body };
    let work = async move {
        let (response, _) = approve.handle(&[message], Deadline::after(Duration::from_secs(3600), Duration::ZERO)).await;
        response.batch_item_failures.is_empty()
    };
    (Box::pin(work), ports)
}

impl Run {
    pub(crate) fn new(scenario: Scenario, policy: &Arc<PolicySet>) -> Self {
        world::set_now(0);
        let world = Arc::new(Mutex::new(World::new(scenario.flaw, scenario.subjects)));
        let workers = (0..scenario.workers).map(|_| Some(worker(&world, policy, hint(&service())))).collect();
        let policy = Arc::clone(policy);
        Self { world, policy, workers, polls: vec![0; scenario.workers], crashes: scenario.crashes, person: scenario.person }
    }

    pub(crate) fn choices(&self) -> Vec<Choice> {
        let alive = |n: &usize| self.workers[*n].is_some();
        let mut choices: Vec<Choice> = (0..self.workers.len()).filter(alive).map(Choice::Poll).collect();
        if self.crashes > 0 {
            choices.extend((0..self.workers.len()).filter(alive).map(Choice::Crash));
        }
        choices.extend(self.person.map(|_| Choice::Person));
        choices.extend((!lock(&self.world).late.is_empty()).then_some(Choice::Land));
        choices
    }

    pub(crate) fn take(&mut self, choice: Choice) {
        match choice {
            Choice::Poll(n) => {
                let (worker, _) = self.workers[n].as_mut().unwrap();
                self.polls[n] += 1;
                if worker.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                    self.workers[n] = None;
                }
            }
            Choice::Crash(n) => {
                let (_, ports) = self.workers[n].take().unwrap();
                self.crashes -= 1;
                // What was sent may still be carried out.
                lock(&self.world).late.extend(lock(&ports.sent).take());
            }
            Choice::Person => lock(&self.world).decide(self.person.take().unwrap()),
            Choice::Land => {
                let mut world = lock(&self.world);
                let (act, subjects) = world.late.remove(0);
                world.carry_out(act, &subjects);
            }
        }
    }

    pub(crate) fn state(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let world = lock(&self.world);
        (world.brief(), &world.events, &world.late).hash(&mut hasher);
        drop(world);
        for (n, worker) in self.workers.iter().enumerate() {
            let told = worker.as_ref().map(|(_, ports)| (self.polls[n], lock(&ports.told).finish(), lock(&ports.sent).is_some()));
            told.hash(&mut hasher);
        }
        (self.crashes, self.person).hash(&mut hasher);
        hasher.finish()
    }

    /// Everything comes to rest: the age of recovery passes, and a sweep finds what is left. Its hints are worked off.
    pub(crate) fn settle(&mut self) {
        let late = std::mem::take(&mut lock(&self.world).late);
        world::pass(61);
        lock(&self.world).queue.clear();
        assert!(self.work(SWEEP.to_owned()), "a sweep waits");
        let hints = std::mem::take(&mut lock(&self.world).queue);
        hints.into_iter().for_each(|hint| self.work_off(&hint));
        let mut world = lock(&self.world);
        if world.flaw == Flaw::Retries {
            late.iter().for_each(|(act, subjects)| drop(world.carry_out(*act, subjects)));
        }
    }

    fn work_off(&self, hint: &str) {
        for _ in 0..30 {
            if self.work(hint.to_owned()) {
                return;
            }
            world::pass(5);
        }
        panic!("never at rest: {:?}", lock(&self.world).items);
    }

    /// Lets a worker answer a message. Returns true if the message is done.
    fn work(&self, body: String) -> bool {
        let (mut worker, _) = worker(&self.world, &self.policy, body);
        loop {
            if let Poll::Ready(done) = worker.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return done;
            }
        }
    }

    /// Returns what is wrong once everything is at rest.
    pub(crate) fn verdict(&self, scenario: Scenario) -> Result<(), String> {
        let world = lock(&self.world);
        let mut live = 0;
        for (subject, state) in &world.states {
            let recorded = |verdict: Verdict| world.records.values().any(|record| record.subject() == subject && record.verdict == verdict);
            let done = |act: Act| world.events.iter().filter(|event| **event == Event::Done(act, subject.clone())).count();
            for (act, verdict) in [(Act::Accept, Verdict::Accepted), (Act::Reject, Verdict::Rejected)] {
                if done(act) > 0 && !recorded(verdict) {
                    return Err(format!("{act:?} of {subject} is off the record"));
                }
                if done(act) > 1 {
                    return Err(format!("{act:?} of {subject} was carried out twice"));
                }
                let records = world.records.values().filter(|record| record.subject() == subject && record.verdict == verdict).count();
                if records > 1 {
                    return Err(format!("{act:?} of {subject} is on the record twice"));
                }
                if recorded(verdict) && done(act) == 0 {
                    return Err(format!("{act:?} of {subject} is on the record and was not done"));
                }
            }
            if *state == State::Available && recorded(Verdict::Rejected) {
                return Err(format!("{subject} is connected, and on the record as rejected"));
            }
            live += usize::from(*state == State::Available);
            if *state == State::PendingAcceptance && !recorded(Verdict::Referred) {
                return Err(format!("{subject} is pending, and its owner was not told"));
            }
        }
        if live > scenario.cap {
            return Err(format!("{live} are connected, {} are allowed", scenario.cap));
        }
        let decided = world.events.iter().position(|event| matches!(event, Event::Decision(_)));
        let Some(decided) = decided else { return Ok(()) };
        for event in world.events.iter().skip(decided) {
            let overruled = match (event, scenario.person) {
                (Event::Intent(_, _), Some(Person::Holds)) => true,
                (Event::Intent(Act::Reject, subjects), Some(Person::Grants)) => subjects.contains(&subject(0)),
                (Event::Intent(Act::Accept, subjects), Some(Person::Refuses)) => subjects.contains(&subject(0)),
                _ => false,
            };
            if overruled {
                return Err(format!("a person's decision was overruled: {event:?}"));
            }
        }
        Ok(())
    }
}
