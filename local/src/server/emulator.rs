//! The emulator behind the stand-in: it receives every request that is not PrivateLink's, unchanged.

use axum::{
    body::{Body, Bytes},
    http::{Response, request::Parts},
};

use super::responses::bad_gateway;

#[derive(Debug)]
pub(super) struct Emulator {
    url: String,
    client: reqwest::Client,
}

impl Emulator {
    pub(super) fn new(url: String) -> Self {
        Self { url, client: reqwest::Client::new() }
    }

    pub(super) async fn forward(&self, parts: Parts, body: Bytes) -> Response<Body> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let sent = self.client.request(parts.method, url).headers(parts.headers).body(body).send().await;
        let unreachable = |error: reqwest::Error| {
            bad_gateway(format!("local: the emulator at {} does not answer ({error}); start it or pass --emulator\n", self.url))
        };
        match sent {
            Ok(answer) => copy(answer).await.unwrap_or_else(unreachable),
            Err(error) => unreachable(error),
        }
    }
}

async fn copy(answer: reqwest::Response) -> Result<Response<Body>, reqwest::Error> {
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    // The body is copied whole, so its framing changes.
    headers.remove("transfer-encoding");
    headers.remove("content-length");
    let mut response = Response::new(Body::from(answer.bytes().await?));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}
