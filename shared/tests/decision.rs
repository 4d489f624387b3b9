//! What a decision needs, case by case.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use warden::{
    decision::{Action, Refusal, decide, refuse},
    model::{
        connection::{Connection, State},
        facts::{Counts, Facts},
        organization::Membership,
        service::{Service, ServiceKind},
    },
    policy::{PolicyFile, PolicySet, evaluation::Refer},
};

fn facts() -> Facts {
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
    Facts { service, connection, counts: Counts::default(), membership: Membership::NotAsked, claim: None, now }
}

#[test]
fn nobody_is_turned_away_without_a_name_and_a_reason() {
    let turned_away = |by: &str, reason: &str| {
        let refusal = Refusal { by: by.to_owned(), reason: reason.to_owned(), at: facts().now };
        refuse(&refusal, &facts()).map(|permit| permit.endpoint().to_string())
    };
    assert_eq!(turned_away("kim", "contract ended").as_deref(), Some("vpce-0123456789abcdef0"));
    for (by, reason) in [("", "contract ended"), (" ", "contract ended"), ("kim", ""), ("kim", " \n"), ("", "")] {
        assert_eq!(turned_away(by, reason), None, "{by:?}, {reason:?}");
    }
}

#[test]
fn what_cannot_be_put_to_cedar_is_an_error_and_no_answer() {
    let rules = ["Accept", "Reject"]
        .map(|action| format!("@id(\"{action}\") permit(principal, action == PrivateLink::Action::\"{action}\", resource);"));
    for text in [rules[0].clone(), rules[1].clone(), rules.concat()] {
        let policy = PolicySet::load(&[PolicyFile { name: "p.cedar".to_owned(), text }], None).unwrap();
        // Cedar's dates begin with the year 0.
        let mut facts = facts();
        facts.connection.created = Some("-000001-06-01T12:00:00Z".parse().unwrap());
        let judgement = policy.judge(&facts).unwrap();
        for answer in [&judgement.accept, &judgement.reject] {
            assert!(!answer.allowed && answer.errors.len() == 1 && answer.errors[0].id.is_none(), "{answer:?}");
        }
        assert!(matches!(decide(&policy, &facts, &[]).action, Action::Refer(Refer::PolicyError)));
    }
}
