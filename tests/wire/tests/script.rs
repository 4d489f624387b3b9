//! A server that gives the answers of a script, one for each call, and keeps the calls' bodies.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use aws_config::SdkConfig;
use axum::{Router, extract::State, http::StatusCode, routing::post};
use serde_json::Value;

use crate::{PROVIDER, server::config};

/// The server. A call beyond the script's end is answered with an error.
#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<Inner>>);

struct Inner {
    answers: VecDeque<(u16, Value)>,
    calls: Vec<Value>,
}

impl Script {
    /// Starts the server. Returns it with the configuration of a client that does not retry.
    pub(crate) async fn start(answers: Vec<(u16, Value)>) -> (Self, SdkConfig) {
        let script = Self(Arc::new(Mutex::new(Inner { answers: answers.into(), calls: Vec::new() })));
        let router = Router::new().route("/", post(answer)).with_state(script.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (script, config(&url, PROVIDER))
    }

    /// The bodies of the calls.
    pub(crate) fn calls(&self) -> Vec<Value> {
        self.0.lock().unwrap().calls.clone()
    }
}

async fn answer(State(script): State<Script>, body: String) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    let mut inner = script.0.lock().unwrap();
    inner.calls.push(serde_json::from_str(&body).unwrap());
    let (status, answer) = inner.answers.pop_front().unwrap_or((400, Value::Null));
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/x-amz-json-1.0")], answer.to_string())
}
