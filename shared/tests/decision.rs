//! The conditions of a decision.

use warden::{
    decision::{Action, Refusal, decide, refuse},
    policy::evaluation::Refer,
};

use crate::fixtures::{facts, now, policy_set};

#[test]
fn rejection_needs_person_and_reason() {
    let rejected = |by: &str, reason: &str| {
        let refusal = Refusal { by: by.to_owned(), reason: reason.to_owned(), at: now(), disconnects: false };
        refuse(&refusal, &facts()).map(|token| token.subject().to_string())
    };
    assert_eq!(rejected("kim", "contract ended").as_deref(), Some("vpce-0123456789abcdef0"));
    for (by, reason) in [("", "contract ended"), (" ", "contract ended"), ("kim", ""), ("kim", " \n"), ("", "")] {
        assert_eq!(rejected(by, reason), None, "{by:?}, {reason:?}");
    }
}

/// Cedar's dates begin with the year 0.
#[test]
fn date_that_cedar_cannot_represent_is_an_error() {
    let policies = ["Accept", "Reject"]
        .map(|action| format!("@id(\"{action}\") permit(principal, action == PrivateLink::Action::\"{action}\", resource);"));
    for text in [policies[0].clone(), policies[1].clone(), policies.concat()] {
        let policy = policy_set(&text);
        let mut facts = facts();
        facts.connection.created = Some("-000001-06-01T12:00:00Z".parse().unwrap());
        let judgement = policy.judge(&facts).unwrap();
        for answer in [&judgement.accept, &judgement.reject] {
            assert!(!answer.allowed && answer.errors.len() == 1 && answer.errors[0].id.is_none(), "{answer:?}");
        }
        assert!(matches!(decide(&policy, &facts, &[]).action, Action::Refer(Refer::PolicyError)));
    }
}
