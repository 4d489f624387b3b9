//! Recorded events → typed triggers. Each file in `events/` has its snapshot; the variants are made from them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use warden::trigger::{Target, Trigger};

fn event(name: &str) -> Value {
    let path = format!("{}/tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn asks(event: Value) -> Target {
    let mut triggers = Trigger::from_value(event).unwrap();
    assert_eq!(triggers.len(), 1);
    triggers.remove(0).asks
}

fn created(change: impl Fn(&mut Value)) -> Target {
    let mut event = event("cloudtrail-create-vpc-endpoint");
    change(&mut event);
    asks(event)
}

#[test]
fn every_recorded_event() {
    let mut names: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/events"))
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    assert!(names.len() >= 8);
    for name in names {
        insta::assert_debug_snapshot!(name.clone(), Trigger::from_value(event(&name)).unwrap());
    }
}

#[test]
fn what_does_not_matter_changes_nothing() {
    let plain = created(|_| {});
    let variants: [fn(&mut Value); 6] = [
        |e| e["time"] = json!("<aws.scheduler.scheduled-time>"),
        |e| {
            e["detail"]["requestParameters"]["CreateVpcEndpointRequest"]["SubnetId"] =
                json!([{"tag": 1, "content": "subnet-1"}, {"tag": 2, "content": "subnet-2"}])
        },
        |e| e["detail"]["requestParameters"]["CreateVpcEndpointRequest"]["PrivateDnsEnabled"] = json!("false"),
        |e| e["detail"]["responseElements"]["CreateVpcEndpointResponse"]["vpcEndpoint"]["dnsEntrySet"] = json!(""),
        |e| e["detail"]["somethingNew"] = json!({"deep": [1, 2, 3]}),
        |e| e["replay-name"] = json!("yesterday"),
    ];
    for change in variants {
        assert_eq!(created(change), plain);
    }
}

#[test]
fn a_role_is_named_by_its_session_issuer_or_not_at_all() {
    let role = |asks: Target| match asks {
        Target::Endpoints(hints) => hints[0].claim.clone().unwrap().role.map(|role| role.to_string()),
        other => panic!("{other:?}"),
    };
    assert_eq!(role(created(|_| {})).as_deref(), Some("arn:aws:iam::444455556666:role/team/network-deployer"));
    assert_eq!(role(created(|e| e["detail"]["userIdentity"]["type"] = json!("IdentityCenterUser"))), None);
    assert_eq!(role(created(|e| e["detail"]["userIdentity"] = json!({"type": "Root", "accountId": "444455556666"}))), None);
    assert_eq!(role(created(|e| e["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["type"] = json!("User"))), None);
    assert_eq!(
        role(created(
            |e| e["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = json!("arn:aws:sts::444455556666:assumed-role/x/y")
        )),
        None
    );
}

#[test]
fn services_of_other_regions_and_partitions_are_read_from_the_name() {
    let named = |name: &str| match created(|e| {
        e["detail"]["responseElements"]["CreateVpcEndpointResponse"]["vpcEndpoint"]["serviceName"] = json!(name)
    }) {
        Target::Endpoints(hints) => hints[0].region.as_ref().map(ToString::to_string),
        other => panic!("{other:?}"),
    };
    assert_eq!(named("com.amazonaws.vpce.eu-west-1.vpce-svc-03d5ebb7d9579a2b3").as_deref(), Some("eu-west-1"));
    assert_eq!(named("cn.com.amazonaws.vpce.cn-north-1.vpce-svc-03d5ebb7d9579a2b3").as_deref(), Some("cn-north-1"));
}

#[test]
fn pinned_fields_are_pinned_in_code_too() {
    let forgeries: [fn(&mut Value); 8] = [
        |e| e["source"] = json!("my.own"),
        |e| e["detail-type"] = json!("Something Else"),
        |e| e["detail"]["eventSource"] = json!("ec2.evil.example"),
        |e| e["detail"]["eventName"] = json!("ModifyVpcEndpoint"),
        |e| e["detail"]["errorCode"] = json!("Client.DryRunOperation"),
        |e| e["detail"]["responseElements"] = Value::Null,
        |e| e["detail"]["responseElements"]["CreateVpcEndpointResponse"]["vpcEndpoint"]["vpcEndpointId"] = json!(12),
        |e| {
            e["detail"]["responseElements"]["CreateVpcEndpointResponse"]["vpcEndpoint"]["serviceName"] =
                json!("com.amazonaws.vpce.us-east-1.vpce-svc-03d5ebb7d9579a2b3.evil")
        },
    ];
    for forge in forgeries {
        assert!(matches!(created(forge), Target::Nothing(_)));
    }
}

#[test]
fn a_schedule_is_known_by_its_source_and_its_kind() {
    let tick = |place: &str, value: &str| {
        let mut event = event("scheduled-sweep");
        event[place] = json!(value);
        asks(event)
    };
    for source in ["aws.scheduler", "aws.events"] {
        assert!(matches!(tick("source", source), Target::Everything));
    }
    assert!(matches!(tick("source", "my.own"), Target::Nothing(_)));
    assert!(matches!(tick("detail-type", "AWS API Call via CloudTrail"), Target::Nothing(_)));
}

#[test]
fn ids_are_taken_out_of_any_notification() {
    let body = |text: &str| {
        let mut event = event("sns-no-ids");
        event["Records"][0]["Sns"]["Message"] = json!(text);
        asks(event)
    };
    assert!(matches!(body("about vpce-svc-03d5ebb7d9579a2b3 only"), Target::Services(ids) if ids.len() == 1));
    assert!(matches!(body("vpce-con-0123456789abcdef0 is no endpoint"), Target::Topic(_)));
    assert!(matches!(body("vpce-0c1308d7312217abcdef0 is too long"), Target::Topic(_)));
    // Several services: EC2 knows which of them each endpoint asks.
    match body("vpce-svc-03d5ebb7d9579a2b3 vpce-svc-03d5ebb7d9579a2b4 vpce-0c1308d7312217abc vpce-0c1308d7312217abc") {
        Target::Endpoints(hints) => assert_eq!((hints.len(), hints[0].service.clone()), (1, None)),
        other => panic!("{other:?}"),
    }
    let ids = |kind: &str, count: usize| (0..count).map(|n| format!("{kind}-{n:017x} ")).collect::<String>();
    assert!(matches!(body(&ids("vpce", 20)), Target::Endpoints(hints) if hints.len() == 20));
    assert!(matches!(body(&ids("vpce-svc", 20)), Target::Services(services) if services.len() == 20));
    for many in [21, 30] {
        assert!(matches!(body(&ids("vpce", many)), Target::Topic(_)), "not all are taken at their word");
        assert!(matches!(body(&ids("vpce-svc", many)), Target::Topic(_)));
    }
}

#[test]
fn what_is_none_of_the_events_is_refused_with_a_hint() {
    for bytes in [
        &b"{}"[..],
        b"[]",
        b"null",
        b"\"x\"",
        b"{\"Records\":[{\"EventSource\":\"aws:sqs\"}]}",
        b"{\"Records\":[{\"EventSource\":\"aws:sns\",\"Sns\":{}}]}",
        b"\xff",
        b"",
    ] {
        assert!(Trigger::parse(bytes).is_err(), "{bytes:?}");
    }
    assert!(Trigger::parse(br#"{"Records":[]}"#).unwrap().is_empty());
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        drop(Trigger::parse(&bytes));
    }

    #[test]
    fn no_value_in_any_place_of_an_event_panics(place in 0usize..400, value in "\\PC{0,30}") {
        let mut event = event("cloudtrail-create-vpc-endpoint");
        let mut count = 0;
        disturb(&mut event, place, &value, &mut count);
        drop(Trigger::from_value(event));
    }
}

/// Puts `value` into the `place`-th leaf.
fn disturb(event: &mut Value, place: usize, value: &str, count: &mut usize) {
    match event {
        Value::Object(map) => map.values_mut().for_each(|inner| disturb(inner, place, value, count)),
        Value::Array(items) => items.iter_mut().for_each(|inner| disturb(inner, place, value, count)),
        leaf => {
            if *count == place {
                *leaf = Value::String(value.to_owned());
            }
            *count += 1;
        }
    }
}
