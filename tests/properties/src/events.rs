//! The messages that AWS sends, and forgeries of them.

use serde_json::{Value, json};

use crate::{grammar::ROLE, scenario::Forgery};

const CREATED: &str = "/detail/responseElements/CreateVpcEndpointResponse/vpcEndpoint";

/// An event that AWS sent.
#[derive(Debug, Clone)]
pub struct Sent {
    pub value: Value,
    /// The endpoint that the event is about.
    pub endpoint: String,
}

/// The statement of a CloudTrail event about the author of a request, as the threat model says that it must be read.
#[derive(Debug, Clone)]
pub struct Claim {
    pub endpoint: String,
    pub owner: Option<String>,
    /// The name of the service.
    pub service: String,
    /// The account of the event's bus, and the account that CloudTrail delivered to.
    accounts: [Option<String>; 2],
    role: Option<String>,
}

impl Claim {
    /// The claim of an event, if it records the creation of an endpoint.
    pub fn of(event: &Value) -> Option<Self> {
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
        let is = |pointer: &str, expected: &str| text(pointer) == Some(expected);
        let account = |pointer: &str| text(pointer).filter(|text| is_account(text)).map(str::to_owned);
        let is_creation = is("/source", "aws.ec2")
            && is("/detail-type", "AWS API Call via CloudTrail")
            && is("/detail/eventSource", "ec2.amazonaws.com")
            && is("/detail/eventName", "CreateVpcEndpoint")
            && event.pointer("/detail/errorCode").is_none_or(Value::is_null);
        let by_role =
            is("/detail/userIdentity/type", "AssumedRole") && is("/detail/userIdentity/sessionContext/sessionIssuer/type", "Role");
        is_creation.then_some(Self {
            endpoint: text(&format!("{CREATED}/vpcEndpointId")).unwrap_or_default().to_owned(),
            service: text(&format!("{CREATED}/serviceName")).unwrap_or_default().to_owned(),
            owner: account(&format!("{CREATED}/ownerId")),
            accounts: [account("/account"), account("/detail/recipientAccountId")],
            role: text("/detail/userIdentity/sessionContext/sessionIssuer/arn").filter(|_| by_role).map(str::to_owned),
        })
    }

    /// Returns true if it is about an endpoint of a service, as it says.
    pub fn is_about(&self, endpoint: &str, service: &str) -> bool {
        self.endpoint == endpoint && self.service.ends_with(service)
    }

    /// The role that it proves: all accounts in it are the owner that EC2 describes.
    pub fn proves(&self, endpoint: &str, owner: &str) -> Option<String> {
        let role = self.role.as_ref().filter(|role| role.starts_with(&format!("arn:aws:iam::{owner}:role/")))?;
        let agreed = self.accounts.iter().chain([&self.owner]).all(|account| account.as_deref() == Some(owner));
        (agreed && self.endpoint == endpoint).then(|| role.clone())
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Sent {
    pub fn is_trail(&self) -> bool {
        self.value.get("detail").is_some()
    }

    /// The event as it is delivered.
    pub fn forged(&self, forgery: Forgery, accounts: &[&str]) -> Value {
        let mut event = self.value.clone();
        let mut put = |pointer: &str, value: String| {
            if let Some(place) = event.pointer_mut(pointer) {
                *place = json!(value);
            }
        };
        match forgery {
            Forgery::None => {}
            Forgery::Owner(n) => put(&format!("{CREATED}/ownerId"), accounts[n].to_owned()),
            Forgery::Role(n) => put("/detail/userIdentity/sessionContext/sessionIssuer/arn", role_of(accounts[n])),
            Forgery::Envelope(n) => put("/account", accounts[n].to_owned()),
            Forgery::WithoutIds { names_service } => {
                let text = self.value.pointer("/Message").and_then(Value::as_str).unwrap_or("{}");
                let body: Value = serde_json::from_str(text).unwrap();
                let service = body["serviceId"].as_str().filter(|_| names_service).unwrap_or("a service");
                put("/Message", format!("{service} has news"));
            }
        }
        event
    }
}

/// The role with which an account creates endpoints.
pub fn role_of(account: &str) -> String {
    format!("arn:aws:iam::{account}:{ROLE}")
}
