//! Loads the policy sets, and chooses between proofs and the fallback.

use std::time::Duration;

use jiff::Timestamp;
use warden::policy::{PolicySet, PolicyUri};

use super::fallback;
#[cfg(feature = "prove")]
use super::report;
use crate::{
    arguments::{Common, Format},
    aws::Aws,
    error::{CliError, Outcome},
    policy, policy_set,
};

#[cfg_attr(not(feature = "prove"), expect(unused_variables, reason = "only proofs have a time limit"))]
pub(crate) async fn check(common: &Common, within: Duration, since: Timestamp) -> Result<Outcome, CliError> {
    if common.output == Format::Table {
        policy::check(common)?;
    }
    let directory = policy_set::directory(common)?;
    #[cfg(feature = "prove")]
    if let Some(solver) = report::solver(within) {
        return Ok(report::check(&policy_set::load(directory)?, solver, common.output).await);
    }
    fallback::check(common, directory, since).await
}

#[cfg_attr(not(feature = "prove"), expect(unused_variables, reason = "only proofs have a time limit"))]
pub(crate) async fn compare(common: &Common, uris: [&PolicyUri; 2], within: Duration, since: Timestamp) -> Result<Outcome, CliError> {
    // Two directories need neither credentials nor a Region.
    let in_s3 = uris.iter().any(|uri| !matches!(uri, PolicyUri::Folder(_)));
    let aws = if in_s3 { Some(Aws::connect(common).await?) } else { None };
    let sets = [load(aws.as_ref(), uris[0]).await?, load(aws.as_ref(), uris[1]).await?];
    #[cfg(feature = "prove")]
    if let Some(solver) = report::solver(within) {
        return Ok(report::compare(&sets, solver, common.output).await);
    }
    fallback::compare(common, aws, uris, &sets, since).await
}

async fn load(aws: Option<&Aws>, uri: &PolicyUri) -> Result<PolicySet, CliError> {
    match (uri, aws) {
        (PolicyUri::Folder(directory), _) => policy_set::load(directory),
        (_, Some(aws)) => aws.policy_set(uri).await,
        (_, None) => Err(CliError::Usage(format!("{uri} is not a directory"))),
    }
}
