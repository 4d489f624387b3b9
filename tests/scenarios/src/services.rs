//! Endpoint services as providers create them.

use local::world::NewService;

/// A service behind a Network Load Balancer, with a `Name` tag.
pub fn interface_service(name: &str) -> NewService {
    service("Interface", "net", name)
}

/// A service behind a Gateway Load Balancer, with a `Name` tag. It has no connection notifications.
pub fn gateway_service(name: &str) -> NewService {
    service("GatewayLoadBalancer", "gwy", name)
}

fn service(kind: &str, load_balancer: &str, name: &str) -> NewService {
    let arn = format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/{load_balancer}/{name}/0123456789abcdef");
    NewService {
        kind: kind.to_owned(),
        load_balancer_arns: vec![arn],
        tags: [("Name".to_owned(), name.to_owned())].into(),
        ..NewService::default()
    }
}
