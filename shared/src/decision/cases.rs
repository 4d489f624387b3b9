//! `cases.json`: a policy set's own tests. A case is a request with the expected decision and determining policies.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::{
    decision::{Action, decide},
    model::{
        connection::{Connection, State},
        facts::{Claim, Counts, Facts},
        ids::{AccountId, AttachmentId, EndpointId, Region, RoleArn, ServiceId},
        organization::Membership,
        service::{Service, ServiceKind},
        subject::Subject,
    },
    policy::{PolicyId, PolicySet},
};

/// One case. Omitted fields have the values of a plain request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The name.
    pub case: String,
    /// The account that requests the connection.
    pub account: AccountId,
    /// The endpoint.
    pub endpoint: Option<EndpointId>,
    /// The transit gateway attachment, in place of an endpoint.
    pub attachment: Option<AttachmentId>,
    /// The service.
    #[serde(default)]
    pub service: CaseService,
    /// The established connections.
    pub connections: Option<Counts>,
    /// The account's membership in the organization; outside it by default.
    pub organization: Option<Membership>,
    /// The proven role.
    pub role: Option<RoleArn>,
    /// The Region of the endpoint or attachment; the service's by default.
    pub region: Option<Region>,
    /// The IP address type of the endpoint; `ipv4` by default.
    #[serde(rename = "ipAddressType")]
    pub ip_address_type: Option<String>,
    /// The time of the judgement.
    pub now: Option<Timestamp>,
    /// The expected decision: `accept`, `reject` or `refer`.
    pub decision: Expected,
    /// The expected determining policies.
    pub policies: Vec<PolicyId>,
}

/// The service of a case.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseService {
    /// The id; by default, one that no policy names.
    pub id: Option<ServiceId>,
    /// The Region; `us-east-1` by default.
    pub region: Option<Region>,
    /// The type; `Interface` by default, `GatewayLoadBalancer` for an attachment.
    pub kind: Option<ServiceKind>,
    /// The tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// An expected decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// The request is accepted.
    Accept,
    /// The request is rejected.
    Reject,
    /// The request stays pending for a person.
    Refer,
}

impl Case {
    /// The names of the fields, for suggestions.
    pub const FIELDS: [&str; 13] = [
        "case",
        "account",
        "endpoint",
        "attachment",
        "service",
        "connections",
        "organization",
        "role",
        "region",
        "ipAddressType",
        "now",
        "decision",
        "policies",
    ];
}

/// The result of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseResult {
    /// The name of the case.
    pub name: String,
    /// The difference from the expectation, if there is one.
    pub problem: Option<String>,
}

/// Returns the decision about a case's request and its determining policies, such as "accept by ID, ID".
#[must_use]
pub fn answer(policy: &PolicySet, case: &Case) -> String {
    let Some(facts) = facts(case) else { return "nothing".to_owned() };
    let decision = decide(policy, &facts, &[]);
    let judgement = decision.grounds.judgement.as_ref();
    let (expected, answer) = match &decision.action {
        Action::Accept(_) => (Expected::Accept, judgement.map(|judgement| &judgement.accept)),
        Action::Reject(_) => (Expected::Reject, judgement.map(|judgement| &judgement.reject)),
        Action::Refer(_) => (Expected::Refer, judgement.map(|judgement| &judgement.accept)),
        Action::NoAction(_) => return "nothing".to_owned(),
    };
    expected.by(answer.iter().flat_map(|answer| &answer.policies).map(|policy| &policy.id))
}

/// Runs one case.
#[must_use]
pub fn run(policy: &PolicySet, case: &Case) -> CaseResult {
    let answer = answer(policy, case);
    let expected = case.decision.by(&case.policies);
    let problem = (answer != expected).then(|| format!("expected {expected}, got {answer}"));
    CaseResult { name: case.case.clone(), problem }
}

impl Expected {
    fn by<'a>(self, policies: impl IntoIterator<Item = &'a PolicyId>) -> String {
        let decision = match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Refer => "refer",
        };
        let mut policies: Vec<&str> = policies.into_iter().map(PolicyId::as_str).collect();
        policies.sort_unstable();
        format!("{decision} by {}", if policies.is_empty() { "no policy".to_owned() } else { policies.join(", ") })
    }
}

/// Completes a case with the values of a plain request. Never `None`: the constants are valid ids.
fn facts(case: &Case) -> Option<Facts> {
    let region = case.service.region.clone().or_else(|| "us-east-1".parse().ok())?;
    let id = case.service.id.clone().or_else(|| "vpce-svc-03d5ebb7d9579a2b3".parse().ok())?;
    let plain: EndpointId = "vpce-0c1308d7312217abc".parse().ok()?;
    let subject = case.attachment.clone().map_or_else(|| case.endpoint.clone().unwrap_or(plain).into(), Subject::Attachment);
    // Only Gateway Load Balancer services take attachments.
    let plain_kind = if subject.attachment().is_some() { ServiceKind::GatewayLoadBalancer } else { ServiceKind::Interface };
    let kind = case.service.kind.clone().unwrap_or(plain_kind);
    let now = case.now.or_else(|| "2026-06-01T12:00:00Z".parse().ok())?;
    let connection = Connection {
        service: id.clone(),
        subject,
        owner: Some(case.account.clone()),
        state: State::PendingAcceptance,
        created: Some(now - SignedDuration::from_secs(5)),
        region: Some(case.region.clone().unwrap_or_else(|| region.clone())),
        ip_address_type: Some(case.ip_address_type.clone().unwrap_or_else(|| "ipv4".to_owned())),
        connected_in_part: false,
    };
    let tags = case.service.tags.clone();
    let service = Service { id, region, kind, acceptance_required: true, tags };
    let claim = case.role.clone().map(|role| Claim::recorded(&connection, role));
    let membership = case.organization.clone().unwrap_or(Membership::Outside);
    let facts = Facts::described(service, connection, case.connections.unwrap_or_default(), now);
    Some(facts.with_membership(membership).with_claim(claim))
}
