//! Without a solver: what policy sets make of their test cases and of the decisions on the ledger. It proves nothing.

use jiff::Timestamp;
use warden::{decision::cases::answer, policy::PolicySet};

use crate::{
    arguments::{Common, Format},
    aws::Aws,
    error::{CliError, Outcome},
    output::Rows,
    policy,
    policy_set::SetFiles,
    replay,
    wording::counted,
};

#[cfg(feature = "prove")]
const NO_SOLVER: &str = "there is no SMT solver: install cvc5 (Debian: `apt install cvc5`; macOS: `brew install cvc5/cvc5/cvc5`; or a release from https://github.com/cvc5/cvc5), or set CVC5 to its path";
#[cfg(not(feature = "prove"))]
const NO_SOLVER: &str = "this build of warden cannot prove anything: build it with the cargo feature `prove`";

const LEDGER: &str = "Give --ledger or --stack to replay recorded decisions too.";

/// Without `--require-proof`, only a test case that fails is a finding: the set may be right, and nothing says that it is not.
pub(super) async fn check(common: &Common, files: &SetFiles, since: Timestamp, require_proof: bool) -> Result<Outcome, CliError> {
    if common.output != Format::Table {
        undecided(common.output, "no policy can fail, each permit can match, each policy has an effect");
        return Ok(Outcome::clean_if(!require_proof));
    }
    eprintln!("note: {NO_SOLVER}");
    println!("NOT PROVED. Results of the test cases:");
    let tested = if files.cases()?.is_some() {
        policy::test_files(common, files, None)?
    } else {
        println!("there are none");
        Outcome::Clean
    };
    if has_ledger(common) {
        println!("Replay of recorded decisions:");
        replay::replay(&Aws::connect(common).await?, since).await?;
    } else {
        println!("{LEDGER}");
    }
    if !require_proof {
        println!("With --require-proof, a check without a proof has exit status 1.");
    }
    Ok(Outcome::clean_if(tested == Outcome::Clean && !require_proof))
}

pub(super) async fn compare(
    common: &Common,
    aws: Option<&Aws>,
    sets: [&SetFiles; 2],
    [before, after]: &[PolicySet; 2],
    since: Timestamp,
) -> Result<Outcome, CliError> {
    if common.output != Format::Table {
        undecided(common.output, "the new set accepts nothing that the old one does not");
        return Ok(Outcome::Findings);
    }
    eprintln!("note: {NO_SOLVER}");
    println!("NOT PROVED. Test cases of both sets:");
    let mut count = 0;
    for files in sets {
        for case in files.cases()?.unwrap_or_default() {
            count += 1;
            let (was, is) = (answer(before, &case), answer(after, &case));
            if was != is {
                println!("differs    {}: {was} → {is}", case.case);
            }
        }
    }
    println!("{} compared.", counted(count, "case", "cases"));
    if has_ledger(common) {
        match aws {
            Some(aws) => replay::compare(aws, before, after, since).await?,
            None => replay::compare(&Aws::connect(common).await?, before, after, since).await?,
        }
    } else {
        println!("{LEDGER}");
    }
    Ok(Outcome::Findings)
}

/// The stack is read only when the ledger is needed.
fn has_ledger(common: &Common) -> bool {
    common.ledger().is_some() || common.given.stack.is_some()
}

fn undecided(format: Format, claim: &str) {
    let mut rows = Rows::new(&["verdict", "what", "why"]);
    rows.push(["undecided", claim, NO_SOLVER]);
    rows.write(format, "");
}
