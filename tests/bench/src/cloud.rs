//! An AWS with one service and many requests: EC2 by `local`, and beside it a DynamoDB that takes every put.

use axum::{Router, http::HeaderMap, routing::post};
use local::{
    server::{Local, Options, serve as serve_local},
    world::{NewEndpoint, NewService},
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::world::PROVIDER;

/// Who asks. The policy that is measured lets it in.
pub const CONSUMER: &str = "000000000001";

/// Where it is, and who waits there.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cloud {
    pub ec2: String,
    pub dynamodb: String,
    pub service: String,
    pub endpoints: Vec<String>,
}

/// Says where it is on standard output, and serves until the process ends.
pub async fn serve(requests: usize) {
    let local = Local::new(Options::default());
    let (service, endpoints) = fill(&local, requests);
    let (ec2, dynamodb) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
    let cloud = Cloud { ec2: url(&ec2), dynamodb: url(&dynamodb), service, endpoints };
    println!("{}", serde_json::to_string(&cloud).unwrap());
    tokio::spawn(async move { axum::serve(dynamodb, Router::new().route("/", post(answer))).await });
    serve_local(ec2, local, false).await.unwrap();
}

fn fill(local: &Local, requests: usize) -> (String, Vec<String>) {
    let mut world = local.world();
    let new = NewService {
        load_balancer_arns: vec![format!("arn:aws:elasticloadbalancing:us-east-1:{PROVIDER}:loadbalancer/net/s/0123456789abcdef")],
        tags: [("Name".to_owned(), "service-1".to_owned())].into(),
        ..NewService::default()
    };
    let service = world.create_service(PROVIDER, new).unwrap();
    world.modify_permissions(PROVIDER, &service.id, &["*".to_owned()], &[]).unwrap();
    let ask = |_| world.create_endpoint(CONSUMER, &service.name, NewEndpoint::default()).unwrap().0.id;
    (service.id.clone(), (0..requests).map(ask).collect())
}

async fn answer(headers: HeaderMap) -> ([(&'static str, &'static str); 1], &'static str) {
    let target = headers.get("x-amz-target").map(|value| value.to_str().unwrap()).unwrap_or_default();
    let body = match target.rsplit('.').next() {
        Some("PutItem") => "{}",
        Some("Query") => r#"{"Items":[],"Count":0,"ScannedCount":0}"#,
        other => panic!("nobody measured needs {other:?}"),
    };
    ([("content-type", "application/x-amz-json-1.0")], body)
}
