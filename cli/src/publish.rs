//! `warden policy publish`: shows what a policy set changes, and writes it to S3, from where the functions load it.

mod difference;

use std::{fs, time::Duration};

use jiff::{SignedDuration, Timestamp};
use warden::{
    aws::s3::bucket_of,
    policy::{
        CASES, PolicyFile, PolicyUri,
        bundle::{Bundle, MANIFEST, Manifest},
    },
    ports::ReportStore,
};

use crate::{
    arguments::Common,
    aws::Aws,
    error::{CliError, Outcome},
    policy::test_files,
    policy_set::{SetFiles, directory},
    prompt::confirm,
    proof,
    wording::{counted, short},
};
use difference::difference;

/// The time limit of the proof. A person waits for it.
const PROOF_SECONDS_MAX: u64 = 30;

pub(crate) async fn publish(common: &Common, aws: &Aws, to: Option<&PolicyUri>, yes: bool) -> Result<Outcome, CliError> {
    let no_place = || CliError::Usage("give s3://BUCKET/KEY or s3://BUCKET/PREFIX/, or --stack of a stack with a `PolicyUri`".to_owned());
    let to = to.or_else(|| aws.common.stack.as_ref()?.policies.as_ref()).ok_or_else(no_place)?;
    // Not the set of the stack, which is the one to replace.
    let set = SetFiles::in_directory(directory(common)?)?;
    let policies = set.load()?;
    let bucket = bucket_of(&aws.config, to)
        .ok_or_else(|| CliError::Usage(format!("{to} is not in S3: give s3://BUCKET/KEY or s3://BUCKET/PREFIX/")))?;
    if set.cases()?.is_some() && test_files(&aws.common, &set, None)? == Outcome::Findings {
        println!("Nothing is published: fix the policies or {CASES}.");
        return Ok(Outcome::Findings);
    }
    show_changes(aws, to, &set).await?;
    let (count, digest) = (counted(policies.len(), "policy", "policies"), short(policies.digest()));
    confirm(yes, &format!("Publish {count} (digest {digest}) to {to}?"))?;
    let scratch = tempfile::tempdir()?;
    for (key, text) in uploads(&set.files, to)? {
        let path = scratch.path().join("upload");
        fs::write(&path, text)?;
        bucket.store(&key, "text/plain; charset=utf-8", &path).await?;
    }
    println!("Published {count} (digest {digest}) to {to}. The functions load them within a minute of their next run.");
    Ok(Outcome::Clean)
}

/// Shows the difference to the set in force, and proves or tests what it means. Without a readable set in force, nothing is compared.
async fn show_changes(aws: &Aws, to: &PolicyUri, set: &SetFiles) -> Result<(), CliError> {
    let in_force = match SetFiles::read_if_any(to, aws).await {
        Ok(None) => {
            println!("There is no policy set at {to} yet.");
            return Ok(());
        }
        Ok(Some(files)) => files.load().map(|old| (old, files)),
        Err(error) => Err(error),
    };
    let (old, files) = match in_force {
        Ok(read) => read,
        Err(error) => {
            eprintln!("note: the set there cannot be compared: {error}");
            return Ok(());
        }
    };
    let new = set.load()?;
    if old.digest() == new.digest() {
        println!("{to} has this policy set already (digest {}).", short(old.digest()));
        return Ok(());
    }
    println!("Changes to {to}:");
    difference(&old, &new).iter().for_each(|line| println!("  {line}"));
    let month = SignedDuration::from_hours(30 * 24);
    let within = Duration::from_secs(PROOF_SECONDS_MAX);
    proof::compare_files(&aws.common, Some(aws), [&files, set], within, Timestamp::now() - month).await.map(drop)
}

/// The objects to write, by their keys.
fn uploads(files: &[PolicyFile], to: &PolicyUri) -> Result<Vec<(String, String)>, CliError> {
    let failed = |error: serde_json::Error| CliError::Failed(error.to_string());
    Ok(match to {
        PolicyUri::Folder(_) => Vec::new(),
        PolicyUri::Object { key, .. } => vec![(key.clone(), Bundle::of(files).to_json().map_err(failed)?)],
        PolicyUri::Prefix { prefix, .. } => {
            // The manifest decides which version is in force, so it is the last object.
            let manifest = (format!("{prefix}{MANIFEST}"), Manifest::of(files).to_json().map_err(failed)?);
            files.iter().map(|file| (format!("{prefix}{}", file.name), file.text.clone())).chain([manifest]).collect()
        }
    })
}
