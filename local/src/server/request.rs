//! A call as the AWS protocols name it: which API and action, in which account's name, about which endpoint service.

use axum::http::{HeaderMap, request::Parts};
use serde::Serialize;

use super::parameters::Parameters;

/// A call as `/_local/calls` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// The caller's account: the access key id is the account id here.
    pub account: String,
    /// The action.
    pub action: String,
    /// The client.
    pub user_agent: String,
    /// The session token of temporary credentials, or nothing.
    pub session: String,
    /// `ServiceId`, if the call has one.
    pub service: Option<String>,
}

/// A call with its protocol's details.
#[derive(Debug)]
pub(super) struct ApiRequest {
    /// The signing name: `ec2`, `dynamodb`, `sns`, …; empty without a signature, as are `region` and `call.account`.
    pub(super) api: String,
    pub(super) region: String,
    /// `X-Amz-Target` of the JSON protocols.
    pub(super) target: Option<String>,
    pub(super) call: Call,
    pub(super) parameters: Parameters,
}

impl ApiRequest {
    /// Reads a call of a JSON or the Query protocol. Returns `None` for any other request, as S3's.
    pub(super) fn read(parts: &Parts, body: &[u8]) -> Option<Self> {
        let header = |name| header(&parts.headers, name);
        let scope: Vec<&str> = credential_scope(&parts.headers).map(|scope| scope.split('/').collect()).unwrap_or_default();
        let of_scope = |place: usize| scope.get(place).copied().unwrap_or_default().to_owned();
        let is_form = header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let parameters = Parameters::decode(&[parts.uri.query().unwrap_or_default().as_bytes(), if is_form { body } else { b"" }]);
        let target = header("x-amz-target").map(str::to_owned);
        let action = match &target {
            Some(target) => target.rsplit('.').next(),
            None => parameters.get("Action"),
        };
        let call = Call {
            account: of_scope(0),
            action: action?.to_owned(),
            user_agent: header("user-agent").unwrap_or_default().to_owned(),
            session: header("x-amz-security-token").unwrap_or_default().to_owned(),
            service: parameters.get("ServiceId").map(str::to_owned),
        };
        Some(Self { api: of_scope(3), region: of_scope(2), target, call, parameters })
    }

    /// Returns true for EC2's Query protocol. SNS and others speak it, too: without a signature, EC2's version decides.
    pub(super) fn is_ec2(&self) -> bool {
        self.api == "ec2" || (self.api.is_empty() && self.parameters.get("Version") == Some("2016-11-15"))
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Returns `KEY/DATE/REGION/SERVICE/aws4_request` of a `SigV4` signature.
fn credential_scope(headers: &HeaderMap) -> Option<&str> {
    let (_, rest) = header(headers, "authorization")?.split_once("Credential=")?;
    rest.split([',', ' ']).next()
}
