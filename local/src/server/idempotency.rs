//! `ClientToken`: a creation that is sent again with the same token and parameters is not repeated.

use std::collections::BTreeMap;

use super::{parameters::Parameters, request::ApiRequest};
use crate::world::{Ec2Error, Ec2Result};

/// The tokens that were used, each with the call's parameters and the elements of its answer.
#[derive(Debug, Default)]
pub(super) struct Tokens(BTreeMap<[String; 4], (Parameters, String)>);

impl Tokens {
    /// Returns the answer of an earlier call with the same token; `IdempotentParameterMismatch` if its parameters differ.
    pub(super) fn answer(&self, request: &ApiRequest) -> Ec2Result<Option<String>> {
        match key(request).and_then(|key| self.0.get(&key)) {
            None => Ok(None),
            Some((parameters, elements)) if *parameters == request.parameters => Ok(Some(elements.clone())),
            Some(_) => {
                let message = "The client token you have provided is associated with a resource with different parameters.";
                Err(Ec2Error::new("IdempotentParameterMismatch", message))
            }
        }
    }

    /// Keeps the answer of a call that succeeded.
    pub(super) fn keep(&mut self, request: &ApiRequest, elements: &str) {
        if let Some(key) = key(request) {
            self.0.insert(key, (request.parameters.clone(), elements.to_owned()));
        }
    }
}

/// A token counts for an account, a Region and an action.
fn key(request: &ApiRequest) -> Option<[String; 4]> {
    let token = request.parameters.string("ClientToken").filter(|token| !token.is_empty())?;
    Some([request.call.account.clone(), request.region.clone(), request.call.action.clone(), token])
}
