//! `warden history`: the decisions and grants on the ledger.

use jiff::Timestamp;
use warden::{
    aws::dynamodb::About,
    decision::grant::{Grant, Grantee},
    ledger::record::Record,
};

use crate::{
    arguments::{HistoryFilter, HistorySubject},
    aws::Aws,
    error::{CliError, Outcome},
    output::Rows,
    wording::{account, basis},
};

pub(crate) async fn history(aws: &Aws, filter: &HistoryFilter) -> Result<Outcome, CliError> {
    let (endpoint, account) = match filter.subject.clone() {
        Some(HistorySubject::Endpoint(endpoint)) => (Some(endpoint), None),
        Some(HistorySubject::Account(account)) => (None, Some(account)),
        None => (None, None),
    };
    let ledger = aws.ledger()?;
    let about = About { service: filter.service.clone(), since: filter.since, endpoint, account };
    let (records, mut unreadable) = ledger.decisions(&about).await?;
    let (mut grants, unreadable_grants) = ledger.granted(filter.service.as_ref()).await?;
    unreadable.extend(unreadable_grants);
    grants.retain(|grant| concerns(grant, filter, &records));
    let now = Timestamp::now();
    let decided = records.iter().map(|record| (record.at, decided(record)));
    let granted = grants.iter().map(|grant| (grant.at, granted(grant, now)));
    let mut entries: Vec<(Timestamp, [String; 8])> = decided.chain(granted).collect();
    entries.sort_by_key(|(at, _)| *at);
    let mut rows = Rows::new(&["at", "verdict", "service", "endpoint", "account", "by", "until", "origin"]);
    entries.iter().for_each(|(_, entry)| rows.push(entry.each_ref().map(String::as_str)));
    rows.write(aws.common.output, "The ledger has no such record.");
    unreadable.iter().for_each(|what| eprintln!("unreadable: {what}"));
    Ok(Outcome::Clean)
}

/// Returns true if a grant belongs to the records that the filter selects.
fn concerns(grant: &Grant, filter: &HistoryFilter, records: &[Record]) -> bool {
    let recorded = |is: &dyn Fn(&Record) -> bool| records.iter().any(|record| *record.service() == grant.service && is(record));
    filter.since.is_none_or(|since| since <= grant.at)
        && match (&filter.subject, &grant.to) {
            (None, _) => true,
            (Some(HistorySubject::Endpoint(wanted)), Grantee::Endpoint(endpoint)) => wanted == endpoint,
            (Some(HistorySubject::Account(wanted)), Grantee::Account(account)) => wanted == account,
            // Only records tell which account owns an endpoint.
            (Some(HistorySubject::Endpoint(_)), Grantee::Account(account)) => recorded(&|record| record.account() == Some(account)),
            (Some(HistorySubject::Account(_)), Grantee::Endpoint(endpoint)) => recorded(&|record| record.endpoint() == endpoint),
        }
}

fn decided(record: &Record) -> [String; 8] {
    let origin = serde_json::to_value(record.origin.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default();
    [
        record.at.to_string(),
        record.verdict.to_string(),
        record.service().to_string(),
        record.endpoint().to_string(),
        account(&record.facts.connection),
        basis(record),
        String::new(),
        origin,
    ]
}

fn granted(grant: &Grant, now: Timestamp) -> [String; 8] {
    let (endpoint, account) = match &grant.to {
        Grantee::Endpoint(endpoint) => (endpoint.to_string(), String::new()),
        Grantee::Account(account) => (String::new(), account.to_string()),
    };
    [
        grant.at.to_string(),
        if grant.holds(now) { "granted" } else { "granted, ended" }.to_owned(),
        grant.service.to_string(),
        endpoint,
        account,
        format!("{}: {}", grant.by, grant.reason),
        grant.until.map(|until| until.to_string()).unwrap_or_default(),
        "person".to_owned(),
    ]
}
