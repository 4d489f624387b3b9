//! `warden replay`: recorded requests, decided again on the recorded facts.

use jiff::Timestamp;
use warden::{
    aws::dynamodb::About,
    decision::Action,
    ledger::record::{Record, Verdict},
    model::connection::Phase,
    policy::{PolicySet, evaluation::Refer},
};

use crate::{
    arguments::Format,
    aws::Aws,
    error::{CliError, Outcome},
    output::Rows,
    wording::{account, counted, decision, minute, short},
};

pub(crate) async fn replay(aws: &Aws, since: Timestamp) -> Result<Outcome, CliError> {
    let policies = aws.policies().await?;
    let records = requests(aws, since).await?;
    let mut rows = Rows::new(&["at", "service", "endpoint", "account", "was", "would", "because"]);
    for record in &records {
        let decided = record.replay(&policies);
        if same(record.verdict, &decided.action) {
            continue;
        }
        let (would, because) = decision(&decided);
        let (at, account) = (record.at.to_string(), account(&record.facts.connection));
        let (service, endpoint, was) = (record.service().as_str(), record.subject().as_str(), record.verdict.as_str());
        rows.push([&at, service, endpoint, &account, was, &would, &because]);
    }
    let count = counted(records.len(), "decision", "decisions");
    let none_differs = match records.len() {
        0 => format!("No decision since {} is on the ledger.", minute(since)),
        _ => format!("{count} replayed: the policy set in {} makes the same decisions.", aws.common.policies),
    };
    rows.write(aws.common.output, &none_differs);
    if aws.common.output == Format::Table && !rows.is_empty() {
        println!("{count} replayed with policy set {}.", short(policies.digest()));
    }
    Ok(Outcome::clean_if(rows.is_empty()))
}

pub(crate) async fn compare(aws: &Aws, old: &PolicySet, new: &PolicySet, since: Timestamp) -> Result<(), CliError> {
    let records = requests(aws, since).await?;
    for record in &records {
        let ((was, _), (is, because)) = (decision(&record.replay(old)), decision(&record.replay(new)));
        if was != is {
            println!("differs    {} of {}: {was} → {is} ({because})", record.subject(), record.at);
        }
    }
    println!("{} replayed.", counted(records.len(), "recorded decision", "recorded decisions"));
    Ok(())
}

/// The records that the policy set decided: not connections that were found live, not rejections by a person, and not requests
/// that a hold or an unreadable decision of a person left pending.
async fn requests(aws: &Aws, since: Timestamp) -> Result<Vec<Record>, CliError> {
    let (mut records, unreadable) = aws.ledger()?.decisions_about(&About { since: Some(since), ..About::default() }).await?;
    unreadable.iter().for_each(|what| eprintln!("unreadable: {what}"));
    let by_people = |record: &Record| {
        let stopped = matches!(record.refer, Some(Refer::Held { .. } | Refer::UnreadableDecision { .. }));
        record.refusal.is_some() || stopped
    };
    records.retain(|record| record.facts.connection.state.phase() != Phase::Live && !by_people(record));
    Ok(records)
}

fn same(verdict: Verdict, action: &Action) -> bool {
    match verdict {
        Verdict::Accepted | Verdict::ObservedAccept => matches!(action, Action::Accept(_)),
        Verdict::Rejected | Verdict::ObservedReject => matches!(action, Action::Reject(_)),
        Verdict::Referred | Verdict::Disputed => matches!(action, Action::Refer(_)),
        // EC2 did not carry out one or the other.
        Verdict::Failed => matches!(action, Action::Accept(_) | Action::Reject(_)),
        Verdict::Found => true,
    }
}
