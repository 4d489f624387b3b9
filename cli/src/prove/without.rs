//! Without a solver: what the sets make of the cases they come with and, where a ledger is named, of what it remembers.

use std::path::Path;

use jiff::Timestamp;
use warden::{
    aws::s3::bucket_of,
    decision::cases::{Case, answer},
    gather::policy_reload,
    policy::{CASES, PolicySet, PolicyUri},
};

use super::{solver::NO_SOLVER, verdicts::Verdicts};
use crate::{
    arguments::{Common, Format},
    aws::Aws,
    failure::{Done, Failure},
    history,
    output::counted,
    policy,
};

/// What more there is to go by.
const REMEMBERED: &str = "Give --ledger to hold them against the decisions on record, too.";

pub(super) async fn check(common: &Common, folder: &Path, since: Timestamp) -> Result<Done, Failure> {
    if common.output != Format::Table {
        return unproved(common.output, "no policy can err, each permit can match, each policy adds something");
    }
    eprintln!("note: {NO_SOLVER}");
    println!("NOT PROVED. What the set makes of the cases it comes with:");
    if folder.join(CASES).exists() {
        policy::test(common, None)?;
    } else {
        println!("it has none");
    }
    if common.ledger().is_some() {
        println!("And of the decisions on record:");
        history::replay(common, &Aws::connect(common).await?, &since).await?;
    } else {
        println!("{REMEMBERED}");
    }
    Ok(Done::Differences)
}

pub(super) async fn compare(
    common: &Common,
    aws: Option<Aws>,
    [(old, before), (new, after)]: [(&PolicyUri, &PolicySet); 2],
    since: Timestamp,
) -> Result<Done, Failure> {
    if common.output != Format::Table {
        return unproved(common.output, super::compare::CLAIM);
    }
    eprintln!("note: {NO_SOLVER}");
    println!("NOT PROVED. What both sets make of the cases they come with:");
    let mut seen = 0;
    for uri in [old, new] {
        for case in cases(uri, aws.as_ref()).await? {
            seen += 1;
            let (was, is) = (answer(before, &case), answer(after, &case));
            if was != is {
                println!("differs    {}: {was} → {is}", case.case);
            }
        }
    }
    println!("{} looked at.", counted(seen, "case was", "cases were"));
    if common.ledger().is_some() {
        let aws = match aws {
            Some(aws) => aws,
            None => Aws::connect(common).await?,
        };
        history::compare(&aws, before, after, since).await?;
    } else {
        println!("{REMEMBERED}");
    }
    Ok(Done::Differences)
}

/// The cases that a set comes with, if any, wherever it lies.
async fn cases(uri: &PolicyUri, aws: Option<&Aws>) -> Result<Vec<Case>, Failure> {
    match (uri, aws) {
        (PolicyUri::Folder(folder), _) if folder.join(CASES).exists() => policy::cases_of(folder),
        (PolicyUri::Folder(_), _) | (_, None) => Ok(Vec::new()),
        (_, Some(aws)) => {
            let files = policy_reload::files(uri, &bucket_of(&aws.config, uri)).await?;
            let Some(file) = files.iter().find(|file| file.name == CASES) else { return Ok(Vec::new()) };
            serde_json::from_str(&file.text).map_err(|error| Failure::Trouble(format!("{uri}: {CASES}:{}: {error}", error.line())))
        }
    }
}

fn unproved(format: Format, claim: &str) -> Result<Done, Failure> {
    let mut verdicts = Verdicts::new(format);
    verdicts.undecided(claim, NO_SOLVER);
    Ok(verdicts.done())
}
