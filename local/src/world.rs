//! PrivateLink in one Region ([`World`]) or several ([`Regions`]), as EC2 keeps it: endpoint services, allowed principals,
//! endpoints, transit gateway attachments, connections and connection notifications of all accounts; and the organization that
//! the provider's account can ask about.
//!
//! Guarantees:
//! - No I/O, no clock, no randomness: the caller sets the time, and the same calls give the same answers and ids.
//! - States and error codes are spelled as on the wire (`pendingAcceptance`), so that a client's parsing is tested, too.
//! - An account sees and changes only its own resources.
//!
//! Left out: VPCs and subnets, Availability Zones of load balancers, IAM, quotas, transit gateways. The `*_mut` methods let tests
//! write states that no call leads to.

mod attachments;
mod cloudtrail;
mod connections;
mod consumer;
mod endpoints;
mod error;
mod filters;
mod import;
mod model;
mod notifications;
mod organization;
mod permissions;
mod private_dns;
mod regions;
mod services;
mod state;
mod tags;
#[cfg(test)]
mod tests;

pub use attachments::AttachmentChange;
pub use consumer::{Attachment, AttachmentLink, Connection, Endpoint, NewAttachment, NewEndpoint, Zones};
pub use error::{Changes, Ec2Error, Ec2Result, Unsuccessful};
pub use filters::{Filter, Page, PageRequest};
pub use import::ImportedConnection;
pub use model::{
    Caller, Effect, ListChange, NewService, Notification, Permission, PermissionType, PrivateDns, Service, ServiceChange, Tags,
};
pub use organization::{Organization, OrganizationAccount};
pub use regions::Regions;
pub use state::{AttachmentConnections, World};
