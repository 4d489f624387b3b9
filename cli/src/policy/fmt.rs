//! `warden policy fmt`: formats the Cedar files of a policy set.

use std::fs;

use cedar_policy_formatter::{Config, policies_str_to_pretty};
use warden::policy::PolicyFile;

use crate::{
    arguments::Common,
    error::{CliError, Outcome},
    policy_set::{SetFiles, directory},
};

/// Returns a Cedar file as `fmt` writes it.
pub(crate) fn pretty(text: &str) -> Result<String, String> {
    policies_str_to_pretty(text, &Config { line_width: 100, indent_width: 2 }).map_err(|error| error.to_string())
}

pub(crate) fn fmt(common: &Common, check: bool) -> Result<Outcome, CliError> {
    let directory = directory(common)?;
    let files = SetFiles::in_directory(directory)?.files;
    let files: Vec<_> = files.into_iter().filter(|file| file.name.ends_with(".cedar")).collect();
    if files.is_empty() {
        return Err(CliError::Usage(format!("{} has no *.cedar files: check --policies", directory.display())));
    }
    let mut changed = false;
    for PolicyFile { name, text } in files {
        let path = directory.join(name);
        let pretty = pretty(&text).map_err(|error| CliError::Usage(format!("{}: {error}: run `warden policy check`", path.display())))?;
        if pretty == text {
            continue;
        }
        changed = true;
        if !check {
            fs::write(&path, pretty).map_err(CliError::at(&path))?;
        }
        println!("{} {}", if check { "not formatted:" } else { "formatted" }, path.display());
    }
    Ok(Outcome::clean_if(!(check && changed)))
}
