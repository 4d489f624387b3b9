//! The protocol of `local`: EC2's as the real SDK expects it; every other call is forwarded.

use aws_sdk_ec2::{
    error::ProvideErrorMetadata,
    types::{Filter, VpcEndpointType},
};
use local::server::Options;

use crate::{CONSUMER, PROVIDER, server::Server};

#[tokio::test]
async fn sdk_creates_and_accepts_a_connection() {
    let server = Server::start(Options::default()).await;
    let (provider, consumer) = (server.client(PROVIDER), server.client(CONSUMER));
    let made = provider
        .create_vpc_endpoint_service_configuration()
        .network_load_balancer_arns("arn:nlb")
        .acceptance_required(true)
        .send()
        .await
        .unwrap();
    let service = made.service_configuration().unwrap().clone();
    let id = service.service_id().unwrap();
    assert_eq!(service.acceptance_required(), Some(true));

    let ask = || {
        consumer
            .create_vpc_endpoint()
            .vpc_endpoint_type(VpcEndpointType::Interface)
            .vpc_id("vpc-1")
            .service_name(service.service_name().unwrap())
    };
    assert_eq!(ask().send().await.unwrap_err().code(), Some("InvalidServiceName"));
    let allow = |principal: &str| provider.modify_vpc_endpoint_service_permissions().service_id(id).add_allowed_principals(principal);
    assert_eq!(allow("arn:aws:sts::111122223333:assumed-role/x/y").send().await.unwrap_err().code(), Some("InvalidPrincipal"));
    let allowed = allow("arn:aws:iam::111122223333:root").send().await.unwrap();
    assert_eq!(allowed.added_principals().len(), 1);
    let permissions = provider.describe_vpc_endpoint_service_permissions().service_id(id).send().await.unwrap();
    assert_eq!(permissions.allowed_principals()[0].principal_type().unwrap().as_str(), "Account");

    assert_eq!(ask().dry_run(true).send().await.unwrap_err().code(), Some("DryRunOperation"));
    let endpoint = ask().send().await.unwrap().vpc_endpoint().unwrap().clone();
    assert_eq!(endpoint.state().unwrap().as_str(), "pendingAcceptance");
    assert_eq!(endpoint.owner_id(), Some(CONSUMER));
    let connections =
        provider.describe_vpc_endpoint_connections().filters(Filter::builder().name("service-id").values(id).build()).send().await.unwrap();
    let state = connections.vpc_endpoint_connections()[0].vpc_endpoint_state().unwrap();
    assert_eq!(state.as_str(), "pendingAcceptance", "the spelling on the wire");
    assert_ne!(*state, aws_sdk_ec2::types::State::PendingAcceptance, "the SDK's enum has another spelling");

    let accepted = provider
        .accept_vpc_endpoint_connections()
        .service_id(id)
        .vpc_endpoint_ids(endpoint.vpc_endpoint_id().unwrap())
        .send()
        .await
        .unwrap();
    assert!(accepted.unsuccessful().is_empty());
    let seen = consumer.describe_vpc_endpoints().send().await.unwrap();
    assert!(["pending", "available"].contains(&seen.vpc_endpoints()[0].state().unwrap().as_str()));
    let error = provider
        .accept_vpc_endpoint_connections()
        .service_id("vpce-svc-0ffffffffffffffff")
        .vpc_endpoint_ids("vpce-1")
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("InvalidVpcEndpointServiceId.NotFound"));
}

#[tokio::test]
async fn other_calls_are_forwarded_unchanged() {
    let emulator = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", emulator.local_addr().unwrap());
    let echo = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = emulator.accept().await.unwrap();
        let mut bytes = vec![0; 4096];
        let mut read = 0;
        while !String::from_utf8_lossy(&bytes[..read]).ends_with("the body") {
            read += stream.read(&mut bytes[read..]).await.unwrap();
        }
        stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\nx-amz-thing: y\r\n\r\nhi").await.unwrap();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    });
    let server = Server::start(Options { emulator: url, ..Options::default() }).await;
    let answer = reqwest::Client::new()
        .put(format!("{}/bucket/key?x=1%2F2", server.url))
        .header("x-amz-other", "z")
        .body("the body")
        .send()
        .await
        .unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["x-amz-thing"].to_str().unwrap()), (201, "y"));
    assert_eq!(answer.text().await.unwrap(), "hi");
    let seen = echo.await.unwrap();
    assert!(seen.starts_with("PUT /bucket/key?x=1%2F2 HTTP/1.1") && seen.contains("x-amz-other: z"), "{seen}");
}

#[tokio::test]
async fn malformed_calls_get_an_error() {
    let server = Server::start(Options { emulator: "http://127.0.0.1:1".to_owned(), ..Options::default() }).await;
    let client = reqwest::Client::new();
    let ec2 = |body: &'static str, key: &str| {
        client
            .post(&server.url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/ec2/aws4_request, Signature=x"))
            .body(body)
    };
    for (body, key, status, says) in [
        ("Action=DescribeVpcEndpointConnections", "AKIAEXAMPLE", 401, "AuthFailure"),
        ("Action=DescribeVpcEndpointConnections&MaxResults=x", PROVIDER, 400, "InvalidParameterValue"),
        ("Action=DescribeVpcEndpointConnections&NextToken=%ff%00", PROVIDER, 400, "InvalidNextToken"),
        ("Action=AcceptVpcEndpointConnections", PROVIDER, 400, "MissingParameter"),
        ("%%%&&&==", PROVIDER, 502, "the emulator"),
        ("Action=DescribeVpcs", PROVIDER, 502, "the emulator"),
    ] {
        let answer = ec2(body, key).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{body}");
        assert!(answer.text().await.unwrap().contains(says), "{body}");
    }
}
