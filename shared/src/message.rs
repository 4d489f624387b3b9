//! Messages for people and programs: a record or a digest in each form that a subscriber takes.
//!
//! Texts of other parties (tags, annotations, error messages) are escaped: they cannot add lines, links or mentions.

pub mod csv;

mod brief;
mod chat;
mod decision;
mod details;
mod digest;
mod escape;
mod event;
mod forms;
mod severity;
mod steps;
mod wording;

pub use event::{EVENT_BYTES_MAX, Event, SCHEMA_VERSION, SOURCE};
pub use forms::Message;
