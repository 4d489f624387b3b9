//! The parameters of EC2's Query protocol, and of the routes under `/_local`.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::world::{Ec2Error, Ec2Result, Filter, PageRequest, Tags};

/// Decoded pairs, in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn decode(encoded: &[&[u8]]) -> Self {
        Self(encoded.iter().flat_map(|part| form_urlencoded::parse(part)).map(|(key, value)| (key.into(), value.into())).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn string(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    pub(super) fn require(&self, name: &str) -> Ec2Result<&str> {
        self.get(name).ok_or_else(|| Ec2Error::missing_parameter(name))
    }

    /// Returns `NAME.1`, `NAME.2`, ….
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        (1..).map_while(|n: usize| self.string(&format!("{name}.{n}"))).collect()
    }

    pub(super) fn require_list(&self, name: &str) -> Ec2Result<Vec<String>> {
        let list = self.list(name);
        if list.is_empty() { Err(Ec2Error::missing_parameter(name)) } else { Ok(list) }
    }

    pub(super) fn bool(&self, name: &str) -> Ec2Result<Option<bool>> {
        match self.get(name) {
            None => Ok(None),
            Some("true" | "True" | "1") => Ok(Some(true)),
            Some("false" | "False" | "0") => Ok(Some(false)),
            Some(other) => Err(Ec2Error::invalid_value(other, name)),
        }
    }

    pub(super) fn filters(&self) -> Vec<Filter> {
        let filter =
            |n: usize| Some(Filter { name: self.string(&format!("Filter.{n}.Name"))?, values: self.list(&format!("Filter.{n}.Value")) });
        (1..).map_while(filter).collect()
    }

    pub(super) fn page(&self) -> Ec2Result<PageRequest> {
        let parse = |text: &str| text.parse().map_err(|_| Ec2Error::invalid_value(text, "maxResults"));
        Ok(PageRequest { max_results: self.get("MaxResults").map(parse).transpose()?, next_token: self.string("NextToken") })
    }

    /// Returns the tags `PREFIX.1.Key`, `PREFIX.1.Value`, ….
    pub(super) fn tags(&self, prefix: &str) -> Vec<(String, String)> {
        let tag =
            |n: usize| Some((self.string(&format!("{prefix}.{n}.Key"))?, self.string(&format!("{prefix}.{n}.Value")).unwrap_or_default()));
        (1..).map_while(tag).collect()
    }

    /// Returns the tags of the resource that the call creates.
    pub(super) fn new_tags(&self) -> Tags {
        self.tags("TagSpecification.1.Tag").into_iter().collect()
    }
}

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::decode(&[parts.uri.query().unwrap_or_default().as_bytes()]))
    }
}
