//! PrivateLink in one Region, as EC2 keeps it: endpoint services, allowed principals, endpoints, transit gateway attachments,
//! connections and connection notifications of all accounts; and the organization that the provider's account can ask about.
//!
//! Guarantees:
//! - No I/O, no clock, no randomness: the caller sets the time, and the same calls give the same answers and ids.
//! - States and error codes are spelled as on the wire (`pendingAcceptance`), so that a client's parsing is tested, too.
//! - An account sees and changes only its own resources.
//!
//! Left out: VPCs and subnets, DNS, IAM, other Regions, quotas, transit gateways. The `*_mut` methods let tests
//! write states that no call leads to.

mod attachments;
mod cloudtrail;
mod connections;
mod endpoints;
mod error;
mod filters;
mod import;
mod model;
mod notifications;
mod organization;
mod permissions;
mod services;
mod state;
mod tags;
#[cfg(test)]
mod tests;

pub use attachments::AttachmentChange;
pub use error::{Changes, Ec2Error, Ec2Result, Unsuccessful};
pub use filters::{Filter, Page, PageRequest};
pub use import::ImportedConnection;
pub use model::{
    Attachment, AttachmentLink, Connection, Effect, Endpoint, NewAttachment, NewEndpoint, NewService, Notification, Permission,
    PermissionType, Service, ServiceChange, Tags, Zones,
};
pub use organization::{Organization, OrganizationAccount};
pub use state::{AttachmentConnections, World};
