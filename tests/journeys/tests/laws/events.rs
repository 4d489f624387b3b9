//! What AWS sends, and what somebody else could make of it.

use serde_json::{Value, json};

use crate::{harness::role_of, story::Forgery};

/// An event that AWS sent.
#[derive(Debug, Clone)]
pub struct Sent {
    pub value: Value,
    pub endpoint: String,
    account: String,
}

/// What a CloudTrail event says of its author.
#[derive(Debug, Clone)]
pub struct Claim {
    pub endpoint: String,
    pub owner: String,
    envelope: String,
    recipient: String,
    role_account: String,
}

impl Claim {
    /// The role that it proves: if all that it says agrees with the owner whom EC2 names.
    pub fn proves(&self, endpoint: &str, owner: &str) -> Option<String> {
        let agreed = [&self.owner, &self.envelope, &self.recipient, &self.role_account].iter().all(|said| *said == owner);
        (agreed && self.endpoint == endpoint).then(|| role_of(owner))
    }
}

impl Sent {
    pub fn of(value: Value, endpoint: &str, account: &str) -> Self {
        Self { value, endpoint: endpoint.to_owned(), account: account.to_owned() }
    }

    pub fn is_trail(&self) -> bool {
        self.value.get("detail").is_some()
    }

    /// As it is delivered, and what it claims.
    pub fn forged(&self, forgery: Forgery, accounts: &[&str]) -> Option<(Value, Option<Claim>)> {
        let mut value = self.value.clone();
        if !self.is_trail() {
            if let Forgery::Wordless(service) = forgery {
                let text = value["Records"][0]["Sns"]["Message"].as_str()?.to_owned();
                let body: Value = serde_json::from_str(&text).ok()?;
                let words = if service { format!("{} has news", body["serviceId"].as_str()?) } else { "There is news".to_owned() };
                value["Records"][0]["Sns"]["Message"] = json!(words);
            }
            return Some((value, None));
        }
        let own = || self.account.clone();
        let mut claim = Claim { endpoint: self.endpoint.clone(), owner: own(), envelope: own(), recipient: own(), role_account: own() };
        match forgery {
            Forgery::None | Forgery::Wordless(_) => {}
            Forgery::Owner(n) => {
                claim.owner = accounts[n].to_owned();
                value["detail"]["responseElements"]["CreateVpcEndpointResponse"]["vpcEndpoint"]["ownerId"] = json!(claim.owner);
            }
            Forgery::Role(n) => {
                claim.role_account = accounts[n].to_owned();
                value["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = json!(role_of(accounts[n]));
            }
            Forgery::Envelope(n) => {
                claim.envelope = accounts[n].to_owned();
                value["account"] = json!(claim.envelope);
            }
        }
        Some((value, Some(claim)))
    }
}
