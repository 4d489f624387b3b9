//! The files of adopted rules: a Cedar file of their own, and further groups and cases. What a person wrote stays as it is.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use warden::{
    model::printable::printable,
    policy::{CASES, GROUPS, PolicyFile, PolicySet},
};

use super::{cases::cases, rules::Rule};
use crate::{error::CliError, policy::pretty, wording::service_name};

/// Characters of a service's name in a comment.
const NAME_CHARACTERS_MAX: usize = 60;

/// A policy set with adopted rules. Nothing is written yet.
pub(super) struct Addition {
    files: Vec<PolicyFile>,
    /// The names of the files that differ from those before. A file that names groups comes after them.
    changed: Vec<String>,
    /// The number of new cases.
    pub(super) cases: usize,
}

impl Addition {
    /// Adds rules to the files of a set.
    pub(super) fn of(before: &[PolicyFile], rules: &[Rule<'_>], now: Timestamp) -> Result<Self, CliError> {
        let mut files = before.to_vec();
        let day = now.strftime("%Y-%m-%d").to_string();
        let groups: Map<String, Value> = rules.iter().filter_map(|rule| Some((rule.name.clone(), group(rule, &day)?))).collect();
        let mut changed = Vec::new();
        if !groups.is_empty() {
            changed.push(put(&mut files, GROUPS, |text| extended(text, ['{', '}'], &groups)).map(|()| GROUPS.to_owned())?);
        }
        let cedar = name_of_new_file(before);
        let text = pretty(&policies(rules, &day)).map_err(CliError::Failed)?;
        files.push(PolicyFile { name: cedar.clone(), text });
        changed.push(cedar);
        let mut addition = Self { files, changed, cases: 0 };
        let cases = cases(rules, &addition.load()?)?;
        if !cases.is_empty() {
            put(&mut addition.files, CASES, |text| extended(text, ['[', ']'], &cases))?;
            addition.changed.push(CASES.to_owned());
            addition.cases = cases.len();
        }
        Ok(addition)
    }

    pub(super) fn load(&self) -> Result<PolicySet, CliError> {
        Ok(PolicySet::of_files(&self.files, "the adopted rules")?)
    }

    /// Writes what is new. Returns the paths.
    pub(super) fn write(&self, directory: &Path) -> Result<Vec<PathBuf>, CliError> {
        fs::create_dir_all(directory).map_err(CliError::at(directory))?;
        let mut paths = Vec::new();
        for name in &self.changed {
            let Some(file) = self.files.iter().find(|file| file.name == *name) else { continue };
            let path = directory.join(name);
            fs::write(&path, &file.text).map_err(CliError::at(&path))?;
            paths.push(path);
        }
        Ok(paths)
    }
}

/// The group of a rule. One account needs none.
fn group(rule: &Rule<'_>, day: &str) -> Option<Value> {
    let accounts: Vec<&str> = rule.accounts.iter().map(|account| account.as_str()).collect();
    (accounts.len() > 1).then(|| json!({"description": format!("Accounts that were connected on {day}"), "accounts": accounts}))
}

fn policies(rules: &[Rule<'_>], day: &str) -> String {
    let head = format!(
        "// Written by `warden adopt` on {day}: accounts that were connected then, and that no policy accepted.\n\
         // A policy also accepts further endpoints of its accounts. Read, rename and shorten this file as you like.\n\n"
    );
    let policy = |rule: &Rule<'_>| {
        let services: Vec<String> =
            rule.services.iter().map(|service| format!("PrivateLink::EndpointService::\"{}\"", service.id)).collect();
        let comments =
            rule.services.iter().map(|service| format!("// {}: {}\n", service.id, printable(&service_name(service), NAME_CHARACTERS_MAX)));
        let (comments, name) = (comments.collect::<String>(), &rule.name);
        let principal = match rule.accounts.first() {
            Some(account) if rule.accounts.len() == 1 => format!("principal == PrivateLink::Account::\"{account}\""),
            _ => format!("principal in PrivateLink::AccountGroup::\"{name}\""),
        };
        let (resource, condition) = match services.as_slice() {
            [one] => (format!("resource == {one}"), String::new()),
            several => ("resource".to_owned(), format!("when {{ resource in [{}] }}", several.join(", "))),
        };
        format!(
            "{comments}@id(\"{name}\")\n@reason(\"connected when adopted on {day}\")\n\
             permit ({principal}, action == PrivateLink::Action::\"Accept\", {resource}) {condition};\n\n"
        )
    };
    head + &rules.iter().map(policy).collect::<String>()
}

/// The first of `adopted.cedar`, `adopted-2.cedar`, … that does not exist.
fn name_of_new_file(before: &[PolicyFile]) -> String {
    let numbered = (2..).map(|n| format!("adopted-{n}.cedar"));
    let exists = |name: &String| before.iter().any(|file| file.name == *name);
    std::iter::once("adopted.cedar".to_owned()).chain(numbered).find(|name| !exists(name)).unwrap_or_default()
}

/// Changes the text of a file, which is empty if there is none.
fn put(files: &mut Vec<PolicyFile>, name: &str, change: impl Fn(&str) -> Result<String, CliError>) -> Result<(), CliError> {
    match files.iter_mut().find(|file| file.name == name) {
        Some(file) => file.text = change(&file.text)?,
        None => files.push(PolicyFile { name: name.to_owned(), text: change("")? }),
    }
    Ok(())
}

/// Appends elements to a JSON object or array, of which these are the brackets. The text before keeps its form.
fn extended(text: &str, [open, close]: [char; 2], more: &impl Serialize) -> Result<String, CliError> {
    let more = serde_json::to_string_pretty(more).map_err(|error| CliError::Failed(error.to_string()))?;
    let Some(before) = text.trim_end().strip_suffix(close) else { return Ok(more + "\n") };
    let before = before.trim_end();
    let comma = if before.ends_with(open) { "" } else { "," };
    let elements = more.strip_prefix(open).and_then(|more| more.strip_suffix(close)).unwrap_or_default().trim_end();
    Ok(format!("{before}{comma}{elements}\n{close}\n"))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use warden::{
        decision::cases::{Case, run},
        model::{
            ids::{AccountId, ServiceId},
            service::Service,
        },
    };

    use super::{
        super::rules::{rules, tests::service},
        *,
    };
    use crate::init;

    fn adopted(before: &[PolicyFile]) -> Addition {
        let services = [service(1, "redis"), service(2, "billing\n@id(\"x\")"), service(3, "logs")];
        let accounts: Vec<AccountId> = (1..=3).map(|n| format!("{n:012}").parse().unwrap()).collect();
        let on = |account: usize, service: usize| (&accounts[account], &services[service].id);
        let wanted: BTreeSet<(&AccountId, &ServiceId)> = [on(0, 0), on(1, 0), on(2, 0), on(2, 1), on(2, 2)].into();
        let by_id: BTreeMap<&ServiceId, &Service> = services.iter().map(|service| (&service.id, service)).collect();
        let taken = before.iter().map(|file| file.name.trim_end_matches(".cedar").to_owned()).collect();
        Addition::of(before, &rules(&wanted, &by_id, 40, taken), "2026-11-27T10:00:00Z".parse().unwrap()).unwrap()
    }

    fn text<'a>(addition: &'a Addition, name: &str) -> &'a str {
        &addition.files.iter().find(|file| file.name == name).unwrap().text
    }

    fn holds(addition: &Addition) -> usize {
        let set = addition.load().unwrap();
        let cases: Vec<Case> = serde_json::from_str(text(addition, CASES)).unwrap();
        assert!(cases.iter().all(|case| run(&set, case).problem.is_none()));
        cases.len()
    }

    #[test]
    fn rules_are_a_formatted_set_with_cases() {
        let addition = adopted(&[]);
        assert_eq!(addition.changed, [GROUPS, "adopted.cedar", CASES]);
        let cedar = text(&addition, "adopted.cedar");
        assert_eq!(pretty(cedar).unwrap(), cedar);
        assert!(cedar.contains("principal in PrivateLink::AccountGroup::\"adopted-redis\"") && cedar.contains("resource in"), "{cedar}");
        assert!(!cedar.contains("\n@id(\"x\")"), "a name cannot leave its comment: {cedar}");
        assert_eq!((addition.load().unwrap().len(), holds(&addition), addition.cases), (2, 3, 3));
    }

    #[test]
    fn files_of_a_set_are_extended() {
        let own = [
            ("groups.json", "{\n\t\"ours\": { \"accounts\": [] }\n}"),
            ("cases.json", "[ ]"),
            (
                "adopted.cedar",
                "@id(\"adopted\") permit(principal in PrivateLink::AccountGroup::\"ours\", action, resource) when { context.now < datetime(\"2020-01-01\") };",
            ),
        ];
        let before: Vec<PolicyFile> =
            own.iter().map(|(name, text)| PolicyFile { name: (*name).to_owned(), text: (*text).to_owned() }).collect();
        let addition = adopted(&before);
        assert_eq!(addition.changed, [GROUPS, "adopted-2.cedar", CASES]);
        assert!(text(&addition, GROUPS).starts_with("{\n\t\"ours\": { \"accounts\": [] },\n  \"adopted-redis\": {"));
        assert_eq!((text(&addition, "adopted.cedar"), holds(&addition)), (own[2].1, 3));
    }

    #[test]
    fn new_set_of_init_is_extended() {
        let addition = adopted(&init::files());
        assert_eq!((holds(&addition), addition.load().unwrap().len()), (4, 3));
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(addition.write(directory.path()).unwrap().len(), 3);
        assert!(!directory.path().join("policies.cedar").exists(), "only what is new is written");
    }
}
