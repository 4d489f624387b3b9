//! Without a solver: what policy sets make of their test cases and of the decisions on the ledger. It proves nothing.

use std::path::Path;

use jiff::Timestamp;
use warden::{
    aws::s3::bucket_of,
    decision::cases::{Case, answer},
    gather::policy_source,
    policy::{CASES, PolicySet, PolicyUri},
};

use crate::{
    arguments::{Common, Format},
    aws::Aws,
    error::{CliError, Outcome},
    output::Rows,
    policy, policy_set, replay,
    wording::counted,
};

#[cfg(feature = "prove")]
const NO_SOLVER: &str = "there is no SMT solver: install cvc5 (Debian: `apt install cvc5`; macOS: `brew install cvc5/cvc5/cvc5`; or a release from https://github.com/cvc5/cvc5), or set CVC5 to its path";
#[cfg(not(feature = "prove"))]
const NO_SOLVER: &str = "this build of warden cannot prove anything: build it with the cargo feature `prove`";

const LEDGER: &str = "Give --ledger to replay recorded decisions too.";

pub(super) async fn check(common: &Common, directory: &Path, since: Timestamp) -> Result<Outcome, CliError> {
    if common.output != Format::Table {
        return Ok(undecided(common.output, "no policy can fail, each permit can match, each policy has an effect"));
    }
    eprintln!("note: {NO_SOLVER}");
    println!("NOT PROVED. Results of the test cases:");
    if directory.join(CASES).exists() {
        policy::test(common, None)?;
    } else {
        println!("there are none");
    }
    if common.ledger().is_some() {
        println!("Replay of recorded decisions:");
        replay::replay(&Aws::connect(common).await?, since).await?;
    } else {
        println!("{LEDGER}");
    }
    Ok(Outcome::Findings)
}

pub(super) async fn compare(
    common: &Common,
    aws: Option<Aws>,
    uris: [&PolicyUri; 2],
    [before, after]: &[PolicySet; 2],
    since: Timestamp,
) -> Result<Outcome, CliError> {
    if common.output != Format::Table {
        return Ok(undecided(common.output, "the new set accepts nothing that the old one does not"));
    }
    eprintln!("note: {NO_SOLVER}");
    println!("NOT PROVED. Test cases of both sets:");
    let mut count = 0;
    for uri in uris {
        for case in cases(uri, aws.as_ref()).await? {
            count += 1;
            let (was, is) = (answer(before, &case), answer(after, &case));
            if was != is {
                println!("differs    {}: {was} → {is}", case.case);
            }
        }
    }
    println!("{} compared.", counted(count, "case", "cases"));
    if common.ledger().is_some() {
        let aws = match aws {
            Some(aws) => aws,
            None => Aws::connect(common).await?,
        };
        replay::compare(&aws, before, after, since).await?;
    } else {
        println!("{LEDGER}");
    }
    Ok(Outcome::Findings)
}

async fn cases(uri: &PolicyUri, aws: Option<&Aws>) -> Result<Vec<Case>, CliError> {
    match (uri, aws) {
        (PolicyUri::Folder(directory), _) => policy_set::cases(directory),
        (_, None) => Ok(Vec::new()),
        (_, Some(aws)) => {
            let files = policy_source::files(uri, &bucket_of(&aws.config, uri)).await?;
            let Some(file) = files.iter().find(|file| file.name == CASES) else { return Ok(Vec::new()) };
            serde_json::from_str(&file.text).map_err(|error| CliError::Failed(format!("{uri}: {CASES}:{}: {error}", error.line())))
        }
    }
}

fn undecided(format: Format, claim: &str) -> Outcome {
    let mut rows = Rows::new(&["verdict", "what", "why"]);
    rows.push(["undecided", claim, NO_SOLVER]);
    rows.write(format, "");
    Outcome::Findings
}
