//! The facts that a policy can read: one row each, from which the schema, the Cedar request and the handling of unknown
//! facts derive.
//!
//! A new fact needs its row here, a reader in [`crate::model::facts`], a chapter in the policy guide and a test.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
};

use cedar_policy::RestrictedExpression as Value;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{facts::Facts, organization::Membership};

/// A fact that may be unknown when a request is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownFact {
    /// The facts from AWS Organizations: the account's units, name and state.
    Organization,
    /// The role behind the request, which only a CloudTrail event proves.
    Requester,
    /// The Region of the endpoint.
    Region,
    /// The IP address type of the endpoint.
    IpAddressType,
}

impl UnknownFact {
    /// Every fact that may be unknown.
    pub const ALL: [Self; 4] = [Self::Organization, Self::Requester, Self::Region, Self::IpAddressType];

    /// Returns the name of the fact in messages and proofs.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Organization => "what AWS Organizations says of the account",
            Self::Requester => "the role behind the request",
            Self::Region => "the Region of the endpoint",
            Self::IpAddressType => "the IP address type of the endpoint",
        }
    }

    /// Returns the reason why the fact is unknown for a request.
    #[must_use]
    pub fn why_unknown(self, facts: &Facts) -> String {
        match (self, &facts.membership) {
            (Self::Organization, Membership::Unknown { why }) => format!("AWS Organizations could not be asked: {why}"),
            (Self::Organization, _) => "AWS Organizations was not asked".to_owned(),
            (Self::Requester, _) if facts.connection.subject.attachment().is_some() => {
                "no event proves the role behind an attachment".to_owned()
            }
            (Self::Requester, _) => "only CloudTrail's event shows it, and no event that agrees with EC2 has arrived".to_owned(),
            (Self::Region | Self::IpAddressType, _) => "EC2 does not state it".to_owned(),
        }
    }

    fn is_known(self, facts: &Facts) -> bool {
        match self {
            Self::Organization => facts.membership.is_known(),
            Self::Requester => facts.requester().is_some(),
            Self::Region => facts.connection.region.is_some(),
            Self::IpAddressType => facts.connection.ip_address_type.is_some(),
        }
    }
}

/// One row: an attribute that a policy can read.
pub(super) struct Fact {
    /// The variable, then the attributes: `context.endpoint.region`.
    pub(super) path: &'static [&'static str],
    /// The type in Cedar's schema.
    pub(super) cedar_type: &'static str,
    /// The fact behind it, if that may be unknown.
    pub(super) unknown: Option<UnknownFact>,
    /// True if the whole record around the attribute is absent, and not the attribute alone.
    pub(super) record_is_optional: bool,
    /// The comment in the schema.
    pub(super) doc: &'static str,
    /// Reads the value; `None` if it is absent.
    pub(super) read: fn(&Facts) -> Option<Value>,
}

/// The rows, in the order of the schema.
pub(super) const FACTS: &[Fact] = &[
    Fact {
        path: &["principal", "name"],
        unknown: Some(UnknownFact::Organization),
        doc: "The account's name. The account's own people choose it, so it proves nothing.",
        ..string(|facts| text(facts.membership.member()?.name.as_ref()?))
    },
    Fact {
        path: &["principal", "status"],
        unknown: Some(UnknownFact::Organization),
        doc: "The account's state. An account that is not \"ACTIVE\" is never accepted.",
        ..string(|facts| text(&facts.membership.member()?.state))
    },
    Fact { path: &["resource", "region"], doc: "The Region of the service.", ..string(|facts| text(facts.service.region.as_str())) },
    Fact {
        path: &["resource", "kind"],
        doc: "\"Interface\" or \"GatewayLoadBalancer\".",
        ..string(|facts| text(String::from(facts.service.kind.clone())))
    },
    Fact {
        path: &["context", "kind"],
        doc: "What requests the connection: \"vpc-endpoint\" or \"transit-gateway-attachment\".",
        ..string(|facts| text(facts.connection.subject.kind().as_str()))
    },
    Fact {
        path: &["context", "endpoint", "id"],
        doc: "The VPC endpoint: \"vpce-…\". Empty for an attachment.",
        // Required, so that policies from before attachments stay valid.
        ..string(|facts| text(facts.connection.subject.endpoint().map_or("", |id| id.as_str())))
    },
    Fact {
        path: &["context", "endpoint", "region"],
        unknown: Some(UnknownFact::Region),
        doc: "The Region of the endpoint or attachment.",
        ..string(|facts| text(facts.connection.region.as_ref()?.as_str()))
    },
    Fact {
        path: &["context", "endpoint", "crossRegion"],
        cedar_type: "Bool",
        unknown: Some(UnknownFact::Region),
        doc: "True if the endpoint or attachment is in another Region than the service.",
        ..string(|facts| Some(Value::new_bool(*facts.connection.region.as_ref()? != facts.service.region)))
    },
    Fact {
        path: &["context", "endpoint", "ipAddressType"],
        unknown: Some(UnknownFact::IpAddressType),
        doc: "\"ipv4\", \"ipv6\" or \"dualstack\".",
        ..string(|facts| text(facts.connection.ip_address_type.as_ref()?))
    },
    Fact {
        path: &["context", "attachment", "id"],
        record_is_optional: true,
        doc: "The transit gateway attachment: \"tgw-attach-…\". Absent for an endpoint: context has attachment.",
        ..string(|facts| text(facts.connection.subject.attachment()?.as_str()))
    },
    Fact {
        path: &["context", "requester", "role"],
        unknown: Some(UnknownFact::Requester),
        record_is_optional: true,
        doc: "The ARN of the role behind the request, with its path. A CloudTrail event that agrees with EC2 proves it.",
        ..string(|facts| text(facts.requester()?.as_str()))
    },
    Fact {
        path: &["context", "connections", "ofAccount"],
        cedar_type: "Long",
        doc: "The account's established connections to the service. Pending ones do not count.",
        ..string(|facts| Some(Value::new_long(facts.counts.of_account.into())))
    },
    Fact {
        path: &["context", "connections", "ofService"],
        cedar_type: "Long",
        doc: "All established connections to the service.",
        ..string(|facts| Some(Value::new_long(facts.counts.of_service.into())))
    },
    Fact {
        path: &["context", "now"],
        cedar_type: "datetime",
        doc: "The time of the judgement: context.now < datetime(\"2028-01-01\").",
        ..string(|facts| Some(datetime(facts.now)))
    },
    Fact {
        path: &["context", "requestedAt"],
        cedar_type: "datetime",
        doc: "The time at which the endpoint or attachment was created.",
        ..string(|facts| facts.connection.created.map(datetime))
    },
];

/// Returns a row with the usual values: a string that is always known.
const fn string(read: fn(&Facts) -> Option<Value>) -> Fact {
    Fact { path: &[], cedar_type: "String", unknown: None, record_is_optional: false, doc: "", read }
}

fn text(value: impl AsRef<str>) -> Option<Value> {
    Some(Value::new_string(value.as_ref().to_owned()))
}

/// The datetimes that are kept.
const DATETIMES_MAX: usize = 4096;

/// Returns a Cedar datetime, which has milliseconds. Cedar parses the constructor's name for each new one, which takes as long as the rest
/// of a judgement, and an invocation judges its requests several times.
fn datetime(at: Timestamp) -> Value {
    thread_local! { static KNOWN: RefCell<HashMap<Timestamp, Value>> = RefCell::default(); }
    let new = || Value::new_datetime(at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string());
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= DATETIMES_MAX {
            known.clear();
        }
        known.entry(at).or_insert_with(new).clone()
    })
}

/// Returns the facts that are unknown for a request.
pub(super) fn unknown(facts: &Facts) -> BTreeSet<UnknownFact> {
    UnknownFact::ALL.into_iter().filter(|fact| !fact.is_known(facts)).collect()
}

impl Fact {
    /// Returns the part of the path that is absent while the fact is unknown.
    fn presence(&self) -> &[&'static str] {
        let end = self.path.len() - usize::from(self.record_is_optional);
        self.path.get(..end).unwrap_or(self.path)
    }
}

/// Returns the unknown facts on which reading a path depends. A path that ends at a record reads the whole record.
pub(super) fn read_by(path: &[&str]) -> BTreeSet<UnknownFact> {
    let reads = |fact: &&Fact| path.starts_with(fact.presence()) || fact.path.starts_with(path);
    FACTS.iter().filter(reads).filter_map(|fact| fact.unknown).collect()
}

/// Returns the unknown facts on which `has` on a path depends.
pub(super) fn tested_by(path: &[&str]) -> BTreeSet<UnknownFact> {
    FACTS.iter().filter(|fact| path.starts_with(fact.presence())).filter_map(|fact| fact.unknown).collect()
}

/// Returns the unknown facts that an attribute of this name may read, from any record.
pub(super) fn named(attribute: &str) -> BTreeSet<UnknownFact> {
    let is_named = |fact: &&Fact| fact.path.iter().skip(1).any(|part| *part == attribute);
    FACTS.iter().filter(is_named).filter_map(|fact| fact.unknown).collect()
}

/// Returns false only if a policy's text cannot read any fact that may be unknown.
pub(super) fn may_need(policy: &str) -> bool {
    // A backslash may spell any of the names.
    if policy.contains('\\') || policy.contains("OrganizationalUnit") {
        return true;
    }
    let unknown = || FACTS.iter().filter(|fact| fact.unknown.is_some());
    let of_principal = unknown().filter(|fact| fact.path.first() == Some(&"principal")).filter_map(|fact| fact.path.last());
    if of_principal.into_iter().any(|attribute| policy.contains(attribute)) {
        return true;
    }
    // `context` alone reads everything. An attribute of it reads an unknown fact only if the table says so.
    let unknown_below = |attribute: &str| unknown().any(|fact| fact.path.get(1) == Some(&attribute));
    policy.split("context").skip(1).any(|rest| {
        let attribute = rest.strip_prefix('.').map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default());
        attribute.is_none_or(|attribute| attribute.is_empty() || unknown_below(attribute))
    })
}
