//! A story: a world, its policies, and what people and AWS do in it.
//!
//! It is a plain list of moves, not `proptest-state-machine`'s transitions: every move makes sense in every state (a number
//! stands for the n-th there is, counted from the latest, round and round), so a story needs no preconditions, shrinks by
//! leaving moves out, and can be told again to another warden.

use journeys::Fault;

use crate::grammar::Set;

/// The consumers.
pub const ACCOUNTS: [&str; 4] = ["111122223333", "444455556666", "777788889999", "222233334444"];
/// What services may be called.
pub const NAMES: [&str; 2] = ["redis", "billing"];

/// A world, its policies, and what happens.
#[derive(Debug, Clone)]
pub struct Story {
    pub world: World,
    /// The first is in force at the start.
    pub sets: Vec<Set>,
    pub moves: Vec<Move>,
}

#[derive(Debug, Clone)]
pub struct World {
    pub services: Vec<Service>,
    /// What the organization says of each account.
    pub members: Vec<Member>,
    /// Only the services called `redis` are the warden's business.
    pub redis_only: bool,
    pub observe: bool,
    /// EC2 puts no more than this on a page.
    pub page: usize,
    /// A new endpoint is not described for so many seconds.
    pub hidden_seconds: i64,
}

#[derive(Debug, Clone)]
pub struct Service {
    pub name: &'static str,
    /// Behind a Gateway Load Balancer: AWS sends no notification.
    pub gateway: bool,
    pub acceptance_required: bool,
    /// Its tag names its owner's own topic.
    pub own_topic: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    Outside,
    /// In a unit, by its number.
    Active(usize),
    Suspended(usize),
}

/// One thing that happens.
#[derive(Debug, Clone)]
pub enum Move {
    /// A consumer creates an endpoint, here or in another Region. Its events are kept for delivery.
    Ask {
        account: usize,
        service: usize,
        abroad: bool,
    },
    /// One of Lambda's two environments gets an event. If it is still at work, it ends first.
    Invoke {
        lambda: usize,
        event: Delivery,
        end: End,
    },
    /// What an environment has under way goes on.
    GoOn {
        lambda: usize,
        moments: usize,
    },
    Audit(End),
    /// The stream's records so far, and those that are to be delivered again.
    Notify {
        end: End,
        twice: bool,
    },
    /// The next call of this name meets this fate.
    Fault(Call, Fault),
    Person(Deed),
    /// The consumer of the n-th request takes it back.
    Delete(usize),
    /// The organization moves, suspends or loses an account.
    Reorganize(usize, Member),
    /// A service's name changes to the n-th.
    Rename {
        service: usize,
        name: usize,
    },
    /// EC2 leaves something out of what it says of the n-th request.
    LeaveOut(usize, Gap),
    Pass {
        seconds: i64,
    },
    /// What is read stale from now on may be from here.
    Remember,
}

/// What is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    Sweep,
    /// The n-th event that AWS sent, perhaps not as it was sent.
    Sent(usize, Forgery),
}

/// What somebody made of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    None,
    /// Another account owns the endpoint.
    Owner(usize),
    /// A role of another account.
    Role(usize),
    /// It comes from another account's bus.
    Envelope(usize),
    /// A notification without the ids of endpoints, or without any.
    Wordless(bool),
}

/// How an invocation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself.
    Well,
    /// It dies after so many moments: every await is a possible end.
    Crash(usize),
    /// It is still at work when other things happen.
    Later(usize),
}

/// What people do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Accept or reject the n-th request with their own hands.
    Accept(usize),
    Reject(usize),
    /// Grant on the ledger: to the n-th request, or to an account on a service; for so many minutes, or for ever.
    GrantEndpoint(usize, Option<i64>),
    GrantAccount {
        account: usize,
        service: usize,
        minutes: Option<i64>,
    },
    /// End the n-th grant.
    Revoke(usize),
    /// Put the n-th set in force.
    Policy(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    Owner,
    Created,
    /// A state that nobody has documented.
    State,
}

/// A call, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Ec2(&'static str),
    Ledger(&'static str),
    Sns,
    S3,
}
