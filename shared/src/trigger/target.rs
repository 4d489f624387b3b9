//! What a message asks the warden to look at.

use crate::model::{
    facts::Claim,
    ids::{Region, ServiceId, TopicArn},
    origin::Origin,
    subject::Subject,
};

/// One message, reduced to what may be believed of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The event, for the record.
    pub origin: Origin,
    /// What it asks to look at.
    pub target: Target,
}

/// What a message asks to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// These requests.
    Subjects(Vec<SubjectRef>),
    /// Every request of these services.
    Services(Vec<ServiceId>),
    /// Every request of the services that notify this topic.
    Topic(TopicArn),
    /// Every request.
    Everything,
    /// Nothing, and why.
    Nothing(&'static str),
}

/// A request that may be pending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRef {
    /// The subject.
    pub subject: Subject,
    /// Its service, if the message named one.
    pub service: Option<ServiceId>,
    /// The service's Region, if the message named it.
    pub region: Option<Region>,
    /// What the message claims about the requester.
    pub claim: Option<Claim>,
}
