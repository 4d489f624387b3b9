//! PrivateLink in one Region, as EC2 keeps it: endpoint services, allowed principals, endpoints, connections and connection
//! notifications of all accounts; and the organization that the provider's account can ask about.
//!
//! Guarantees:
//! - No I/O, no clock, no randomness: the caller sets the time, and the same calls give the same answers and ids.
//! - States and error codes are spelled as on the wire (`pendingAcceptance`), so that a client's parsing is tested, too.
//! - An account sees and changes only its own resources.
//!
//! Left out: VPCs and subnets, DNS, IAM, other Regions, quotas, transit gateway attachments. The `*_mut` methods let tests
//! write states that no call leads to.

mod cloudtrail;
mod connections;
mod endpoints;
mod error;
mod filters;
mod model;
mod notifications;
mod organization;
mod permissions;
mod services;
mod state;
mod tags;
#[cfg(test)]
mod tests;

pub use error::{Changes, Ec2Error, Ec2Result, Unsuccessful};
pub use filters::{Filter, Page, PageRequest};
pub use model::{Connection, Effect, Endpoint, NewEndpoint, NewService, Notification, Permission, Service, ServiceChange, Tags};
pub use organization::{Organization, OrganizationAccount};
pub use state::World;
