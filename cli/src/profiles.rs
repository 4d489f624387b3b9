//! The profiles of the AWS configuration. The SDK would go on without an unknown one, and fail later for a lack of credentials.

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use warden::policy::did_you_mean;

use crate::error::CliError;

/// Fails if the profile that is given, or that `AWS_PROFILE` names, does not exist.
pub(crate) fn check(given: Option<&str>) -> Result<(), CliError> {
    let of_environment = env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty());
    let (option, name) = match (given, of_environment) {
        (Some(name), _) => ("--profile", name.to_owned()),
        (None, Some(name)) => ("AWS_PROFILE", name),
        (None, None) => return Ok(()),
    };
    let text = |variable: &str, name: &str| {
        let path = env::var_os(variable).map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".aws").join(name)))?;
        fs::read_to_string(path).ok()
    };
    let (config, credentials) = (text("AWS_CONFIG_FILE", "config"), text("AWS_SHARED_CREDENTIALS_FILE", "credentials"));
    match unknown(&name, &names(&config.unwrap_or_default(), &credentials.unwrap_or_default())) {
        None => Ok(()),
        Some(problem) => Err(CliError::Usage(format!("{option}: {problem}"))),
    }
}

fn unknown(name: &str, known: &BTreeSet<String>) -> Option<String> {
    // Without any file, the default profile is empty.
    if known.contains(name) || name == "default" {
        return None;
    }
    let list = known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let list = if list.is_empty() { "none".to_owned() } else { list };
    Some(format!("there is no profile `{name}`{} (profiles: {list})", did_you_mean(name, known.iter().map(String::as_str))))
}

/// The names in the two files: `[profile NAME]` and `[default]` in one, `[NAME]` in the other.
fn names(config: &str, credentials: &str) -> BTreeSet<String> {
    let sections = |text: &str| -> Vec<String> {
        let section = |line: &str| Some(line.trim().strip_prefix('[')?.split_once(']')?.0.trim().to_owned());
        text.lines().filter_map(section).collect()
    };
    let of_config = sections(config).into_iter().filter_map(|section| match section.split_once(char::is_whitespace) {
        Some(("profile", name)) => Some(name.trim().trim_matches('"').to_owned()),
        None if section == "default" => Some(section),
        _ => None,
    });
    of_config.chain(sections(credentials)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_profile_is_named_with_others() {
        let config = "[default]\nregion = us-east-1\n[profile production]\n[sso-session x]\n[services y]\n";
        let known = names(config, "[staging]\naws_access_key_id = a[b]\n");
        let problem = unknown("prodution", &known).unwrap();
        assert_eq!(problem, "there is no profile `prodution`: did you mean `production`? (profiles: default, production, staging)");
        assert_eq!(unknown("staging", &known), None);
        assert_eq!(unknown("x", &BTreeSet::new()).unwrap(), "there is no profile `x` (profiles: none)");
    }
}
