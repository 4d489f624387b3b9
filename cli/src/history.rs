//! `warden history`: the records of the warden and the decisions of people.

use std::collections::BTreeMap;

use jiff::Timestamp;
use warden::{
    aws::dynamodb::{About, Table},
    decision::grant::Grantee,
    ledger::{
        decision_event::{DecisionEvent, DecisionKind},
        record::{Record, Verdict},
    },
    model::subject::Subject,
};

use crate::{
    arguments::{HistoryFilter, HistorySubject},
    aws::Aws,
    error::{CliError, Outcome},
    output::Rows,
    wording::{account, basis, person},
};

pub(crate) async fn history(aws: &Aws, filter: &HistoryFilter) -> Result<Outcome, CliError> {
    let (subject, account) = match filter.subject.clone() {
        Some(HistorySubject::Endpoint(endpoint)) => (Some(endpoint), None),
        Some(HistorySubject::Account(account)) => (None, Some(account)),
        None => (None, None),
    };
    let ledger = aws.ledger()?;
    let about = About { service: filter.service.clone(), since: filter.since, subject, account };
    let (records, mut unreadable) = ledger.decisions_about(&about).await?;
    let (mut events, unreadable_events) = ledger.events_on(filter.service.as_ref()).await?;
    unreadable.extend(unreadable_events);
    events.retain(|event| concerns(event, filter, &records));
    let of_warden = records.iter().map(|record| (record.at, of_record(record)));
    let accounts = accounts_of(ledger, &events, &records).await?;
    let of_people = events.iter().map(|event| (event.at, of_event(event, &accounts)));
    let mut entries: Vec<_> = of_warden.chain(of_people).collect();
    entries.sort_by_key(|(at, _)| *at);
    let mut rows = Rows::new(&["at", "verdict", "service", "endpoint", "account", "by", "until before", "until", "origin"]);
    entries.iter().for_each(|(_, entry)| rows.push(entry.each_ref().map(String::as_str)));
    rows.write(aws.common.output, "The ledger has no such record.");
    unreadable.iter().for_each(|what| eprintln!("unreadable: {what}"));
    Ok(Outcome::Clean)
}

/// Returns true if a person's decision belongs to the records that the filter selects.
fn concerns(event: &DecisionEvent, filter: &HistoryFilter, records: &[Record]) -> bool {
    let recorded =
        |is: &dyn Fn(&Record) -> bool| records.iter().any(|record| Some(record.service()) == event.service.as_ref() && is(record));
    filter.since.is_none_or(|since| since <= event.at)
        && match (&filter.subject, &event.about) {
            (None, _) => true,
            (Some(HistorySubject::Endpoint(wanted)), Some(Grantee::Subject(subject))) => wanted == subject,
            (Some(HistorySubject::Account(wanted)), Some(Grantee::Account(account))) => wanted == account,
            // Only records tell which account owns an endpoint.
            (Some(HistorySubject::Endpoint(_)), Some(Grantee::Account(account))) => recorded(&|record| record.account() == Some(account)),
            (Some(HistorySubject::Account(_)), Some(Grantee::Subject(subject))) => recorded(&|record| record.subject() == subject),
            // Holds.
            (Some(_), None) => false,
        }
}

fn of_record(record: &Record) -> [String; 9] {
    let origin = serde_json::to_value(record.origin.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default();
    [
        record.at.to_string(),
        if record.is_disconnection() && record.verdict == Verdict::Rejected {
            "disconnected".to_owned()
        } else {
            record.verdict.to_string()
        },
        record.service().to_string(),
        record.subject().to_string(),
        account(&record.facts.connection),
        basis(record),
        String::new(),
        String::new(),
        origin,
    ]
}

/// The accounts of the endpoints that people decided on. An event does not state them, records do.
async fn accounts_of(ledger: &Table, events: &[DecisionEvent], records: &[Record]) -> Result<BTreeMap<Subject, String>, CliError> {
    let known = |records: &[Record], subject: &Subject| {
        let record = records.iter().find(|record| record.subject() == subject && record.account().is_some())?;
        Some(account(&record.facts.connection))
    };
    let mut accounts = BTreeMap::new();
    for event in events {
        let (Some(service), Some(Grantee::Subject(subject))) = (&event.service, &event.about) else { continue };
        if accounts.contains_key(subject) {
            continue;
        }
        // A filter by time may leave out the record.
        let account = match known(records, subject) {
            Some(account) => Some(account),
            None => known(&ledger.records_of(service, subject).await?.0, subject),
        };
        accounts.insert(subject.clone(), account.unwrap_or_default());
    }
    Ok(accounts)
}

fn of_event(event: &DecisionEvent, accounts: &BTreeMap<Subject, String>) -> [String; 9] {
    let (endpoint, account) = match &event.about {
        Some(Grantee::Subject(subject)) => (subject.to_string(), accounts.get(subject).cloned().unwrap_or_default()),
        Some(Grantee::Account(account)) => (String::new(), account.to_string()),
        None => (String::new(), String::new()),
    };
    [
        event.at.to_string(),
        kind(event.kind).to_owned(),
        event.service.as_ref().map_or_else(|| "all".to_owned(), ToString::to_string),
        endpoint,
        account,
        person(&event.by, &event.reason),
        time(event.until_before),
        time(event.until),
        "person".to_owned(),
    ]
}

fn time(at: Option<Timestamp>) -> String {
    at.map(|at| at.to_string()).unwrap_or_default()
}

fn kind(kind: DecisionKind) -> &'static str {
    match kind {
        DecisionKind::Granted => "granted",
        DecisionKind::Changed => "grant changed",
        DecisionKind::Ended => "grant ended",
        DecisionKind::Refused => "refused",
        DecisionKind::Disconnected => "disconnected",
        DecisionKind::Held => "held",
        DecisionKind::Resumed => "resumed",
    }
}
