//! `warden principals`: the allowed principals of each service, compared with the accounts that the policy set can accept.

use std::collections::BTreeSet;

use jiff::Timestamp;
use warden::{
    audit::permission_diff::{GrantedAccounts, PermissionDiff},
    model::{
        ids::{AccountId, ServiceId},
        subject::SubjectKind,
    },
    policy::analysis::PossibleRequester,
    ports::{ConnectionFilter, Describe, Inventory, PermissionEditor, ServiceLedger},
};

use crate::{
    arguments::Format,
    aws::Aws,
    error::{CliError, Outcome},
    output::{Rows, bar},
    prompt::confirm,
    wording::{counted, service_name},
};

/// The defaults of other commands would remove principals that the stack's own set accepts.
const NO_SETTINGS: &str = "--apply needs the scope and the policy set of the stack: give --stack. If the set is in the functions' package, or without --stack, give --policies (and --scope)";

pub(crate) async fn principals(aws: &Aws, apply: bool, yes: bool) -> Result<Outcome, CliError> {
    if apply {
        let given = &aws.common.given;
        let stack = aws.common.stack.as_ref();
        let has_policies = given.policies.is_some() || stack.is_some_and(|stack| stack.policies.is_some());
        if !has_policies || (given.scope.is_none() && stack.is_none()) {
            return Err(CliError::Usage(NO_SETTINGS.to_owned()));
        }
        // Without the ledger, the principals of accounts with a grant would be removed.
        aws.ledger()?;
    } else if aws.common.ledger().is_none() {
        eprintln!("note: without --ledger, grants are ignored");
    }
    let policies = aws.policies().await?;
    let configurations = aws.in_scope(aws.ec2.service_configurations().await?, |configuration| &configuration.service)?;
    // A provider needs no permission for its own service.
    let own: AccountId = aws.diagnostics.caller().await?.account.parse()?;
    let mut rows = Rows::new(&["service", "action", "principal", "because"]);
    let mut changes = Vec::new();
    let bar = bar(configurations.len(), "services");
    for configuration in &configurations {
        let service = &configuration.service;
        let name = service_name(service);
        let permissions = aws.ec2.permissions(&service.id).await?;
        let granted = granted(aws, &service.id).await?;
        let own = std::slice::from_ref(&own);
        let diffs = PermissionDiff::of_each(&policies, service, &permissions, granted.as_ref(), own, Timestamp::now());
        let root = |account: &AccountId| format!("arn:{}:iam::{account}:root", service.region.partition());
        for diff in diffs {
            let (missing, excess) = because(diff.kind);
            let add: Vec<String> = diff.missing.iter().chain(&diff.relying).map(root).collect();
            let remove: Vec<String> = diff.excess.iter().map(|permission| permission.text.clone()).collect();
            add.iter().for_each(|principal| rows.push([&name, "add", principal, missing]));
            remove.iter().for_each(|principal| rows.push([&name, "remove", principal, excess]));
            if !add.is_empty() || !remove.is_empty() {
                changes.push((service, diff.kind, add, remove));
            }
        }
        let all_may_ask = permissions.iter().any(|permission| permission.text == "*" && permission.may_request.is_default());
        if policies.could_accept(PossibleRequester::Unlisted, service, SubjectKind::Endpoint) && !all_may_ask {
            eprintln!("note: policies can accept accounts for {name} that they do not name: add their principals yourself");
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    rows.write(aws.common.output, "The allowed principals of every service match the policy set.");
    if changes.is_empty() {
        return Ok(Outcome::Clean);
    }
    if !apply {
        if aws.common.output == Format::Table {
            println!("`warden principals --apply` makes these changes. Established connections stay.");
        }
        return Ok(Outcome::Findings);
    }
    let services: BTreeSet<&ServiceId> = changes.iter().map(|(service, ..)| &service.id).collect();
    let services = counted(services.len(), "service", "services");
    confirm(yes, &format!("Change the allowed principals of {services}? Established connections stay."))?;
    for (service, kind, add, remove) in changes {
        aws.ec2.admit(&service.id, kind, &add, &remove).await?;
        let what = if kind.is_default() { "" } else { " for attachments" };
        println!("{} ({}): {} added, {} removed{what}", service_name(service), service.id, add.len(), remove.len());
    }
    Ok(Outcome::Clean)
}

/// The reasons to add and to remove a permission of a kind.
fn because(kind: SubjectKind) -> (&'static str, &'static str) {
    match kind {
        SubjectKind::Endpoint => {
            ("a policy or a grant can accept it, but it cannot request a connection", "no policy and no grant can accept it")
        }
        SubjectKind::Attachment => (
            "a policy can accept its attachments, but it cannot attach a transit gateway",
            "no policy and no grant can accept its attachments",
        ),
    }
}

/// The accounts with a grant. `None` if a decision on the ledger cannot be read: it may be a grant.
async fn granted(aws: &Aws, service: &ServiceId) -> Result<Option<GrantedAccounts>, CliError> {
    let Ok(ledger) = aws.ledger() else { return Ok(Some(GrantedAccounts::default())) };
    let people = ledger.decisions(service).await?;
    if !people.unreadable.is_empty() {
        eprintln!("note: decisions of people on {service} cannot be read, so no principal is removed: {}", people.unreadable.join(", "));
        return Ok(None);
    }
    let connections = aws.ec2.connections(ConnectionFilter::Service(service)).await?;
    let mut granted = GrantedAccounts::default();
    granted.add(&people.grants, &connections, Timestamp::now());
    Ok(Some(granted))
}
