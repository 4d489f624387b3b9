//! `warden adopt`: takes over what people accepted by hand before the warden came, as policies or as grants.

mod cases;
mod command;
mod files;
mod found;
mod grants;
mod rules;

pub(crate) use command::adopt;
