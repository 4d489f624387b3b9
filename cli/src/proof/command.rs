//! Loads the policy sets, and chooses between proofs and the fallback.

use std::time::Duration;

use jiff::Timestamp;
use warden::policy::PolicyUri;

use super::fallback;
#[cfg(feature = "prove")]
use super::report;
use crate::{
    arguments::{Common, Format},
    aws::Aws,
    error::{CliError, Outcome},
    policy,
    policy_set::SetFiles,
};

#[cfg_attr(not(feature = "prove"), expect(unused_variables, reason = "only proofs have a time limit"))]
pub(crate) async fn check(common: &Common, within: Duration, since: Timestamp, require_proof: bool) -> Result<Outcome, CliError> {
    if common.output == Format::Table {
        policy::check(common).await?;
    }
    let files = SetFiles::of(common).await?;
    let policies = files.load()?;
    #[cfg(feature = "prove")]
    if let Some(solver) = report::solver(within) {
        return Ok(report::check(&policies, solver, common.output).await);
    }
    fallback::check(common, &files, since, require_proof).await
}

pub(crate) async fn compare(common: &Common, uris: [&PolicyUri; 2], within: Duration, since: Timestamp) -> Result<Outcome, CliError> {
    // Two directories need neither credentials nor a Region.
    let in_s3 = uris.iter().any(|uri| !matches!(uri, PolicyUri::Folder(_)));
    let aws = if in_s3 { Some(Aws::connect(common).await?) } else { None };
    let [old, new] = [read(aws.as_ref(), uris[0]).await?, read(aws.as_ref(), uris[1]).await?];
    compare_files(common, aws.as_ref(), [&old, &new], within, since).await
}

#[cfg_attr(not(feature = "prove"), expect(unused_variables, reason = "only proofs have a time limit"))]
pub(crate) async fn compare_files(
    common: &Common,
    aws: Option<&Aws>,
    [old, new]: [&SetFiles; 2],
    within: Duration,
    since: Timestamp,
) -> Result<Outcome, CliError> {
    let sets = [old.load()?, new.load()?];
    #[cfg(feature = "prove")]
    if let Some(solver) = report::solver(within) {
        return Ok(report::compare(&sets, solver, common.output).await);
    }
    fallback::compare(common, aws, [old, new], &sets, since).await
}

async fn read(aws: Option<&Aws>, uri: &PolicyUri) -> Result<SetFiles, CliError> {
    match (uri, aws) {
        (PolicyUri::Folder(directory), _) => SetFiles::in_directory(directory),
        (_, Some(aws)) => SetFiles::read(uri, aws).await,
        (_, None) => Err(CliError::Usage(format!("{uri} is not a directory"))),
    }
}
