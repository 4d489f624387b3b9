//! A stand-in for AWS PrivateLink: an in-memory [`world`] of endpoint services, and a server that speaks EC2's protocol over it.
//!
//! It behaves as AWS does, and does not depend on the warden.

pub mod load;
#[cfg(feature = "server")]
pub mod server;
pub mod world;
