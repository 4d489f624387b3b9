//! A request in EC2's Query protocol: who calls what, with which parameters.

use axum::http::{HeaderMap, request::Parts};

use super::Call;
use crate::world::{Ec2Error, Filter, PageRequest, Tags};

/// A call to EC2.
pub(super) struct Query {
    pub(super) action: String,
    credential: Option<String>,
    user_agent: String,
    session: String,
    parameters: Vec<(String, String)>,
}

impl Query {
    /// Reads a request; `None` where it is no call to EC2.
    pub(super) fn of(parts: &Parts, body: &[u8]) -> Option<Self> {
        let credential = credential(&parts.headers);
        if credential.as_deref().is_some_and(|scope| scope.split('/').nth(3) != Some("ec2")) {
            return None;
        }
        let mut parameters = decode(parts.uri.query().unwrap_or_default().as_bytes());
        let form = header(&parts.headers, "content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        if form {
            parameters.extend(decode(body));
        }
        let of = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let (action, version) = (of("Action")?, of("Version"));
        // EC2's own version; SNS, SQS and others speak the same protocol without a scope when nobody signs.
        (credential.is_some() || version.as_deref() == Some("2016-11-15")).then(|| Self {
            action,
            credential,
            user_agent: header(&parts.headers, "user-agent").unwrap_or_default().to_owned(),
            session: session(&parts.headers),
            parameters,
        })
    }

    /// The account: the access key id, which must have its form.
    pub(super) fn account(&self) -> Result<&str, Ec2Error> {
        let key = self.credential.as_deref().and_then(|scope| scope.split('/').next()).unwrap_or_default();
        if key.len() == 12 && key.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(key);
        }
        let message = "set AWS_ACCESS_KEY_ID to the 12-digit id of the account you want to be";
        Err(Ec2Error { code: "AuthFailure".to_owned(), message: message.to_owned(), status: 401 })
    }

    /// The Region that the request is signed for; `None` where nobody signed.
    pub(super) fn region(&self) -> Option<&str> {
        self.credential.as_deref()?.split('/').nth(2)
    }

    /// The call, for the list of them.
    pub(super) fn call(&self, account: &str) -> Call {
        Call {
            account: account.to_owned(),
            action: self.action.clone(),
            user_agent: self.user_agent.clone(),
            session: self.session.clone(),
            service: self.get("ServiceId").map(str::to_owned),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn require(&self, name: &str) -> Result<&str, Ec2Error> {
        self.get(name).ok_or_else(|| Ec2Error::new("MissingParameter", format!("The request must contain the parameter {name}")))
    }

    /// `Name.1`, `Name.2`, …
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let numbered = |n: usize| self.get(&format!("{name}.{n}")).or_else(|| self.get(&format!("{name}.item.{n}")));
        (1..).map_while(numbered).map(str::to_owned).collect()
    }

    pub(super) fn bool(&self, name: &str) -> Result<Option<bool>, Ec2Error> {
        match self.get(name) {
            None => Ok(None),
            Some("true" | "True" | "1") => Ok(Some(true)),
            Some("false" | "False" | "0") => Ok(Some(false)),
            Some(other) => Err(Ec2Error::new("InvalidParameterValue", format!("Value ( {other} ) for parameter {name} is invalid."))),
        }
    }

    pub(super) fn filters(&self) -> Vec<Filter> {
        let filter = |n: usize| {
            Some(Filter { name: self.get(&format!("Filter.{n}.Name"))?.to_owned(), values: self.list(&format!("Filter.{n}.Value")) })
        };
        (1..).map_while(filter).collect()
    }

    pub(super) fn page(&self) -> Result<PageRequest, Ec2Error> {
        let bad = |text: &str| Ec2Error::new("InvalidParameterValue", format!("Value ( {text} ) for parameter maxResults is invalid."));
        let max_results = self.get("MaxResults").map(|text| text.parse().map_err(|_| bad(text))).transpose()?;
        Ok(PageRequest { max_results, next_token: self.get("NextToken").map(str::to_owned) })
    }

    /// Tags under a prefix: `Tag.1.Key` or `TagSpecification.1.Tag.1.Key`.
    pub(super) fn tags(&self, prefix: &str) -> Vec<(String, String)> {
        let tag = |n: usize| {
            let key = self.get(&format!("{prefix}.{n}.Key"))?;
            Some((key.to_owned(), self.get(&format!("{prefix}.{n}.Value")).unwrap_or_default().to_owned()))
        };
        (1..).map_while(tag).collect()
    }

    pub(super) fn new_tags(&self) -> Tags {
        self.tags("TagSpecification.1.Tag").into_iter().collect()
    }
}

pub(super) fn decode(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `KEY/DATE/REGION/SERVICE/aws4_request` of a `SigV4` signature.
pub(super) fn credential(headers: &HeaderMap) -> Option<String> {
    let (_, rest) = header(headers, "authorization")?.split_once("Credential=")?;
    rest.split([',', ' ']).next().map(str::to_owned)
}

/// What temporary credentials are sent with.
pub(super) fn session(headers: &HeaderMap) -> String {
    header(headers, "x-amz-security-token").unwrap_or_default().to_owned()
}
