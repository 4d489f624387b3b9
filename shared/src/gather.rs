//! Caches between the ports and the functions.

pub mod organization_cache;
pub mod policy_reload;
pub mod policy_source;
