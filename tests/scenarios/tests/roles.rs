//! Policies about the role behind a request, which only a CloudTrail event proves.

use jiff::SignedDuration;
use scenarios::{ALLOWED, Fault, NewRequest, PERMIT_ALL, TestEnvironment};
use serde_json::{Value, json};
use warden::{
    ledger::record::Verdict,
    policy::{UnknownFact, evaluation::Refer},
};

use crate::guide_examples::under;

/// The CloudTrail event of a request that this role made.
fn trail_of_role(request: &NewRequest, role: &str) -> Value {
    let mut event = request.trail.clone();
    event["detail"]["userIdentity"] = json!({"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role}}});
    event
}

#[tokio::test]
async fn role_example_needs_the_proof_of_an_event() {
    let env = under("A role", "Name", "role-example").impatient();
    let request = env.request(ALLOWED);
    env.deliver(&request.notification).await;
    assert_eq!(env.refer(&request.endpoint), Refer::Unverified { needs: [UnknownFact::Requester].into() });
    let text = &env.messages().await[0].text;
    assert!(text.contains("`network-deployer` depends on the role behind the request"), "{text}");
    env.sweep().await;
    assert!(env.is_pending(&request.endpoint), "a sweep proves no role");
    env.deliver(&trail_of_role(&request, "arn:aws:iam::111122223333:role/deployer")).await;
    assert!(env.is_pending(&request.endpoint), "the role without its path is another role");
    env.deliver(&trail_of_role(&request, "arn:aws:iam::111122223333:role/network/deployer")).await;
    assert!(!env.is_pending(&request.endpoint));
    assert!(!env.findings().await.iter().any(|id| id.starts_with("unjustified")), "the record keeps the proof");
}

#[tokio::test]
async fn proof_within_patience_spares_the_owner() {
    let env = under("A role", "Name", "role-example");
    let request = env.request(ALLOWED);
    env.deliver(&request.notification).await;
    env.pass(SignedDuration::from_mins(10));
    env.deliver(&trail_of_role(&request, "arn:aws:iam::111122223333:role/network/deployer")).await;
    assert_eq!(env.only_record().verdict, Verdict::Accepted);
    let late = env.notified_request(ALLOWED).await;
    env.pass(SignedDuration::from_mins(16));
    env.sweep().await;
    assert_eq!(env.refer(&late), Refer::Unverified { needs: [UnknownFact::Requester].into() });
}

/// Without a place left, the role of the other request no longer matters.
#[tokio::test]
async fn acceptance_decides_what_waits_for_proof() {
    let role = "arn:aws:iam::111122223333:role/network/deployer";
    let env = TestEnvironment::new().with_policy(&PERMIT_ALL.replace(
        ';',
        &format!(" when {{ context.connections.ofService < 1 && context has requester && context.requester.role == \"{role}\" }};"),
    ));
    let unproven = env.notified_request(ALLOWED).await;
    let request = env.request(ALLOWED);
    env.deliver(&trail_of_role(&request, role)).await;
    assert!(!env.is_pending(&request.endpoint));
    assert_eq!(env.refer(&unproven), Refer::NoPermit);
}

#[tokio::test]
async fn forbidden_role_needs_proof_of_another() {
    let env = TestEnvironment::new().with_policy(&format!(
        "{PERMIT_ALL}
         @id(\"no-interns\") forbid(principal, action, resource)
           when {{ context has requester && context.requester.role == \"arn:aws:iam::111122223333:role/intern\" }};"
    ));
    let request = env.request(ALLOWED);
    env.deliver(&request.notification).await;
    assert!(env.is_pending(&request.endpoint));
    env.deliver(&trail_of_role(&request, "arn:aws:iam::111122223333:role/staff")).await;
    assert!(!env.is_pending(&request.endpoint));
}

#[tokio::test]
async fn proof_is_kept_for_the_sweep() {
    let env = under("A role", "Name", "role-example");
    let request = env.request(ALLOWED);
    let proof = trail_of_role(&request, "arn:aws:iam::111122223333:role/network/deployer");
    env.aws.faults.next("AcceptVpcEndpointConnections", &[Fault::Before("RequestLimitExceeded")]);
    env.queue.push(&proof.to_string());
    env.invoke().await.unwrap();
    assert!(env.is_pending(&request.endpoint));
    env.pass(SignedDuration::from_mins(16));
    env.sweep().await;
    assert!(!env.is_pending(&request.endpoint));
}

#[tokio::test]
async fn unknown_fact_waits_in_every_spelling() {
    let role = "arn:aws:iam::111122223333:role/intern";
    for condition in [
        "context has requester",
        "context has requester.role",
        "context has \"requester\"",
        &format!("context has requester.role && context.requester.role == \"{role}\""),
        &format!("context has requester && context[\"requester\"][\"role\"] == \"{role}\""),
        "principal has name",
        "principal has status",
        "principal has \"name\" && principal[\"name\"] like \"*x*\"",
        "principal in PrivateLink::OrganizationalUnit::\"ou-ab12-11112222\"",
        "principal in [PrivateLink::OrganizationalUnit::\"ou-ab12-11112222\"]",
        "principal is PrivateLink::Account in PrivateLink::OrganizationalUnit::\"ou-ab12-11112222\"",
        "if context has requester then true else principal has name",
    ] {
        for cedar in [
            format!("{PERMIT_ALL} @id(\"not\") forbid(principal, action, resource) when {{ {condition} }};"),
            PERMIT_ALL.replace(';', &format!(" unless {{ {condition} }};")),
            PERMIT_ALL.replace(';', &format!(" when {{ {condition} }};")),
        ] {
            let env = TestEnvironment::new().impatient().with_policy(&cedar);
            env.aws.faults.next("DescribeAccount", &[Fault::Before("AccessDeniedException"); 4]);
            let endpoint = env.notified_request(ALLOWED).await;
            assert!(env.is_pending(&endpoint), "{cedar}");
            assert!(matches!(env.refer(&endpoint), Refer::Unverified { .. }), "{cedar}: {:?}", env.refer(&endpoint));
        }
    }
}
