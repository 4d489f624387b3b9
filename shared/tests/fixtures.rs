//! A request to a service, policy sets, and recorded events.

use jiff::Timestamp;
use serde_json::Value;
use warden::{
    model::{
        connection::{Connection, State},
        facts::{Counts, Facts},
        service::{Service, ServiceKind},
    },
    policy::{PolicyFile, PolicySet},
};

pub(crate) const PERMIT_ALL: &str = "@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);";

pub(crate) fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// A service in us-east-1.
pub(crate) fn service() -> Service {
    Service {
        id: "vpce-svc-0123456789abcdef0".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        kind: ServiceKind::Interface,
        acceptance_required: true,
        tags: [].into(),
    }
}

/// A pending connection to it from eu-west-1.
pub(crate) fn connection() -> Connection {
    Connection {
        service: service().id,
        subject: "vpce-0123456789abcdef0".parse().unwrap(),
        owner: Some("111122223333".parse().unwrap()),
        state: State::PendingAcceptance,
        created: Some(now()),
        region: Some("eu-west-1".parse().unwrap()),
        ip_address_type: Some("ipv4".to_owned()),
        connected_in_part: false,
    }
}

/// The facts of the pending connection, without an organization.
pub(crate) fn facts() -> Facts {
    Facts::described(service(), connection(), Counts::default(), now())
}

pub(crate) fn file(name: &str, text: impl Into<String>) -> PolicyFile {
    PolicyFile { name: name.to_owned(), text: text.into() }
}

pub(crate) fn policy_set(cedar: &str) -> PolicySet {
    PolicySet::load(&[file("p.cedar", cedar)], None).unwrap_or_else(|errors| panic!("{errors}"))
}

/// A recorded event.
pub(crate) fn event(name: &str) -> Value {
    let path = format!("{}/tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}
