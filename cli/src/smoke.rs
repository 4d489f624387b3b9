//! `warden smoke`: one request through the deployed stack, from a consumer's endpoint to the owner's message.

mod cleanup;
mod command;
mod raw_event;
mod report;
mod steps;
mod stop;

pub(crate) use command::smoke;
