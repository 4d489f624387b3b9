//! `warden principals`: whom each service's permissions let ask, against whom the policy would have ask.

use std::collections::BTreeSet;

use jiff::Timestamp;
use warden::{
    audit::permission_diff::PermissionDiff,
    decision::grant::{Grant, Grantee},
    model::ids::{AccountId, ServiceId},
    policy::analysis::PossibleRequester,
    ports::{ConnectionFilter, Describe, Inventory, Ledger, PermissionEditor},
};

use crate::{
    arguments::{Common, Format},
    aws::Aws,
    decide::ask,
    failure::{Done, Failure},
    output::{Rows, counted, progress},
    plan::name,
};

/// The accounts that people let in, by name or by an endpoint of theirs.
async fn granted(aws: &Aws, service: &ServiceId) -> Result<BTreeSet<AccountId>, Failure> {
    let Ok(ledger) = aws.ledger() else { return Ok(BTreeSet::new()) };
    let now = Timestamp::now();
    let grants = ledger.grants(service).await?;
    let mut accounts: BTreeSet<AccountId> = BTreeSet::new();
    if grants.iter().any(|grant| grant.holds(now)) {
        let connections = aws.ec2.connections(ConnectionFilter::Service(service)).await?;
        let covered = connections.iter().filter(|connection| Grant::covering(&grants, connection, now).is_some());
        accounts.extend(covered.filter_map(|connection| connection.owner.clone()));
    }
    accounts.extend(grants.iter().filter(|grant| grant.holds(now)).filter_map(|grant| match &grant.to {
        Grantee::Account(account) => Some(account.clone()),
        Grantee::Endpoint(_) => None,
    }));
    Ok(accounts)
}

pub(crate) async fn principals(common: &Common, aws: &Aws, apply: bool, yes: bool) -> Result<Done, Failure> {
    if apply {
        // Without it, whom a person let in would be taken for nobody.
        aws.ledger()?;
    } else if common.ledger().is_none() {
        eprintln!("note: without --ledger, grants are not known and not counted in");
    }
    let policy = aws.policy(&common.policies).await?;
    let offers = aws.in_scope(common, aws.ec2.service_configurations().await?, |offer| &offer.service)?;
    // A provider needs no permission for its own service.
    let own = aws.account().await?;
    let mut rows = Rows::new(&["service", "do", "principal", "because"]);
    let mut changes = Vec::new();
    let bar = progress(offers.len(), "services");
    for offer in &offers {
        let service = &offer.service;
        let permissions = aws.ec2.permissions(&service.id).await?;
        let granted = granted(aws, &service.id).await?;
        let mut difference = PermissionDiff::of(&policy, service, &permissions, &granted);
        difference.missing.retain(|account| *account != own);
        let root = |account: &AccountId| format!("arn:{}:iam::{account}:root", service.region.partition());
        let add: Vec<String> = difference.missing.iter().map(root).collect();
        let remove: Vec<String> = difference.excess.iter().map(|permission| permission.text.clone()).collect();
        for principal in &add {
            rows.push([
                name(service),
                "add".into(),
                principal.clone(),
                "the policy or a person would have it in, and nothing lets it ask".into(),
            ]);
        }
        for principal in &remove {
            rows.push([name(service), "remove".into(), principal.clone(), "the policy could never accept it".into()]);
        }
        if policy.could_accept(PossibleRequester::Unlisted, service) && !permissions.iter().any(|permission| permission.text == "*") {
            eprintln!("note: {} accepts accounts that no policy and no group names; who of them may ask is for you to say", name(service));
        }
        if !add.is_empty() || !remove.is_empty() {
            changes.push((service, add, remove));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    rows.write(common.output, "Every service lets ask whom the policy could accept, and nobody else.");
    if changes.is_empty() {
        return Ok(Done::Fine);
    }
    if !apply {
        if common.output == Format::Table {
            println!("`warden principals --apply` makes it so. What is connected stays connected.");
        }
        return Ok(Done::Differences);
    }
    let services = counted(changes.len(), "service", "services");
    ask(yes, &format!("Change the permissions of {services}? What is connected stays connected."))?;
    for (service, add, remove) in changes {
        aws.ec2.admit(&service.id, &add, &remove).await?;
        println!("{} ({}): {} added, {} removed", name(service), service.id, add.len(), remove.len());
    }
    Ok(Done::Fine)
}
