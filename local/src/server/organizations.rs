//! `DescribeAccount` in Organizations' own protocol (JSON 1.1): the emulator's answer lacks the account's path.

use axum::{
    body::Body,
    http::{Response, header::CONTENT_TYPE, request::Parts},
};
use serde_json::{Value, json};

use super::{Call, Local, query};
use crate::world::Ec2Error;

const TARGET: &str = "AWSOrganizationsV20161128.DescribeAccount";

/// Answers a request, if it is this one.
pub(super) fn answer(local: &Local, parts: &Parts, body: &[u8]) -> Option<Response<Body>> {
    (query::header(&parts.headers, "x-amz-target") == Some(TARGET)).then(|| {
        let (status, body) = match described(local, parts, body) {
            Ok(account) => (200, json!({ "Account": account })),
            Err(error) => (error.status, json!({"__type": error.code, "Message": error.message})),
        };
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = status.try_into().unwrap_or_default();
        response.headers_mut().insert(CONTENT_TYPE, axum::http::HeaderValue::from_static("application/x-amz-json-1.1"));
        response
    })
}

fn described(local: &Local, parts: &Parts, body: &[u8]) -> Result<Value, Ec2Error> {
    let credential = query::credential(&parts.headers);
    let caller = credential.as_deref().and_then(|scope| scope.split('/').next()).unwrap_or_default();
    let user_agent = query::header(&parts.headers, "user-agent").unwrap_or_default().to_owned();
    let session = query::session(&parts.headers);
    let call = Call { account: caller.to_owned(), action: "DescribeAccount".to_owned(), user_agent, session, service: None };
    local.knobs().note("organizations", call)?;
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let id = body.get("AccountId").and_then(Value::as_str);
    let id = id.ok_or_else(|| Ec2Error::new("InvalidInputException", "You specified invalid input: AccountId."))?;
    let world = local.world();
    let account = world.organization.describe(id)?;
    Ok(json!({
        "Id": id,
        "Arn": format!("arn:aws:organizations::{caller}:account/o-a1b2c3d4e5/{id}"),
        "Email": format!("{id}@example.com"),
        "Name": account.name,
        "State": account.state,
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": 1_700_000_000,
        "Paths": [account.path],
    }))
}
