//! Plain data: AWS's descriptions and names, parsed once at the edge.

pub mod claimed_reason;
pub mod connection;
pub mod facts;
pub mod ids;
pub mod mode;
pub mod notification;
pub mod organization;
pub mod origin;
pub mod partition;
pub mod principal;
pub mod printable;
pub mod scope;
pub mod service;
pub mod severity;
pub mod subject;
