//! The policy guide's examples: each with its own cases, and each with a request that gets in and one that just does not.

#![expect(clippy::unwrap_used, reason = "a journey ends where it goes wrong")]

use std::collections::BTreeSet;

use jiff::SignedDuration;
use journeys::{
    A, B, Fault, PROVIDER, Stage,
    guide::{example_of, examples},
};
use local::world::OrganizationAccount;
use serde_json::{Value, json};
use warden::{
    decision::cases::{Case, Expected, run},
    ledger::record::Verdict,
    policy::{PolicyFile, PolicyId, PolicySet, UnknownFact, evaluation::Refer},
};

fn file(name: &str, text: &str) -> PolicyFile {
    PolicyFile { name: name.to_owned(), text: text.to_owned() }
}

#[test]
fn every_example_is_sound_and_answers_its_cases() {
    let all = examples();
    assert_eq!(all.len(), 12, "a section without a rule, or a new one");
    for example in &all {
        let groups = example.groups.as_ref().map(|text| file("groups.json", text));
        let policy = PolicySet::load(&[file("example.cedar", &example.cedar)], groups.as_ref())
            .unwrap_or_else(|errors| panic!("{}: {errors}", example.title));
        let cases: Vec<Case> = serde_json::from_str(&example.cases).unwrap_or_else(|error| panic!("{}: {error}", example.title));
        let wrong: Vec<_> = cases.iter().map(|case| run(&policy, case)).filter(|result| result.problem.is_some()).collect();
        assert_eq!(wrong, [], "{}", example.title);
        assert!(cases.iter().any(|case| case.decision != Expected::Refer), "{}: nothing gets through", example.title);
        assert!(cases.iter().any(|case| case.decision == Expected::Refer), "{}: no near miss", example.title);
    }
    let whole: String = all.iter().map(|example| format!("{}\n", example.cedar)).collect();
    let groups = all.iter().find_map(|example| example.groups.as_ref()).map(|text| file("groups.json", text));
    let policy = PolicySet::load(&[file("guide.cedar", &whole)], groups.as_ref()).unwrap_or_else(|errors| panic!("{errors}"));
    let ids: BTreeSet<&str> = policy.accepting_permits().map(PolicyId::as_str).collect();
    assert_eq!(ids.len(), 11, "{ids:?}");
}

/// A stage whose service is tagged as an example wants it, under that example.
fn stage(title: &str, tag: (&str, &str)) -> Stage {
    let example = example_of(title);
    let mut stage = Stage::new();
    stage.set_policy_set(&example.cedar, example.groups.as_deref());
    let (key, value) = tag;
    stage.aws.world().create_tags(PROVIDER, std::slice::from_ref(&stage.service), &[(key.to_owned(), value.to_owned())]).unwrap();
    stage
}

/// A consumer asks, and the notification reaches the warden.
async fn asked(stage: &Stage, account: &str) -> String {
    let (endpoint, events) = stage.ask(account);
    stage.deliver(&events[0]).await.unwrap();
    endpoint
}

fn is_in(stage: &Stage, endpoint: &str) -> bool {
    stage.state(endpoint) != "pendingAcceptance"
}

fn refer(stage: &Stage, endpoint: &str) -> Refer {
    stage.ledger.records().into_iter().find(|record| record.endpoint().as_str() == endpoint).unwrap().refer.unwrap()
}

#[tokio::test]
async fn an_account_and_its_neighbour() {
    let stage = stage("One account", ("Name", "account-example"));
    let (near, neighbour) = (asked(&stage, A).await, asked(&stage, B).await);
    assert_eq!((is_in(&stage, &near), is_in(&stage, &neighbour)), (true, false));
}

#[tokio::test]
async fn a_group_and_somebody_not_on_the_list() {
    let stage = stage("A group of accounts", ("Name", "group-example"));
    let (member, other) = (asked(&stage, A).await, asked(&stage, B).await);
    assert_eq!((is_in(&stage, &member), is_in(&stage, &other)), (true, false));
}

fn enrol(stage: &Stage, account: &str, state: &str, units: &str) {
    let path = format!("o-a1b2c3d4e5/r-ab12/{units}/{account}/");
    stage.aws.world().organization.put(account, OrganizationAccount { name: "team".to_owned(), state: state.to_owned(), path });
}

#[tokio::test]
async fn a_unit_and_the_one_beside_it() {
    let stage = stage("A unit of the organization", ("Name", "unit-example"));
    enrol(&stage, A, "ACTIVE", "ou-ab12-11112222/ou-ab12-33334444");
    enrol(&stage, B, "ACTIVE", "ou-ab12-99998888");
    let (member, other) = (asked(&stage, A).await, asked(&stage, B).await);
    assert_eq!((is_in(&stage, &member), is_in(&stage, &other)), (true, false));
    assert_eq!(refer(&stage, &other), Refer::NoPermit);
    stage.audit().await.unwrap();
    assert!(!stage.shelf.findings().iter().any(|id| id.starts_with("unjustified")), "the audit asks the organization too");
    assert!(!stage.shelf.findings().iter().any(|id| id.starts_with("excess-permission")), "a unit may let any account in");
}

#[tokio::test]
async fn an_account_outside_the_organization_is_no_error() {
    let stage = stage("A unit of the organization", ("Name", "unit-example"));
    let endpoint = asked(&stage, A).await;
    assert_eq!((is_in(&stage, &endpoint), refer(&stage, &endpoint)), (false, Refer::NoPermit));
}

#[tokio::test]
async fn an_account_that_is_being_shut_down_is_never_let_in() {
    for state in ["SUSPENDED", "PENDING_CLOSURE", "CLOSED", "PENDING_ACTIVATION", "A_STATE_OF_TOMORROW"] {
        let stage = stage("A unit of the organization", ("Name", "unit-example"));
        enrol(&stage, A, state, "ou-ab12-11112222");
        stage.grant_account(A);
        let endpoint = asked(&stage, A).await;
        assert_eq!((is_in(&stage, &endpoint), refer(&stage, &endpoint)), (false, Refer::Inactive { state: state.to_owned() }));
        stage.tell().await;
        let text = &stage.outbox.take()[0].1.text;
        assert!(text.contains(&format!("is `{state}`")), "{text}");
    }
}

#[tokio::test]
async fn while_organizations_does_not_answer_what_depends_on_it_waits() {
    let stage = stage("A unit of the organization", ("Name", "unit-example"));
    enrol(&stage, A, "ACTIVE", "ou-ab12-11112222");
    for code in ["TooManyRequestsException", "AccessDeniedException", ""] {
        stage.aws.faults.next("DescribeAccount", &[Fault::Before(code)]);
        let endpoint = asked(&stage, A).await;
        assert_eq!(
            (is_in(&stage, &endpoint), refer(&stage, &endpoint)),
            (false, Refer::Unverified { needs: [UnknownFact::Organization].into() })
        );
        stage.tell().await;
        let text = &stage.outbox.take()[0].1.text;
        assert!(text.contains("`data-platform-unit` may decide it by what AWS Organizations says of the account"), "{text}");
        assert!(text.contains(code), "{text}");
    }
    stage.sweep().await.unwrap();
    assert_eq!(stage.ledger.records().iter().filter(|record| record.verdict == Verdict::Accepted).count(), 3, "and then it does not");
}

#[tokio::test]
async fn the_organization_is_asked_only_where_a_rule_could_depend_on_it() {
    let stage = stage("A unit of the organization", ("Name", "some other service"));
    enrol(&stage, A, "ACTIVE", "ou-ab12-11112222");
    asked(&stage, A).await;
    assert!(!stage.aws.faults.take_calls().contains(&"DescribeAccount"), "the rule is about another service");
    stage
        .aws
        .world()
        .create_tags(PROVIDER, std::slice::from_ref(&stage.service), &[("Name".to_owned(), "unit-example".to_owned())])
        .unwrap();
    for _ in 0..5 {
        let (_lost, _) = stage.ask(A);
    }
    stage.pass(SignedDuration::from_mins(2));
    stage.sweep().await.unwrap();
    let calls = stage.aws.faults.take_calls();
    assert_eq!(calls.iter().filter(|call| **call == "DescribeAccount").count(), 1, "and once for all of an account's: {calls:?}");
}

#[tokio::test]
async fn the_organization_is_asked_where_it_settles_what_a_role_leaves_open() {
    let rules = "@id(\"by-role\") permit(principal, action == PrivateLink::Action::\"Accept\", resource)
        when { context has requester && context.requester.role like \"*:role/team-*\" };
        @id(\"no-guests\") forbid(principal in PrivateLink::OrganizationalUnit::\"ou-ab12-66667777\", action == PrivateLink::Action::\"Accept\", resource);
        @id(\"else-no\") permit(principal, action == PrivateLink::Action::\"Reject\", resource);";
    let mut stage = stage("A unit of the organization", ("Name", "unit-example"));
    stage.set_policy(rules);
    enrol(&stage, A, "ACTIVE", "ou-ab12-66667777");
    enrol(&stage, B, "ACTIVE", "ou-ab12-99998888");
    let (guest, member) = (asked(&stage, A).await, asked(&stage, B).await);
    assert_eq!(stage.state(&guest), "rejected", "whatever its role");
    assert!(!is_in(&stage, &member));
    assert_eq!(refer(&stage, &member), Refer::Unverified { needs: [UnknownFact::Requester].into() });
}

#[tokio::test]
async fn whichever_rule_lets_it_in_an_account_that_may_be_shut_down_is_not() {
    let unit = example_of("A unit of the organization").cedar;
    let mut stage = stage("A unit of the organization", ("Name", "unit-example"));
    let plain = |who: &str| {
        format!("@id(\"plain\") permit(principal == PrivateLink::Account::\"{who}\", action == PrivateLink::Action::\"Accept\", resource);")
    };
    stage.set_policy(&format!("{unit}\n{}", plain(A)));
    enrol(&stage, A, "SUSPENDED", "ou-ab12-99998888");
    let endpoint = asked(&stage, A).await;
    assert_eq!((is_in(&stage, &endpoint), refer(&stage, &endpoint)), (false, Refer::Inactive { state: "SUSPENDED".to_owned() }));
    stage.pass(SignedDuration::from_mins(6));
    stage.aws.faults.next("DescribeAccount", &[Fault::Before("TooManyRequestsException")]);
    let endpoint = asked(&stage, A).await;
    assert_eq!(
        (is_in(&stage, &endpoint), refer(&stage, &endpoint)),
        (false, Refer::Unverified { needs: [UnknownFact::Organization].into() }),
        "nobody knows whether it is"
    );
    enrol(&stage, A, "ACTIVE", "ou-ab12-99998888");
    stage.pass(SignedDuration::from_mins(1));
    stage.sweep().await.unwrap();
    assert!(is_in(&stage, &endpoint), "by the rule that asks for no unit");
    assert!(stage.ledger.verdicts_of(&endpoint).contains(&Verdict::Accepted));
    stage.pass(SignedDuration::from_mins(6));
    // A forbid about a unit holds everybody back of whom it is not known.
    let forbid = "@id(\"not-they\") forbid(principal in PrivateLink::OrganizationalUnit::\"ou-ab12-66667777\", action, resource);";
    stage.set_policy(&format!("{forbid}\n{}", plain(A)));
    stage.aws.faults.next("DescribeAccount", &[Fault::Before("AccessDeniedException")]);
    let endpoint = asked(&stage, A).await;
    assert!(!is_in(&stage, &endpoint));
    assert!(matches!(refer(&stage, &endpoint), Refer::Unverified { .. }));
    // So does an `unless`, which would come true for want of the fact.
    stage.set_policy(
        &plain(A).replace("resource);", "resource) unless { principal in PrivateLink::OrganizationalUnit::\"ou-ab12-66667777\" };"),
    );
    stage.aws.faults.next("DescribeAccount", &[Fault::Before("AccessDeniedException")]);
    let endpoint = asked(&stage, A).await;
    assert!(!is_in(&stage, &endpoint));
}

#[tokio::test]
async fn one_endpoint_and_another_of_the_same_account() {
    let mut stage = stage("An exact endpoint", ("Name", "endpoint-example"));
    let (endpoint, events) = stage.ask(A);
    stage.set_policy(&example_of("An exact endpoint").cedar.replace("vpce-0123456789abcdef0", &endpoint));
    stage.deliver(&events[0]).await.unwrap();
    let other = asked(&stage, A).await;
    assert_eq!((is_in(&stage, &endpoint), is_in(&stage, &other)), (true, false));
}

#[tokio::test]
async fn a_role_proved_by_an_event_and_one_that_nobody_proved() {
    let stage = stage("A role", ("Name", "role-example"));
    let (endpoint, events) = stage.ask(A);
    stage.deliver(&events[0]).await.unwrap();
    assert_eq!((is_in(&stage, &endpoint), refer(&stage, &endpoint)), (false, Refer::Unverified { needs: [UnknownFact::Requester].into() }));
    stage.tell().await;
    let text = &stage.outbox.take()[0].1.text;
    assert!(text.contains("`network-deployer` may decide it by the role behind the request"), "{text}");
    stage.sweep().await.unwrap();
    assert!(!is_in(&stage, &endpoint), "nor does a sweep prove anything");

    let trail = events.iter().find(|event| event["source"] == "aws.ec2").unwrap();
    stage.deliver(&by_role(trail, "arn:aws:iam::111122223333:role/deployer")).await.unwrap();
    assert!(!is_in(&stage, &endpoint), "the role of that name without its path");
    stage.deliver(&by_role(trail, "arn:aws:iam::111122223333:role/network/deployer")).await.unwrap();
    assert!(is_in(&stage, &endpoint));
    stage.audit().await.unwrap();
    assert!(!stage.shelf.findings().iter().any(|id| id.starts_with("unjustified")), "the record keeps the proof");
}

#[tokio::test]
async fn a_forbid_about_a_role_holds_back_who_is_not_proved_to_be_another() {
    let stage = Stage::new().with_policy(
        "@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);
         @id(\"no-interns\") forbid(principal, action, resource)
           when { context has requester && context.requester.role == \"arn:aws:iam::111122223333:role/intern\" };",
    );
    let (endpoint, events) = stage.ask(A);
    stage.deliver(&events[0]).await.unwrap();
    assert!(!is_in(&stage, &endpoint));
    let trail = events.iter().find(|event| event["source"] == "aws.ec2").unwrap();
    stage.deliver(&by_role(trail, "arn:aws:iam::111122223333:role/staff")).await.unwrap();
    assert!(is_in(&stage, &endpoint));
}

#[tokio::test]
async fn however_a_rule_spells_it_a_fact_that_is_not_known_lets_nobody_in() {
    const ALL: &str = "@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource)";
    let role = "arn:aws:iam::111122223333:role/intern";
    for spelling in [
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
        let held_back = [
            format!("{ALL}; @id(\"not\") forbid(principal, action, resource) when {{ {spelling} }};"),
            format!("{ALL} unless {{ {spelling} }};"),
            format!("@id(\"only\") permit(principal, action == PrivateLink::Action::\"Accept\", resource) when {{ {spelling} }};"),
        ];
        for cedar in held_back {
            let stage = Stage::new().with_policy(&cedar);
            stage.aws.faults.next("DescribeAccount", &[Fault::Before("AccessDeniedException"); 4]);
            let endpoint = asked(&stage, A).await;
            assert!(!is_in(&stage, &endpoint), "{cedar}");
            assert!(matches!(refer(&stage, &endpoint), Refer::Unverified { .. }), "{cedar}: {:?}", refer(&stage, &endpoint));
        }
    }
}

#[tokio::test]
async fn a_grant_is_no_good_while_nobody_can_say_that_the_account_is_alive() {
    for fates in [&[Fault::Before("TooManyRequestsException"); 2][..], &[]] {
        let stage = stage("A unit of the organization", ("Name", "another service"));
        enrol(&stage, A, "SUSPENDED", "ou-ab12-11112222");
        stage.grant_account(A);
        stage.aws.faults.next("DescribeAccount", fates);
        let endpoint = asked(&stage, A).await;
        stage.tell().await;
        let text = &stage.outbox.take()[0].1.text;
        let expected = if fates.is_empty() {
            "is `SUSPENDED`"
        } else {
            "A person approved this request, but it is still pending: what AWS Organizations"
        };
        assert!(text.contains(expected), "{text}");
        stage.sweep().await.unwrap();
        assert!(!is_in(&stage, &endpoint));
    }
}

#[tokio::test]
async fn a_grant_lets_no_account_in_that_is_being_shut_down_though_the_policy_turns_it_away() {
    let unit = "principal in PrivateLink::OrganizationalUnit::\"ou-ab12-11112222\"";
    let mut stage = Stage::new().with_policy(&format!("@id(\"no\") permit({unit}, action == PrivateLink::Action::\"Reject\", resource);"));
    enrol(&stage, A, "SUSPENDED", "ou-ab12-11112222");
    stage.grant_account(A);
    let endpoint = asked(&stage, A).await;
    assert_eq!(stage.state(&endpoint), "rejected");
    // The same account, connected under an older policy: no grant justifies it either.
    let reject = format!("@id(\"no\") permit({unit}, action == PrivateLink::Action::\"Reject\", resource);");
    stage.set_policy("@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);");
    let connected = asked(&stage, A).await;
    stage.set_policy(&reject);
    stage.pass(SignedDuration::from_hours(1));
    stage.audit().await.unwrap();
    assert!(stage.shelf.findings().contains(&format!("unjustified/{}/{connected}", stage.service)), "{:?}", stage.shelf.findings());
}

#[tokio::test]
async fn what_a_grant_does_not_let_in_is_not_overdue() {
    for (state, fates) in [("SUSPENDED", &[][..]), ("ACTIVE", &[Fault::Before("AccessDeniedException"); 8][..])] {
        let stage = stage("A unit of the organization", ("Name", "another service"));
        enrol(&stage, A, state, "ou-ab12-11112222");
        stage.grant_account(A);
        stage.aws.faults.next("DescribeAccount", fates);
        let endpoint = asked(&stage, A).await;
        assert!(!is_in(&stage, &endpoint));
        stage.pass(SignedDuration::from_hours(1));
        stage.audit().await.unwrap();
        assert!(!stage.shelf.findings().iter().any(|id| id.starts_with("overdue")), "{state}: {:?}", stage.shelf.findings());
    }
}

#[tokio::test]
async fn nobody_waits_for_a_fact_while_another_that_is_known_says_no() {
    let stage = Stage::new().with_policy(
        "@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);
         @id(\"interns\") forbid(principal in PrivateLink::OrganizationalUnit::\"ou-ab12-11112222\", action, resource)
           when { context has requester && context.requester.role == \"arn:aws:iam::111122223333:role/intern\" };",
    );
    enrol(&stage, B, "ACTIVE", "ou-ab12-11112222");
    let (outside, inside) = (asked(&stage, A).await, asked(&stage, B).await);
    assert_eq!((is_in(&stage, &outside), is_in(&stage, &inside)), (true, false));
    assert_eq!(refer(&stage, &inside), Refer::Unverified { needs: [UnknownFact::Requester].into() });
}

#[tokio::test]
async fn a_proof_that_could_not_be_used_is_delivered_again() {
    let stage = stage("A role", ("Name", "role-example"));
    let (endpoint, events) = stage.ask(A);
    let trail = events.iter().find(|event| event["source"] == "aws.ec2").unwrap();
    let proof = by_role(trail, "arn:aws:iam::111122223333:role/network/deployer");
    stage.aws.faults.next("AcceptVpcEndpointConnections", &[Fault::Before("RequestLimitExceeded")]);
    let error = stage.deliver(&proof).await.unwrap_err();
    assert_eq!(error.kind(), "ProofNotUsed");
    stage.deliver(&proof).await.unwrap();
    assert!(is_in(&stage, &endpoint));
}

fn by_role(trail: &Value, role: &str) -> Value {
    let mut event = trail.clone();
    event["detail"]["userIdentity"] = json!({"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role}}});
    event
}

#[tokio::test]
async fn a_region_and_another() {
    let stage = stage("A Region", ("Name", "region-example"));
    let (near, near_events) = stage.ask(A);
    let (far, far_events) = stage.ask(A);
    stage.aws.world().connection_mut(&far).unwrap().region = Some("eu-west-1".to_owned());
    stage.deliver(&near_events[0]).await.unwrap();
    stage.deliver(&far_events[0]).await.unwrap();
    assert_eq!((is_in(&stage, &near), is_in(&stage, &far)), (true, false));
}

#[tokio::test]
async fn a_tag_and_the_same_service_without_it() {
    let stage = stage("A service's tag", ("stage", "tag-example"));
    let tagged = asked(&stage, A).await;
    stage
        .aws
        .world()
        .create_tags(PROVIDER, std::slice::from_ref(&stage.service), &[("stage".to_owned(), "production".to_owned())])
        .unwrap();
    stage.pass(SignedDuration::from_mins(2));
    let untagged = asked(&stage, A).await;
    assert_eq!((is_in(&stage, &tagged), is_in(&stage, &untagged)), (true, false));
}

#[tokio::test]
async fn the_last_moment_and_the_first_one_after_it() {
    let stage = stage("A time limit", ("Name", "time-example"));
    let now = stage.aws.world().now();
    stage.pass("2027-12-31T23:59:59Z".parse::<jiff::Timestamp>().unwrap().duration_since(now));
    let before = asked(&stage, A).await;
    stage.pass(SignedDuration::from_secs(1));
    let after = asked(&stage, A).await;
    assert_eq!((is_in(&stage, &before), is_in(&stage, &after)), (true, false));
}

#[tokio::test]
async fn the_third_and_the_fourth_within_one_sweep() {
    let stage = stage("A cap", ("Name", "cap-example"));
    let asked: Vec<String> = (0..4).map(|_| stage.ask(A).0).collect();
    stage.sweep().await.unwrap();
    let admitted: Vec<bool> = asked.iter().map(|endpoint| is_in(&stage, endpoint)).collect();
    assert_eq!(admitted.iter().filter(|is_in| **is_in).count(), 3, "two requests for the last place must not both get it: {admitted:?}");
}

#[tokio::test]
async fn a_rejection_and_a_mere_denial() {
    let stage = stage("A rejection", ("Name", "rejection-example"));
    let (rejected, denied) = (asked(&stage, B).await, asked(&stage, A).await);
    assert_eq!((stage.state(&rejected).as_str(), stage.state(&denied).as_str()), ("rejected", "pendingAcceptance"));
}
