//! Claims about one set.

use super::{CLOSED, GROUPS, REDIS, ROLE_X, accept, assert_refuted, check, refuted, set};

#[test]
fn each_policy_of_a_good_set_is_proved() {
    assert_refuted(REDIS, GROUPS, [&[], &[], &[]]);
}

#[test]
fn failing_dead_and_idle_policies_are_named() {
    let bad = format!(
        "{REDIS}
        @id(\"dead\") permit (principal == PrivateLink::Account::\"111122223333\", action == PrivateLink::Action::\"Accept\", resource) when {{ context.connections.ofAccount >= 7 }};
        @id(\"twice\") permit (principal in PrivateLink::AccountGroup::\"redis-consumers\", action == PrivateLink::Action::\"Accept\", resource)
          when {{ resource.hasTag(\"Name\") && resource.getTag(\"Name\") == \"redis\" && context.connections.ofService < 3 }};
        @id(\"fails\") permit (principal, action == PrivateLink::Action::\"Reject\", resource) when {{ context.connections.ofAccount * context.connections.ofAccount > 9 }};"
    );
    let Some(checked) = check(&set(&bad, GROUPS)) else { return };
    let [failing, dead, idle] = refuted(&checked);
    assert_eq!((failing, dead, checked.tallies[0].proved()), (vec!["fails"], vec!["dead"], 5));
    assert!(idle.contains(&"twice"), "{idle:?}");
}

#[test]
fn permits_that_cannot_match_are_dead() {
    for dead in [
        "permit (principal in PrivateLink::AccountGroup::\"closed\", action, resource)",
        "permit (principal, action == PrivateLink::Action::\"Accept\", resource) when { context.connections.ofAccount < 0 }",
        "permit (principal, action == PrivateLink::Action::\"Accept\", resource) when { context.now < datetime(\"2020-06-01\") }",
    ] {
        assert_refuted(&format!("@id(\"dead\") {dead};"), GROUPS, [&[], &["dead"], &["dead"]]);
    }
}

#[test]
fn permits_that_others_prevent_are_dead() {
    let suspended = "when { principal has status && principal.status == \"SUSPENDED\" }";
    for dead in [
        // The role of another account proves nothing.
        accept("dead", "principal == PrivateLink::Account::\"999900001111\"", &format!("when {ROLE_X}")),
        accept("dead", CLOSED, "") + &format!("@id(\"both\") permit ({CLOSED}, action, resource);"),
        accept("dead", "principal", "unless { context has requester }"),
        accept("dead", "principal", suspended),
    ] {
        let Some(checked) = check(&set(&dead, GROUPS)) else { return };
        assert!(refuted(&checked)[1].contains(&"dead"), "{dead}{checked:?}");
    }
    let rejects_nothing = format!(
        "@id(\"both\") permit ({CLOSED}, action, resource); @id(\"no\") forbid ({CLOSED}, action == PrivateLink::Action::\"Reject\", resource);"
    );
    assert_refuted(&rejects_nothing, GROUPS, [&[], &[], &[]]);
}

/// While the role is unknown, only `c` answers a plain request.
#[test]
fn policy_may_matter_while_a_fact_is_unknown() {
    let two = accept("a", "principal", &format!("when {ROLE_X}")) + &accept("b", "principal", &format!("unless {ROLE_X}"));
    assert_refuted(&two, GROUPS, [&[], &[], &[]]);
    let Some(checked) = check(&set(&(two + &accept("c", "principal", "")), GROUPS)) else { return };
    assert_eq!((refuted(&checked), &checked.advice), ([vec![], vec![], vec!["a", "b"]], &None));
}

#[test]
fn one_of_two_equal_policies_may_go() {
    let twins = accept("one", CLOSED, "") + &accept("other", "principal == PrivateLink::Account::\"000011112222\"", "");
    let Some(checked) = check(&set(&twins, GROUPS)) else { return };
    assert_eq!(refuted(&checked), [vec![], vec![], vec!["one", "other"]]);
    let advice = checked.advice.unwrap();
    assert!(advice.contains("not all of them can be deleted: delete one (`one`)"), "{advice}");
}
