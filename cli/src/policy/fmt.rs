//! `warden policy fmt`: formats the Cedar files of a policy set.

use std::{
    fs,
    path::{Path, PathBuf},
};

use cedar_policy_formatter::{Config, policies_str_to_pretty};

use crate::{
    arguments::Common,
    error::{CliError, Outcome},
    policy_set::directory,
};

pub(crate) fn fmt(common: &Common, check: bool) -> Result<Outcome, CliError> {
    let config = Config { line_width: 100, indent_width: 2 };
    let directory = directory(common)?;
    let files = cedar_files(directory)?;
    if files.is_empty() {
        return Err(CliError::Usage(format!("{} has no *.cedar files: check --policies", directory.display())));
    }
    let mut changed = false;
    for path in files {
        let text = fs::read_to_string(&path).map_err(CliError::at(&path))?;
        let pretty = policies_str_to_pretty(&text, &config)
            .map_err(|error| CliError::Usage(format!("{}: {error}: run `warden policy check`", path.display())))?;
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

fn cedar_files(directory: &Path) -> Result<Vec<PathBuf>, CliError> {
    let unreadable = |error| CliError::Failed(format!("{}: {error}: check --policies", directory.display()));
    let entries = fs::read_dir(directory).map_err(unreadable)?;
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "cedar"));
    paths.sort();
    Ok(paths)
}
