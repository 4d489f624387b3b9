//! `warden history` and `warden replay`: what stands on the record, and what today's policy would make of it.

use jiff::Timestamp;
use warden::{
    aws::dynamodb::About,
    decision::{
        Action,
        grant::{Grant, Grantee},
    },
    ledger::record::{Record, Verdict},
    model::connection::Phase,
    policy::PolicySet,
};

use crate::{
    arguments::{Common, Filter, Format, Who},
    aws::Aws,
    failure::{Done, Failure},
    output::{Rows, counted},
    plan::{because, words},
    policy,
};

pub(crate) async fn history(common: &Common, aws: &Aws, filter: &Filter) -> Result<Done, Failure> {
    let about = About {
        service: filter.service.clone(),
        since: filter.since,
        endpoint: match &filter.of {
            Some(Who::Endpoint(endpoint)) => Some(endpoint.clone()),
            Some(Who::Account(_)) | None => None,
        },
        account: match &filter.of {
            Some(Who::Account(account)) => Some(account.clone()),
            Some(Who::Endpoint(_)) | None => None,
        },
    };
    let ledger = aws.ledger()?;
    let (records, mut unreadable) = ledger.decisions(&about).await?;
    let (mut grants, others) = ledger.granted(filter.service.as_ref()).await?;
    unreadable.extend(others);
    grants.retain(|grant| concerns(grant, filter, &records));
    let now = Timestamp::now();
    let mut entries: Vec<(Timestamp, [String; 8])> = records.iter().map(|record| (record.at, decided(record))).collect();
    entries.extend(grants.iter().map(|grant| (grant.at, granted(grant, now))));
    entries.sort_by_key(|(at, _)| *at);
    let mut rows = Rows::new(&["at", "verdict", "service", "endpoint", "account", "by", "until", "origin"]);
    entries.into_iter().for_each(|(_, entry)| rows.push(entry));
    rows.write(common.output, "Nothing is on the record.");
    unreadable.iter().for_each(|what| eprintln!("unreadable: {what}"));
    Ok(Done::Fine)
}

/// Whether somebody who asks for these records wants to see this grant, too.
fn concerns(grant: &Grant, filter: &Filter, records: &[Record]) -> bool {
    let on_record = |is: &dyn Fn(&Record) -> bool| records.iter().any(|record| *record.service() == grant.service && is(record));
    filter.since.is_none_or(|since| since <= grant.at)
        && match (&filter.of, &grant.to) {
            (None, _) => true,
            (Some(Who::Endpoint(wanted)), Grantee::Endpoint(endpoint)) => wanted == endpoint,
            (Some(Who::Account(wanted)), Grantee::Account(account)) => wanted == account,
            // Who owns an endpoint stands in its records, which are those that were asked for.
            (Some(Who::Endpoint(_)), Grantee::Account(account)) => on_record(&|record| record.account() == Some(account)),
            (Some(Who::Account(_)), Grantee::Endpoint(endpoint)) => on_record(&|record| record.endpoint() == endpoint),
        }
}

fn decided(record: &Record) -> [String; 8] {
    let origin = serde_json::to_value(record.origin.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default();
    [
        record.at.to_string(),
        record.verdict.to_string(),
        record.service().to_string(),
        record.endpoint().to_string(),
        record.account().map_or_else(|| "unknown".to_owned(), ToString::to_string),
        by(record),
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

/// Who or what decided, or why nobody did.
pub(crate) fn by(record: &Record) -> String {
    if let Some(refusal) = &record.refusal {
        return format!("{}: {}", refusal.by, refusal.reason);
    }
    match (&record.grant, &record.failure, &record.refer) {
        (Some(grant), _, _) => format!("{}: {}", grant.by, grant.reason),
        (None, Some(failure), _) => format!("EC2: {}", failure.code),
        (None, None, Some(refer)) => because(refer, record.judgement.as_ref()),
        (None, None, None) => record.policies().join(", "),
    }
}

pub(crate) async fn replay(common: &Common, aws: &Aws, since: &Timestamp) -> Result<Done, Failure> {
    let policy = aws.policy(&common.policies).await?;
    let (records, unreadable) = aws.ledger()?.decisions(&About { since: Some(*since), ..About::default() }).await?;
    let mut rows = Rows::new(&["at", "service", "endpoint", "account", "was", "would", "because"]);
    let mut judged = 0_usize;
    // What was connected already was no request: there was nothing to decide.
    // Nor does a person's no come from a policy.
    let was_request = |record: &&Record| record.facts.connection.state.phase() != Phase::Live && record.refusal.is_none();
    for record in records.iter().filter(was_request) {
        judged += 1;
        let decision = record.replay(&policy);
        if same(record.verdict, &decision.action) {
            continue;
        }
        let (would, because) = words(&decision);
        rows.push([
            record.at.to_string(),
            record.service().to_string(),
            record.endpoint().to_string(),
            record.account().map_or_else(|| "unknown".to_owned(), ToString::to_string),
            record.verdict.to_string(),
            would,
            because,
        ]);
    }
    rows.write(
        common.output,
        &format!("{}, and the policy in {} would make all of them again.", counted(judged, "decision", "decisions"), common.policies),
    );
    if common.output == Format::Table && !rows.is_empty() {
        println!("{} judged again by {}.", counted(judged, "decision was", "decisions were"), policy::short(policy.digest()));
    }
    unreadable.iter().for_each(|what| eprintln!("unreadable: {what}"));
    Ok(if rows.is_empty() { Done::Fine } else { Done::Differences })
}

/// What two sets make of the decisions on record.
pub(crate) async fn compare(aws: &Aws, old: &PolicySet, new: &PolicySet, since: Timestamp) -> Result<(), Failure> {
    let (records, unreadable) = aws.ledger()?.decisions(&About { since: Some(since), ..About::default() }).await?;
    let waiting = records.iter().filter(|record| record.facts.connection.state.phase() != Phase::Live && record.refusal.is_none());
    let mut judged = 0_usize;
    for record in waiting {
        judged += 1;
        let ((was, _), (is, because)) = (words(&record.replay(old)), words(&record.replay(new)));
        if was != is {
            println!("differs    {} of {}: {was} → {is} ({because})", record.endpoint(), record.at);
        }
    }
    unreadable.iter().for_each(|what| eprintln!("unreadable: {what}"));
    println!("{} on record judged again.", counted(judged, "decision", "decisions"));
    Ok(())
}

/// Whether a decision is what the record says was decided.
fn same(verdict: Verdict, decision: &Action) -> bool {
    match verdict {
        Verdict::Accepted | Verdict::ObservedAccept => matches!(decision, Action::Accept(_)),
        Verdict::Rejected | Verdict::ObservedReject => matches!(decision, Action::Reject(_)),
        Verdict::Referred | Verdict::Disputed => matches!(decision, Action::Refer(_)),
        // EC2 refused one or the other.
        Verdict::Failed => matches!(decision, Action::Accept(_) | Action::Reject(_)),
        Verdict::Found => true,
    }
}
