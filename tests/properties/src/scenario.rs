//! A scenario: a world, its policies, and a list of steps.
//!
//! It is a plain list and not a state machine of `proptest-state-machine`: each step makes sense in each state. A number
//! selects the n-th item, counted from the latest, modulo the number of items. Therefore a scenario has no preconditions,
//! shrinks by leaving out steps, and can run again on another warden.

use scenarios::Fault;

use crate::grammar::Policies;

/// The consumers.
pub const ACCOUNTS: [&str; 4] = ["111122223333", "444455556666", "777788889999", "222233334444"];
/// The names of services.
pub const NAMES: [&str; 2] = ["redis", "billing"];

#[derive(Debug, Clone)]
pub struct Scenario {
    pub world: World,
    /// The first is in force at the start.
    pub policies: Vec<Policies>,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub struct World {
    pub services: Vec<Service>,
    /// The membership of each account in the organization.
    pub members: Vec<Member>,
    /// The scope is the services called `redis`.
    pub redis_only: bool,
    pub observe: bool,
    /// The number of items on a page of EC2.
    pub page_size: usize,
    /// The time until EC2 describes a new endpoint.
    pub hidden_seconds: i64,
}

impl World {
    /// One service, which answers everything at once, and consumers outside the organization.
    pub fn of_one_service() -> Self {
        let service = Service { name: "redis", gateway: false, acceptance_required: true, own_topic: false, observed: false };
        let members = vec![Member::Outside; ACCOUNTS.len()];
        Self { services: vec![service], members, redis_only: false, observe: false, page_size: 1000, hidden_seconds: 0 }
    }
}

#[derive(Debug, Clone)]
pub struct Service {
    pub name: &'static str,
    /// Behind a Gateway Load Balancer: AWS sends no notification.
    pub gateway: bool,
    pub acceptance_required: bool,
    /// A tag names the topic of its owner.
    pub own_topic: bool,
    /// A tag narrows the mode to observing.
    pub observed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    Outside,
    /// In a unit, by its number.
    Active(usize),
    Suspended(usize),
}

#[derive(Debug, Clone)]
pub enum Step {
    /// A consumer creates an endpoint, or an attachment. Its events are kept for delivery.
    Request(NewEndpoint),
    /// A message arrives in the queue, and one of the two environments of `approve` works. An invocation that runs there ends
    /// first.
    Invoke {
        environment: usize,
        event: Delivery,
        ending: Ending,
    },
    /// The work of an environment continues.
    Continue {
        environment: usize,
        awaits: usize,
    },
    Audit(Ending),
    /// `notify` gets the records of the stream, and perhaps gets them again later.
    Notify {
        ending: Ending,
        again: bool,
    },
    /// The next call of this name has this fault.
    Fault(Call, Fault),
    Person(PersonAction),
    /// The consumer deletes the n-th request.
    Delete(usize),
    /// The organization moves, suspends or removes an account.
    Reorganize(usize, Member),
    Rename {
        service: usize,
        name: usize,
    },
    /// EC2 omits a fact of the n-th request from now on.
    Omit(usize, Omission),
    Pass {
        seconds: i64,
    },
    /// Stale reads may return the state of this moment.
    KeepMoment,
}

#[derive(Debug, Clone, Copy)]
pub struct NewEndpoint {
    pub account: usize,
    pub service: usize,
    /// In another Region than the service. To a service behind a Gateway Load Balancer it is a transit gateway attachment instead.
    pub remote: bool,
    pub dualstack: bool,
    /// EC2 omits this from the beginning.
    pub omitted: Option<Omission>,
}

/// A message for `approve`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// None is new: those that are in the queue are delivered.
    Queued,
    Sweep,
    /// The n-th event that AWS sent, perhaps forged.
    Sent(usize, Forgery),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    None,
    /// Another account owns the endpoint.
    Owner(usize),
    /// A role of another account made the call.
    Role(usize),
    /// The event comes from the bus of another account.
    Envelope(usize),
    /// The text of a notification contains no ids of endpoints, and perhaps none of services.
    WithoutIds {
        names_service: bool,
    },
}

/// The way in which an invocation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Completes,
    /// It crashes at the n-th await.
    Crashes(usize),
    /// It stops at the n-th await, and other steps happen before it continues.
    Pauses(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonAction {
    /// Accepts the n-th request in EC2, without the warden.
    Accept(usize),
    Reject(usize),
    /// Grants access on the ledger, for some minutes or without end.
    GrantEndpoint(usize, Option<i64>),
    GrantAccount {
        account: usize,
        service: usize,
        minutes: Option<i64>,
    },
    /// Refuses the n-th request on the ledger.
    Refuse(usize),
    /// Ends the n-th grant.
    Revoke(usize),
    /// Refuses the n-th request, and ends its connection.
    Disconnect(usize),
    /// Holds a service, or the stack.
    Pause(Option<usize>),
    Resume(Option<usize>),
    /// Publishes the n-th policies.
    Publish(usize),
}

/// A fact that EC2 omits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Omission {
    Owner,
    Created,
    /// The state is none that AWS documents.
    State,
    Region,
    AddressType,
}

/// A call, by the port that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Ec2(&'static str),
    Ledger(&'static str),
    Queue(&'static str),
    Sns,
    S3,
}
