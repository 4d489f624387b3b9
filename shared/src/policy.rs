//! The policy set: Cedar policies over the facts of one request. Only this module judges a request.
//!
//! Cedar's authorizer skips a policy that fails to evaluate: an erroring `forbid` does not match, and a `permit` may win.
//! The errors are therefore part of every [`Answer`], and `decide` acts on no answer that has any.

mod cedar_request;
mod check_literals;
mod excerpt;
mod facts;
mod groups;
mod index;
mod kinds;
mod load;
mod reason;
mod residual;
mod schema;
mod set;
mod size_limits;
mod uri;

pub mod analysis;
pub mod bundle;
pub mod evaluation;
pub mod expiry;
pub mod explain;
pub mod files;
pub mod folder;
pub mod judgement;
pub mod names;
pub mod overlap;

pub use excerpt::Excerpt;
pub use facts::UnknownFact;
pub use files::{CASES, GROUPS, PolicyErrors, PolicyFile, Problem, did_you_mean, digest};
pub use groups::Groups;
pub use judgement::{Answer, EvaluationError, Judgement, MissingFact, PolicyInfo, ResidualPolicy};
pub use names::{GroupName, PolicyId};
pub(crate) use reason::QUOTE_CHARACTERS_MAX;
pub use reason::{Detail, policy_names};
pub use schema::{schema_json, schema_text};
pub use set::PolicySet;
pub use uri::PolicyUri;
