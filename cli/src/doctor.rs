//! `warden doctor`: checks the deployment and names a fix for each problem.

mod check;
mod command;
mod notifications;
mod surroundings;

pub(crate) use command::doctor;
