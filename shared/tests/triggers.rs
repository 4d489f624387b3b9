//! Recorded messages become typed triggers. Each file in `events/` has a snapshot, and variants of it follow.

use serde_json::{Value, json};
use warden::{
    model::ids::ServiceId,
    trigger::{Message, Target, Trigger, batch, hint},
};

use crate::fixtures::event;

fn asks(event: Value) -> Target {
    Trigger::parse(&event.to_string()).unwrap().target
}

fn created(change: impl Fn(&mut Value)) -> Target {
    let mut event = event("cloudtrail-create-vpc-endpoint");
    change(&mut event);
    asks(event)
}

#[test]
fn recorded_events_become_triggers() {
    let mut names: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/events"))
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    assert!(names.len() >= 8);
    for name in names {
        insta::assert_debug_snapshot!(name.clone(), Trigger::parse(&event(&name).to_string()).unwrap());
    }
}

#[test]
fn unread_fields_change_nothing() {
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
fn role_comes_from_the_session_issuer() {
    let role = |asks: Target| match asks {
        Target::Subjects(hints) => hints[0].claim.clone().unwrap().role.map(|role| role.to_string()),
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
fn region_comes_from_the_service_name() {
    let named = |name: &str| match created(|e| {
        e["detail"]["responseElements"]["CreateVpcEndpointResponse"]["vpcEndpoint"]["serviceName"] = json!(name)
    }) {
        Target::Subjects(hints) => hints[0].region.as_ref().map(ToString::to_string),
        other => panic!("{other:?}"),
    };
    assert_eq!(named("com.amazonaws.vpce.eu-west-1.vpce-svc-03d5ebb7d9579a2b3").as_deref(), Some("eu-west-1"));
    assert_eq!(named("cn.com.amazonaws.vpce.cn-north-1.vpce-svc-03d5ebb7d9579a2b3").as_deref(), Some("cn-north-1"));
    assert_eq!(named("eu.amazonaws.vpce.eusc-de-east-1.vpce-svc-03d5ebb7d9579a2b3").as_deref(), Some("eusc-de-east-1"));
}

#[test]
fn pinned_fields_are_checked_in_code() {
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
fn attachment_event_is_read_by_ids() {
    let attached = |change: fn(&mut Value)| {
        let mut event = event("cloudtrail-create-attachment");
        change(&mut event);
        asks(event)
    };
    let subjects = |target: Target| -> Vec<(String, bool)> {
        let Target::Subjects(hints) = target else { panic!("{target:?}") };
        hints.into_iter().map(|hint| (hint.subject.to_string(), hint.service.is_some())).collect()
    };
    let id = "tgw-attach-0c1308d7312217abc".to_owned();
    let known = vec![(id.clone(), true)];
    assert_eq!(subjects(attached(|_| {})), known);
    assert_eq!(subjects(attached(|e| e["detail"]["requestParameters"] = json!({"input": {"serviceName": "unreadable"}}))), known);
    let unnamed: fn(&mut Value) = |e| {
        e["detail"]["requestParameters"] = Value::Null;
        e["detail"]["responseElements"] = json!({"attachment": {"id": "tgw-attach-0c1308d7312217abc", "more": ["vpce-0c1308d7312217abc"]}});
    };
    assert_eq!(subjects(attached(unnamed)), [(id, false)], "EC2 knows the service; an endpoint beside the attachment is its own");
    let ignored: [fn(&mut Value); 4] = [
        |e| e["source"] = json!("my.own"),
        |e| e["detail"]["errorCode"] = json!("Client.DryRunOperation"),
        |e| e["detail"]["responseElements"] = Value::Null,
        |e| {
            let ids: Vec<String> = (0..21).map(|n| format!("tgw-attach-{n:017x}")).collect();
            e["detail"]["responseElements"] = json!(ids);
        },
    ];
    for change in ignored {
        assert!(matches!(attached(change), Target::Nothing(_)));
    }
}

#[test]
fn schedule_is_recognized_by_source_and_type() {
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
fn ids_are_read_from_any_notification() {
    let body = |text: &str| {
        let mut event = event("sns-no-ids");
        event["Message"] = json!(text);
        asks(event)
    };
    assert!(matches!(body("about vpce-svc-03d5ebb7d9579a2b3 only"), Target::Services(ids) if ids.len() == 1));
    assert!(matches!(body("vpce-con-0123456789abcdef0 is no endpoint"), Target::Topic(_)));
    assert!(matches!(body("vpce-0c1308d7312217abcdef0 is too long"), Target::Topic(_)));
    // With several services, only EC2 knows the service of an endpoint.
    match body("vpce-svc-03d5ebb7d9579a2b3 vpce-svc-03d5ebb7d9579a2b4 vpce-0c1308d7312217abc vpce-0c1308d7312217abc") {
        Target::Subjects(hints) => assert_eq!((hints.len(), hints[0].service.clone()), (1, None)),
        other => panic!("{other:?}"),
    }
    let ids = |kind: &str, count: usize| (0..count).map(|n| format!("{kind}-{n:017x} ")).collect::<String>();
    assert!(matches!(body(&ids("vpce", 20)), Target::Subjects(hints) if hints.len() == 20));
    assert!(matches!(body(&ids("vpce-svc", 20)), Target::Services(services) if services.len() == 20));
    for many in [21, 30] {
        assert!(matches!(body(&ids("vpce", many)), Target::Topic(_)), "too many ids to trust");
        assert!(matches!(body(&ids("vpce-svc", many)), Target::Topic(_)));
    }
}

#[test]
fn own_hint_names_its_service() {
    let service: ServiceId = "vpce-svc-03d5ebb7d9579a2b3".parse().unwrap();
    assert_eq!(Trigger::parse(&hint(&service)).unwrap().target, Target::Services(vec![service]));
    assert!(Trigger::parse(r#"{"source": "privatelink-warden", "service": "vpce-0c1308d7312217abc"}"#).is_err());
}

#[test]
fn unknown_messages_are_refused() {
    for body in [
        "",
        "{}",
        "[]",
        "null",
        "\"x\"",
        "not json",
        r#"{"Type": "SubscriptionConfirmation"}"#,
        r#"{"Type": "Notification"}"#,
        r#"{"Type": "Notification", "MessageId": "1", "TopicArn": "x", "Message": "y"}"#,
        r#"{"source": "privatelink-warden"}"#,
        r#"{"detail-type": 1}"#,
    ] {
        assert!(Trigger::parse(body).is_err(), "{body}");
    }
}

#[test]
fn batch_keeps_ids_bodies_and_times() {
    let record = json!({"messageId": "m-1", "receiptHandle": "r-1", "body": "b", "eventSource": "aws:sqs", "attributes": {"SentTimestamp": "1780315200000"},
        "messageAttributes": {}, "md5OfBody": "x", "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:requests", "awsRegion": "us-east-1"});
    let messages = batch(json!({"Records": [record]})).unwrap();
    let sent = Some("2026-06-01T12:00:00Z".parse().unwrap());
    assert_eq!(messages, [Message { id: "m-1".to_owned(), receipt: "r-1".to_owned(), sent, body: "b".to_owned() }]);
    for event in [json!({}), json!([]), json!({"Records": 1}), json!(null)] {
        assert!(batch(event).is_err());
    }
}

#[test]
fn reason_is_found_in_any_form() {
    let reason = |tags: Value| {
        let asks = created(|e| e["detail"]["requestParameters"]["CreateVpcEndpointRequest"]["TagSpecification"] = tags.clone());
        let Target::Subjects(hints) = asks else { panic!("{asks:?}") };
        hints[0].claim.clone().unwrap().reason.map(|reason| reason.to_string())
    };
    let name = || json!({"tag": 1, "Key": "Name", "Value": "redis"});
    let tag = || json!({"tag": 2, "Key": "warden:reason", "Value": "PAY-7"});
    for tags in [
        json!({"tag": 1, "ResourceType": "vpc-endpoint", "Tag": tag()}),
        json!([{"Tag": name()}, {"Tag": [name(), tag()]}]),
        json!({"items": [{"tags": [{"key": "warden:reason", "value": "PAY-7"}]}]}),
    ] {
        assert_eq!(reason(tags.clone()).as_deref(), Some("PAY-7"), "{tags}");
    }
    for tags in [
        json!(""),
        json!({"Tag": name()}),
        json!({"Tag": {"Key": "warden:reason2", "Value": "x"}}),
        json!({"Tag": {"Key": "warden:reason", "Value": 7}}),
        json!({"Tag": {"Key": "warden:reason", "Value": " "}}),
        json!({"Tag": {"Value": "warden:reason"}}),
    ] {
        assert_eq!(reason(tags.clone()), None, "{tags}");
    }
}
