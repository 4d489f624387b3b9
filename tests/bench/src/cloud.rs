//! An AWS with pending requests: EC2 by `local`, and beside it a DynamoDB that takes every write and a queue that keeps what is
//! sent. Every call takes its time, any number at once, and is counted.

use std::{
    collections::BTreeMap,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::HeaderMap,
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
    serve::ListenerExt,
};
use jiff::SignedDuration;
use local::{
    server::{Local, Options, router},
    world::{NewEndpoint, NewService},
};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
};

use crate::world::PROVIDER;

/// How much of it there is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub requests: usize,
    pub services: usize,
    /// Of each call.
    pub latency: Duration,
}

/// Its addresses, and its pending requests.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cloud {
    pub ec2: String,
    /// DynamoDB and SQS.
    pub tables: String,
    seen: String,
    pub services: Vec<String>,
    /// Oldest first; each asks the next of the services in turn.
    pub endpoints: Vec<String>,
}

/// What it has seen so far.
#[derive(Debug, Serialize, Deserialize)]
pub struct Seen {
    pub calls: BTreeMap<String, usize>,
    /// The pending requests.
    pub pending: usize,
    /// The bodies of the messages that were sent since it was last looked at.
    pub messages: Vec<String>,
}

impl Seen {
    pub fn calls(&self) -> usize {
        self.calls.values().sum()
    }
}

impl Cloud {
    /// Starts one in a process of its own.
    pub async fn start(size: Size) -> (Child, Self) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let numbers = [size.requests, size.services, size.latency.as_millis().try_into().unwrap()];
        command.arg("cloud").args(numbers.map(|number| number.to_string())).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let line = BufReader::new(process.stdout.take().unwrap()).lines().next_line().await.unwrap().unwrap();
        (process, serde_json::from_str(&line).unwrap())
    }

    pub async fn seen(&self) -> Seen {
        serde_json::from_slice(&reqwest::get(&self.seen).await.unwrap().bytes().await.unwrap()).unwrap()
    }
}

/// Every account that asks: those that `policy::set(100, 1_000)` accepts.
pub fn consumers() -> String {
    let of_service = |service| (0..10).map(move |turn| consumer(service, turn));
    (0..10).flat_map(of_service).collect::<Vec<_>>().join(",")
}

fn consumer(service: usize, turn: usize) -> String {
    format!("{:012}", group(service) + 100 * (turn % 10))
}

/// A rule of that set that is neither a cap nor has an end.
fn group(service: usize) -> usize {
    10 * (service % 10) + 1
}

/// Says where it is on standard output, and serves until the process ends.
pub async fn serve(size: Size) {
    let local = Local::new(Options::default());
    let (services, endpoints) = fill(&local, size);
    let listener = || TcpListener::bind("127.0.0.1:0");
    let (ec2, tables, seen) = (listener().await.unwrap(), listener().await.unwrap(), listener().await.unwrap());
    let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
    let cloud = Cloud { ec2: url(&ec2), tables: url(&tables), seen: url(&seen), services, endpoints };
    println!("{}", serde_json::to_string(&cloud).unwrap());
    let state = Arc::new(Sky { cloud, local: Arc::clone(&local), calls: Mutex::default(), messages: Mutex::default() });
    let slow = |router: Router| match size.latency {
        Duration::ZERO => router,
        latency => router.layer(middleware::from_fn_with_state(latency, take_time)),
    };
    let table = Router::new().route("/", post(answer)).route("/requests", post(answer)).with_state(Arc::clone(&state));
    let looking_in = Router::new().route("/", get(look_in)).with_state(state);
    tokio::spawn(serve_one(tables, slow(table)));
    tokio::spawn(serve_one(seen, looking_in));
    serve_one(ec2, slow(router(local, false))).await;
}

async fn serve_one(listener: TcpListener, router: Router) {
    // Else an answer in two parts waits for the first to be acknowledged.
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    axum::serve(listener, router.into_make_service_with_connect_info::<std::net::SocketAddr>()).await.unwrap();
}

async fn take_time(State(latency): State<Duration>, request: Request, next: Next) -> Response {
    tokio::time::sleep(latency).await;
    next.run(request).await
}

fn fill(local: &Local, size: Size) -> (Vec<String>, Vec<String>) {
    let mut world = local.world();
    let mut create = |number: usize| {
        let new = NewService {
            load_balancer_arns: vec![format!(
                "arn:aws:elasticloadbalancing:us-east-1:{PROVIDER}:loadbalancer/net/s{number}/0123456789abcdef"
            )],
            tags: [("Name".to_owned(), format!("service-{}", group(number)))].into(),
            ..NewService::default()
        };
        let service = world.create_service(PROVIDER, new).unwrap();
        world.modify_permissions(PROVIDER, &service.id, &["*".to_owned()], &[]).unwrap();
        service
    };
    let services: Vec<_> = (0..size.services).map(&mut create).collect();
    let mut endpoints = Vec::with_capacity(size.requests);
    for number in 0..size.requests {
        let (turn, service) = (number / size.services, number % size.services);
        let (endpoint, _) = world.create_endpoint(&consumer(service, turn), &services[service].name, NewEndpoint::default()).unwrap();
        // A second apart, the last one a minute ago.
        let age = SignedDuration::from_secs(i64::try_from(size.requests - number).unwrap() + 60);
        let connection = world.connection_mut(&endpoint.id).unwrap();
        connection.created = connection.created.map(|at| at - age);
        endpoints.push(endpoint.id);
    }
    (services.into_iter().map(|service| service.id).collect(), endpoints)
}

struct Sky {
    cloud: Cloud,
    local: Arc<Local>,
    /// Those to DynamoDB and SQS.
    calls: Mutex<BTreeMap<String, usize>>,
    messages: Mutex<Vec<String>>,
}

async fn look_in(State(sky): State<Arc<Sky>>) -> String {
    let mut calls = sky.calls.lock().unwrap().clone();
    for call in sky.local.calls() {
        *calls.entry(call.action).or_default() += 1;
    }
    let messages = std::mem::take(&mut *sky.messages.lock().unwrap());
    let mut world = sky.local.world();
    let is_pending = |endpoint: &&String| world.connection_mut(endpoint).unwrap().state == "pendingAcceptance";
    let pending = sky.cloud.endpoints.iter().filter(is_pending).count();
    serde_json::to_string(&Seen { calls, pending, messages }).unwrap()
}

/// Reads what it is sent, too, or the connection could not be used again.
async fn answer(State(sky): State<Arc<Sky>>, headers: HeaderMap, body: Bytes) -> ([(&'static str, &'static str); 1], &'static str) {
    let target = headers.get("x-amz-target").map(|value| value.to_str().unwrap()).unwrap_or_default();
    let call = target.rsplit('.').next().unwrap_or_default();
    *sky.calls.lock().unwrap().entry(call.to_owned()).or_default() += 1;
    let body = match call {
        "PutItem" | "TransactWriteItems" | "GetItem" | "ChangeMessageVisibility" => "{}",
        "Query" => r#"{"Items":[],"Count":0,"ScannedCount":0}"#,
        "SendMessageBatch" => {
            sky.messages.lock().unwrap().extend(bodies(&body));
            r#"{"Successful":[],"Failed":[]}"#
        }
        other => panic!("no measured function needs {other:?}"),
    };
    ([("content-type", "application/x-amz-json-1.0")], body)
}

fn bodies(call: &[u8]) -> Vec<String> {
    let call: serde_json::Value = serde_json::from_slice(call).unwrap();
    let body = |entry: &serde_json::Value| entry["MessageBody"].as_str().unwrap().to_owned();
    call["Entries"].as_array().unwrap().iter().map(body).collect()
}
