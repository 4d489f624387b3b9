//! The laws that hold whatever happens: over requests, faults, lost and repeated deliveries and people's hands.
//! 256 cases each.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use journeys::{A, B, Fault, PROVIDER, Stage};
use proptest::prelude::*;
use serde_json::Value;
use warden::record::Verdict;

/// Something that happens to the stage.
#[derive(Debug, Clone)]
enum Happening {
    /// A consumer asks; its events are kept for delivery.
    Ask(bool),
    /// One of the events so far is delivered, again or for the first time.
    Deliver(usize),
    Sweep,
    /// The next call of this name goes wrong.
    Fault(&'static str, Fault),
    /// A person accepts the n-th request.
    AcceptByHand(usize),
    /// The consumer of the n-th request takes it back.
    Delete(usize),
    /// Minutes go by.
    Pass(i64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let call = prop::sample::select(vec![
        "DescribeVpcEndpointConnections",
        "DescribeVpcEndpointServiceConfigurations",
        "AcceptVpcEndpointConnections",
        "PutItem",
        "Query",
    ]);
    let fate = prop::sample::select(vec![
        Fault::Before("RequestLimitExceeded"),
        Fault::Before("UnauthorizedOperation"),
        Fault::After("InternalError"),
        Fault::After(""),
    ]);
    prop_oneof![
        3 => any::<bool>().prop_map(Happening::Ask),
        4 => (0usize..20).prop_map(Happening::Deliver),
        2 => Just(Happening::Sweep),
        2 => (call, fate).prop_map(|(call, fate)| Happening::Fault(call, fate)),
        1 => (0usize..10).prop_map(Happening::AcceptByHand),
        1 => (0usize..10).prop_map(Happening::Delete),
        1 => (1i64..10).prop_map(Happening::Pass),
    ]
}

#[derive(Default)]
struct Story {
    /// Endpoint, and whether its account is in the policy.
    requests: Vec<(String, bool)>,
    events: Vec<Value>,
    by_hand: BTreeSet<String>,
}

async fn happen(stage: &Stage, story: &mut Story, what: &Happening) {
    match what {
        Happening::Ask(allowed) => {
            let (endpoint, events) = stage.ask(if *allowed { A } else { B });
            story.requests.push((endpoint, *allowed));
            story.events.extend(events);
        }
        Happening::Deliver(n) => {
            if let Some(event) = story.events.get(*n) {
                drop(stage.deliver(event).await);
            }
        }
        Happening::Sweep => drop(stage.sweep().await),
        Happening::Fault(call, fate) => {
            let faults = if matches!(*call, "PutItem" | "Query") { &stage.ledger.faults } else { &stage.aws.faults };
            faults.next(call, &[*fate]);
        }
        Happening::AcceptByHand(n) => {
            if let Some((endpoint, _)) = story.requests.get(*n) {
                drop(stage.aws.world().accept(PROVIDER, &stage.service, std::slice::from_ref(endpoint)));
                story.by_hand.insert(endpoint.clone());
            }
        }
        Happening::Delete(n) => {
            if let Some((endpoint, allowed)) = story.requests.get(*n) {
                stage.aws.world().delete_endpoints(if *allowed { A } else { B }, std::slice::from_ref(endpoint));
            }
        }
        Happening::Pass(minutes) => stage.pass(SignedDuration::from_mins(*minutes)),
    }
}

fn play(happenings: &[Happening]) -> (Stage, Story, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (stage, mut story) = (Stage::new(), Story::default());
    runtime.block_on(async {
        for what in happenings {
            happen(&stage, &mut story, what).await;
        }
    });
    (stage, story, runtime)
}

fn is_live(state: &str) -> bool {
    matches!(state, "pending" | "available")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Law 1, safety: whoever is connected was allowed by the policy, or let in by a person.
    #[test]
    fn nobody_is_connected_who_was_not_let_in(happenings in prop::collection::vec(happening(), 1..25)) {
        let (stage, story, _runtime) = play(&happenings);
        for (endpoint, allowed) in &story.requests {
            let live = is_live(&stage.state(endpoint));
            prop_assert!(!live || *allowed || story.by_hand.contains(endpoint), "{endpoint} got in");
            let accepted = stage.ledger.verdicts_of(endpoint).contains(&Verdict::Accepted);
            prop_assert!(!accepted || *allowed || story.by_hand.contains(endpoint), "{endpoint} is recorded as accepted");
        }
    }

    /// Law 4, nothing is lost: once faults stop, one sweep leaves every pending request answered or on the record as referred.
    #[test]
    fn once_faults_stop_one_sweep_answers_everything(happenings in prop::collection::vec(happening(), 1..25)) {
        let (stage, story, runtime) = play(&happenings);
        stage.aws.faults.stop();
        stage.ledger.faults.stop();
        runtime.block_on(stage.sweep()).unwrap();
        for (endpoint, allowed) in &story.requests {
            let (state, verdicts) = (stage.state(endpoint), stage.ledger.verdicts_of(endpoint));
            prop_assert!(state != "pendingAcceptance" || (!allowed && verdicts.contains(&Verdict::Referred)), "{endpoint} {state} {verdicts:?}");
        }
    }

    /// Law 2, idempotence: delivering everything again, in reverse and twice, changes neither connections nor ledger.
    #[test]
    fn redelivery_changes_nothing(happenings in prop::collection::vec(happening(), 1..15)) {
        let (stage, story, runtime) = play(&happenings);
        stage.aws.faults.stop();
        stage.ledger.faults.stop();
        // Past the time in which a fresh connection may still be another worker's.
        stage.pass(SignedDuration::from_mins(5));
        let deliver_all = |stage: &Stage| runtime.block_on(async {
            stage.sweep().await.unwrap();
            for event in story.events.iter().rev() {
                stage.deliver(event).await.unwrap();
            }
        });
        let seen = |stage: &Stage| (story.requests.iter().map(|(endpoint, _)| is_live(&stage.state(endpoint))).collect::<Vec<_>>(), stage.ledger.records().len());
        deliver_all(&stage);
        let once = seen(&stage);
        deliver_all(&stage);
        deliver_all(&stage);
        prop_assert_eq!(once, seen(&stage));
    }

    /// Law 5, silence: what the warden let in under its policy is no stranger to the audit. And the audit's half of law 4:
    /// whoever is connected is on the record, or found not to be.
    #[test]
    fn the_audit_has_nothing_against_what_the_warden_did(happenings in prop::collection::vec(happening(), 1..25)) {
        let (stage, story, runtime) = play(&happenings);
        stage.aws.faults.stop();
        stage.ledger.faults.stop();
        runtime.block_on(stage.sweep()).unwrap();
        stage.pass(SignedDuration::from_mins(20));
        let summary = runtime.block_on(stage.audit()).unwrap();
        prop_assert!(summary.unseen.is_empty(), "{:?}", summary.unseen);
        let findings = stage.shelf.findings();
        for (endpoint, allowed) in &story.requests {
            let found = |kind: &str| findings.contains(&format!("{kind}/{}/{endpoint}", stage.service));
            let live = is_live(&stage.state(endpoint));
            prop_assert_eq!(found("unjustified"), live && !allowed, "{}", endpoint);
            prop_assert!(!found("overdue"), "{endpoint} was swept");
            let recorded = stage.ledger.verdicts_of(endpoint).iter().any(|verdict| matches!(verdict, Verdict::Accepted | Verdict::Found));
            prop_assert_eq!(found("unrecorded"), live && !recorded, "{}", endpoint);
        }
    }

    /// Law 3: an erroring policy never yields an accept, whatever else the set permits.
    #[test]
    fn an_erroring_policy_accepts_nothing(happenings in prop::collection::vec(happening(), 1..15)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stage = Stage::new().with_policy(
            "@id(\"yes\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);
             @id(\"broken\") permit(principal, action == PrivateLink::Action::\"Accept\", resource)
               when { context.connections.ofAccount + 9223372036854775807 + 1 > 0 };",
        );
        let mut story = Story::default();
        runtime.block_on(async {
            for what in &happenings {
                happen(&stage, &mut story, what).await;
            }
        });
        for (endpoint, _) in &story.requests {
            prop_assert!(!is_live(&stage.state(endpoint)) || story.by_hand.contains(endpoint));
        }
    }

    /// Law 6, totality: no batch panics `notify`, and every entry that holds no record is named.
    #[test]
    fn no_batch_panics_notify(entries in prop::collection::vec("\\PC{0,60}", 0..5)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let records: Vec<Value> = entries.iter().map(|text| serde_json::from_str(text).unwrap_or_else(|_| serde_json::json!({"dynamodb": {"SequenceNumber": "1", "NewImage": {"record": {"S": text}}}}))).collect();
        let response = runtime.block_on(Stage::new().tell_batch(&serde_json::json!({ "Records": records })));
        prop_assert_eq!(response.batch_item_failures.len(), entries.len());
    }
}
