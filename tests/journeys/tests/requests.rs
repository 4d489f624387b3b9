//! Requests and what becomes of them, told given/when/then. The risk: a stranger is let in, or a customer is left waiting.

use std::time::Duration;

use jiff::SignedDuration;
use journeys::{A, B, C, Fault, PROVIDER, Stage};
use local::world::{NewEndpoint, NewService};
use serde_json::{Value, json};
use warden::{
    ledger::record::{Record, Verdict},
    model::scope::Scope,
    policy::evaluation::Refer,
};

#[tokio::test]
async fn an_account_in_the_policy_is_accepted_within_one_event() {
    let stage = Stage::new();
    let (endpoint, events) = stage.ask(A);
    let summary = stage.deliver(&events[0]).await.unwrap();
    assert_eq!(summary.written, [Verdict::Accepted]);
    assert_eq!(stage.state(&endpoint), "pending");
    let record = stage.only_record();
    assert_eq!(record.judgement.unwrap().accept.policies[0].id.as_str(), "redis-consumers");
}

#[tokio::test]
async fn an_accept_costs_four_calls_cold_and_three_when_the_service_is_known() {
    let stage = Stage::new();
    let (_, events) = stage.ask(A);
    stage.deliver(&events[0]).await.unwrap();
    let ec2 = stage.aws.faults.take_calls();
    assert_eq!(ec2, ["DescribeVpcEndpointServiceConfigurations", "DescribeVpcEndpointConnections", "AcceptVpcEndpointConnections"]);
    assert_eq!(stage.ledger.faults.take_calls(), ["PutItem"]);
}

#[tokio::test]
async fn an_account_outside_the_policy_stays_pending_and_its_owner_is_told_once() {
    let stage = Stage::new();
    let (endpoint, events) = stage.ask(B);
    for event in &events {
        stage.deliver(event).await.unwrap();
    }
    stage.sweep().await.unwrap();
    assert_eq!(stage.state(&endpoint), "pendingAcceptance");
    assert_eq!(stage.only_record().refer, Some(Refer::NoPermit));
    stage.tell().await;
    stage.tell().await;
    assert_eq!(stage.outbox.take().len(), 1);
}

#[tokio::test]
async fn a_stranger_cannot_even_find_the_service() {
    let stage = Stage::new();
    let name = format!("com.amazonaws.vpce.us-east-1.{}", stage.service);
    let error = stage.aws.world().create_endpoint(C, &name, NewEndpoint::default()).unwrap_err();
    assert_eq!(error.code, "InvalidServiceName");
}

#[tokio::test]
async fn a_request_whose_events_were_lost_is_caught_by_the_sweep() {
    let stage = Stage::new();
    let (endpoint, _lost) = stage.ask(A);
    assert_eq!(stage.sweep().await.unwrap().written, [Verdict::Accepted]);
    assert_eq!(stage.state(&endpoint), "pending");
}

#[tokio::test]
async fn redelivery_in_any_number_is_silent() {
    let stage = Stage::new();
    let (_, events) = stage.ask(A);
    for _ in 0..3 {
        for event in &events {
            stage.deliver(event).await.unwrap();
        }
        stage.sweep().await.unwrap();
    }
    assert_eq!(stage.ledger.records().len(), 1);
    let accepts = stage.aws.faults.take_calls().into_iter().filter(|call| *call == "AcceptVpcEndpointConnections").count();
    assert_eq!(accepts, 1);
}

#[tokio::test]
async fn an_event_that_names_another_owner_accepts_nothing_and_raises_an_alert() {
    let stage = Stage::new();
    let (endpoint, events) = stage.ask(B);
    let mut forged = trail(&events).clone();
    forged["detail"]["responseElements"]["CreateVpcEndpointResponse"]["vpcEndpoint"]["ownerId"] = json!(A);
    stage.deliver(&forged).await.unwrap();
    assert_eq!(stage.state(&endpoint), "pendingAcceptance");
    assert_eq!(stage.only_record().verdict, Verdict::Disputed);
    stage.tell().await;
    let told = stage.outbox.take();
    assert!(told[0].1.attributes.contains(&("severity", "critical".to_owned())), "{told:?}");
}

#[tokio::test]
async fn a_forgery_about_a_good_request_does_not_keep_it_out_for_long() {
    let stage = Stage::new();
    let (endpoint, events) = stage.ask(A);
    let mut forged = trail(&events).clone();
    forged["detail"]["responseElements"]["CreateVpcEndpointResponse"]["vpcEndpoint"]["ownerId"] = json!(B);
    stage.deliver(&forged).await.unwrap();
    stage.sweep().await.unwrap();
    assert_eq!(stage.ledger.verdicts_of(&endpoint), [Verdict::Accepted, Verdict::Disputed]);
}

#[tokio::test]
async fn events_that_are_none_of_our_business_touch_nothing() {
    let stage = Stage::new();
    let (_, events) = stage.ask(A);
    let renamed = |name: &str| {
        let mut event = trail(&events).clone();
        event["detail"]["responseElements"]["CreateVpcEndpointResponse"]["vpcEndpoint"]["serviceName"] = json!(name);
        event
    };
    let elsewhere = renamed(&format!("com.amazonaws.vpce.eu-west-1.{}", stage.service));
    let gateway = renamed("com.amazonaws.us-east-1.s3");
    for event in [elsewhere, gateway] {
        assert_eq!(stage.deliver(&event).await.unwrap().ignored, 1);
        assert!(stage.aws.faults.take_calls().is_empty(), "no call for an event that is ignored");
    }
    let strangers = renamed("com.amazonaws.vpce.us-east-1.vpce-svc-0ffffffffffffffff");
    assert_eq!(stage.deliver(&strangers).await.unwrap().ignored, 1);
    assert_eq!(stage.aws.faults.take_calls(), ["DescribeVpcEndpointServiceConfigurations"]);
    assert!(stage.ledger.records().is_empty());
}

#[tokio::test]
async fn a_service_out_of_scope_is_never_touched() {
    let mut stage = Stage::new();
    stage.scope = Scope::Tag { key: "Name".to_owned(), value: "billing".to_owned() };
    let (endpoint, events) = stage.ask(A);
    assert_eq!(stage.deliver(&events[0]).await.unwrap().ignored, 1);
    stage.sweep().await.unwrap();
    assert_eq!((stage.state(&endpoint).as_str(), stage.ledger.records().len()), ("pendingAcceptance", 0));
}

#[tokio::test]
async fn a_notification_without_ids_sweeps_the_services_behind_its_topic() {
    let stage = Stage::new();
    let (endpoint, events) = stage.ask(A);
    let mut bare = events[0].clone();
    bare["Records"][0]["Sns"]["Message"] = json!("A connection event happened.");
    stage.deliver(&bare).await.unwrap();
    assert_eq!(stage.state(&endpoint), "pending");
    // The same from a topic that no service notifies.
    let (other, _) = stage.ask(A);
    bare["Records"][0]["Sns"]["TopicArn"] = json!("arn:aws:sns:us-east-1:123456789012:another");
    stage.deliver(&bare).await.unwrap();
    assert_eq!(stage.state(&other), "pendingAcceptance");
}

#[tokio::test]
async fn an_endpoint_id_alone_is_enough() {
    let stage = Stage::new();
    let (endpoint, events) = stage.ask(A);
    let mut event = events[0].clone();
    event["Records"][0]["Sns"]["Message"] = json!(format!("endpoint {endpoint} asks"));
    stage.deliver(&event).await.unwrap();
    assert_eq!(stage.state(&endpoint), "pending");
}

#[tokio::test]
async fn an_endpoint_ec2_does_not_know_yet_is_tried_again() {
    let stage = Stage::new();
    stage.aws.world().set_visibility_delay(SignedDuration::from_secs(30));
    let (endpoint, events) = stage.ask(A);
    assert_eq!(stage.deliver(&events[0]).await.unwrap_err().kind(), "EndpointNotFoundYet");
    stage.pass(SignedDuration::from_secs(60));
    stage.deliver(&events[0]).await.unwrap();
    assert_eq!(stage.ledger.verdicts_of(&endpoint), [Verdict::Accepted]);
}

#[tokio::test]
async fn a_consumer_that_took_its_request_back_is_left_alone() {
    let stage = Stage::new();
    let (endpoint, events) = stage.ask(A);
    stage.aws.world().connection_mut(&endpoint).unwrap().state = "deleting".to_owned();
    assert_eq!(stage.deliver(&events[0]).await.unwrap().left_alone, 1);
    assert!(stage.ledger.records().is_empty());
}

#[tokio::test]
async fn a_record_of_a_version_to_come_is_not_read_as_if_it_were_ours() {
    let stage = Stage::new();
    let (_, events) = stage.ask(A);
    stage.deliver(&events[0]).await.unwrap();
    let record = stage.only_record();
    let mut json: Value = serde_json::from_str(&record.to_json().unwrap()).unwrap();
    assert_eq!(Record::from_json(&json.to_string()).unwrap(), record);
    let next = json["schema"].as_u64().unwrap() + 1;
    json["schema"] = next.into();
    assert_eq!(
        Record::from_json(&json.to_string()).unwrap_err().to_string(),
        format!("the record has schema {next}, this version reads up to {}: upgrade this function", next - 1)
    );
}

#[tokio::test]
async fn a_connection_accepted_by_hand_is_found_and_not_accepted_again() {
    let stage = Stage::new();
    let (endpoint, events) = stage.ask(B);
    stage.aws.world().accept(PROVIDER, &stage.service, std::slice::from_ref(&endpoint)).unwrap();
    // At first it might be another worker's, on its way to the ledger.
    assert_eq!(stage.deliver(&events[0]).await.unwrap_err().kind(), "MaybeInFlight");
    stage.pass(SignedDuration::from_mins(3));
    stage.deliver(&events[0]).await.unwrap();
    stage.deliver(&events[0]).await.unwrap();
    assert_eq!(stage.only_record().verdict, Verdict::Found);
    assert!(!stage.aws.faults.take_calls().contains(&"AcceptVpcEndpointConnections"));
}

#[tokio::test]
async fn observing_does_everything_but_the_act_and_going_active_acts_and_records_anew() {
    let mut stage = Stage::new();
    stage.observe = true;
    let (endpoint, events) = stage.ask(A);
    stage.deliver(&events[0]).await.unwrap();
    stage.sweep().await.unwrap();
    assert_eq!(stage.state(&endpoint), "pendingAcceptance");
    let record = stage.only_record();
    assert_eq!((record.verdict, record.observe), (Verdict::ObservedAccept, true));
    stage.tell().await;
    assert!(stage.outbox.take()[0].1.text.contains("only observes"));

    stage.observe = false;
    stage.sweep().await.unwrap();
    assert_eq!(stage.state(&endpoint), "pending");
    assert_eq!(stage.ledger.verdicts_of(&endpoint), [Verdict::Accepted, Verdict::ObservedAccept]);
}

#[tokio::test]
async fn a_closed_account_is_rejected_by_its_own_policy() {
    let stage = Stage::new().with_policy("@id(\"no\") permit(principal, action == PrivateLink::Action::\"Reject\", resource);");
    let (endpoint, events) = stage.ask(B);
    stage.deliver(&events[0]).await.unwrap();
    assert_eq!((stage.state(&endpoint).as_str(), stage.only_record().verdict), ("rejected", Verdict::Rejected));
}

#[tokio::test]
async fn accept_and_reject_both_allowed_is_for_a_person() {
    let stage = Stage::new().with_policy("@id(\"all\") permit(principal, action, resource);");
    let (endpoint, events) = stage.ask(A);
    stage.deliver(&events[0]).await.unwrap();
    assert_eq!((stage.state(&endpoint).as_str(), stage.only_record().refer), ("pendingAcceptance", Some(Refer::Contradiction)));
}

#[tokio::test]
async fn a_policy_that_errors_never_accepts() {
    // The overflow makes the forbid vanish, in Cedar's eyes; the permit would win.
    let stage = Stage::new().with_policy(
        "@id(\"yes\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);
         @id(\"broken\") forbid(principal, action == PrivateLink::Action::\"Accept\", resource)
           when { context.connections.ofAccount + 9223372036854775807 + 1 > 0 };",
    );
    let (endpoint, events) = stage.ask(A);
    stage.deliver(&events[0]).await.unwrap();
    assert_eq!((stage.state(&endpoint).as_str(), stage.only_record().refer), ("pendingAcceptance", Some(Refer::PolicyError)));
    stage.tell().await;
    assert!(stage.outbox.take()[0].1.text.contains("`broken`"));
}

#[tokio::test]
async fn what_ec2_leaves_out_is_never_guessed() {
    let stage = Stage::new();
    let (endpoint, events) = stage.ask(A);
    stage.aws.world().connection_mut(&endpoint).unwrap().owner = None;
    stage.deliver(&events[0]).await.unwrap();
    assert_eq!(stage.state(&endpoint), "pendingAcceptance");
    assert!(matches!(stage.only_record().refer, Some(Refer::Missing { .. })));
}

#[tokio::test]
async fn a_state_nobody_documented_is_left_alone_and_told() {
    let stage = Stage::new();
    let (endpoint, _) = stage.ask(A);
    stage.aws.world().connection_mut(&endpoint).unwrap().state = "quarantined".to_owned();
    stage.sweep().await.unwrap();
    assert_eq!(stage.only_record().refer, Some(Refer::UnknownState { state: "quarantined".to_owned() }));
}

#[tokio::test]
async fn a_failed_accept_is_a_verdict_told_once_and_tried_again_by_each_sweep() {
    let stage = Stage::new();
    let (endpoint, events) = stage.ask(A);
    stage
        .aws
        .faults
        .next("AcceptVpcEndpointConnections", &[Fault::Before("UnauthorizedOperation"), Fault::Before("UnauthorizedOperation")]);
    stage.deliver(&events[0]).await.unwrap();
    stage.sweep().await.unwrap();
    let record = stage.only_record();
    assert_eq!((record.verdict, record.failure.unwrap().code.as_str()), (Verdict::Failed, "UnauthorizedOperation"));
    stage.sweep().await.unwrap();
    assert_eq!(stage.ledger.verdicts_of(&endpoint), [Verdict::Accepted, Verdict::Failed]);
}

#[tokio::test]
async fn an_accept_whose_answer_was_lost_is_seen_to_have_happened() {
    let stage = Stage::new();
    let (_, events) = stage.ask(A);
    stage.aws.faults.next("AcceptVpcEndpointConnections", &[Fault::After("")]);
    stage.deliver(&events[0]).await.unwrap();
    assert_eq!(stage.only_record().verdict, Verdict::Accepted);
}

#[tokio::test]
async fn a_crash_between_accept_and_record_is_healed_by_the_next_delivery() {
    let stage = Stage::new();
    let (endpoint, events) = stage.ask(A);
    stage.ledger.faults.next("PutItem", &[Fault::Before("InternalServerError")]);
    assert_eq!(stage.deliver(&events[0]).await.unwrap_err().kind(), "AwsCallFailed");
    stage.pass(SignedDuration::from_mins(3));
    stage.deliver(&events[0]).await.unwrap();
    // It can no longer be known who accepted it; that the policy agrees is on the record.
    let record = stage.only_record();
    assert_eq!(record.verdict, Verdict::Found);
    assert!(record.judgement.unwrap().accept.allowed);
    assert_eq!(stage.state(&endpoint), "available");
}

#[tokio::test]
async fn the_sweep_takes_the_oldest_first_and_keeps_the_caps() {
    let stage = Stage::new().with_policy(
        "@id(\"two\") permit(principal, action == PrivateLink::Action::\"Accept\", resource) when { context.connections.ofService < 2 };",
    );
    let mut endpoints = Vec::new();
    for _ in 0..4 {
        endpoints.push(stage.ask(A).0);
        stage.pass(SignedDuration::from_secs(1));
    }
    stage.sweep().await.unwrap();
    let states: Vec<String> = endpoints.iter().map(|endpoint| stage.state(endpoint)).collect();
    assert_eq!(states, ["pending", "pending", "pendingAcceptance", "pendingAcceptance"]);
}

#[tokio::test]
async fn the_sweep_pages_to_the_end_and_accepts_in_chunks() {
    let stage = Stage::new().with_policy("@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);");
    stage.aws.world().set_page_size_max(7);
    for _ in 0..120 {
        let _lost = stage.ask(A);
    }
    assert_eq!(stage.sweep().await.unwrap().written.len(), 120);
    let calls = stage.aws.faults.take_calls();
    assert_eq!(calls.iter().filter(|call| **call == "AcceptVpcEndpointConnections").count(), 3);
}

#[tokio::test]
async fn one_poisoned_connection_never_stops_the_others() {
    let stage = Stage::new();
    let endpoints: Vec<String> = (0..5)
        .map(|_| {
            stage.pass(SignedDuration::from_secs(1));
            stage.ask(A).0
        })
        .collect();
    // The whole call is refused, then each request goes on its own, and the first of those is refused again.
    stage.aws.faults.next("AcceptVpcEndpointConnections", &[Fault::Before("InvalidParameter"), Fault::Before("InvalidParameter")]);
    let summary = stage.sweep().await.unwrap();
    assert_eq!(summary.written, [Verdict::Failed, Verdict::Accepted, Verdict::Accepted, Verdict::Accepted, Verdict::Accepted]);
    assert_eq!(stage.state(&endpoints[0]), "pendingAcceptance");
    assert_eq!(stage.sweep().await.unwrap().written, [Verdict::Accepted]);
}

#[tokio::test]
async fn what_was_done_beside_a_refused_call_is_on_the_record_at_once() {
    let stage = Stage::new().with_policy(&format!(
        "@id(\"in\") permit(principal == PrivateLink::Account::\"{A}\", action == PrivateLink::Action::\"Accept\", resource);
         @id(\"out\") permit(principal == PrivateLink::Account::\"{B}\", action == PrivateLink::Action::\"Reject\", resource);"
    ));
    let endpoints: Vec<String> = [A, B, A, B].into_iter().map(|account| stage.ask(account).0).collect();
    stage.aws.faults.next("RejectVpcEndpointConnections", &[Fault::Before("InvalidParameter")]);
    drop(stage.aws.faults.take_calls());
    let summary = stage.sweep().await.unwrap();
    assert_eq!(summary.written, [Verdict::Accepted, Verdict::Accepted, Verdict::Rejected, Verdict::Rejected]);
    for (endpoint, state) in endpoints.iter().zip(["pending", "rejected", "pending", "rejected"]) {
        assert_eq!(stage.state(endpoint), state);
    }
    let acts = stage.aws.faults.take_calls().into_iter().filter(|call| call.starts_with("Accept") || call.starts_with("Reject"));
    let acts: Vec<&str> = acts.map(|call| call.trim_end_matches("VpcEndpointConnections")).collect();
    assert_eq!(acts, ["Accept", "Reject", "Reject", "Reject"]);
}

#[tokio::test]
async fn unsuccessful_items_are_no_success() {
    let stage = Stage::new();
    let endpoints: Vec<String> = (0..3).map(|_| stage.ask(A).0).collect();
    // Between describing and accepting one consumer deletes its endpoint: EC2 answers 200 and names it unsuccessful.
    let (world, gone) = (stage.aws.clone(), endpoints[1].clone());
    stage
        .aws
        .faults
        .meanwhile("AcceptVpcEndpointConnections", move || world.world().connection_mut(&gone).unwrap().state = "deleted".to_owned());
    stage.sweep().await.unwrap();
    assert_eq!(stage.ledger.verdicts_of(&endpoints[0]), [Verdict::Accepted]);
    assert_eq!(stage.ledger.verdicts_of(&endpoints[1]), []);
    assert_eq!(stage.ledger.verdicts_of(&endpoints[2]), [Verdict::Accepted]);
}

#[tokio::test]
async fn somebody_else_accepting_at_the_same_moment_is_no_failure() {
    let stage = Stage::new();
    let (endpoint, events) = stage.ask(A);
    let (world, service, id) = (stage.aws.clone(), stage.service.clone(), endpoint.clone());
    stage.aws.faults.meanwhile("AcceptVpcEndpointConnections", move || drop(world.world().accept(PROVIDER, &service, &[id]).unwrap()));
    stage.deliver(&events[0]).await.unwrap();
    assert_eq!(stage.only_record().verdict, Verdict::Accepted);
}

#[tokio::test]
async fn a_sweep_stops_before_its_deadline_and_the_next_goes_on() {
    let stage = Stage::new();
    let (endpoint, _) = stage.ask(A);
    let summary = stage.deliver_within(&journeys::sweep_event(), Duration::from_secs(1)).await.unwrap();
    assert_eq!((summary.put_off, stage.state(&endpoint).as_str()), (1, "pendingAcceptance"));
    assert_eq!(stage.sweep().await.unwrap().put_off, 0);
    assert_eq!(stage.state(&endpoint), "pending");
}

#[tokio::test]
async fn a_sweep_without_time_asks_for_nothing_more() {
    let stage = Stage::new();
    let _lost = stage.ask(A);
    stage.deliver_within(&journeys::sweep_event(), Duration::from_secs(1)).await.unwrap();
    // Of a thousand services, a thousand questions to the ledger would outlast any deadline.
    assert_eq!(stage.ledger.faults.take_calls(), [""; 0]);
    assert_eq!(stage.aws.faults.take_calls(), ["DescribeVpcEndpointServiceConfigurations", "DescribeVpcEndpointConnections"]);
}

#[tokio::test]
async fn gateway_load_balancer_services_send_no_notification_and_are_swept() {
    let stage = Stage::new().with_policy("@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource) when { resource.kind == \"GatewayLoadBalancer\" };");
    let (endpoint, notified) = {
        let mut world = stage.aws.world();
        let service = world
            .create_service(
                PROVIDER,
                NewService {
                    kind: "GatewayLoadBalancer".to_owned(),
                    load_balancer_arns: vec![
                        "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/gwy/fw/0123456789abcdef".to_owned(),
                    ],
                    ..NewService::default()
                },
            )
            .unwrap();
        world.modify_permissions(PROVIDER, &service.id, &[format!("arn:aws:iam::{A}:root")], &[]).unwrap();
        let (endpoint, effects) =
            world.create_endpoint(A, &format!("com.amazonaws.vpce.us-east-1.{}", service.id), NewEndpoint::default()).unwrap();
        (endpoint.id, effects.iter().any(|effect| matches!(effect, local::world::Effect::Notification { .. })))
    };
    assert!(!notified);
    stage.sweep().await.unwrap();
    assert_eq!(stage.state(&endpoint), "pending");
}

#[tokio::test]
async fn every_record_replays_to_its_verdict() {
    let stage = Stage::new();
    let asked: Vec<_> = [A, B, A].map(|account| stage.ask(account)).into();
    for (_, events) in &asked {
        stage.deliver(&events[0]).await.unwrap();
    }
    let policy = stage.current_policy();
    for record in stage.ledger.records() {
        assert_eq!(record.policy_digest, policy.digest());
        let again = record.replay(policy);
        assert_eq!(again.grounds.judgement, record.judgement);
        assert_eq!(matches!(again.action, warden::decision::Action::Accept(_)), record.verdict == Verdict::Accepted);
    }
}

#[tokio::test]
async fn a_role_counts_only_when_the_event_agrees_with_ec2_in_everything() {
    let policy = "@id(\"deployer\") permit(principal, action == PrivateLink::Action::\"Accept\", resource)
        when { context has requester && context.requester.role == \"arn:aws:iam::111122223333:role/team/deployer\" };";
    let with_role = |event: &Value| {
        let mut event = event.clone();
        event["detail"]["userIdentity"] = json!({"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::111122223333:role/team/deployer"}}});
        event
    };
    let stage = Stage::new().with_policy(policy);
    let (endpoint, events) = stage.ask(A);
    let mut relayed = with_role(trail(&events));
    relayed["account"] = json!(B);
    stage.deliver(&relayed).await.unwrap();
    assert_eq!(stage.state(&endpoint), "pendingAcceptance");
    stage.deliver(&with_role(trail(&events))).await.unwrap();
    assert_eq!(stage.state(&endpoint), "pending");
}

fn trail(events: &[Value]) -> &Value {
    events.iter().find(|event| event.get("detail").is_some()).expect("a CloudTrail event")
}
