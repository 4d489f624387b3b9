//! What a call is called, in whichever API: EC2's own, or one that is passed on.

use axum::{
    body::Body,
    http::{HeaderValue, Response, header::CONTENT_TYPE, request::Parts},
};
use serde_json::json;

use super::query::{credential, decode, header};
use crate::world::Ec2Error;

/// A call by name.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// As the signature has it: `ec2`, `dynamodb`, `sns`, …
    pub(super) api: String,
    pub(super) action: String,
    /// The caller.
    pub(super) account: String,
    /// The endpoint service that it names.
    pub(super) service: Option<String>,
}

impl Asked {
    /// Reads a signed request; `None` where none of the two protocols below names its action.
    pub(super) fn of(parts: &Parts, body: &[u8]) -> Option<Self> {
        let scope = credential(&parts.headers)?;
        let mut scope = scope.split('/');
        let (account, api) = (scope.next()?.to_owned(), scope.nth(2)?.to_owned());
        if let Some((_, action)) = header(&parts.headers, "x-amz-target").and_then(|target| target.rsplit_once('.')) {
            return Some(Self { api, action: action.to_owned(), account, service: None });
        }
        let form = header(&parts.headers, "content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let parameters = if form { decode(body) } else { Vec::new() };
        let of = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        Some(Self { api, action: of("Action")?, account, service: of("ServiceId") })
    }
}

/// An error as the JSON protocols spell it. DynamoDB's codes come with the name of its API's version.
pub(super) fn json_error(parts: &Parts, error: &Ec2Error) -> Response<Body> {
    let target = header(&parts.headers, "x-amz-target").unwrap_or_default();
    let prefix = if target.starts_with("DynamoDB_20120810.") { "com.amazonaws.dynamodb.v20120810#" } else { "" };
    let body = json!({"__type": format!("{prefix}{}", error.code), "message": error.message});
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = error.status.try_into().unwrap_or_default();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    response
}
