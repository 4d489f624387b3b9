//! Tests about behaviour, over the test environment. Each arranges a world, lets something happen, and reads the outcome.

mod answers;
mod attachments;
mod audit;
mod bad_input;
mod bus;
mod claims;
mod delivery;
mod events;
mod failures;
mod grants;
mod guide_examples;
mod messages;
mod observed_services;
mod organization;
mod people;
mod policy_reload;
mod roles;
mod sweeps;
