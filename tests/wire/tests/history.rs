//! The audit's reads of the ledger over the wire: keys by phase, keys that stay unprocessed, entries of newer versions.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use warden::{
    aws::dynamodb::Table,
    ledger::{
        counted::{CountedRequests, ToldDays},
        digest::{Digest, RunInfo},
        history::PageHistory,
    },
    model::connection::{Connection, State},
    ports::{CallError, Findings, History, PublishOutcome},
};

use crate::{CONSUMER, script::Script};

const SERVICE: &str = "vpce-svc-0123456789abcdef0";

fn connection(number: usize, state: State) -> Connection {
    Connection {
        service: SERVICE.parse().unwrap(),
        subject: format!("vpce-{number:017x}").parse().unwrap(),
        owner: Some(CONSUMER.parse().unwrap()),
        state,
        created: None,
        region: None,
        ip_address_type: None,
        connected_in_part: false,
    }
}

fn key(partition: &str, sort: &str) -> Value {
    json!({"pk": {"S": partition}, "sk": {"S": sort}})
}

fn accepted(number: usize, schema: u32) -> Value {
    let mut item = key(&format!("request/{SERVICE}/vpce-{number:017x}"), "accepted");
    item["schema"] = json!({"N": schema.to_string()});
    item["at"] = json!({"S": "2026-06-01T12:00:00Z"});
    item
}

fn answer(items: &[Value], left: &[Value]) -> (u16, Value) {
    let unprocessed = if left.is_empty() { json!({}) } else { json!({"ledger": {"Keys": left}}) };
    (200, json!({"Responses": {"ledger": items}, "UnprocessedKeys": unprocessed}))
}

fn proof(connection: &Connection, given: Value) -> Value {
    let mut item = key(&format!("service/{SERVICE}"), &format!("proof/{}", connection.subject));
    let mut proof = json!({ "subject": connection.subject, "event": "e", "at": "2026-06-01T12:00:00Z" });
    proof.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    item["proof"] = json!({ "S": proof.to_string() });
    item
}

fn attributes(answer: &Value) -> Vec<String> {
    let items = answer["Responses"]["ledger"].as_array().unwrap();
    items.iter().flat_map(|item| item.as_object().unwrap().keys().cloned()).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn table(config: &aws_config::SdkConfig) -> Table {
    Table::new(config, "ledger".to_owned(), SignedDuration::from_hours(24))
}

async fn entries(answers: Vec<(u16, Value)>, connections: &[Connection]) -> (Result<PageHistory, CallError>, Vec<Vec<Value>>) {
    let attributes: BTreeSet<String> = answers.iter().flat_map(|(_, answer)| attributes(answer)).collect();
    let (script, config) = Script::start(answers).await;
    let page = table(&config).entries(&SERVICE.parse().unwrap(), connections).await;
    let keys = |call: &Value| {
        let request = &call["RequestItems"]["ledger"];
        assert_eq!(request["ConsistentRead"], true);
        // DynamoDB leaves out every other attribute.
        let asked: BTreeSet<String> = request["ExpressionAttributeNames"].as_object().unwrap().values().map(text).collect();
        assert!(asked.is_superset(&attributes), "{asked:?} {attributes:?}");
        request["Keys"].as_array().unwrap().clone()
    };
    (page, script.calls().iter().map(keys).collect())
}

#[tokio::test]
async fn keys_depend_on_the_phase() {
    let [live, waiting, gone] =
        [State::Available, State::PendingAcceptance, State::Rejected].map(|state| connection(state.as_str().len(), state));
    let mut pending = key(&format!("service/{SERVICE}"), &format!("pending/{}", waiting.subject));
    pending["pending"] = json!({"S": json!({"told": "referred/no-permit", "at": "2026-06-01T12:00:00Z"}).to_string()});
    let answers = vec![answer(&[accepted(live.state.as_str().len(), 2), pending], &[])];
    // EC2 may list a connection twice: a key must not occur twice in a call.
    let (page, calls) = entries(answers, &[live.clone(), waiting.clone(), gone, live.clone()]).await;
    let page = page.unwrap();
    assert!(page.of(&live).unwrap().accepted.is_some());
    assert_eq!(page.of(&waiting).unwrap().pending.as_ref().unwrap().told, "referred/no-permit");
    let (request, service) = (format!("request/{SERVICE}/{}", live.subject), format!("service/{SERVICE}"));
    let expected = [
        key(&request, "accepted"),
        key(&request, "found"),
        key(&service, &format!("pending/{}", waiting.subject)),
        key(&service, &format!("proof/{}", live.subject)),
        key(&service, &format!("proof/{}", waiting.subject)),
    ];
    assert_eq!(calls.len(), 1);
    assert!(calls[0].len() == expected.len() && expected.iter().all(|key| calls[0].contains(key)), "{calls:?}");
}

#[tokio::test]
async fn proof_gives_its_role_if_it_has_one() {
    let connections = [connection(1, State::Available), connection(2, State::Available)];
    let role = "arn:aws:iam::111122223333:role/deploy";
    let proofs = [json!({ "role": role }), json!({ "reason": "cache of team A" })];
    let items: Vec<Value> = std::iter::zip(&connections, proofs).map(|(connection, given)| proof(connection, given)).collect();
    let (page, _) = entries(vec![answer(&items, &[])], &connections).await;
    let page = page.unwrap();
    let roles = connections.each_ref().map(|connection| page.of(connection).unwrap().role.as_ref().map(ToString::to_string));
    assert_eq!((roles, page.unreadable), ([Some(role.to_owned()), None], Vec::new()));
}

#[tokio::test]
async fn unprocessed_keys_are_asked_for_again() {
    let connections = [connection(1, State::Available), connection(2, State::Available)];
    let left = [key(&format!("request/{SERVICE}/{}", connections[1].subject), "accepted")];
    let (page, calls) = entries(vec![answer(&[accepted(1, 2)], &left), answer(&[accepted(2, 2)], &[])], &connections).await;
    assert_eq!(calls[1], left);
    let page = page.unwrap();
    assert!(connections.iter().all(|connection| page.of(connection).unwrap().is_recorded()));
}

#[tokio::test]
async fn keys_that_stay_unprocessed_are_an_error() {
    let connections = [connection(1, State::Available)];
    let left = [key(&format!("request/{SERVICE}/{}", connections[0].subject), "accepted")];
    let (page, calls) = entries(vec![answer(&[], &left); 20], &connections).await;
    assert_eq!(page.unwrap_err().code.as_deref(), Some("UnprocessedKeys"));
    assert_eq!(calls.len(), 8);
}

#[tokio::test]
async fn large_page_takes_several_calls() {
    let connections: Vec<Connection> = (0..40).map(|number| connection(number, State::Available)).collect();
    let (page, calls) = entries(vec![answer(&[], &[]); 2], &connections).await;
    assert_eq!(page.unwrap(), PageHistory::default());
    assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [100, 20], "DynamoDB takes 100 keys");
}

#[tokio::test]
async fn entry_of_newer_version_counts_as_record() {
    let connections = [connection(1, State::Available)];
    let (page, _) = entries(vec![answer(&[accepted(1, 99)], &[])], &connections).await;
    let page = page.unwrap();
    assert!(page.of(&connections[0]).unwrap().unreadable && page.unreadable.len() == 1, "{page:?}");
}

#[tokio::test]
async fn told_days_are_written_with_their_digest() {
    let at: Timestamp = "2026-06-02T00:00:00Z".parse().unwrap();
    let run = RunInfo {
        id: "run".to_owned(),
        at,
        region: "us-east-1".parse().unwrap(),
        report: None,
        unseen: Vec::new(),
        policy_digest: String::new(),
    };
    let digest = Digest::new(&run, None, &[], Default::default()).with_counted(Some(CountedRequests::default()));
    for (version, condition) in [(1, "attribute_not_exists(sk)"), (2, "version = :before")] {
        let (script, config) = Script::start(vec![(200, json!({}))]).await;
        let told = ToldDays { version, services: [(SERVICE.parse().unwrap(), "2026-06-01".parse().unwrap())].into() };
        assert_eq!(table(&config).publish(&[], &digest, Some(&told)).await.unwrap(), PublishOutcome::Written);
        let actions = &script.calls()[0]["TransactItems"];
        assert_eq!(actions[0]["Put"]["Item"]["pk"]["S"], "digest/run");
        let put = &actions[1]["Put"];
        assert_eq!((&put["Item"]["pk"]["S"], &put["Item"]["sk"]["S"]), (&json!("audit"), &json!("told")));
        assert_eq!(put["ConditionExpression"], condition);
        assert_eq!(put["Item"]["told"]["S"], json!({ SERVICE: "2026-06-01" }).to_string());
    }
}
