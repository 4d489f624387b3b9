//! The settings of each function, read through a lookup function. All problems are reported at once. No setting that security
//! rests on has a default.

mod approve;
mod audit;
mod notify;
mod settings;

pub use self::{approve::ApproveConfig, audit::AuditConfig, notify::NotifyConfig, settings::ConfigErrors};
