//! `warden doctor`: checks the deployment and names a fix for each problem.

mod check;
mod command;
mod deployment;
mod fix;
mod notifications;
mod parts;
mod resource_policy;
mod surroundings;

pub(crate) use command::doctor;
