//! Lambda's side of a function's life: the runtime API, one event at a time, and a clock from spawn to answer.

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
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex, mpsc},
};

/// A function that answers no sooner than this does not answer at all. Valgrind makes everything some fifty times slower.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// The runtime API, for one function at a time.
pub struct Lambda {
    address: String,
    events: mpsc::Sender<String>,
    answers: Mutex<mpsc::Receiver<String>>,
}

#[derive(Clone)]
struct Ends {
    events: Arc<Mutex<mpsc::Receiver<String>>>,
    answers: mpsc::Sender<String>,
}

impl Lambda {
    /// Serves the runtime API until the process ends.
    pub async fn start() -> Self {
        let (events, next) = mpsc::channel(1);
        let (answers, answered) = mpsc::channel(1);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(hand_over))
            .route("/2018-06-01/runtime/invocation/{id}/{outcome}", post(take))
            .with_state(Ends { events: Arc::new(Mutex::new(next)), answers });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, events, answers: Mutex::new(answered) }
    }

    /// Starts a function, and has it answer one event: how long from spawn to answer, and the function, ready for more.
    pub async fn cold(&self, mut command: Command, event: String) -> (Duration, String, Child) {
        command.env("AWS_LAMBDA_RUNTIME_API", &self.address).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        self.events.send(event).await.unwrap();
        let start = Instant::now();
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let answer = self.answer().await;
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
        tokio::time::timeout(ANSWER_WITHIN, self.answers.lock().await.recv()).await.expect("the function does not answer").unwrap()
    }
}

async fn hand_over(State(ends): State<Ends>) -> ([(HeaderName, String); 4], String) {
    let next = ends.events.lock().await.recv().await;
    // Nobody asks any more: the function waits as on Lambda, for ever.
    let Some(event) = next else { return std::future::pending().await };
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(60);
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:measured".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0".to_owned()),
    ];
    (headers.map(|(name, value)| (HeaderName::from_static(name), value)), event)
}

async fn take(State(ends): State<Ends>, Path((_, outcome)): Path<(String, String)>, body: String) -> StatusCode {
    assert_eq!(outcome, "response", "{body}");
    ends.answers.send(body).await.unwrap();
    StatusCode::ACCEPTED
}
