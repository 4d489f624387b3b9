//! Policies about the organization, and accounts that are being closed.

use jiff::SignedDuration;
use scenarios::{ALLOWED, Fault, PERMIT_ALL, TestEnvironment, UNLISTED, guide_examples::example_of, permit_account};
use warden::{
    ledger::record::Verdict,
    policy::{UnknownFact, evaluation::Refer},
};

use crate::guide_examples::under;

const UNIT: &str = "ou-ab12-11112222";

fn unit_example() -> TestEnvironment {
    under("A unit of the organization", "Name", "unit-example").impatient()
}

fn unverified(fact: UnknownFact) -> Refer {
    Refer::Unverified { needs: [fact].into() }
}

async fn has_finding(env: &TestEnvironment, kind: &str) -> bool {
    env.findings().await.iter().any(|id| id.starts_with(kind))
}

#[tokio::test]
async fn unit_example_accepts_only_its_accounts() {
    let env = unit_example();
    env.enrol(ALLOWED, "ACTIVE", "ou-ab12-11112222/ou-ab12-33334444");
    env.enrol(UNLISTED, "ACTIVE", "ou-ab12-99998888");
    let (member, other) = (env.notified_request(ALLOWED).await, env.notified_request(UNLISTED).await);
    assert_eq!((env.is_pending(&member), env.refer(&other)), (false, Refer::NoPermit));
    assert!(!has_finding(&env, "unjustified").await, "the audit asks the organization, too");
    assert!(!has_finding(&env, "excess-permission").await, "any account may be in the unit");
}

#[tokio::test]
async fn account_outside_the_organization_is_referred() {
    let env = unit_example();
    let endpoint = env.notified_request(ALLOWED).await;
    assert_eq!(env.refer(&endpoint), Refer::NoPermit);
}

#[tokio::test]
async fn membership_asked_for_another_request_changes_nothing() {
    let mut env = TestEnvironment::new();
    env.enrol(ALLOWED, "ACTIVE", UNIT);
    let (forbidden, other) = (env.request(ALLOWED).endpoint, env.request(ALLOWED).endpoint);
    env.set_policy(&format!(
        "@id(\"both\") permit(principal, action, resource);
         @id(\"not-this\") forbid(principal, action == PrivateLink::Action::\"Accept\", resource)
           when {{ context has endpoint && context.endpoint.id == \"{forbidden}\" }};
         @id(\"fails\") permit(principal in PrivateLink::OrganizationalUnit::\"{UNIT}\", action == PrivateLink::Action::\"Accept\", resource)
           when {{ context.connections.ofService + {} + 1 > 0 }};",
        i64::MAX
    ));
    env.sweep().await;
    assert_eq!((env.verdicts(&forbidden), env.refer(&other)), (vec![Verdict::Rejected], Refer::PolicyError));
}

#[tokio::test]
async fn organization_is_asked_where_counts_make_it_matter() {
    let mut env = TestEnvironment::new();
    env.set_policy(&format!(
        "@id(\"rejects\") permit(principal, action == PrivateLink::Action::\"Reject\", resource);
         @id(\"one-of-the-unit\") forbid(principal in PrivateLink::OrganizationalUnit::\"{UNIT}\", action, resource)
           when {{ context.connections.ofAccount >= 1 }};"
    ));
    let granted = env.request(ALLOWED).endpoint;
    env.grant_endpoint(&granted);
    let other = env.request(ALLOWED).endpoint;
    env.sweep().await;
    assert_eq!((env.verdicts(&granted), env.verdicts(&other)), (vec![Verdict::Accepted], vec![Verdict::Rejected]));
}

#[tokio::test]
async fn organization_is_asked_at_counts_in_between() {
    let mut env = TestEnvironment::new();
    env.set_policy(&format!(
        "@id(\"none-connected\") permit(principal, action == PrivateLink::Action::\"Reject\", resource)
           when {{ context.connections.ofService < 1 }};
         @id(\"one-of-the-unit\") permit(principal in PrivateLink::OrganizationalUnit::\"{UNIT}\", action == PrivateLink::Action::\"Reject\", resource)
           when {{ context.connections.ofAccount < 1 }};"
    ));
    env.enrol(ALLOWED, "ACTIVE", UNIT);
    env.accept_manually(&env.request(UNLISTED).endpoint);
    let request = env.request(ALLOWED).endpoint;
    env.sweep().await;
    assert_eq!(env.verdicts(&request), [Verdict::Rejected]);
}

#[tokio::test]
async fn inactive_account_is_never_accepted() {
    for state in ["SUSPENDED", "PENDING_CLOSURE", "CLOSED", "PENDING_ACTIVATION", "A_STATE_OF_TOMORROW"] {
        let env = unit_example();
        env.enrol(ALLOWED, state, UNIT);
        env.grant_account(ALLOWED);
        let endpoint = env.notified_request(ALLOWED).await;
        assert_eq!((env.is_pending(&endpoint), env.refer(&endpoint)), (true, Refer::Inactive { state: state.to_owned() }));
        let text = &env.messages().await[0].text;
        assert!(text.contains(&format!("is `{state}`")), "{text}");
    }
}

#[tokio::test]
async fn request_waits_while_organizations_fails() {
    let env = unit_example();
    env.enrol(ALLOWED, "ACTIVE", UNIT);
    for code in ["TooManyRequestsException", "AccessDeniedException", ""] {
        env.aws.faults.next("DescribeAccount", &[Fault::Before(code)]);
        let endpoint = env.notified_request(ALLOWED).await;
        assert_eq!((env.is_pending(&endpoint), env.refer(&endpoint)), (true, unverified(UnknownFact::Organization)));
        let text = &env.messages().await[0].text;
        assert!(text.contains("`data-platform-unit` depends on what AWS Organizations says of the account"), "{text}");
        assert!(text.contains(code), "{text}");
    }
    env.sweep().await;
    assert_eq!(env.ledger.records().iter().filter(|record| record.verdict == Verdict::Accepted).count(), 3);
}

#[tokio::test]
async fn organization_is_asked_only_if_it_matters() {
    let env = under("A unit of the organization", "Name", "some other service");
    env.enrol(ALLOWED, "ACTIVE", UNIT);
    env.notified_request(ALLOWED).await;
    assert!(!env.aws.faults.take_calls().contains(&"DescribeAccount"), "the policy is about another service");
    env.tag("Name", "unit-example");
    for _ in 0..5 {
        let _ = env.request(ALLOWED);
    }
    env.pass(SignedDuration::from_mins(2));
    env.sweep().await;
    let calls = env.aws.faults.take_calls();
    assert_eq!(calls.iter().filter(|call| **call == "DescribeAccount").count(), 1, "once for each account: {calls:?}");
}

#[tokio::test]
async fn organization_is_asked_although_the_role_is_unknown() {
    let env = unit_example().with_policy(
        "@id(\"by-role\") permit(principal, action == PrivateLink::Action::\"Accept\", resource)
           when { context has requester && context.requester.role like \"*:role/team-*\" };
         @id(\"no-guests\") forbid(principal in PrivateLink::OrganizationalUnit::\"ou-ab12-66667777\", action == PrivateLink::Action::\"Accept\", resource);
         @id(\"else-no\") permit(principal, action == PrivateLink::Action::\"Reject\", resource);",
    );
    env.enrol(ALLOWED, "ACTIVE", "ou-ab12-66667777");
    env.enrol(UNLISTED, "ACTIVE", "ou-ab12-99998888");
    let (guest, other) = (env.notified_request(ALLOWED).await, env.notified_request(UNLISTED).await);
    assert_eq!(env.state(&guest), "rejected", "its role does not matter");
    assert_eq!(env.refer(&other), unverified(UnknownFact::Requester));
}

#[tokio::test]
async fn policy_without_unit_accepts_only_active_accounts() {
    let plain = permit_account("plain", ALLOWED, "true");
    let env = unit_example().with_policy(&format!("{}\n{plain}", example_of("A unit of the organization").cedar));
    env.enrol(ALLOWED, "SUSPENDED", "ou-ab12-99998888");
    let endpoint = env.notified_request(ALLOWED).await;
    assert_eq!((env.is_pending(&endpoint), env.refer(&endpoint)), (true, Refer::Inactive { state: "SUSPENDED".to_owned() }));
    env.pass(SignedDuration::from_mins(6));
    env.aws.faults.next("DescribeAccount", &[Fault::Before("TooManyRequestsException")]);
    let endpoint = env.notified_request(ALLOWED).await;
    assert_eq!((env.is_pending(&endpoint), env.refer(&endpoint)), (true, unverified(UnknownFact::Organization)));
    env.enrol(ALLOWED, "ACTIVE", "ou-ab12-99998888");
    env.pass(SignedDuration::from_mins(1));
    env.sweep().await;
    assert!(!env.is_pending(&endpoint));
    assert!(env.verdicts(&endpoint).contains(&Verdict::Accepted));
}

#[tokio::test]
async fn unknown_organization_holds_back_forbid_and_unless() {
    let unit = "principal in PrivateLink::OrganizationalUnit::\"ou-ab12-66667777\"";
    for policy in [
        format!("@id(\"not-they\") forbid({unit}, action, resource);\n{}", permit_account("plain", ALLOWED, "true")),
        permit_account("plain", ALLOWED, "true").replace("when { true }", &format!("unless {{ {unit} }}")),
    ] {
        let env = TestEnvironment::new().impatient().with_policy(&policy);
        env.enrol(ALLOWED, "ACTIVE", UNIT);
        env.aws.faults.next("DescribeAccount", &[Fault::Before("AccessDeniedException")]);
        let endpoint = env.notified_request(ALLOWED).await;
        assert_eq!((env.is_pending(&endpoint), env.refer(&endpoint)), (true, unverified(UnknownFact::Organization)), "{policy}");
    }
}

#[tokio::test]
async fn known_fact_decides_without_the_unknown_one() {
    let env = TestEnvironment::new().impatient().with_policy(&format!(
        "{PERMIT_ALL}
         @id(\"interns\") forbid(principal in PrivateLink::OrganizationalUnit::\"{UNIT}\", action, resource)
           when {{ context has requester && context.requester.role == \"arn:aws:iam::111122223333:role/intern\" }};"
    ));
    env.enrol(UNLISTED, "ACTIVE", UNIT);
    let (outside, inside) = (env.notified_request(ALLOWED).await, env.notified_request(UNLISTED).await);
    assert_eq!((env.is_pending(&outside), env.refer(&inside)), (false, unverified(UnknownFact::Requester)));
}

#[tokio::test]
async fn granted_request_waits_for_the_accounts_state() {
    for (faults, expected) in
        [(&[][..], "is `SUSPENDED`"), (&[Fault::Before("TooManyRequestsException"); 2], "A person approved it, but what AWS Organizations")]
    {
        let env = under("A unit of the organization", "Name", "another service").impatient();
        env.enrol(ALLOWED, "SUSPENDED", UNIT);
        env.grant_account(ALLOWED);
        env.aws.faults.next("DescribeAccount", faults);
        let endpoint = env.notified_request(ALLOWED).await;
        let text = &env.messages().await[0].text;
        assert!(text.contains(expected), "{text}");
        env.sweep().await;
        assert!(env.is_pending(&endpoint));
    }
}

#[tokio::test]
async fn grant_does_not_save_an_inactive_account() {
    let reject = format!(
        "@id(\"no\") permit(principal in PrivateLink::OrganizationalUnit::\"{UNIT}\", action == PrivateLink::Action::\"Reject\", resource);"
    );
    let mut env = TestEnvironment::new().impatient().with_policy(&reject);
    env.enrol(ALLOWED, "SUSPENDED", UNIT);
    env.grant_account(ALLOWED);
    let endpoint = env.notified_request(ALLOWED).await;
    assert_eq!(env.state(&endpoint), "rejected");
    // An older policy accepted this one. No grant justifies it now.
    env.set_policy(PERMIT_ALL);
    let connected = env.notified_request(ALLOWED).await;
    env.set_policy(&reject);
    env.pass(SignedDuration::from_hours(1));
    let findings = env.findings().await;
    assert!(findings.contains(&format!("unjustified/{}/{connected}", env.service)), "{findings:?}");
}

#[tokio::test]
async fn granted_request_that_must_wait_is_not_overdue() {
    for (state, faults) in [("SUSPENDED", &[][..]), ("ACTIVE", &[Fault::Before("AccessDeniedException"); 8])] {
        let env = under("A unit of the organization", "Name", "another service").impatient();
        env.enrol(ALLOWED, state, UNIT);
        env.grant_account(ALLOWED);
        env.aws.faults.next("DescribeAccount", faults);
        let endpoint = env.notified_request(ALLOWED).await;
        assert!(env.is_pending(&endpoint));
        env.pass(SignedDuration::from_hours(1));
        assert!(!has_finding(&env, "overdue").await, "{state}");
    }
}
