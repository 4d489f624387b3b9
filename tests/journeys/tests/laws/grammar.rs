//! The policies that the laws are tried with: a small grammar, written out as Cedar for the warden, and read as it stands
//! by the reference, which never asks Cedar.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use warden::policy::PolicyFile;

use crate::story::ACCOUNTS;

/// A policy set.
#[derive(Debug, Clone, Default)]
pub struct Set {
    pub rules: Vec<Rule>,
    /// The accounts in the group `team`.
    pub team: Vec<usize>,
}

/// `permit` or `forbid`, about somebody, on conditions.
#[derive(Debug, Clone)]
pub struct Rule {
    pub effect: Effect,
    pub action: Action,
    pub who: Who,
    /// A service by its number; nothing: any.
    pub service: Option<usize>,
    /// All must hold, in this order.
    pub when: Vec<Condition>,
    pub unless: Option<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Permit,
    Forbid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Accept,
    Reject,
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Anyone,
    Account(usize),
    Team,
    /// A unit of the organization, by its number.
    Unit(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The service is called so.
    Named(&'static str),
    /// Fewer connections of the account, or of everybody, than this.
    AccountBelow(i64),
    ServiceBelow(i64),
    AccountAtLeast(i64),
    ServiceAtLeast(i64),
    /// Minutes after the start of the story.
    Until(i64),
    From(i64),
    /// The n-th request, by its id.
    Endpoint(usize),
    /// The consumer is in the service's Region.
    Local,
    /// The role that every consumer's endpoints are made with.
    Role,
    /// Cannot be evaluated where more than so many are connected to the service (-1: never); where it can, it holds.
    FailsAbove(i64),
}

/// A set in force, with what its names stand for.
#[derive(Debug, Clone)]
pub struct InForce {
    pub set: Set,
    pub services: Vec<String>,
    pub endpoints: Vec<String>,
    pub start: Timestamp,
}

/// The units of the organization; the second lies in the first.
pub const UNITS: [&str; 2] = ["ou-abcd-11111111", "ou-abcd-22222222"];
/// The role that consumers' endpoints are made with, after the account.
pub const ROLE: &str = "role/team/network-deployer";

impl Rule {
    pub fn is_about(&self, action: Action) -> bool {
        self.action == action || self.action == Action::Both
    }

    pub fn asks(&self, which: impl Fn(&Condition) -> bool) -> bool {
        self.when.iter().chain(&self.unless).any(which)
    }

    pub fn reads_role(&self) -> bool {
        self.asks(|condition| *condition == Condition::Role)
    }

    pub fn reads_organization(&self) -> bool {
        matches!(self.who, Who::Unit(_))
    }
}

impl Condition {
    pub fn counts(&self) -> bool {
        matches!(
            self,
            Self::AccountBelow(_) | Self::ServiceBelow(_) | Self::AccountAtLeast(_) | Self::ServiceAtLeast(_) | Self::FailsAbove(_)
        )
    }
}

impl Set {
    /// The same with no condition of a kind: what is left asks for less.
    pub fn without(mut self, which: impl Fn(&Condition) -> bool) -> Self {
        for rule in &mut self.rules {
            rule.when.retain(|condition| !which(condition));
            rule.unless = rule.unless.filter(|condition| !which(condition));
        }
        self
    }

    pub fn with(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }
}

impl InForce {
    /// The set as an operator would have written it.
    pub fn files(&self) -> Vec<PolicyFile> {
        let rules: Vec<String> = self.set.rules.iter().enumerate().map(|(n, rule)| self.cedar(n, rule)).collect();
        let team: Vec<&str> = self.set.team.iter().map(|n| ACCOUNTS[*n]).collect();
        let groups = json!({"team": {"accounts": team}}).to_string();
        vec![file("rules.cedar", &rules.join("\n")), file("groups.json", &groups)]
    }

    fn cedar(&self, n: usize, rule: &Rule) -> String {
        let effect = if rule.effect == Effect::Permit { "permit" } else { "forbid" };
        let who = match rule.who {
            Who::Anyone => "principal".to_owned(),
            Who::Account(n) => format!("principal == PrivateLink::Account::\"{}\"", ACCOUNTS[n]),
            Who::Team => "principal in PrivateLink::AccountGroup::\"team\"".to_owned(),
            Who::Unit(n) => format!("principal in PrivateLink::OrganizationalUnit::\"{}\"", UNITS[n]),
        };
        let action = match rule.action {
            Action::Accept => "action == PrivateLink::Action::\"Accept\"",
            Action::Reject => "action == PrivateLink::Action::\"Reject\"",
            Action::Both => "action",
        };
        let resource = rule
            .service
            .map_or_else(|| "resource".to_owned(), |n| format!("resource == PrivateLink::EndpointService::\"{}\"", self.service(n)));
        let all: Vec<String> = rule.when.iter().map(|condition| self.condition(*condition)).collect();
        let when = if all.is_empty() { String::new() } else { format!(" when {{ {} }}", all.join(" && ")) };
        let unless = rule.unless.map(|condition| format!(" unless {{ {} }}", self.condition(condition))).unwrap_or_default();
        format!("@id(\"rule-{n}\") {effect} ({who}, {action}, {resource}){when}{unless};")
    }

    fn condition(&self, condition: Condition) -> String {
        match condition {
            Condition::Named(name) => format!("resource.hasTag(\"Name\") && resource.getTag(\"Name\") == \"{name}\""),
            Condition::AccountBelow(n) => format!("context.connections.ofAccount < {n}"),
            Condition::ServiceBelow(n) => format!("context.connections.ofService < {n}"),
            Condition::AccountAtLeast(n) => format!("context.connections.ofAccount >= {n}"),
            Condition::ServiceAtLeast(n) => format!("context.connections.ofService >= {n}"),
            Condition::Until(minutes) => format!("context.now < datetime(\"{}\")", self.moment(minutes)),
            Condition::From(minutes) => format!("context.now >= datetime(\"{}\")", self.moment(minutes)),
            Condition::Endpoint(n) => format!("context.endpoint.id == \"{}\"", self.endpoint(n)),
            Condition::Local => "context.endpoint has region && context.endpoint.region == resource.region".to_owned(),
            Condition::Role => format!("context has requester && context.requester.role like \"arn:aws:iam::*:{ROLE}\""),
            // Cedar's numbers end where Rust's do, and adding beyond is an error.
            Condition::FailsAbove(n) if n < 0 => format!("context.connections.ofService + {} + 1 > 0", i64::MAX),
            Condition::FailsAbove(n) => format!("context.connections.ofService + {} > 0", i64::MAX - n),
        }
    }

    pub fn service(&self, n: usize) -> &str {
        &self.services[n % self.services.len()]
    }

    /// An id that nobody has, for a request that was not there when the set was written.
    pub fn endpoint(&self, n: usize) -> &str {
        self.endpoints.get(n).map_or("vpce-00000000000000000", String::as_str)
    }

    pub fn at(&self, minutes: i64) -> Timestamp {
        self.start + SignedDuration::from_mins(minutes)
    }

    fn moment(&self, minutes: i64) -> String {
        self.at(minutes).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

pub fn file(name: &str, text: &str) -> PolicyFile {
    PolicyFile { name: name.to_owned(), text: text.to_owned() }
}
