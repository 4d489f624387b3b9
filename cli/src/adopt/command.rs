//! Shows what is connected and not justified, and writes what was asked for. By default, nothing is written.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use jiff::Timestamp;
use warden::{
    model::{
        ids::{AccountId, ServiceId},
        service::Service,
    },
    policy::PolicySet,
};

use super::{
    files::Addition,
    found::{Candidate, Found, find, still_unjustified},
    grants,
    rules::{self, Rule},
};
use crate::{
    arguments::{Adoption, Format},
    aws::Aws,
    error::{CliError, Outcome},
    init,
    output::Rows,
    plan::{self, Judge},
    policy_set::SetFiles,
    wording::{counted, service_name},
};

const NO_SET: &str = "--grants needs the policy set of the stack, which may accept some of the connections: give --policies, or --stack of a stack with a `PolicyUri`";

/// Services that a table lists by name.
const NAMES_MAX: usize = 6;

pub(crate) async fn adopt(aws: &Aws, adoption: &Adoption) -> Result<Outcome, CliError> {
    let now = Timestamp::now();
    if adoption.grants {
        aws.ledger()?;
    }
    let before = before(aws, adoption).await?;
    let judge = Judge { aws, policies: policies(before.as_ref())?, now };
    let services = plan::read(aws).await?;
    let found = find(&judge, &services).await;
    let Found { candidates, left_out, justified } = &found;
    left_out.iter().for_each(|note| eprintln!("not adopted: {note}"));
    let rules = rules(candidates, &judge.policies, services.len());
    show(aws.common.output, candidates, &rules, adoption.grants);
    let (total, others) = (sum(candidates), format!("{} justified already, {} left out", counted(*justified, "is", "are"), left_out.len()));
    if candidates.is_empty() {
        tell(aws, &format!("{others}."));
        return Ok(Outcome::clean_if(left_out.is_empty()));
    }
    tell(aws, &format!("{total} to adopt, {others}."));
    if let Some(until) = adoption.until.filter(|_| adoption.grants) {
        return grants::grant(aws, adoption, until, candidates, &judge.policies, &total).await;
    }
    let addition = Addition::of(before.as_ref().map_or(&[][..], |files| files.files.as_slice()), &rules, now)?;
    let after = Judge { aws, policies: addition.load()?, now };
    let rest = still_unjustified(&after, candidates).await;
    rest.iter().for_each(|note| eprintln!("not adopted: {note}"));
    let Some(directory) = &adoption.write else {
        tell(aws, "Nothing is written. `--write DIR` writes these rules; `--grants --until 180d` grants each connection in your name.");
        return Ok(Outcome::Findings);
    };
    for path in addition.write(directory)? {
        tell(aws, &path.display().to_string());
    }
    let wrote = format!("{} and {}", counted(rules.len(), "policy", "policies"), counted(addition.cases, "case", "cases"));
    tell(
        aws,
        &format!("Wrote {wrote}. They accept further endpoints of these accounts, too: read them before you package or publish the set."),
    );
    Ok(Outcome::clean_if(rest.is_empty() && left_out.is_empty()))
}

/// The set that the connections are judged by: the one that is added to, or the one in force. `None` if there is none yet. The default
/// directory of other commands is not taken: in the source tree, it is the sample.
async fn before(aws: &Aws, adoption: &Adoption) -> Result<Option<SetFiles>, CliError> {
    if let Some(directory) = &adoption.write {
        return if has_policies(directory) { SetFiles::in_directory(directory).map(Some) } else { Ok(None) };
    }
    let in_force = aws.common.given.policies.as_ref().or_else(|| aws.common.stack.as_ref()?.policies.as_ref());
    match in_force {
        Some(uri) => SetFiles::read(uri, aws).await.map(Some),
        None if adoption.grants => Err(CliError::Usage(NO_SET.to_owned())),
        None => {
            eprintln!("note: without --policies, no policy justifies a connection");
            Ok(None)
        }
    }
}

fn has_policies(directory: &Path) -> bool {
    let mut entries = directory.read_dir().into_iter().flatten().flatten();
    entries.any(|entry| entry.file_name().to_string_lossy().ends_with(".cedar"))
}

fn policies(files: Option<&SetFiles>) -> Result<PolicySet, CliError> {
    match files {
        Some(files) => files.load(),
        None => Ok(init::empty_set()?),
    }
}

fn rules<'a>(candidates: &[Candidate<'a>], set: &PolicySet, services_in_scope: usize) -> Vec<Rule<'a>> {
    let wanted: BTreeSet<(&AccountId, &ServiceId)> = candidates.iter().map(|one| (one.owner, &one.of.service.id)).collect();
    let services: BTreeMap<&ServiceId, &Service> = candidates.iter().map(|one| (&one.of.service.id, &one.of.service)).collect();
    let mut taken: BTreeSet<String> = set.groups().into_keys().map(str::to_owned).collect();
    taken.extend(set.cedar().0.policies().map(|policy| policy.id().to_string()));
    rules::rules(&wanted, &services, services_in_scope, taken)
}

/// One row for each account and rule.
fn show(format: Format, candidates: &[Candidate<'_>], rules: &[Rule<'_>], grants: bool) {
    let mut rows = Rows::new(&["account", "connections", "since", "services", "rule"]);
    let mut accounts: BTreeMap<(&AccountId, &str), Vec<&Candidate<'_>>> = BTreeMap::new();
    for one in candidates {
        let rule = rules.iter().find(|rule| rule.covers(one.owner, &one.of.service.id)).map_or("", |rule| rule.name.as_str());
        accounts.entry((one.owner, if grants { "" } else { rule })).or_default().push(one);
    }
    for ((account, rule), of_account) in accounts {
        let since = of_account.iter().filter_map(|one| one.connection.created).min();
        let since = since.map_or_else(|| "unknown".to_owned(), |since| since.strftime("%Y-%m-%d").to_string());
        let names: BTreeSet<String> = of_account.iter().map(|one| service_name(&one.of.service)).collect();
        let rule = if grants { "a grant for each" } else { rule };
        rows.push([account.as_str(), &of_account.len().to_string(), &since, &listed(&names, format), rule]);
    }
    rows.write(format, "Nothing is left to adopt.");
}

/// The names. A table shows the first ones, a program gets all.
fn listed(names: &BTreeSet<String>, format: Format) -> String {
    let shown = if format == Format::Table { NAMES_MAX } else { names.len() };
    let some: Vec<&str> = names.iter().take(shown).map(String::as_str).collect();
    match names.len().saturating_sub(shown) {
        0 => some.join(", "),
        more => format!("{}, {more} more", some.join(", ")),
    }
}

fn sum(candidates: &[Candidate<'_>]) -> String {
    let accounts: BTreeSet<&AccountId> = candidates.iter().map(|one| one.owner).collect();
    let services: BTreeSet<&ServiceId> = candidates.iter().map(|one| &one.of.service.id).collect();
    format!(
        "{} of {} on {}",
        counted(candidates.len(), "connection", "connections"),
        counted(accounts.len(), "account", "accounts"),
        counted(services.len(), "service", "services")
    )
}

/// Prints a line for people, beside the rows for programs.
fn tell(aws: &Aws, line: &str) {
    if aws.common.output == Format::Table { println!("{line}") } else { eprintln!("{line}") }
}
