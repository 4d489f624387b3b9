//! What can be proved of a policy set, by Cedar's own symbolic compiler and an SMT solver: for every request there could be
//! from today on, not for those that somebody thought of.
//!
//! The warden accepts less than Cedar allows: not where `Reject` is allowed too, not where a fact is not known that a rule
//! asks for, and not where a policy cannot be evaluated. The first two are put into the sets that are compared, as
//! `forbid`s ([`effective`]); the third is proved first. What the schema lets be said and no request ever says is left out
//! of every question ([`world`]).

mod check;
mod compare;
mod effective;
mod lists;
mod solver;
mod verdicts;
mod without;
mod words;
mod world;

use std::{collections::BTreeSet, time::Duration};

use cedar_policy::{RequestEnv, Schema};
use jiff::Timestamp;
use solver::Prover;
use warden::policy::{PolicySet, PolicyUri, UnknownFact};

use crate::{
    arguments::Common,
    aws::Aws,
    failure::{Done, Failure},
    policy,
};

/// What there is to prove with, and how the set did without.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// How long all questions together may take.
    pub(crate) within: Duration,
    /// Without a solver: decisions on the ledger since then.
    pub(crate) since: Timestamp,
}

/// `policy check --prove`: no policy can err, each permit can match, each policy adds something.
pub(crate) async fn check(common: &Common, limits: Limits) -> Result<Done, Failure> {
    let folder = policy::folder_of(common)?;
    let policy = policy::load(folder)?;
    match Prover::start(limits.within) {
        Some(prover) => check::check(&policy, prover, common.output).await,
        None => without::check(common, folder, limits.since).await,
    }
}

/// `policy compare`: does the new set accept anything that the old one does not?
pub(crate) async fn compare(common: &Common, old: &PolicyUri, new: &PolicyUri, limits: Limits) -> Result<Done, Failure> {
    // Two folders need neither credentials nor a Region.
    let in_s3 = [old, new].iter().any(|uri| !matches!(uri, PolicyUri::Folder(_)));
    let aws = if in_s3 { Some(Aws::connect(common).await?) } else { None };
    let (before, after) = (load(aws.as_ref(), old).await?, load(aws.as_ref(), new).await?);
    match Prover::start(limits.within) {
        Some(prover) => compare::compare(&before, &after, prover, common.output).await,
        None => without::compare(common, aws, [(old, &before), (new, &after)], limits.since).await,
    }
}

async fn load(aws: Option<&Aws>, uri: &PolicyUri) -> Result<PolicySet, Failure> {
    match (uri, aws) {
        (PolicyUri::Folder(folder), _) => policy::load(folder),
        (_, Some(aws)) => aws.policy(uri).await,
        (_, None) => Err(Failure::Usage(format!("{uri} is not a folder"))),
    }
}

/// Everything that may not be known of a request, and that a set asks for: nothing of it, each, all of it.
fn unknowns(asked: &BTreeSet<UnknownFact>) -> BTreeSet<BTreeSet<UnknownFact>> {
    let each = asked.iter().map(|fact| [*fact].into());
    each.chain([BTreeSet::new(), asked.clone()]).collect()
}

/// The two things that can be done about a request, in Cedar's terms.
fn envs(schema: &Schema) -> Vec<RequestEnv> {
    let mut envs: Vec<RequestEnv> = schema.request_envs().collect();
    envs.sort_by_key(|env| env.action().to_string());
    envs
}

/// Which of the two it is.
fn action_of(env: &RequestEnv) -> &str {
    env.action().id().as_ref()
}
