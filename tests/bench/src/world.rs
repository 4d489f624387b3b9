//! A provider with many services: `local`, and beside it what the ledger would know, each on a port of its own.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Router, extract::RawQuery, routing::get};
use local::{
    server::{Local, Options, serve as serve_local},
    world::{NewEndpoint, NewService},
};
use tokio::net::TcpListener;

/// The provider.
pub const PROVIDER: &str = "123456789012";
/// Consumers, all of them in the policy.
pub const CONSUMERS: usize = 500;

/// A consumer's account.
pub fn consumer(number: usize) -> String {
    format!("{:012}", 400_000_000_000 + (number % CONSUMERS))
}

/// Fills a world, says where it is on standard output, and serves it until the process ends.
pub async fn serve(services: usize, each: usize) {
    let local = Local::new(Options::default());
    let recorded = fill(&local, services, each);
    let ec2 = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ledger = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{} http://{}", ec2.local_addr().unwrap(), ledger.local_addr().unwrap());
    let recorded = Arc::new(recorded);
    let router = Router::new().route(
        "/",
        get(move |RawQuery(service): RawQuery| {
            let recorded = Arc::clone(&recorded);
            async move { serde_json::to_string(&recorded.get(&service.unwrap_or_default())).unwrap() }
        }),
    );
    tokio::spawn(async move { axum::serve(ledger, router).await });
    serve_local(ec2, local, false).await.unwrap();
}

/// The endpoints of each service with their owners, all of them connected.
fn fill(local: &Local, services: usize, each: usize) -> BTreeMap<String, Vec<(String, String)>> {
    let mut world = local.world();
    let mut recorded = BTreeMap::new();
    for number in 0..services {
        let new = NewService {
            load_balancer_arns: vec![format!(
                "arn:aws:elasticloadbalancing:us-east-1:{PROVIDER}:loadbalancer/net/s{number}/0123456789abcdef"
            )],
            tags: [("Name".to_owned(), format!("service-{number}"))].into(),
            ..NewService::default()
        };
        let service = world.create_service(PROVIDER, new).unwrap();
        world.modify_permissions(PROVIDER, &service.id, &["*".to_owned()], &[]).unwrap();
        world
            .create_notification(PROVIDER, &service.id, "arn:aws:sns:us-east-1:123456789012:connections", &["Connect".to_owned()])
            .unwrap();
        let mut endpoints = Vec::with_capacity(each);
        for index in 0..each {
            let account = consumer(number * 7 + index);
            let (endpoint, _) = world.create_endpoint(&account, &service.name, NewEndpoint::default()).unwrap();
            endpoints.push((endpoint.id, account));
        }
        let ids: Vec<String> = endpoints.iter().map(|(id, _)| id.clone()).collect();
        world.accept(PROVIDER, &service.id, &ids).unwrap();
        for id in &ids {
            // Long ago, and settled.
            let connection = world.connection_mut(id).unwrap();
            connection.created = connection.created.map(|at| at - jiff::SignedDuration::from_hours(48));
            "available".clone_into(&mut connection.state);
        }
        recorded.insert(service.id, endpoints);
    }
    recorded
}
