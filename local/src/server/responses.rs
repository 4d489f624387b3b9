//! HTTP responses, and errors as each protocol spells them.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE},
};
use quick_xml::escape::escape;
use serde_json::{Value, json};

use crate::world::Ec2Error;

pub(super) const REQUEST_ID: &str = "7a62c49f-347e-4fc4-9331-6e8eEXAMPLE";

pub(super) fn xml(status: u16, document: &str) -> Response<Body> {
    response(status, "text/xml;charset=UTF-8", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{document}"))
}

pub(super) fn json_1_1(status: u16, document: &Value) -> Response<Body> {
    response(status, "application/x-amz-json-1.1", document.to_string())
}

pub(super) fn bad_gateway(message: String) -> Response<Body> {
    response(502, "text/plain;charset=UTF-8", message)
}

/// An error of EC2's Query protocol.
pub(super) fn xml_error(error: &Ec2Error) -> Response<Body> {
    let (code, message) = (escape(&error.code), escape(&error.message));
    let document = format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
         <RequestID>{REQUEST_ID}</RequestID></Response>"
    );
    xml(error.status, &document)
}

/// An error of a JSON protocol. DynamoDB puts the name of its API's version before the code.
pub(super) fn json_error(target: &str, error: &Ec2Error) -> Response<Body> {
    let prefix = if target.starts_with("DynamoDB_20120810.") { "com.amazonaws.dynamodb.v20120810#" } else { "" };
    let document = json!({"__type": format!("{prefix}{}", error.code), "message": error.message});
    response(error.status, "application/x-amz-json-1.0", document.to_string())
}

fn response(status: u16, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
