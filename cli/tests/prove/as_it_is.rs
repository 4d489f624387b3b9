//! Proofs are about the world as it is: the accounts on the lists, counts and times that can be, facts that are not known,
//! and what else holds a rule back.

use super::{GROUPS, ROLE_X, accept, check, compare, set, there_is_a_solver};

/// While the role is not known, what asks for it takes no part: only `c` answers a plain request.
#[test]
fn what_answers_while_a_fact_is_not_known_adds_something() {
    if !there_is_a_solver() {
        return;
    }
    let two = accept("a", "principal", &format!("when {ROLE_X}")) + &accept("b", "principal", &format!("unless {ROLE_X}"));
    let (code, said) = check(&(two.clone() + &accept("c", "principal", "")), GROUPS);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("`a` adds nothing") && said.contains("`b` adds nothing") && !said.contains("`c` adds nothing"), "{said}");
    assert!(!said.contains("delete one"), "both may go: {said}");
    let (code, said) = check(&two, GROUPS);
    assert_eq!(code, 0, "without `c` both are needed: {said}");
}

#[test]
fn of_two_rules_that_say_the_same_only_one_may_go() {
    if !there_is_a_solver() {
        return;
    }
    let twins = accept("one", "principal in PrivateLink::AccountGroup::\"closed\"", "")
        + &accept("other", "principal == PrivateLink::Account::\"000011112222\"", "");
    let (code, said) = check(&twins, GROUPS);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("`one` adds nothing") && said.contains("`other` adds nothing"), "{said}");
    assert!(said.contains("not all of them may go: delete one (`one`), then prove again"), "{said}");
}

/// A group is what groups.json says: no word that anybody may be in.
#[test]
fn a_rule_for_nobody_on_the_lists_is_dead() {
    if !there_is_a_solver() {
        return;
    }
    let groups = r#"{"g": {"accounts": []}, "h": {"accounts": ["111122223333"]}, "i": {"accounts": ["111122223333", "000011112222"]}}"#;
    let within = |group: &str| format!("principal in PrivateLink::AccountGroup::\"{group}\"");
    let stranger = "principal == PrivateLink::Account::\"999900001111\"";
    for (what, head, rest) in [
        ("an empty group", within("g"), String::new()),
        ("an account that is not in the group", stranger.to_owned(), format!("when {{ {} }}", within("h"))),
        ("the one without the other", within("h"), format!("unless {{ {} }}", within("i"))),
        (
            "an account that is in the group",
            "principal == PrivateLink::Account::\"111122223333\"".to_owned(),
            format!("unless {{ {} }}", within("h")),
        ),
    ] {
        let (code, said) = check(&accept("dead", &head, &rest), groups);
        assert_eq!(code, 1, "{what}: {said}");
        assert!(said.contains("`dead` lets nobody through"), "{what}: {said}");
    }
    let alive = accept("other", &within("i"), &format!("unless {{ {} }}", within("h")));
    let (code, said) = check(&alive, groups);
    assert_eq!(code, 0, "there is one in `i` and not in `h`: {said}");
}

#[test]
fn a_rule_that_others_always_hold_back_is_dead() {
    if !there_is_a_solver() {
        return;
    }
    let closed = "principal in PrivateLink::AccountGroup::\"closed\"";
    for (what, dead, beside) in [
        (
            "the role of another account, which proves nothing",
            accept("dead", "principal == PrivateLink::Account::\"999900001111\"", &format!("when {ROLE_X}")),
            String::new(),
        ),
        ("another that allows both", accept("dead", closed, ""), format!("@id(\"both\") permit ({closed}, action, resource);")),
        ("the proof of a role, where a rule asks for none", accept("dead", "principal", "unless { context has requester }"), String::new()),
        (
            "a state that is never let in",
            accept("dead", "principal", "when { principal has status && principal.status == \"SUSPENDED\" }"),
            String::new(),
        ),
    ] {
        let (code, said) = check(&(dead + &beside), GROUPS);
        assert_eq!(code, 1, "{what}: {said}");
        assert!(said.contains("`dead` lets nobody through"), "{what}: {said}");
    }
    let turned_down = format!(
        "@id(\"both\") permit ({closed}, action, resource); @id(\"no\") forbid ({closed}, action == PrivateLink::Action::\"Reject\", resource);"
    );
    let (_, said) = check(&turned_down, GROUPS);
    assert!(!said.contains("`both` lets nobody through"), "what may not be rejected is no contradiction: {said}");
}

const UNIT: &str = "principal in PrivateLink::OrganizationalUnit::\"ou-ab12-cdefgh34\"";

#[test]
fn what_rests_on_the_organization_is_proved_with_and_without_its_word() {
    if !there_is_a_solver() {
        return;
    }
    let forbid = format!("@id(\"f\") forbid ({UNIT}, action == PrivateLink::Action::\"Accept\", resource);");
    let (code, said) = check(&(accept("a", UNIT, "") + &accept("b", "principal in PrivateLink::AccountGroup::\"closed\"", "")), GROUPS);
    assert_eq!(code, 0, "{said}");
    let (code, said) = check(&(accept("dead", UNIT, "") + &forbid), GROUPS);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("`dead` lets nobody through"), "{said}");
    // Who is in a unit has a state.
    let (_, said) = check(&accept("dead", UNIT, "unless { principal has status }"), GROUPS);
    assert!(said.contains("`dead` lets nobody through"), "{said}");

    let listed = accept("a", "principal in PrivateLink::AccountGroup::\"closed\"", "");
    let guarded = listed.clone() + &forbid;
    let active = accept(
        "a",
        "principal in PrivateLink::AccountGroup::\"closed\"",
        "when { principal has status && principal.status == \"ACTIVE\" }",
    );
    let outside = accept("a", "principal in PrivateLink::AccountGroup::\"closed\"", &format!("unless {{ {UNIT} }}"));
    for (what, old, new, status, words) in [
        ("a forbid for a unit goes", &guarded, &listed, 1, "would newly accept: an account in `closed` and `ou-ab12-cdefgh34`"),
        (
            "and comes",
            &listed,
            &guarded,
            0,
            "proved     the new set accepts nothing that the old one does not, while the organization is not known",
        ),
        (
            "what waits for the organization waits no more",
            &active,
            &listed,
            1,
            ", while the organization is not known: an account in `closed`",
        ),
        ("it begins to wait", &listed, &active, 0, "proved"),
        ("a forbid becomes an unless, which waits as well", &guarded, &outside, 0, "proved"),
    ] {
        let (old, new) = (set(old, GROUPS), set(new, GROUPS));
        let (code, said) = compare(old.path(), new.path());
        assert_eq!(code, status, "{what}: {said}");
        assert!(said.contains(words) && !said.contains("undecided"), "{what}: {said}");
    }
    let both = accept("a", UNIT, "") + &accept("b", "principal", &format!("when {ROLE_X}"));
    let (old, new) = (set(&both, GROUPS), set(&(both.clone() + &listed.replace("\"a\"", "\"c\"")), GROUPS));
    let (_, said) = compare(old.path(), new.path());
    assert!(said.contains("while the organization and the role are not known"), "{said}");
}

#[test]
fn a_list_and_the_accounts_on_it_are_the_same() {
    if !there_is_a_solver() {
        return;
    }
    let (by_list, by_name) = (
        accept("a", "principal in PrivateLink::AccountGroup::\"closed\"", ""),
        accept("a", "principal == PrivateLink::Account::\"000011112222\"", ""),
    );
    for (old, new) in [(&by_list, &by_name), (&by_name, &by_list)] {
        let (old, new) = (set(old, GROUPS), set(new, GROUPS));
        let (code, said) = compare(old.path(), new.path());
        assert_eq!(code, 0, "{said}");
    }
    let (old, new) = (set(&by_name, GROUPS), set(&accept("a", "principal in PrivateLink::AccountGroup::\"redis-consumers\"", ""), GROUPS));
    let (code, said) = compare(old.path(), new.path());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("in `redis-consumers` (such as 111122223333)"), "{said}");
}

/// Nobody has so many connections, nor fewer than none.
#[test]
fn counts_that_cannot_be_fail_nothing() {
    if !there_is_a_solver() {
        return;
    }
    let (code, said) =
        check(&accept("a", "principal", "when { context.connections.ofAccount * 2 + context.connections.ofService < 9 }"), GROUPS);
    assert_eq!(code, 0, "{said}");
    let (code, said) =
        check(&accept("a", "principal", "when { context.connections.ofAccount * context.connections.ofService < 9 }"), GROUPS);
    assert_eq!(code, 1, "{said}");
    let count = |name: &str| -> u64 { said.split_once(name).unwrap().0.rsplit(' ').next().unwrap().parse().unwrap() };
    let (own, all) = (count(" connections of the account"), count(" connections of all"));
    assert!(own <= all && all <= u64::from(u32::MAX), "{said}");
}

#[test]
fn times_that_cannot_be_are_never_shown() {
    if !there_is_a_solver() {
        return;
    }
    let old = set(&accept("a", "principal", "when { context.now < context.requestedAt.offset(duration(\"1d\")) }"), GROUPS);
    let new = set(&accept("a", "principal", "when { context.now < context.requestedAt.offset(duration(\"2d\")) }"), GROUPS);
    let (code, said) = compare(old.path(), new.path());
    assert_eq!(code, 1, "{said}");
    let time = |name: &str| said.split_once(name).unwrap().1.get(..10).unwrap().to_owned();
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    assert!(time(", at ") >= today && time(", requested at ") <= time(", at "), "{said}");
    // An hour ahead of the clock is no endpoint, and none is older than PrivateLink.
    for never in ["context.requestedAt > context.now.offset(duration(\"1h\"))", "context.requestedAt < datetime(\"2016-01-01\")"] {
        let (_, said) = check(&accept("a", "principal", &format!("when {{ {never} }}")), GROUPS);
        assert!(said.contains("`a` lets nobody through"), "{never}: {said}");
    }
}
