//! The S3 adapter: an object that is too large for a policy set is not read.

use axum::{Router, body::Body, http::Response, routing::get};
use warden::{
    aws::s3::Bucket,
    ports::{CallError, Fetch, Fetched},
};

use crate::{PROVIDER, server::config};

const MAX: usize = 8 * 1024 * 1024;

/// Reads an object. The objects `max` and `more` state their length; `pieces` comes in pieces without a length.
async fn fetch(key: &str) -> Result<usize, CallError> {
    let object = |length: usize| Response::builder().header("etag", "\"1\"").body(Body::from(vec![b' '; length])).unwrap();
    let pieces = |length: usize| {
        let piece = axum::body::Bytes::from(vec![b' '; 1024]);
        let pieces = std::iter::repeat_n(piece, length / 1024).map(Ok::<_, std::io::Error>);
        Response::builder().header("etag", "\"1\"").body(Body::from_stream(futures_util::stream::iter(pieces))).unwrap()
    };
    let router = Router::new()
        .route("/bucket/max", get(move || async move { object(MAX) }))
        .route("/bucket/more", get(move || async move { object(MAX + 1) }))
        .route("/bucket/pieces", get(move || async move { pieces(MAX * 4) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    match Bucket::new(&config(&url, PROVIDER), "bucket".to_owned()).fetch(key, None).await? {
        Fetched::New { text, .. } => Ok(text.len()),
        Fetched::Unchanged => panic!("there is no earlier version"),
    }
}

#[tokio::test]
async fn too_large_object_is_not_read() {
    assert_eq!(fetch("max").await.unwrap(), MAX);
    for key in ["more", "pieces"] {
        let refused = fetch(key).await.unwrap_err();
        assert_eq!(refused.message, format!("{key} has more than {MAX} bytes: it is not a policy set"));
    }
}
