//! Proofs are about requests that occur: accounts in groups, counts, times, roles, what AWS Organizations states.

use super::{CLOSED, GROUPS, ROLE_X, accept, assert_proved, assert_refuted, assert_wider, check, compare, refutations, set};

const UNIT: &str = "principal in PrivateLink::OrganizationalUnit::\"ou-ab12-cdefgh34\"";

#[test]
fn groups_have_the_members_of_groups_json() {
    let groups = r#"{"g": {"accounts": []}, "h": {"accounts": ["111122223333"]}, "i": {"accounts": ["111122223333", "000011112222"]}}"#;
    let within = |group: &str| format!("principal in PrivateLink::AccountGroup::\"{group}\"");
    let account = |id: &str| format!("principal == PrivateLink::Account::\"{id}\"");
    for (principal, condition) in [
        (within("g"), String::new()),
        (account("999900001111"), format!("when {{ {} }}", within("h"))),
        (within("h"), format!("unless {{ {} }}", within("i"))),
        (account("111122223333"), format!("unless {{ {} }}", within("h"))),
    ] {
        assert_refuted(&accept("dead", &principal, &condition), groups, [&[], &["dead"], &["dead"]]);
    }
    assert_refuted(&accept("live", &within("i"), &format!("unless {{ {} }}", within("h"))), groups, [&[], &[], &[]]);
}

#[test]
fn organization_is_known_or_unknown_as_a_whole() {
    let forbid = format!("@id(\"f\") forbid ({UNIT}, action == PrivateLink::Action::\"Accept\", resource);");
    assert_refuted(&(accept("a", UNIT, "") + &accept("b", CLOSED, "")), GROUPS, [&[], &[], &[]]);
    let Some(checked) = check(&set(&(accept("dead", UNIT, "") + &forbid), GROUPS)) else { return };
    assert_eq!(super::refuted(&checked)[1], ["dead"]);
    // An account in a unit has a status.
    assert_refuted(&accept("dead", UNIT, "unless { principal has status }"), GROUPS, [&[], &["dead"], &["dead"]]);

    let listed = set(&accept("a", CLOSED, ""), GROUPS);
    let guarded = set(&(accept("a", CLOSED, "") + &forbid), GROUPS);
    let active = set(&accept("a", CLOSED, "when { principal has status && principal.status == \"ACTIVE\" }"), GROUPS);
    let outside = set(&accept("a", CLOSED, &format!("unless {{ {UNIT} }}")), GROUPS);
    let unknown = "while what AWS Organizations says of the account is unknown: an account in `closed`";
    assert_wider(&guarded, &listed, &["would newly accept: an account in `closed` and `ou-ab12-cdefgh34`"]);
    assert_wider(&active, &listed, &[unknown]);
    for (old, new) in [(&listed, &guarded), (&listed, &active), (&guarded, &outside)] {
        assert_proved(old, new);
    }
    let both = accept("a", UNIT, "") + &accept("b", "principal", &format!("when {ROLE_X}"));
    let Some(verdicts) = compare(&set(&both, GROUPS), &set(&(both + &accept("c", CLOSED, "")), GROUPS)) else { return };
    let together = "while what AWS Organizations says of the account and the role behind the request are unknown";
    assert!(verdicts.iter().any(|verdict| verdict.claim.ends_with(together)), "{verdicts:?}");
}

#[test]
fn known_region_decides_if_it_crosses() {
    let cross = set(&accept("a", CLOSED, "when { context.endpoint has crossRegion && context.endpoint.crossRegion }"), GROUPS);
    let other = set(&accept("a", CLOSED, "when { context.endpoint has region && context.endpoint.region != resource.region }"), GROUPS);
    assert_proved(&cross, &other);
    assert_proved(&other, &cross);
    for path in ["context.endpoint has region", "context.endpoint has ipAddressType"] {
        assert_refuted(&accept("dead", "principal", &format!("unless {{ {path} }}")), GROUPS, [&[], &["dead"], &["dead"]]);
    }
}

#[test]
fn counts_are_within_their_limits() {
    let counted = |product: &str| accept("a", "principal", &format!("when {{ context.connections.ofAccount * {product} < 9 }}"));
    assert_refuted(&counted("2 + context.connections.ofService"), GROUPS, [&[], &[], &[]]);
    let Some(checked) = check(&set(&counted("context.connections.ofService"), GROUPS)) else { return };
    let text = refutations(&checked.tallies[0].verdicts().collect::<Vec<_>>());
    let count = |name: &str| -> u64 { text.split_once(name).unwrap().0.rsplit(' ').next().unwrap().parse().unwrap() };
    let (of_account, of_service) = (count(" connections of the account"), count(" connections of the service"));
    assert!(of_account <= of_service && of_service <= u64::from(u32::MAX), "{text}");
}

#[test]
fn times_are_from_today_on() {
    let within =
        |days: &str| accept("a", "principal", &format!("when {{ context.now < context.requestedAt.offset(duration(\"{days}\")) }}"));
    let Some(verdicts) = compare(&set(&within("1d"), GROUPS), &set(&within("2d"), GROUPS)) else { return };
    let text = refutations(&verdicts);
    let time = |name: &str| text.split_once(name).unwrap().1.get(..10).unwrap();
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    assert!(time(", at ") >= today.as_str() && time(", requested at ") <= time(", at "), "{text}");
    for never in ["context.requestedAt > context.now.offset(duration(\"1h\"))", "context.requestedAt < datetime(\"2016-01-01\")"] {
        assert_refuted(&accept("dead", "principal", &format!("when {{ {never} }}")), GROUPS, [&[], &["dead"], &["dead"]]);
    }
}
