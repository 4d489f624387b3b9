//! `warden policy check`: parses and validates a policy set.

use std::path::Path;

use jiff::Timestamp;
use warden::policy::{PolicyErrors, Problem, expiry, folder};

use crate::{
    arguments::{Common, Format},
    error::{CliError, Outcome},
    output::Rows,
    policy_set::{cases, directory, load},
    problems::{excerpt, with_paths},
    wording::{counted, short},
};

pub(crate) fn check(common: &Common) -> Result<Outcome, CliError> {
    let directory = directory(common)?;
    let loaded = load(directory).and_then(|policies| cases(directory).map(|_| policies));
    if common.output == Format::Table {
        let policies = loaded?;
        expired(directory)?.iter().for_each(|problem| eprintln!("note: {}", excerpt(problem)));
        println!("{} valid (digest {}).", counted(policies.len(), "policy is", "policies are"), short(policies.digest()));
        return Ok(Outcome::Clean);
    }
    let (kind, problems) = match loaded {
        Ok(_) => ("note", expired(directory)?),
        Err(CliError::PolicySet(errors)) => ("problem", errors.0),
        Err(CliError::Cases(problem)) => ("problem", vec![*problem]),
        Err(other) => return Err(other),
    };
    let mut rows = Rows::new(&["kind", "file", "line", "what"]);
    problems.iter().for_each(|one| rows.push([kind, &one.file, &one.line.to_string(), &one.message]));
    rows.write(common.output, "");
    Ok(Outcome::clean_if(kind == "note"))
}

fn expired(directory: &Path) -> Result<Vec<Problem>, CliError> {
    let expired = PolicyErrors(expiry::expired(&folder::read(directory)?, Timestamp::now()));
    Ok(with_paths(expired, directory).0)
}
