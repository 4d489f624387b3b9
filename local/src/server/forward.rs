//! Everything that is not PrivateLink goes on to the emulator as it came.

use axum::{
    body::{Body, Bytes},
    http::{Response, StatusCode, request::Parts},
};

use super::Local;

pub(super) async fn forward(local: &Local, parts: Parts, body: Bytes) -> Response<Body> {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}{path}", local.emulator.trim_end_matches('/'));
    let sent = local.client.request(parts.method, url).headers(parts.headers).body(body).send().await;
    match sent {
        Ok(answer) => pass_on(answer).await,
        Err(error) => unreachable(&local.emulator, &error.to_string()),
    }
}

async fn pass_on(answer: reqwest::Response) -> Response<Body> {
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    // The body is sent on whole, so its framing is new.
    headers.remove("transfer-encoding");
    headers.remove("content-length");
    match answer.bytes().await {
        Ok(bytes) => {
            let mut response = Response::new(Body::from(bytes));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            response
        }
        Err(error) => unreachable("the emulator", &error.to_string()),
    }
}

fn unreachable(emulator: &str, why: &str) -> Response<Body> {
    let mut response =
        Response::new(Body::from(format!("local: the emulator at {emulator} does not answer ({why}); start it or pass --emulator\n")));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
