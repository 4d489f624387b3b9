//! The queue's adapter over the wire: batches, messages that are not taken, and dead letters.

use serde_json::{Value, json};
use warden::{
    aws::sqs::Queue,
    model::ids::ServiceId,
    ports::{CallError, RequestQueue},
};

use crate::script::Script;

fn services(count: usize) -> Vec<ServiceId> {
    (0..count).map(|n| format!("vpce-svc-{n:017x}").parse().unwrap()).collect()
}

async fn send(answers: Vec<Value>, services: &[ServiceId]) -> (Result<(), CallError>, Vec<Value>) {
    let (script, config) = Script::start(answers.into_iter().map(|answer| (200, answer)).collect()).await;
    let sent = queue(&config).send(services).await;
    (sent, script.calls())
}

fn queue(config: &aws_config::SdkConfig) -> Queue {
    Queue::new(config, "http://queue/requests".to_owned(), "http://queue/dead".to_owned())
}

#[tokio::test]
async fn hints_are_sent_ten_at_once() {
    let taken = || json!({"Successful": [], "Failed": []});
    let (sent, calls) = send(vec![taken(), taken(), taken()], &services(23)).await;
    sent.unwrap();
    let sizes: Vec<usize> = calls.iter().map(|call| call["Entries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [10, 10, 3]);
    let body: Value = serde_json::from_str(calls[0]["Entries"][0]["MessageBody"].as_str().unwrap()).unwrap();
    assert_eq!(body["service"], "vpce-svc-00000000000000000");
}

#[tokio::test]
async fn hint_that_is_not_taken_is_an_error() {
    let failed = json!({"Successful": [], "Failed": [{"Id": "x", "Code": "InternalError", "SenderFault": false}]});
    let (sent, _) = send(vec![failed], &services(2)).await;
    let error = sent.unwrap_err();
    assert_eq!((error.code.as_deref(), error.is_transient()), (Some("InternalError"), true));
}

#[tokio::test]
async fn dead_letter_carries_a_short_reason() {
    for (body, sent) in [("{", "{"), ("", "(empty)")] {
        let (script, config) = Script::start(vec![(200, json!({"MessageId": "1", "MD5OfMessageBody": "x"}))]).await;
        drop(queue(&config).set_aside(body, &"é".repeat(900)).await);
        let call = &script.calls()[0];
        assert_eq!((&call["QueueUrl"], &call["MessageBody"]), (&json!("http://queue/dead"), &json!(sent)));
        assert_eq!(call["MessageAttributes"]["reason"]["StringValue"].as_str().unwrap().chars().count(), 200);
    }
}

#[tokio::test]
async fn postponed_message_is_hidden() {
    let (script, config) = Script::start(vec![(200, json!({}))]).await;
    queue(&config).postpone("receipt", 7).await.unwrap();
    assert_eq!(script.calls()[0], json!({"QueueUrl": "http://queue/requests", "ReceiptHandle": "receipt", "VisibilityTimeout": 7}));
}
