//! A named person's no.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use warden::{
    connection::{Connection, Service, ServiceKind, State},
    decision::{Refusal, refuse},
    facts::{Counts, Facts},
    organization::Membership,
};

#[test]
fn nobody_is_turned_away_without_a_name_and_a_reason() {
    let now = "2026-06-01T12:00:00Z".parse().unwrap();
    let service = Service {
        id: "vpce-svc-0123456789abcdef0".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        kind: ServiceKind::Interface,
        acceptance_required: true,
        tags: [].into(),
    };
    let connection = Connection {
        service: service.id.clone(),
        endpoint: "vpce-0123456789abcdef0".parse().unwrap(),
        owner: Some("111122223333".parse().unwrap()),
        state: State::PendingAcceptance,
        created: Some(now),
        region: None,
        ip_address_type: None,
    };
    let facts = Facts { service, connection, counts: Counts::default(), membership: Membership::NotAsked, claim: None, now };
    let turned_away = |by: &str, reason: &str| {
        let permit = refuse(&Refusal { by: by.to_owned(), reason: reason.to_owned(), at: now }, &facts);
        permit.map(|permit| permit.endpoint().to_string())
    };
    assert_eq!(turned_away("kim", "contract ended").as_deref(), Some("vpce-0123456789abcdef0"));
    for (by, reason) in [("", "contract ended"), (" ", "contract ended"), ("kim", ""), ("kim", " \n"), ("", "")] {
        assert_eq!(turned_away(by, reason), None, "{by:?}, {reason:?}");
    }
}
