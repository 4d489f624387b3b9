//! Transit gateway attachments: answered, recorded and audited like endpoints. The risks: an attachment is never answered, or an
//! answer to it cuts off traffic that was accepted.

use jiff::SignedDuration;
use local::world::AttachmentConnections;
use scenarios::{ALLOWED, PERMIT_ALL, TestEnvironment, UNLISTED, permit_account, root};
use serde_json::json;
use warden::{decision::order::Command, ledger::record::Verdict, policy::evaluation::Refer};

const FORMS: [AttachmentConnections; 3] =
    [AttachmentConnections::Attachment, AttachmentConnections::Endpoint, AttachmentConnections::Zones];
const REJECT_ALL: &str = "@id(\"away\") permit(principal, action == PrivateLink::Action::\"Reject\", resource);";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The firewall under a policy that accepts attachments of [`ALLOWED`].
fn firewall() -> TestEnvironment {
    let attached =
        "context.kind == \"transit-gateway-attachment\" && context has attachment && context.attachment.id like \"tgw-attach-*\"";
    TestEnvironment::new().with_firewall().with_policy(&permit_account("attachments", ALLOWED, attached))
}

fn acts(env: &TestEnvironment) -> usize {
    env.aws.faults.take_calls().into_iter().filter(|call| call.starts_with("Accept") || call.starts_with("Reject")).count()
}

#[tokio::test]
async fn allowed_attachment_is_accepted() {
    for form in FORMS {
        let env = firewall();
        env.set_attachment_connections(form);
        let (attachment, trail) = env.attach(ALLOWED);
        assert_eq!(env.deliver(&trail).await.written, [Verdict::Accepted], "{form:?}");
        assert_eq!(env.attachment_states(&attachment), ["pending"]);
        let record = env.only_record();
        assert_eq!((record.subject().as_str(), record.account().unwrap().as_str()), (attachment.as_str(), ALLOWED));
        assert_eq!(record.judgement.unwrap().accept.policies[0].id.as_str(), "attachments");
        assert_eq!(env.messages().await.len(), 1);
    }
}

#[tokio::test]
async fn sweep_answers_attachments() {
    let env = firewall();
    let (accepted, referred) = (env.attach(ALLOWED).0, env.attach(UNLISTED).0);
    env.sweep().await;
    env.sweep().await;
    assert_eq!((env.verdicts(&accepted), env.verdicts(&referred)), (vec![Verdict::Accepted], vec![Verdict::Referred]));
    assert_eq!(env.attachment_states(&referred), ["pendingAcceptance"]);
}

#[tokio::test]
async fn rejecting_policy_rejects_attachments() {
    for form in FORMS {
        let env = firewall().with_policy(REJECT_ALL);
        env.set_attachment_connections(form);
        let (attachment, trail) = env.attach(ALLOWED);
        env.deliver(&trail).await;
        assert_eq!((env.verdicts(&attachment), env.attachment_states(&attachment)), (vec![Verdict::Rejected], vec!["rejected".to_owned()]));
    }
}

#[tokio::test]
async fn policy_tells_the_kinds_apart() {
    let env = firewall().with_policy(&permit_account("endpoints", ALLOWED, "context.kind == \"vpc-endpoint\""));
    let (attachment, trail) = env.attach(ALLOWED);
    env.deliver(&trail).await;
    assert_eq!(env.refer(&attachment), Refer::NoPermit);
    let named = env.with_policy(&permit_account("named", ALLOWED, "!(context has attachment) && context.endpoint.id like \"vpce-*\""));
    named.sweep().await;
    assert_eq!(named.attachment_states(&attachment), ["pendingAcceptance"]);
}

#[tokio::test]
async fn event_without_service_is_enough() {
    let env = firewall();
    let (attachment, mut trail) = env.attach(ALLOWED);
    trail["detail"]["requestParameters"] = json!(null);
    trail["detail"]["responseElements"] = json!({ "attachment": attachment });
    env.deliver(&trail).await;
    assert_eq!(env.verdicts(&attachment), [Verdict::Accepted]);
}

#[tokio::test]
async fn kinds_are_answered_in_separate_calls() {
    let env = TestEnvironment::new().with_firewall().with_policy(PERMIT_ALL);
    let attachments = [env.attach(ALLOWED).0, env.attach(UNLISTED).0];
    let name = format!("com.amazonaws.vpce.us-east-1.{}", env.service);
    let endpoints = [ALLOWED, UNLISTED].map(|account| env.aws.world().create_endpoint(account, &name, Default::default()).unwrap().0.id);
    env.sweep().await;
    for subject in attachments.iter().chain(&endpoints) {
        assert_eq!(env.verdicts(subject), [Verdict::Accepted], "{subject}");
    }
    assert_eq!(acts(&env), 2);
}

#[tokio::test]
async fn added_zone_is_accepted_by_policy() {
    let env = firewall();
    env.set_attachment_connections(AttachmentConnections::Zones);
    let attachment = env.attach(ALLOWED).0;
    env.sweep().await;
    env.pass(HOUR);
    env.add_zone(ALLOWED, &attachment);
    assert_eq!(env.attachment_states(&attachment), ["available", "pendingAcceptance"]);
    env.sweep().await;
    assert_eq!(env.attachment_states(&attachment), ["available", "pending"]);
    assert_eq!(env.verdicts(&attachment), [Verdict::Accepted; 2]);
}

#[tokio::test]
async fn rejection_spares_connected_zones() {
    let mut env = firewall();
    env.set_attachment_connections(AttachmentConnections::Zones);
    let attachment = env.attach(ALLOWED).0;
    env.sweep().await;
    env.pass(HOUR);
    env.add_zone(ALLOWED, &attachment);
    env.set_policy(REJECT_ALL);
    env.sweep().await;
    assert_eq!(env.attachment_states(&attachment), ["available", "pendingAcceptance"]);
    let refer = env.ledger.records().into_iter().find_map(|record| record.refer);
    assert_eq!(refer, Some(Refer::ConnectedInPart));
    env.refuse(&attachment);
    env.sweep().await;
    assert_eq!(env.attachment_states(&attachment), ["available", "pendingAcceptance"], "only an order to disconnect disconnects");
    env.order(Command::Revoke { from: Vec::new(), disconnect: vec![attachment.parse().unwrap()], reject: Vec::new() });
    env.sweep().await;
    assert_eq!(env.attachment_states(&attachment), ["rejected", "rejected"]);
}

#[tokio::test]
async fn grant_accepts_an_attachment() {
    let env = firewall();
    let attachment = env.attach(UNLISTED).0;
    env.sweep().await;
    env.grant_endpoint(&attachment);
    env.sweep().await;
    assert_eq!(env.verdicts(&attachment), [Verdict::Accepted, Verdict::Referred]);
    assert_eq!(env.attachment_states(&attachment), ["pending"]);
}

#[tokio::test]
async fn audit_judges_attachments() {
    for form in FORMS {
        let mut env = firewall();
        env.set_attachment_connections(form);
        env.withdraw_attachments(&[UNLISTED]);
        let attachment = env.attach(ALLOWED).0;
        env.sweep().await;
        env.pass(HOUR);
        let summary = env.audit().await.unwrap();
        assert_eq!((summary.unseen, summary.connected), (Vec::<String>::new(), 1), "{form:?}");
        let about = |ids: Vec<String>| ids.into_iter().filter(|id| id.contains(&attachment)).collect::<Vec<_>>();
        assert_eq!(about(env.reports.findings()), [""; 0]);
        env.set_policy(&permit_account("endpoints", ALLOWED, "context.kind == \"vpc-endpoint\""));
        let found = about(env.findings().await);
        assert_eq!(found, [format!("unjustified/{}/{attachment}", env.service)]);
    }
}

/// The findings of a new audit about permissions of the firewall, sorted.
async fn about_permissions(env: &TestEnvironment) -> Vec<String> {
    let service = format!("/{}/", env.service);
    let is_about = |id: &String| id.contains("-permission/") && id.contains(&service);
    let mut found: Vec<String> = env.findings().await.into_iter().filter(is_about).map(|id| id.replace(&service, " ")).collect();
    found.sort();
    found
}

#[tokio::test]
async fn permissions_are_judged_by_kind() {
    let mut env = firewall();
    let (allowed, unlisted) = (root(ALLOWED), root(UNLISTED));
    let excess = [
        format!("excess-permission {allowed}"),
        format!("excess-permission {unlisted}"),
        format!("excess-permission {unlisted}/transit-gateway-attachment"),
    ];
    assert_eq!(about_permissions(&env).await, excess, "no policy accepts endpoints");
    env.set_policy(&permit_account("endpoints", ALLOWED, "context.kind == \"vpc-endpoint\""));
    let excess = [
        format!("excess-permission {allowed}/transit-gateway-attachment"),
        format!("excess-permission {unlisted}"),
        format!("excess-permission {unlisted}/transit-gateway-attachment"),
    ];
    assert_eq!(about_permissions(&env).await, excess, "no policy accepts attachments");
    for (condition, missing) in [("context has attachment", true), ("!(context has attachment)", false)] {
        let env = firewall().with_policy(&permit_account("p", ALLOWED, &format!("{condition} && context.kind != \"x\"")));
        env.withdraw_attachments(&[ALLOWED]);
        let id = format!("missing-permission {ALLOWED}/transit-gateway-attachment");
        assert_eq!(about_permissions(&env).await.contains(&id), missing, "{condition}");
    }
}

#[tokio::test]
async fn attachments_need_permissions_only_in_use() {
    let env = firewall().with_policy(&permit_account("all", ALLOWED, "true"));
    env.withdraw_attachments(&[ALLOWED]);
    let missing = format!("missing-permission {ALLOWED}/transit-gateway-attachment");
    assert!(about_permissions(&env).await.contains(&missing), "another account has such a permission");
    env.withdraw_attachments(&[UNLISTED]);
    assert_eq!(about_permissions(&env).await, [format!("excess-permission {}", root(UNLISTED))]);
}
