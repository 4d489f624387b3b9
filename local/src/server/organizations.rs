//! `DescribeAccount` of AWS Organizations: the emulator's answer lacks `Paths`.

use axum::{body::Body, http::Response};
use serde_json::{Value, json};

use super::{request::ApiRequest, responses::json_1_1, state::Local};
use crate::world::{Ec2Error, Ec2Result};

const TARGET: &str = "AWSOrganizationsV20161128.DescribeAccount";

/// Answers `DescribeAccount`; `None` for any other call.
pub(super) fn answer(local: &Local, request: &ApiRequest, body: &[u8]) -> Option<Response<Body>> {
    let is_target = request.target.as_deref() == Some(TARGET);
    is_target.then(|| match describe_account(local, request, body) {
        Ok(account) => json_1_1(200, &json!({ "Account": account })),
        Err(error) => json_1_1(error.status, &json!({"__type": error.code, "Message": error.message})),
    })
}

fn describe_account(local: &Local, request: &ApiRequest, body: &[u8]) -> Ec2Result<Value> {
    local.control().record_and_check(request)?;
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let id = body.get("AccountId").and_then(Value::as_str);
    let id = id.ok_or_else(|| Ec2Error::new("InvalidInputException", "You specified invalid input: AccountId."))?;
    let world = local.world();
    world.organization.check_caller(&request.call.account)?;
    let account = world.organization.describe(id)?;
    Ok(json!({
        "Id": id,
        "Arn": format!("arn:aws:organizations::{}:account/o-a1b2c3d4e5/{id}", request.call.account),
        "Email": format!("{id}@example.com"),
        "Name": account.name,
        "Status": account.status(),
        "State": account.state,
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": 1_700_000_000,
        "Paths": [account.path],
    }))
}
