//! The ledger's adapter over the wire: what became of a transaction, and items of newer versions.

use jiff::{SignedDuration, Timestamp};
use local::server::Options;
use serde_json::{Value, json};
use warden::{
    aws::dynamodb::Table,
    decision::decide,
    ledger::{
        commit::{Commit, CommitOutcome, ServiceItems},
        record::{Record, RecordFactory, Verdict},
        service_state::{StateError, Version},
    },
    model::{
        ids::ServiceId,
        origin::{Origin, OriginKind},
    },
    ports::{CallError, ReadError, ServiceLedger},
};

use crate::{
    script::Script,
    server::{Server, permit_all},
};

const FAILED: &str = "ConditionalCheckFailed";

/// A write of records on the versions 7 and 3, which fails during a hold.
pub(crate) fn commit(records: Vec<Record>) -> Commit {
    Commit {
        expected: Version { sequence: 7, decisions: 3 },
        heeds_decisions: true,
        heeds_hold: true,
        state: ServiceItems::default().state,
        open: true,
        records,
        pending: Default::default(),
        proofs: Vec::new(),
    }
}

fn service() -> ServiceId {
    "vpce-svc-0123456789abcdef0".parse().unwrap()
}

/// A record of a request of `local`.
async fn record() -> Record {
    let server = Server::start(Options::default()).await;
    server.request();
    let (facts, policy) = (server.facts().await.remove(0), permit_all());
    let grounds = decide(&policy, &facts, &[]).grounds;
    let factory = RecordFactory { retention: SignedDuration::from_hours(24), function_version: "1".to_owned() };
    factory.record(facts, grounds, Verdict::Accepted.into(), &policy, Origin { kind: OriginKind::Sweep, id: "s".to_owned() })
}

/// A canceled transaction, with the codes of its actions' reasons.
fn canceled(codes: &[&str]) -> (u16, Value) {
    let reasons: Vec<Value> = codes.iter().map(|code| json!({"Code": code, "Message": "the reason"})).collect();
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    (400, json!({"__type": kind, "Message": "Transaction cancelled", "CancellationReasons": reasons}))
}

async fn outcome(answers: Vec<(u16, Value)>, commit: &Commit) -> (Result<CommitOutcome, CallError>, Vec<Value>) {
    let (script, config) = Script::start(answers).await;
    let outcome = table(&config).commit(&service(), commit).await;
    (outcome, script.calls())
}

fn table(config: &aws_config::SdkConfig) -> Table {
    Table::new(config, "ledger".to_owned(), SignedDuration::from_hours(24))
}

#[tokio::test]
async fn write_names_versions_and_hold() {
    let (outcome, calls) = outcome(vec![(200, json!({}))], &commit(Vec::new())).await;
    assert_eq!(outcome.unwrap(), CommitOutcome::Written);
    let actions = &calls[0]["TransactItems"];
    let state = &actions[0]["Update"];
    assert_eq!(state["Key"], json!({"pk": {"S": format!("service/{}", service())}, "sk": {"S": "state"}}));
    assert_eq!(state["ConditionExpression"], "#sequence = :sequence AND #decisions = :decisions");
    assert_eq!(
        (&state["ExpressionAttributeValues"][":sequence"], &state["ExpressionAttributeValues"][":next"]),
        (&json!({"N": "7"}), &json!({"N": "8"}))
    );
    assert_eq!(actions[1]["ConditionCheck"]["Key"], json!({"pk": {"S": "decisions/all"}, "sk": {"S": "hold"}}));
    assert_eq!(calls[0]["ClientRequestToken"].as_str().map(str::len), Some(36), "a retry of the SDK writes once");
}

#[tokio::test]
async fn changed_version_or_conflict_is_lost() {
    for codes in [[FAILED, "None"], ["TransactionConflict", "None"], ["None", "TransactionConflict"], [FAILED, FAILED]] {
        let (outcome, _) = outcome(vec![canceled(&codes)], &commit(Vec::new())).await;
        assert_eq!(outcome.unwrap(), CommitOutcome::Lost, "{codes:?}");
    }
}

#[tokio::test]
async fn hold_of_the_stack_is_on_hold() {
    let (outcome, _) = outcome(vec![canceled(&["None", FAILED])], &commit(Vec::new())).await;
    assert_eq!(outcome.unwrap(), CommitOutcome::OnHold);
}

#[tokio::test]
async fn taken_key_keeps_both_records() {
    let record = record().await;
    let answers = vec![canceled(&["None", "None", FAILED]), (200, json!({}))];
    let (outcome, calls) = outcome(answers, &commit(vec![record])).await;
    assert_eq!(outcome.unwrap(), CommitOutcome::Written);
    let keys: Vec<&Value> = calls.iter().map(|call| &call["TransactItems"][2]["Put"]["Item"]["sk"]["S"]).collect();
    assert_eq!(keys, ["accepted", "accepted#7"]);
}

#[tokio::test]
async fn key_that_stays_taken_is_an_error() {
    let taken = || canceled(&["None", "None", FAILED]);
    let (outcome, calls) = outcome(vec![taken(), taken(), taken()], &commit(vec![record().await])).await;
    assert_eq!((outcome.unwrap_err().call, calls.len()), ("TransactWriteItems", 2));
}

#[tokio::test]
async fn throttled_transaction_is_transient() {
    let (outcome, _) = outcome(vec![canceled(&["ThrottlingError", "None"])], &commit(Vec::new())).await;
    let error = outcome.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn state_of_a_newer_version_is_refused() {
    let state = |text: &str| json!({"pk": {"S": "service/x"}, "sk": {"S": "state"}, "sequence": {"N": "4"}, "state": {"S": text}});
    for (text, is_newer) in [(r#"{"schema": 99}"#, true), (r#"{"schema": 1, "intent": {"act": "explode"}}"#, false)] {
        let (_, config) = Script::start(vec![(200, json!({"Items": [state(text)], "Count": 1, "ScannedCount": 1}))]).await;
        let error = table(&config).items(&service()).await.unwrap_err();
        assert_eq!(matches!(error, ReadError::State(StateError::Newer(99))), is_newer, "{error:?}");
        assert!(matches!(error, ReadError::State(_)), "{error:?}");
    }
}

#[tokio::test]
async fn unreadable_hold_still_holds() {
    let item = json!({"pk": {"S": "decisions/x"}, "sk": {"S": "hold"}, "hold": {"S": "{}"}});
    let (_, config) = Script::start(vec![(200, json!({"Items": [item], "Count": 1, "ScannedCount": 1}))]).await;
    let hold = table(&config).decisions(&service()).await.unwrap().hold.unwrap();
    assert_eq!(hold.at, Timestamp::UNIX_EPOCH);
}
