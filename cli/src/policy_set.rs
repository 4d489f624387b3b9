//! Policy sets in directories, and their test cases.

use std::{fs, path::Path};

use warden::{
    decision::cases::Case,
    policy::{CASES, PolicySet, PolicyUri, Problem, did_you_mean, folder},
};

use crate::{arguments::Common, error::CliError, problems::with_paths};

/// The directory of `--policies`. Fails for a policy set in S3.
pub(crate) fn directory(common: &Common) -> Result<&Path, CliError> {
    match &common.policies {
        PolicyUri::Folder(directory) => Ok(directory),
        uri => Err(CliError::Usage(format!("{uri} is not a directory: this command needs the files of the policy set"))),
    }
}

pub(crate) fn load(directory: &Path) -> Result<PolicySet, CliError> {
    Ok(folder::load(directory).map_err(|errors| with_paths(errors, directory))?)
}

/// Reads the test cases in a directory; none if there is no such file.
pub(crate) fn cases(directory: &Path) -> Result<Vec<Case>, CliError> {
    let file = directory.join(CASES);
    if !file.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&file).map_err(CliError::at(&file))?;
    serde_json::from_str(&text).map_err(|error| CliError::Cases(Box::new(case_problem(&file, &text, &error))))
}

fn case_problem(file: &Path, text: &str, error: &serde_json::Error) -> Problem {
    let whole = error.to_string();
    // The excerpt shows line and column.
    let mut message = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(message, _)| message).to_owned();
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let before: String = line.chars().take(error.column()).collect();
    let unknown = message.split_once("unknown field `").and_then(|(_, rest)| rest.split_once('`')).map(|(field, _)| field.to_owned());
    let about = match unknown {
        Some(field) => {
            message.push_str(&did_you_mean(&field, Case::FIELDS.into_iter()));
            Some(field)
        }
        None => before.rsplit_once("\":").map(|(field, value)| {
            let field = field.rsplit('"').next().unwrap_or_default();
            message = format!("`{field}`: {message}");
            value.trim().trim_end_matches([',', '}', ']']).trim_matches('"').to_owned()
        }),
    };
    let columns = about.filter(|about| !about.is_empty()).and_then(|about| {
        let start = before.split_once(&about).map(|(before, _)| before.chars().count())?;
        Some(start..start + about.chars().count())
    });
    Problem { file: file.display().to_string(), line: error.line(), columns, message }
}
