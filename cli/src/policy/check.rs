//! `warden policy check`: parses and validates a policy set.

use warden::policy::{CASES, GROUPS, PolicyErrors, PolicySet, Problem, overlap::Overlap};

use crate::{
    arguments::{Common, Format},
    error::{CliError, Outcome},
    output::Rows,
    policy_set::SetFiles,
    problems::excerpt,
    wording::{counted, short},
};

const NO_CASES: &str = "there are no test cases: write down what the policies are to decide, such as [{\"case\": \"a consumer\", \"account\": \"111122223333\", \"decision\": \"accept\", \"policies\": [\"ID\"]}], and `warden policy test` checks it";
/// Accounts that a note lists.
const ACCOUNTS_MAX: usize = 5;

pub(crate) async fn check(common: &Common) -> Result<Outcome, CliError> {
    let checked = match SetFiles::of(common).await {
        Ok(files) => check_files(&files),
        Err(error) => Err(error),
    };
    if common.output == Format::Table {
        let (policies, notes) = checked?;
        notes.iter().for_each(|problem| eprintln!("note: {}", excerpt(problem)));
        println!("{} valid (digest {}).", counted(policies.len(), "policy is", "policies are"), short(policies.digest()));
        return Ok(Outcome::Clean);
    }
    let (kind, problems) = match checked {
        Ok((_, notes)) => ("note", notes),
        Err(CliError::PolicySet(PolicyErrors(problems))) => ("problem", problems),
        Err(CliError::Cases(problem)) => ("problem", vec![*problem]),
        Err(other) => return Err(other),
    };
    let mut rows = Rows::new(&["kind", "file", "line", "what"]);
    problems.iter().for_each(|one| rows.push([kind, &one.file, &one.line.to_string(), &one.message]));
    rows.write(common.output, "");
    Ok(Outcome::clean_if(kind == "note"))
}

/// Returns the set, and what is worth a note.
fn check_files(files: &SetFiles) -> Result<(PolicySet, Vec<Problem>), CliError> {
    let policies = files.load()?;
    let mut notes = files.expired();
    notes.extend(policies.overlaps().iter().map(|overlap| note(files.location(GROUPS), overlap_message(overlap))));
    notes.extend(cases_note(files)?);
    Ok((policies, notes))
}

fn overlap_message(Overlap { accepted, permit, blocked, block, accounts }: &Overlap<'_>) -> String {
    let some: Vec<&str> = accounts.iter().take(ACCOUNTS_MAX).map(|account| account.as_str()).collect();
    let (first, more) = (some.join(", "), if accounts.len() > ACCOUNTS_MAX { ", …" } else { "" });
    let are = counted(accounts.len(), "account is", "accounts are");
    format!(
        "{are} in `{accepted}`, which `{permit}` accepts, and in `{blocked}`, which `{block}` blocks: where both match, nothing is accepted ({first}{more})"
    )
}

fn note(file: String, message: String) -> Problem {
    Problem { file, line: 0, excerpt: None, message }
}

/// Says how to write test cases, if there are none.
pub(super) fn cases_note(files: &SetFiles) -> Result<Option<Problem>, CliError> {
    let has_cases = files.cases()?.is_some_and(|cases| !cases.is_empty());
    Ok((!has_cases).then(|| note(files.location(CASES), NO_CASES.to_owned())))
}
