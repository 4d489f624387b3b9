//! Errors as EC2 returns them: of a whole call, or of one id in a call that returns HTTP 200.

use super::model::Effect;

/// The result of a call.
pub type Ec2Result<T> = Result<T, Ec2Error>;

/// The outcome of a call on several ids: those that it did not act on, and the messages that AWS sends.
pub type Changes = (Vec<Unsuccessful>, Vec<Effect>);

/// An error of a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Ec2Error {
    /// EC2's error code.
    pub code: String,
    /// The message beside it.
    pub message: String,
    /// The HTTP status.
    pub status: u16,
}

impl Ec2Error {
    /// An error with HTTP status 400.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), status: 400 }
    }

    /// The same error with another HTTP status.
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same error with another code.
    pub fn with_code(self, code: &str) -> Self {
        Self { code: code.to_owned(), ..self }
    }

    /// `MissingParameter`.
    pub fn missing_parameter(name: &str) -> Self {
        Self::new("MissingParameter", format!("The request must contain the parameter {name}"))
    }

    /// `InvalidParameterValue`.
    pub fn invalid_value(value: &str, parameter: &str) -> Self {
        Self::new("InvalidParameterValue", format!("Value ( {value} ) for parameter {parameter} is invalid."))
    }

    /// [S: moto answers so]
    pub fn not_one_load_balancer_type() -> Self {
        let message = "exactly one of network_load_balancer_arn or gateway_load_balancer_arn is a required member";
        Self::new("InvalidParameter", message)
    }

    pub(super) fn service_not_found(id: &str) -> Self {
        Self::new("InvalidVpcEndpointServiceId.NotFound", format!("The VpcEndpointService Id '{id}' does not exist"))
    }

    pub(super) fn endpoint_not_found(id: &str) -> Self {
        Self::new("InvalidVpcEndpointId.NotFound", format!("The Vpc Endpoint Id '{id}' does not exist"))
    }

    /// [S: terraform-provider-aws has this code for other transit gateway attachments]
    pub(super) fn attachment_not_found(id: &str) -> Self {
        Self::new("InvalidTransitGatewayAttachmentID.NotFound", format!("Transit Gateway Attachment {id} was deleted or does not exist."))
    }

    pub(super) fn notification_not_found(id: &str) -> Self {
        Self::new("InvalidConnectionNotificationId.NotFound", format!("The connection notification ID '{id}' does not exist"))
    }
}

/// One id that a call with HTTP 200 did not act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsuccessful {
    /// The id.
    pub resource_id: String,
    /// An error code. AWS documents none for these items.
    pub code: String,
    /// The message beside it.
    pub message: String,
}

/// Changes each id by itself: a failure is an item of `Unsuccessful`, and stops no other id.
pub(super) fn change_each(ids: &[String], mut change: impl FnMut(&str) -> Ec2Result<Vec<Effect>>) -> Changes {
    let (mut failed, mut effects) = (Vec::new(), Vec::new());
    for id in ids {
        match change(id) {
            Ok(sent) => effects.extend(sent),
            Err(error) => failed.push(Unsuccessful { resource_id: id.clone(), code: error.code, message: error.message }),
        }
    }
    (failed, effects)
}
