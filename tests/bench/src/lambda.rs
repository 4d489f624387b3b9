//! Lambda's side of a function's life: the runtime API, one event at a time, and a clock from spawn to answer. And what
//! it hands over, in the shapes that AWS gives it.

use std::{
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header::HeaderName},
    routing::{get, post},
};
use serde_json::json;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex, mpsc},
};

use crate::world::PROVIDER;

/// What the template gives `approve` for an invocation.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// A function that answers no sooner than this does not answer at all. Valgrind makes everything some fifty times slower.
const ANSWER_WITHIN: Duration = Duration::from_secs(180);

/// The answer of a batch of which no message stays in the queue.
pub const DONE: &str = r#"{"batchItemFailures":[]}"#;

/// The runtime API, for one function at a time.
pub struct Lambda {
    address: String,
    events: mpsc::Sender<String>,
    answers: Mutex<mpsc::Receiver<Result<String, String>>>,
}

#[derive(Clone)]
struct Ends {
    events: Arc<Mutex<mpsc::Receiver<String>>>,
    answers: mpsc::Sender<Result<String, String>>,
    time: Duration,
}

impl Lambda {
    /// Serves the runtime API until the process ends.
    pub async fn start() -> Self {
        Self::giving(TIMEOUT).await
    }

    /// With this much time for an invocation.
    pub async fn giving(time: Duration) -> Self {
        let (events, next) = mpsc::channel(1);
        let (answers, answered) = mpsc::channel(1);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(hand_over))
            .route("/2018-06-01/runtime/invocation/{id}/{outcome}", post(take))
            .with_state(Ends { events: Arc::new(Mutex::new(next)), answers, time });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, events, answers: Mutex::new(answered) }
    }

    /// Starts a function, and has it answer one event: how long from spawn to answer, and the function, ready for more.
    pub async fn cold(&self, mut command: Command, event: String) -> (Duration, String, Child) {
        command.env("AWS_LAMBDA_RUNTIME_API", &self.address).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        self.events.send(event).await.unwrap();
        let start = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let answer = tokio::select! {
            answer = self.answer() => answer,
            end = child.wait() => panic!("the function ended without an answer: {end:?}"),
        };
        (start.elapsed(), answer, child)
    }

    /// Has a function that runs already answer one event.
    pub async fn warm(&self, event: String) -> (Duration, String) {
        let start = Instant::now();
        self.events.send(event).await.unwrap();
        let answer = self.answer().await;
        (start.elapsed(), answer)
    }

    async fn answer(&self) -> String {
        let answer = tokio::time::timeout(ANSWER_WITHIN, self.answers.lock().await.recv()).await;
        answer.expect("the function does not answer").unwrap().unwrap_or_else(|error| panic!("the function failed: {error}"))
    }
}

async fn hand_over(State(ends): State<Ends>) -> ([(HeaderName, String); 5], String) {
    let next = ends.events.lock().await.recv().await;
    // No request is left: the function waits as on Lambda, for ever.
    let Some(event) = next else { return std::future::pending().await };
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + ends.time;
    let headers = [
        // Without it, Python's runtime hands the function bytes.
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:measured".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0".to_owned()),
    ];
    (headers.map(|(name, value)| (HeaderName::from_static(name), value)), event)
}

async fn take(State(ends): State<Ends>, Path((_, outcome)): Path<(String, String)>, body: String) -> StatusCode {
    ends.answers.send(if outcome == "response" { Ok(body) } else { Err(body) }).await.unwrap();
    StatusCode::ACCEPTED
}

/// The body of a connection notification about a request.
pub fn notification(service: &str, endpoint: &str) -> String {
    let message = json!({"event": "Connect", "serviceId": service, "vpcEndpointId": endpoint}).to_string();
    json!({
        "Type": "Notification", "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e", "Message": message, "Subject": null,
        "TopicArn": format!("arn:aws:sns:us-east-1:{PROVIDER}:connections"), "Timestamp": "2026-01-02T03:04:06.678Z",
        "SignatureVersion": "1", "Signature": "EXAMPLE", "SigningCertURL": "EXAMPLE", "UnsubscribeURL": "EXAMPLE",
    })
    .to_string()
}

/// The body of the schedule's message.
pub fn tick() -> String {
    json!({
        "version": "0", "id": "d32c5kddcf5bb8c3", "detail-type": "Scheduled Event", "source": "aws.scheduler", "account": PROVIDER,
        "time": "1970-01-01T00:00:00Z", "region": "us-east-1",
        "resources": [format!("arn:aws:scheduler:us-east-1:{PROVIDER}:schedule/default/sweep")], "detail": "{}",
    })
    .to_string()
}

/// A batch of the request queue with these bodies.
pub fn batch(bodies: &[String]) -> String {
    let sent = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().to_string();
    let message = |(n, body): (usize, &String)| {
        json!({
            "messageId": n.to_string(), "receiptHandle": n.to_string(), "body": body, "messageAttributes": {}, "md5OfBody": "x",
            "attributes": {"SentTimestamp": sent, "ApproximateReceiveCount": "1"}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:{PROVIDER}:requests"),
        })
    };
    json!({"Records": bodies.iter().enumerate().map(message).collect::<Vec<_>>()}).to_string()
}
