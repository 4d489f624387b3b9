//! `cases.json`: the policy's own tests. Each case is a request and what must become of it: the decision, and the policies
//! that determined it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::{
    decision::{Action, decide},
    model::{
        connection::{Connection, State},
        facts::{Claim, Counts, Facts},
        ids::{AccountId, EndpointId, Region, RoleArn, ServiceId},
        organization::Membership,
        service::{Service, ServiceKind},
    },
    policy::{PolicyId, PolicySet},
};

/// One case. What it leaves out is as in the simplest request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it is about, in words.
    pub case: String,
    /// Who asks.
    pub account: AccountId,
    /// From which endpoint.
    pub endpoint: Option<EndpointId>,
    /// Whom.
    #[serde(default)]
    pub service: CaseService,
    /// Beside which connections.
    pub connections: Option<Counts>,
    /// From where in the organization; outside it if nothing is said.
    pub organization: Option<Membership>,
    /// By which role, if an event has proved it.
    pub role: Option<RoleArn>,
    /// From which Region, if not the service's own.
    pub region: Option<Region>,
    /// When.
    pub now: Option<Timestamp>,
    /// `accept`, `reject` or `refer`.
    pub decision: Expected,
    /// The policies that determine it.
    pub policies: Vec<PolicyId>,
}

/// The service of a case.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseService {
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// What must become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// It is let in.
    Accept,
    /// It is turned away.
    Reject,
    /// It waits for a person.
    Refer,
}

impl Case {
    /// The names a case may hold, for whoever misspelt one.
    pub const FIELDS: [&str; 11] =
        ["case", "account", "endpoint", "service", "connections", "organization", "role", "region", "now", "decision", "policies"];
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseResult {
    /// The case.
    pub name: String,
    /// What is not as it must be.
    pub problem: Option<String>,
}

/// What a policy set makes of a case's request: the decision and the policies that determine it.
#[must_use]
pub fn answer(policy: &PolicySet, case: &Case) -> String {
    let Some(facts) = facts(case) else { return "nothing".to_owned() };
    let (came, by) = came_to(policy, &facts);
    format!("{}{}", came.map_or("nothing", Expected::as_str), listed(" by ", &by.iter().map(PolicyId::as_str).collect::<Vec<_>>()))
}

/// Runs one case.
#[must_use]
pub fn run(policy: &PolicySet, case: &Case) -> CaseResult {
    let name = case.case.clone();
    let problem = match facts(case) {
        None => Some("the case's own facts cannot be put together".to_owned()),
        Some(facts) => compare(policy, case, &facts),
    };
    CaseResult { name, problem }
}

fn compare(policy: &PolicySet, case: &Case, facts: &Facts) -> Option<String> {
    let (came, by) = came_to(policy, facts);
    let by: Vec<&str> = by.iter().map(PolicyId::as_str).collect();
    if came != Some(case.decision) {
        let came = came.map_or("nothing", Expected::as_str);
        return Some(format!("expected {}, came to {came}{}", case.decision.as_str(), listed(" by ", &by)));
    }
    let mut wanted: Vec<&str> = case.policies.iter().map(PolicyId::as_str).collect();
    wanted.sort_unstable();
    (wanted != by).then(|| format!("{}{}, expected{}", case.decision.as_str(), listed(" by ", &by), listed(" by ", &wanted)))
}

/// The decision, and the policies that determine it.
fn came_to(policy: &PolicySet, facts: &Facts) -> (Option<Expected>, Vec<PolicyId>) {
    let decision = decide(policy, facts, &[]);
    let judgement = decision.grounds.judgement.as_ref();
    let (came, answer) = match &decision.action {
        Action::Accept(_) => (Some(Expected::Accept), judgement.map(|judgement| &judgement.accept)),
        Action::Reject(_) => (Some(Expected::Reject), judgement.map(|judgement| &judgement.reject)),
        Action::Refer(_) => (Some(Expected::Refer), judgement.map(|judgement| &judgement.accept)),
        Action::NoAction(_) => (None, None),
    };
    (came, answer.map(|answer| answer.policies.iter().map(|rule| rule.id.clone()).collect()).unwrap_or_default())
}

fn listed(before: &str, ids: &[&str]) -> String {
    if ids.is_empty() { format!("{before}no policy") } else { format!("{before}{}", ids.join(", ")) }
}

impl Expected {
    fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Refer => "refer",
        }
    }
}

fn facts(case: &Case) -> Option<Facts> {
    let region: Region = "us-east-1".parse().ok()?;
    let id: ServiceId = "vpce-svc-03d5ebb7d9579a2b3".parse().ok()?;
    let usual: EndpointId = "vpce-0c1308d7312217abc".parse().ok()?;
    let endpoint = case.endpoint.clone().unwrap_or(usual);
    let now = case.now.or_else(|| "2026-06-01T12:00:00Z".parse().ok())?;
    Some(Facts {
        service: Service {
            id: id.clone(),
            region: region.clone(),
            kind: ServiceKind::Interface,
            acceptance_required: true,
            tags: case.service.tags.clone(),
        },
        connection: Connection {
            service: id,
            endpoint: endpoint.clone(),
            owner: Some(case.account.clone()),
            state: State::PendingAcceptance,
            created: Some(now - SignedDuration::from_secs(5)),
            region: Some(case.region.clone().unwrap_or(region)),
            ip_address_type: Some("ipv4".to_owned()),
        },
        counts: case.connections.unwrap_or_default(),
        membership: case.organization.clone().unwrap_or(Membership::Outside),
        claim: case.role.clone().map(|role| Claim {
            owner: Some(case.account.clone()),
            account: Some(case.account.clone()),
            recipient: Some(case.account.clone()),
            endpoint,
            role: Some(role),
        }),
        now,
    })
}
