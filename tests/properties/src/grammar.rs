//! The policies of the scenarios: a small grammar. The warden reads it as Cedar; the reference model evaluates it as it
//! stands and never uses Cedar.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use warden::policy::PolicyFile;

use crate::scenario::ACCOUNTS;

/// A policy set.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    pub policies: Vec<Policy>,
    /// The accounts in the group `team`.
    pub team: Vec<usize>,
}

#[derive(Debug, Clone)]
pub struct Policy {
    pub effect: Effect,
    pub action: Action,
    pub principal: Principal,
    /// A service by its number; any service without it.
    pub service: Option<usize>,
    /// All of these must hold, in this order.
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
pub enum Principal {
    Any,
    Account(usize),
    Team,
    /// A unit of the organization, by its number.
    Unit(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The name of the service.
    Named(&'static str),
    /// Bounds for the connections of the account and of all accounts.
    AccountBelow(i64),
    ServiceBelow(i64),
    AccountAtLeast(i64),
    ServiceAtLeast(i64),
    /// Minutes after the start of the scenario.
    Until(i64),
    From(i64),
    /// The n-th request, by its id.
    Endpoint(usize),
    /// The endpoint is in the Region of the service, in two spellings.
    SameRegion,
    CrossRegion,
    Ipv4,
    /// The role with which every consumer creates its endpoints.
    Role,
    /// Holds, but fails if more than so many endpoints are connected to the service (-1: always fails).
    FailsAbove(i64),
}

/// Policies in force, with the ids of the services and requests that they name by number.
#[derive(Debug, Clone)]
pub struct InForce {
    pub policies: Policies,
    pub services: Vec<String>,
    pub endpoints: Vec<String>,
    pub start: Timestamp,
}

/// The units of the organization. The second is in the first.
pub const UNITS: [&str; 2] = ["ou-abcd-11111111", "ou-abcd-22222222"];
/// The role with which consumers create endpoints, after the account.
pub const ROLE: &str = "role/team/network-deployer";

impl Policy {
    /// A policy about every request for an action.
    pub fn about_all(effect: Effect, action: Action, when: Vec<Condition>) -> Self {
        Self { effect, action, principal: Principal::Any, service: None, when, unless: None }
    }

    pub fn is_about(&self, action: Action) -> bool {
        self.action == action || self.action == Action::Both
    }

    pub fn has(&self, which: impl Fn(&Condition) -> bool) -> bool {
        self.when.iter().chain(&self.unless).any(which)
    }

    pub fn reads_organization(&self) -> bool {
        matches!(self.principal, Principal::Unit(_))
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

impl Policies {
    /// The same policies without the conditions of a kind.
    #[must_use]
    pub fn without(mut self, which: impl Fn(&Condition) -> bool) -> Self {
        for policy in &mut self.policies {
            policy.when.retain(|condition| !which(condition));
            policy.unless = policy.unless.filter(|condition| !which(condition));
        }
        self
    }

    #[must_use]
    pub fn with(mut self, policy: Policy) -> Self {
        self.policies.push(policy);
        self
    }
}

impl InForce {
    /// The policies as an operator would write them.
    pub fn files(&self) -> Vec<PolicyFile> {
        let policies: Vec<String> = self.policies.policies.iter().enumerate().map(|(n, policy)| self.cedar(n, policy)).collect();
        let team: Vec<&str> = self.policies.team.iter().map(|n| ACCOUNTS[*n]).collect();
        let groups = json!({"team": {"accounts": team}}).to_string();
        vec![scenarios::file("policies.cedar", &policies.join("\n")), scenarios::file("groups.json", &groups)]
    }

    fn cedar(&self, n: usize, policy: &Policy) -> String {
        let effect = if policy.effect == Effect::Permit { "permit" } else { "forbid" };
        let principal = match policy.principal {
            Principal::Any => "principal".to_owned(),
            Principal::Account(n) => format!("principal == PrivateLink::Account::\"{}\"", ACCOUNTS[n]),
            Principal::Team => "principal in PrivateLink::AccountGroup::\"team\"".to_owned(),
            Principal::Unit(n) => format!("principal in PrivateLink::OrganizationalUnit::\"{}\"", UNITS[n]),
        };
        let action = match policy.action {
            Action::Accept => "action == PrivateLink::Action::\"Accept\"",
            Action::Reject => "action == PrivateLink::Action::\"Reject\"",
            Action::Both => "action",
        };
        let resource = policy
            .service
            .map_or_else(|| "resource".to_owned(), |n| format!("resource == PrivateLink::EndpointService::\"{}\"", self.service(n)));
        let all: Vec<String> = policy.when.iter().map(|condition| self.condition(*condition)).collect();
        let when = if all.is_empty() { String::new() } else { format!(" when {{ {} }}", all.join(" && ")) };
        let unless = policy.unless.map(|condition| format!(" unless {{ {} }}", self.condition(condition))).unwrap_or_default();
        format!("@id(\"policy-{n}\") {effect} ({principal}, {action}, {resource}){when}{unless};")
    }

    fn condition(&self, condition: Condition) -> String {
        match condition {
            Condition::Named(name) => format!("resource.hasTag(\"Name\") && resource.getTag(\"Name\") == \"{name}\""),
            Condition::AccountBelow(n) => format!("context.connections.ofAccount < {n}"),
            Condition::ServiceBelow(n) => format!("context.connections.ofService < {n}"),
            Condition::AccountAtLeast(n) => format!("context.connections.ofAccount >= {n}"),
            Condition::ServiceAtLeast(n) => format!("context.connections.ofService >= {n}"),
            Condition::Until(minutes) => format!("context.now < datetime(\"{}\")", self.datetime(minutes)),
            Condition::From(minutes) => format!("context.now >= datetime(\"{}\")", self.datetime(minutes)),
            Condition::Endpoint(n) => match self.endpoint(n) {
                id if id.starts_with("tgw-") => format!("context has attachment && context.attachment.id == \"{id}\""),
                id => format!("context.endpoint.id == \"{id}\""),
            },
            Condition::SameRegion => "context.endpoint has region && context.endpoint.region == resource.region".to_owned(),
            Condition::CrossRegion => "context.endpoint has crossRegion && context.endpoint.crossRegion".to_owned(),
            Condition::Ipv4 => "context.endpoint has ipAddressType && context.endpoint.ipAddressType == \"ipv4\"".to_owned(),
            Condition::Role => format!("context has requester && context.requester.role like \"arn:aws:iam::*:{ROLE}\""),
            // Cedar's `Long` has the range of `i64`, and an overflow is an error.
            Condition::FailsAbove(n) if n < 0 => format!("context.connections.ofService + {} + 1 > 0", i64::MAX),
            Condition::FailsAbove(n) => format!("context.connections.ofService + {} > 0", i64::MAX - n),
        }
    }

    pub fn service(&self, n: usize) -> &str {
        &self.services[n % self.services.len()]
    }

    /// The id of a request that existed when the policies were written; otherwise an id that no endpoint has.
    pub fn endpoint(&self, n: usize) -> &str {
        self.endpoints.get(n).map_or("vpce-00000000000000000", String::as_str)
    }

    pub fn at(&self, minutes: i64) -> Timestamp {
        self.start + SignedDuration::from_mins(minutes)
    }

    fn datetime(&self, minutes: i64) -> String {
        self.at(minutes).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}
