//! Plain data: what AWS describes, parsed once at the edge.

pub mod connection;
pub mod facts;
pub mod ids;
pub mod mode;
pub mod notification;
pub mod organization;
pub mod origin;
pub mod principal;
pub mod scope;
pub mod service;
pub mod severity;
pub mod subject;
