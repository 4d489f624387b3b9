//! A fact that AWS leaves out never makes a policy disappear: the request waits.

use warden::{
    decision::{Action, decide},
    model::{facts::Facts, organization::Membership},
    policy::{UnknownFact, evaluation::Refer, schema_json},
};

use crate::fixtures::{self, PERMIT_ALL, policy_set};

/// The facts of a request from eu-west-1 to a service in us-east-1.
fn facts() -> Facts {
    fixtures::facts().with_membership(Membership::Outside)
}

fn without(fact: UnknownFact) -> Facts {
    let mut facts = facts();
    match fact {
        UnknownFact::Region => facts.connection.region = None,
        UnknownFact::IpAddressType => facts.connection.ip_address_type = None,
        UnknownFact::Organization => facts.membership = Membership::NotAsked,
        UnknownFact::Requester => facts.claim = None,
    }
    facts
}

fn becomes(policies: &str, facts: &Facts) -> String {
    match decide(&policy_set(policies), facts, &[]).action {
        Action::Accept(_) => "accept".to_owned(),
        Action::Refer(Refer::Forbidden) => "forbidden".to_owned(),
        Action::Refer(Refer::NoPermit) => "no permit".to_owned(),
        Action::Refer(Refer::Unverified { needs }) => format!("unknown: {needs:?}"),
        other => format!("{other:?}"),
    }
}

fn forbid(condition: &str) -> String {
    format!("{PERMIT_ALL}\n@id(\"blocked\") forbid (principal, action, resource) when {{ {condition} }};")
}

#[test]
fn forbid_about_unknown_fact_makes_request_wait() {
    for (fact, holds, fails) in [
        (UnknownFact::Region, r#"context.endpoint has region && context.endpoint.region == "eu-west-1""#, "us-east-1"),
        (UnknownFact::Region, "context.endpoint has crossRegion && context.endpoint.crossRegion", "us-east-1"),
        (UnknownFact::Region, "if context.endpoint has crossRegion then context.endpoint.crossRegion else true", "us-east-1"),
        (UnknownFact::Region, r#"if context.endpoint has region then context.endpoint.region like "eu-*" else false"#, "us-east-1"),
        (UnknownFact::IpAddressType, r#"context.endpoint has ipAddressType && context["endpoint"]["ipAddressType"] == "ipv4""#, "ipv6"),
    ] {
        assert_eq!(becomes(&forbid(holds), &facts()), "forbidden", "{holds}");
        assert_eq!(becomes(&forbid(holds), &without(fact)), format!("unknown: {:?}", std::collections::BTreeSet::from([fact])), "{holds}");
        let mut other = facts();
        match fact {
            UnknownFact::Region => other.connection.region = Some(fails.parse().unwrap()),
            _ => other.connection.ip_address_type = Some(fails.to_owned()),
        }
        assert_eq!(becomes(&forbid(holds), &other), "accept", "{holds}");
    }
}

#[test]
fn permit_about_unknown_fact_makes_request_wait() {
    let permit = PERMIT_ALL.replace(';', " when { context.endpoint has crossRegion && !context.endpoint.crossRegion };");
    assert_eq!(becomes(&permit, &facts()), "no permit");
    assert_eq!(becomes(&permit, &without(UnknownFact::Region)), "unknown: {Region}");
}

#[test]
fn unread_unknown_fact_changes_nothing() {
    let reads_known = r#"context.endpoint.id == "vpce-0123456789abcdef1" || resource.region == "eu-west-1""#;
    for fact in [UnknownFact::Region, UnknownFact::IpAddressType, UnknownFact::Requester] {
        assert_eq!(becomes(&forbid(reads_known), &without(fact)), "accept", "{fact:?}");
    }
}

#[test]
fn several_unknown_facts_are_all_named() {
    let condition = r#"context.endpoint has region && context.endpoint has ipAddressType && context has requester"#;
    let mut nothing_known = without(UnknownFact::Region);
    nothing_known.connection.ip_address_type = None;
    assert_eq!(becomes(&forbid(condition), &nothing_known), "unknown: {Requester, Region, IpAddressType}");
    // The answers for different unknown facts do not share a place.
    assert_eq!(becomes(&forbid(condition), &without(UnknownFact::Region)), "unknown: {Requester, Region}");
}

#[test]
fn whole_record_reads_every_fact_in_it() {
    let whole = "context.endpoint == context.endpoint";
    assert_eq!(becomes(&forbid(whole), &facts()), "forbidden");
    assert_eq!(becomes(&forbid(whole), &without(UnknownFact::Region)), "unknown: {Region}");
}

#[test]
fn optional_attributes_are_exactly_unknown_facts() {
    let optional = |value: &serde_json::Value| value.to_string().matches("\"required\":false").count();
    let schema = schema_json();
    let mut context = schema.pointer("/PrivateLink/actions/Accept/appliesTo/context").unwrap().clone();
    // Absent for an endpoint, and never unknown.
    let attachment = context["attributes"].as_object_mut().unwrap().remove("attachment").unwrap();
    assert_eq!(optional(&attachment), 1);
    assert_eq!((optional(&context), optional(schema.pointer("/PrivateLink/entityTypes/Account").unwrap())), (4, 2));
}
