//! A policy set's object, as S3 hands it over.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use axum::{Router, body::Body, http::Response, routing::get};
use warden::{
    aws::s3::Bucket,
    ports::{CallError, Fetch, Fetched},
};

const MOST: usize = 8 * 1024 * 1024;

/// An S3 with two objects, by whose lengths it is asked: one says its length, the other comes in pieces without.
async fn fetch(key: &str) -> Result<usize, CallError> {
    let object = |length: usize| Response::builder().header("etag", "\"1\"").body(Body::from(vec![b' '; length])).unwrap();
    let pieces = |length: usize| {
        let piece = axum::body::Bytes::from(vec![b' '; 1024]);
        let pieces = std::iter::repeat_n(piece, length / 1024).map(Ok::<_, std::io::Error>);
        Response::builder().header("etag", "\"1\"").body(Body::from_stream(futures_util::stream::iter(pieces))).unwrap()
    };
    let router = Router::new()
        .route("/bucket/most", get(move || async move { object(MOST) }))
        .route("/bucket/more", get(move || async move { object(MOST + 1) }))
        .route("/bucket/pieces", get(move || async move { pieces(MOST * 4) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("123456789012", "secret", None, None, "test")))
        .build();
    match Bucket::new(&config, "bucket".to_owned()).fetch(key, None).await? {
        Fetched::New { text, .. } => Ok(text.len()),
        Fetched::Unchanged => panic!("it was not fetched before"),
    }
}

#[tokio::test]
async fn an_object_that_no_policy_set_can_be_is_not_read_to_its_end() {
    assert_eq!(fetch("most").await.unwrap(), MOST);
    for key in ["more", "pieces"] {
        let refused = fetch(key).await.unwrap_err();
        assert_eq!(refused.message, format!("{key} has more than {MOST} bytes, and no policy set needs as many"));
    }
}
