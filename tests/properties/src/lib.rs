//! The laws of the warden: properties of every scenario, with any world, policies, faults, crashes, repeated and lost
//! deliveries, and actions of people.
//!
//! `generators` makes a [`scenario`], and `simulation` runs it against the real functions. `reference` says which acts are
//! allowed and which are due: it evaluates the grammar of the policies without the warden and without Cedar. `laws`
//! compares the two. `mutants` lists wardens with one flaw each, and the law that catches it.

pub mod events;
pub mod generators;
pub mod grammar;
pub mod laws;
pub mod mutants;
pub mod policy_store;
pub mod ports;
pub mod reference;
pub mod scenario;
pub mod simulation;
