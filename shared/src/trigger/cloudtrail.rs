//! `CreateVpcEndpoint` and `CreateTransitGatewayNetworkFunctionAttachment` as CloudTrail records them: the account of the consumer
//! forwards such events. AWS shows no event of the second: only ids are read from it, by their form, and it proves no role.
//!
//! The rule in the template pins the same fields. A bus that others may write to, and a direct `SendMessage`, know no rule.

use std::str::FromStr;

use aws_lambda_events::eventbridge::EventBridgeEvent;
use serde_json::Value;

use crate::{
    model::{
        claimed_reason::{ClaimedReason, REASON_TAG},
        facts::Claim,
        ids::{EndpointId, RoleArn, ServiceName},
    },
    trigger::{
        ids::Ids,
        target::{SubjectRef, Target},
    },
};

/// Returns the requests that the event says were made, or the reason to ignore the event.
pub(super) fn target(event: &EventBridgeEvent) -> Result<Target, &'static str> {
    let detail = &event.detail;
    let is_call = event.source == "aws.ec2" && event.detail_type == "AWS API Call via CloudTrail";
    if !is_call || text(detail, "eventSource") != Some("ec2.amazonaws.com") {
        return Err("not an EC2 call recorded by CloudTrail");
    }
    if detail.get("errorCode").is_some_and(|code| !code.is_null()) {
        return Err("the call failed or was a dry run");
    }
    match text(detail, "eventName") {
        Some("CreateVpcEndpoint") => created_endpoint(event).map(|subject| Target::Subjects(vec![subject])),
        Some("CreateTransitGatewayNetworkFunctionAttachment") => created_attachment(detail),
        _ => Err("neither a CreateVpcEndpoint nor a CreateTransitGatewayNetworkFunctionAttachment"),
    }
}

/// Returns the attachment that the response names, and the service that the request or the response names.
fn created_attachment(detail: &Value) -> Result<Target, &'static str> {
    let part = |name: &str| detail.get(name).filter(|part| !part.is_null());
    let response = part("responseElements").ok_or("no attachment was created")?;
    let ids = Ids::of(&format!("{} {response}", part("requestParameters").unwrap_or(&Value::Null)));
    if ids.are_too_many() {
        return Err("the event names more ids than one attachment has");
    }
    ids.target().ok_or("the event names neither an attachment nor an endpoint service")
}

/// Returns the endpoint that was created.
fn created_endpoint(event: &EventBridgeEvent) -> Result<SubjectRef, &'static str> {
    let detail = &event.detail;
    let endpoint = detail.pointer("/responseElements/CreateVpcEndpointResponse/vpcEndpoint").ok_or("no endpoint was created")?;
    let name: ServiceName =
        parsed(endpoint, "serviceName").ok_or("the endpoint is not of an endpoint service: a gateway endpoint, or AWS's own service")?;
    let id: EndpointId = parsed(endpoint, "vpcEndpointId").ok_or("the event names no endpoint")?;
    let claim = Claim {
        owner: parsed(endpoint, "ownerId"),
        account: event.account.as_deref().and_then(|account| account.parse().ok()),
        recipient: parsed(detail, "recipientAccountId"),
        subject: id.clone().into(),
        role: role(detail),
        reason: detail.get("requestParameters").and_then(reason),
    };
    Ok(SubjectRef { subject: id.into(), service: Some(name.service), region: Some(name.region), claim: Some(claim) })
}

/// The role behind the call, from the session's issuer. The session's own ARN lacks the path, and the caller chooses its name.
fn role(detail: &Value) -> Option<RoleArn> {
    let issuer = detail.pointer("/userIdentity/sessionContext/sessionIssuer")?;
    let is_role =
        text(issuer, "type") == Some("Role") && detail.pointer("/userIdentity/type").and_then(Value::as_str) == Some("AssumedRole");
    is_role.then(|| parsed(issuer, "arn")).flatten()
}

/// The reason that the requester gave: a tag of the endpoint in the request. AWS documents neither the nesting of the request's tags nor the
/// case of their members, so the tag is found by its form.
fn reason(request: &Value) -> Option<ClaimedReason> {
    match request {
        Value::Object(members) => {
            let member = |names: [&str; 2]| names.iter().find_map(|name| members.get(*name)?.as_str());
            match member(["Key", "key"]) {
                Some(REASON_TAG) => member(["Value", "value"]).and_then(ClaimedReason::of),
                _ => members.values().find_map(reason),
            }
        }
        Value::Array(items) => items.iter().find_map(reason),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

fn parsed<T: FromStr>(value: &Value, key: &str) -> Option<T> {
    text(value, key)?.parse().ok()
}
