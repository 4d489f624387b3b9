//! Comparisons of two sets.

use prove::Outcome;

use super::{CLOSED, GROUPS, REDIS, ROLE_X, accept, assert_proved, assert_wider, compare, is_proved, refutations, set, with_cvc5};

const REDIS_GROUP: &str = "principal in PrivateLink::AccountGroup::\"redis-consumers\"";

#[test]
fn same_set_is_proved() {
    let Some(verdicts) = compare(&set(REDIS, GROUPS), &set(REDIS, GROUPS)) else { return };
    assert_eq!(verdicts[0].claim, "the new set accepts nothing that the old one does not: both are the same set");
    assert_proved(&set(REDIS, GROUPS), &set(&format!("// A comment.\n{REDIS}"), GROUPS));
}

#[test]
fn narrower_set_is_proved() {
    assert_proved(&set(REDIS, GROUPS), &set(&REDIS.replace(">= 4", ">= 3"), GROUPS));
    let limited = REDIS.replace("== \"redis\"", "== \"redis\" && context.now < datetime(\"2030-01-01\")");
    assert_proved(&set(REDIS, GROUPS), &set(&limited, GROUPS));
}

#[test]
fn wider_set_is_shown_by_a_request() {
    let words = ["an account in `redis-consumers`", "with 4 connections of the account", "tagged Name=redis", "by `redis`"];
    assert_wider(&set(REDIS, GROUPS), &set(&REDIS.replace(">= 4", ">= 5"), GROUPS), &words);
}

#[test]
fn removed_rejection_ends_a_contradiction() {
    let all = accept("all", "principal", "");
    let (rules, _) = REDIS.split_once("@id(\"closed\")").unwrap();
    let (both, without) = (set(&format!("{REDIS}\n{all}"), GROUPS), set(&format!("{rules}\n{all}"), GROUPS));
    assert_wider(&both, &without, &["in `closed`"]);
    assert_proved(&without, &both);
}

#[test]
fn longer_group_accepts_more() {
    let longer = GROUPS.replace("\"111122223333\"", "\"111122223333\", \"444455556666\"");
    let words = ["in `redis-consumers` (such as 444455556666)", "changed groups: `redis-consumers` (444455556666 joined)"];
    assert_wider(&set(REDIS, GROUPS), &set(REDIS, &longer), &words);
}

#[test]
fn shorter_group_accepts_less_unless_forbidden() {
    let forbid = REDIS.replace(
        &format!("permit ({CLOSED}, action == PrivateLink::Action::\"Reject\""),
        &format!("forbid ({CLOSED}, action == PrivateLink::Action::\"Accept\""),
    );
    let both = GROUPS.replace("[\"111122223333\"]", "[\"111122223333\", \"000011112222\"]");
    let (longer, shorter) = (set(&forbid, &both), set(&forbid, &both.replace("[\"000011112222\"]", "[]")));
    assert_wider(&longer, &shorter, &["(such as 000011112222)"]);
    assert_proved(&shorter, &longer);
    assert_proved(&set(REDIS, GROUPS), &set(REDIS, &GROUPS.replace("\"111122223333\"", "")));
}

#[test]
fn old_set_that_can_fail_is_undecided() {
    let fails = format!(
        "{REDIS}\n@id(\"fails\") forbid (principal, action == PrivateLink::Action::\"Accept\", resource) when {{ context.connections.ofAccount * context.connections.ofService > 9223372036854775806 && context.connections.ofAccount * context.connections.ofService * 9 > 9 }};"
    );
    let Some(verdicts) = compare(&set(&fails, GROUPS), &set(REDIS, GROUPS)) else { return };
    let failing = verdicts.iter().find(|verdict| verdict.claim.contains("`fails` fails"));
    assert!(matches!(failing.unwrap().outcome, Outcome::Undecided(_)), "{verdicts:?}");
}

#[test]
fn subtly_wider_sets_are_not_proved() {
    let group = |name: &str| format!("principal in PrivateLink::AccountGroup::\"{name}\"");
    let groups = |closed: &str| {
        format!("{{\"g\": {{\"accounts\": [\"111122223333\", \"000011112222\"]}}, \"closed\": {{\"accounts\": [{closed}]}}}}")
    };
    let (both, one) = (groups("\"000011112222\", \"000011113333\""), groups("\"000011113333\""));
    let plain = accept("a", &group("g"), "");
    let reject = |action: &str, condition: &str| format!("{plain}@id(\"r\") permit ({CLOSED}, {action}, resource){condition};");
    let unless = accept("a", &group("g"), &format!("unless {{ {CLOSED} }}"));
    let rejects = reject("action == PrivateLink::Action::\"Reject\"", "");
    let reads_action = reject("action", " when { action == PrivateLink::Action::\"Reject\" }");
    let old_endpoints = accept("b", "principal", "when { context.requestedAt < datetime(\"2019-12-31\") }");
    let waiting =
        accept("a", &group("g"), "when { context has requester }") + &accept("b", &group("g"), "unless { context has requester.role }");
    for (old, new, old_groups, new_groups) in [
        (&unless, &unless, &both, &one),
        (&rejects, &rejects, &both, &one),
        (&reads_action, &plain, &both, &both),
        (&plain, &format!("{plain}{old_endpoints}"), &both, &both),
        (&waiting, &plain, &both, &both),
    ] {
        let Some(verdicts) = compare(&set(old, old_groups), &set(new, new_groups)) else { return };
        assert!(!is_proved(&verdicts), "{old}{new}{verdicts:?}");
    }
}

#[test]
fn group_and_its_accounts_are_the_same() {
    let (by_group, by_account) =
        (set(&accept("a", CLOSED, ""), GROUPS), set(&accept("a", "principal == PrivateLink::Account::\"000011112222\"", ""), GROUPS));
    assert_proved(&by_group, &by_account);
    assert_proved(&by_account, &by_group);
    assert_wider(&by_account, &set(&accept("a", REDIS_GROUP, ""), GROUPS), &["in `redis-consumers` (such as 111122223333)"]);
}

#[test]
fn facts_unknown_together_are_compared() {
    let has = |id: &str, path: &str| accept(id, "principal", &format!("when {{ {path} }}"));
    let old = has("a", "context.endpoint has region") + &has("b", "context.endpoint has ipAddressType");
    let words = ["while the Region of the endpoint and the IP address type of the endpoint are unknown"];
    assert_wider(&set(&old, GROUPS), &set(&has("c", "context has requester"), GROUPS), &words);
    let both = format!("{}{}", accept("a", CLOSED, ""), accept("b", "principal", &format!("when {ROLE_X}")));
    assert_proved(&set(&both, GROUPS), &set(&accept("a", CLOSED, ""), GROUPS));
}

#[test]
fn lost_access_is_shown_by_a_request() {
    let lost = |old: &str, new: &str| with_cvc5(async |solver| prove::lost(&set(old, GROUPS), &set(new, GROUPS), solver).await);
    let fewer = REDIS.replace(">= 4", ">= 3");
    let Some(verdicts) = lost(REDIS, &fewer) else { return };
    let text = refutations(&verdicts);
    assert!(text.starts_with("would no longer accept: an account in `redis-consumers`") && text.ends_with("by `redis`"), "{text}");
    assert!(is_proved(&lost(&fewer, REDIS).unwrap()), "the wider set accepts all that the narrower one does");
}

#[test]
fn empty_value_is_not_shown() {
    let one = accept("one", "principal", "when { context.endpoint.id == \"vpce-0123456789abcdef0\" }");
    let Some(verdicts) = compare(&set(&one, GROUPS), &set(&format!("{one}{}", accept("all", "principal", "")), GROUPS)) else { return };
    let text = refutations(&verdicts);
    assert!(text.contains("by `all`") && !text.contains("endpoint ,"), "{text}");
}
