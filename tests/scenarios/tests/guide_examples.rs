//! The examples of the policy guide: the cases of each, and for each a request that it accepts beside one that it does not.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use local::world::Connection;
use scenarios::{
    ALLOWED, TestEnvironment, UNLISTED, file,
    guide_examples::{example_of, examples},
};
use warden::{
    decision::cases::{Case, Expected, run},
    policy::{PolicyId, PolicySet},
};

#[test]
fn examples_answer_their_cases() {
    let all = examples();
    assert_eq!(all.len(), 16, "a section without a policy, or a new section");
    for example in &all {
        let groups = example.groups.as_ref().map(|text| file("groups.json", text));
        let policy = PolicySet::load(&[file("example.cedar", &example.cedar)], groups.as_ref())
            .unwrap_or_else(|errors| panic!("{}: {errors}", example.title));
        let cases: Vec<Case> = serde_json::from_str(&example.cases).unwrap_or_else(|error| panic!("{}: {error}", example.title));
        let wrong: Vec<_> = cases.iter().map(|case| run(&policy, case)).filter(|result| result.problem.is_some()).collect();
        assert_eq!(wrong, [], "{}", example.title);
        assert!(cases.iter().any(|case| case.decision != Expected::Refer), "{}: no case is decided", example.title);
        assert!(cases.iter().any(|case| case.decision == Expected::Refer), "{}: no case is referred", example.title);
    }
    let together: String = all.iter().map(|example| format!("{}\n", example.cedar)).collect();
    let groups: serde_json::Map<_, _> = all.iter().filter_map(|example| example.groups.as_ref()).flat_map(|text| object(text)).collect();
    let groups = file("groups.json", &serde_json::Value::Object(groups).to_string());
    let policy = PolicySet::load(&[file("guide.cedar", &together)], Some(&groups)).unwrap_or_else(|errors| panic!("{errors}"));
    let ids: BTreeSet<&str> = policy.accepting_permits().map(PolicyId::as_str).collect();
    assert_eq!(ids.len(), 15, "{ids:?}");
}

fn object(json: &str) -> serde_json::Map<String, serde_json::Value> {
    serde_json::from_str(json).unwrap()
}

/// The environment under an example, with a service that is tagged as the example needs it.
pub(crate) fn under(title: &str, key: &str, value: &str) -> TestEnvironment {
    let example = example_of(title);
    let mut env = TestEnvironment::new();
    env.set_policy_set(&example.cedar, example.groups.as_deref());
    env.tag(key, value);
    env
}

/// Each example accepts the endpoint of the first account, and not the endpoint of the second account or with the change.
#[tokio::test]
async fn examples_accept_one_request_and_not_the_other() {
    type Change = fn(&mut Connection);
    let same: Change = |_| {};
    let remote: Change = |connection| connection.region = Some("eu-west-1".to_owned());
    let ipv6: Change = |connection| connection.ip_address_type = Some("ipv6".to_owned());
    for (title, name, other, change) in [
        ("One account", "account-example", UNLISTED, same),
        ("A group of accounts", "group-example", UNLISTED, same),
        ("A Region", "region-example", ALLOWED, remote),
        ("The service's Region", "service-region-example", ALLOWED, remote),
        ("A cross-Region endpoint", "cross-region-example", ALLOWED, remote),
        ("An IP address type", "address-type-example", ALLOWED, ipv6),
    ] {
        let env = under(title, "Name", name);
        let (first, second) = (env.request(ALLOWED), env.request(other));
        change(env.aws.world().connection_mut(&second.endpoint).unwrap());
        env.deliver(&first.notification).await;
        env.deliver(&second.notification).await;
        assert_eq!((env.is_pending(&first.endpoint), env.is_pending(&second.endpoint)), (false, true), "{title}");
    }
}

#[tokio::test]
async fn endpoint_example_accepts_only_its_endpoint() {
    let mut env = under("An exact endpoint", "Name", "endpoint-example");
    let named = env.request(ALLOWED);
    env.set_policy(&example_of("An exact endpoint").cedar.replace("vpce-0123456789abcdef0", &named.endpoint));
    env.deliver(&named.notification).await;
    let other = env.notified_request(ALLOWED).await;
    assert_eq!((env.is_pending(&named.endpoint), env.is_pending(&other)), (false, true));
}

#[tokio::test]
async fn service_example_accepts_only_its_service() {
    let mut env = TestEnvironment::new();
    let cedar = example_of("One service").cedar;
    env.set_policy(&cedar.replace("vpce-svc-0a1b2c3d4e5f60718", &env.service));
    let named = env.notified_request(ALLOWED).await;
    env.set_policy(&cedar);
    env.pass(SignedDuration::from_mins(2));
    let other = env.notified_request(ALLOWED).await;
    assert_eq!((env.is_pending(&named), env.is_pending(&other)), (false, true));
}

#[tokio::test]
async fn tag_example_accepts_only_tagged_service() {
    let env = under("A service's tag", "stage", "tag-example");
    let tagged = env.notified_request(ALLOWED).await;
    env.tag("stage", "production");
    env.pass(SignedDuration::from_mins(2));
    let retagged = env.notified_request(ALLOWED).await;
    assert_eq!((env.is_pending(&tagged), env.is_pending(&retagged)), (false, true));
}

#[tokio::test]
async fn time_example_ends_on_the_second() {
    let env = under("A time limit", "Name", "time-example");
    let end: Timestamp = "2027-12-31T23:59:59Z".parse().unwrap();
    env.pass(end.duration_since(scenarios::start()));
    let before = env.notified_request(ALLOWED).await;
    env.pass(SignedDuration::from_secs(1));
    let after = env.notified_request(ALLOWED).await;
    assert_eq!((env.is_pending(&before), env.is_pending(&after)), (false, true));
}

#[tokio::test]
async fn cap_example_holds_within_one_sweep() {
    let env = under("A cap", "Name", "cap-example");
    let endpoints = [(); 4].map(|()| env.request(ALLOWED).endpoint);
    env.sweep().await;
    assert_eq!(endpoints.iter().filter(|endpoint| !env.is_pending(endpoint)).count(), 3);
}

#[tokio::test]
async fn rejection_example_rejects_and_others_wait() {
    let env = under("A rejection", "Name", "rejection-example");
    let (rejected, denied) = (env.notified_request(UNLISTED).await, env.notified_request(ALLOWED).await);
    assert_eq!((env.state(&rejected).as_str(), env.is_pending(&denied)), ("rejected", true));
}

#[tokio::test]
async fn attachment_example_accepts_no_endpoint() {
    let mut env = TestEnvironment::new().with_firewall();
    env.set_policy(&example_of("A transit gateway attachment").cedar);
    env.tag("Name", "attachment-example");
    let attachment = env.attach(ALLOWED).0;
    let name = format!("com.amazonaws.vpce.us-east-1.{}", env.service);
    let endpoint = env.aws.world().create_endpoint(ALLOWED, &name, Default::default()).unwrap().0.id;
    env.sweep().await;
    assert_eq!((env.attachment_states(&attachment), env.is_pending(&endpoint)), (vec!["pending".to_owned()], true));
}

#[tokio::test]
async fn block_example_rejects_despite_the_permit() {
    let env = under("A block list", "Name", "block-example");
    env.permit(&scenarios::root("555566667777"));
    let (allowed, blocked) = (env.notified_request(ALLOWED).await, env.notified_request("555566667777").await);
    assert_eq!((env.is_pending(&allowed), env.state(&blocked).as_str()), (false, "rejected"));
}

#[tokio::test]
async fn ended_time_limit_disconnects_nothing() {
    let env = under("A time limit", "Name", "time-example");
    let connected = env.notified_request(ALLOWED).await;
    let end: Timestamp = "2028-01-01T00:00:00Z".parse().unwrap();
    env.pass(end.duration_since(scenarios::start()));
    env.sweep().await;
    assert_eq!(env.state(&connected), "available");
    assert!(env.findings().await.iter().any(|id| id.starts_with("unjustified") && id.contains(&connected)));
}
