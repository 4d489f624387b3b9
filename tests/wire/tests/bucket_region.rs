//! The S3 adapter with a bucket in another Region: S3 refuses the call and names the Region, and the adapter follows once.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::Response,
};
use warden::{
    aws::s3::Bucket,
    ports::{CallError, Fetch, Fetched, ReportStore},
};

use crate::{PROVIDER, server::config};

const HOME: &str = "eu-central-1";

/// How S3 refuses calls.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    status: u16,
    code: &'static str,
    /// The value of `x-amz-bucket-region`.
    region: Option<&'static str>,
    /// True if calls for the bucket's own Region are refused, too.
    always: bool,
}

const REDIRECT: Refusal = Refusal { status: 301, code: "PermanentRedirect", region: Some(HOME), always: false };

/// S3 with one bucket in `HOME`. It remembers for which Region each call was signed, and what was put.
struct S3 {
    refusal: Refusal,
    calls: Mutex<Vec<String>>,
    put: Mutex<Vec<u8>>,
}

impl S3 {
    async fn start(refusal: Refusal) -> (Arc<Self>, Bucket) {
        let s3 = Arc::new(Self { refusal, calls: Mutex::default(), put: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&s3));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (s3, Bucket::new(&config(&url, PROVIDER), "bucket".to_owned()))
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

async fn answer(State(s3): State<Arc<S3>>, request: Request) -> Response<Body> {
    // `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/s3/aws4_request, …`
    let authorization = request.headers()["authorization"].to_str().unwrap();
    let region = authorization.split('/').nth(2).unwrap().to_owned();
    let is_home = region == HOME;
    s3.calls.lock().unwrap().push(region);
    let body = to_bytes(request.into_body(), usize::MAX).await.unwrap();
    if is_home && !s3.refusal.always {
        s3.put.lock().unwrap().extend_from_slice(&body);
        return Response::builder().header("etag", "\"1\"").body(Body::from("the policies")).unwrap();
    }
    let Refusal { status, code, region, .. } = s3.refusal;
    let mut response = Response::builder().status(status);
    if let Some(region) = region {
        response = response.header("x-amz-bucket-region", region);
    }
    response.body(Body::from(format!("<Error><Code>{code}</Code><Message>Another Region.</Message></Error>"))).unwrap()
}

async fn fetch(bucket: &Bucket) -> Result<String, CallError> {
    match bucket.fetch("set.json", None).await? {
        Fetched::New { text, .. } => Ok(text),
        Fetched::Unchanged => panic!("there is no earlier version"),
    }
}

#[tokio::test]
async fn other_region_is_followed_and_kept() {
    let malformed = Refusal { status: 400, code: "AuthorizationHeaderMalformed", ..REDIRECT };
    for refusal in [REDIRECT, malformed] {
        let (s3, bucket) = S3::start(refusal).await;
        for _ in 0..2 {
            assert_eq!(fetch(&bucket).await.unwrap(), "the policies", "{refusal:?}");
        }
        assert_eq!(fetch(&bucket.clone()).await.unwrap(), "the policies", "a clone knows the Region, too");
        assert_eq!(s3.calls(), ["us-east-1", HOME, HOME, HOME], "{refusal:?}");
    }
}

#[tokio::test]
async fn upload_follows_with_its_whole_body() {
    let (s3, bucket) = S3::start(REDIRECT).await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"a report").unwrap();
    bucket.store("report.html", "text/html", file.path()).await.unwrap();
    assert_eq!(s3.calls(), ["us-east-1", HOME]);
    // The SDK may frame the body in chunks with a checksum.
    let put = String::from_utf8(s3.put.lock().unwrap().clone()).unwrap();
    assert_eq!(put.matches("a report").count(), 1, "{put}");
}

#[tokio::test]
async fn redirect_is_followed_only_once() {
    let (s3, bucket) = S3::start(Refusal { always: true, ..REDIRECT }).await;
    let error = fetch(&bucket).await.unwrap_err();
    assert_eq!(error.code.as_deref(), Some("PermanentRedirect"));
    assert_eq!(s3.calls(), ["us-east-1", HOME]);
}

#[tokio::test]
async fn other_refusals_are_not_followed() {
    for refusal in [
        Refusal { region: None, ..REDIRECT },
        Refusal { region: Some("us-east-1"), ..REDIRECT },
        Refusal { region: Some("not a Region"), ..REDIRECT },
        // S3 names the Region with other answers, too.
        Refusal { status: 403, code: "AccessDenied", ..REDIRECT },
        Refusal { status: 404, code: "NoSuchKey", ..REDIRECT },
    ] {
        let (s3, bucket) = S3::start(refusal).await;
        let error = fetch(&bucket).await.unwrap_err();
        assert_eq!(error.code.as_deref(), Some(refusal.code), "{refusal:?}");
        assert_eq!(s3.calls(), ["us-east-1"], "{refusal:?}");
    }
}
