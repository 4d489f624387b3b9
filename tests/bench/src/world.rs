//! A provider with many services: `local`, and beside it the ledger's DynamoDB, each on a port of its own.

use std::collections::HashMap;

use axum::serve::ListenerExt;
use local::{
    server::{Local, Options, serve as serve_local},
    world::{NewEndpoint, NewService},
};
use tokio::net::TcpListener;

use crate::ledger::{Ledger, router};

/// The provider.
pub const PROVIDER: &str = "123456789012";
/// Consumers, all of them in the policy.
pub const CONSUMERS: usize = 500;

/// A consumer's account.
pub fn consumer(number: usize) -> String {
    format!("{:012}", 400_000_000_000 + (number % CONSUMERS))
}

/// Fills a world, says where it is on standard output, and serves it until the process ends. The ledger holds the connected
/// endpoints unless `ledger` is `empty`, and records of so many deleted ones.
pub async fn serve(services: usize, each: usize, ledger: &str, deleted: u64) {
    let local = Local::new(Options::default());
    let (recorded, ids) = fill(&local, services, each);
    let recorded = if ledger == "empty" { HashMap::new() } else { recorded };
    let ec2 = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let table = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{} http://{}", ec2.local_addr().unwrap(), table.local_addr().unwrap());
    let router = router(Ledger::new(recorded, ids, deleted));
    // Else an answer in two parts waits for the first to be acknowledged.
    let table = table.tap_io(|stream| stream.set_nodelay(true).unwrap());
    tokio::spawn(async move { axum::serve(table, router).await });
    serve_local(ec2, local, false).await.unwrap();
}

/// The connected endpoints, each with its service, and the services.
fn fill(local: &Local, services: usize, each: usize) -> (HashMap<String, String>, Vec<String>) {
    let mut world = local.world();
    let (mut recorded, mut all) = (HashMap::new(), Vec::new());
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
        let mut ids = Vec::with_capacity(each);
        for index in 0..each {
            let account = consumer(number * 7 + index);
            let (endpoint, _) = world.create_endpoint(&account, &service.name, NewEndpoint::default()).unwrap();
            ids.push(endpoint.id);
        }
        world.accept(PROVIDER, &service.id, &ids).unwrap();
        for id in &ids {
            // Long ago, and settled.
            let connection = world.connection_mut(id).unwrap();
            connection.created = connection.created.map(|at| at - jiff::SignedDuration::from_hours(48));
            "available".clone_into(&mut connection.state);
        }
        recorded.extend(ids.into_iter().map(|id| (id, service.id.clone())));
        all.push(service.id);
    }
    (recorded, all)
}
