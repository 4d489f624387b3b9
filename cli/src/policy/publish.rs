//! `warden policy publish`: writes a policy set to S3, from where the functions load it.

use std::fs;

use warden::{
    aws::s3::bucket_of,
    policy::{
        CASES, PolicyUri,
        bundle::{Bundle, MANIFEST, Manifest},
        folder,
    },
    ports::ReportStore,
};

use super::test::test;
use crate::{
    arguments::Common,
    aws::Aws,
    error::{CliError, Outcome},
    policy_set::{directory, load},
    wording::{counted, short},
};

pub(crate) async fn publish(common: &Common, aws: &Aws, to: &PolicyUri) -> Result<Outcome, CliError> {
    let directory = directory(common)?;
    let policies = load(directory)?;
    if directory.join(CASES).exists() && test(common, None)? == Outcome::Findings {
        println!("Nothing is published: fix the policies or {CASES}.");
        return Ok(Outcome::Findings);
    }
    let files = folder::read(directory)?;
    let failed = |error: serde_json::Error| CliError::Failed(error.to_string());
    let uploads: Vec<(String, String)> = match to {
        PolicyUri::Folder(_) => return Err(CliError::Usage(format!("{to} is not in S3: give s3://BUCKET/KEY or s3://BUCKET/PREFIX/"))),
        PolicyUri::Object { key, .. } => vec![(key.clone(), Bundle::of(&files).to_json().map_err(failed)?)],
        PolicyUri::Prefix { prefix, .. } => {
            // The manifest decides which version is in force, so it is the last object.
            let manifest = (format!("{prefix}{MANIFEST}"), Manifest::of(&files).to_json().map_err(failed)?);
            files.iter().map(|file| (format!("{prefix}{}", file.name), file.text.clone())).chain([manifest]).collect()
        }
    };
    let bucket = bucket_of(&aws.config, to).ok_or_else(|| CliError::Usage(format!("{to} names no bucket")))?;
    let scratch = tempfile::tempdir()?;
    for (key, text) in uploads {
        let path = scratch.path().join("upload");
        fs::write(&path, text)?;
        bucket.store(&key, "text/plain; charset=utf-8", &path).await?;
    }
    let (count, digest) = (counted(policies.len(), "policy", "policies"), short(policies.digest()));
    println!("Published {count} (digest {digest}) to {to}. The functions load them within a minute of their next run.");
    Ok(Outcome::Clean)
}
