//! `warden explain`: the facts, each policy that matched or nearly did, the ledger's history, and what to change.

use jiff::Timestamp;
use warden::{
    aws::dynamodb::About,
    connection::{Standing, State},
    decision::decide,
    facts::Facts,
    ids::EndpointId,
    organization::Membership,
    policy::explain::{Explained, Holds},
    ports::Ledger,
    queue::Running,
};

use crate::{
    arguments::Common,
    aws::Aws,
    failure::{Done, Failure},
    plan::{name, owner, words},
    policy,
};

pub(crate) async fn explain(common: &Common, aws: &Aws, endpoint: &EndpointId) -> Result<Done, Failure> {
    let policy = aws.policy(&common.policies).await?;
    let (service, connection, all) = aws.connection(endpoint).await?;
    let others: Vec<_> = all.into_iter().filter(|other| other.endpoint != connection.endpoint).collect();
    let counts = Running::of(&others).seen_by(&connection);
    let state = connection.state.clone();
    // What is connected is explained as if it asked now.
    let asked = if state.standing() == Standing::Live { State::PendingAcceptance } else { state.clone() };
    let mut facts = Facts {
        service,
        connection: warden::connection::Connection { state: asked, ..connection },
        counts,
        membership: Membership::NotAsked,
        claim: None,
        now: Timestamp::now(),
    };
    aws.members.complete(&policy, &mut facts).await;
    let grants = match aws.ledger() {
        Ok(ledger) => ledger.grants(&facts.service.id).await?,
        Err(_) => Vec::new(),
    };

    let connection = &facts.connection;
    println!("{endpoint}, of account {}, asks for {} ({})", owner(connection), name(&facts.service), facts.service.id);
    println!(
        "  state {}, requested {}, from {}",
        state.as_str(),
        connection.created.map_or("unknown".into(), minute),
        connection.region.as_ref().map_or("an unnamed Region", |region| region.as_str())
    );
    println!("  beside {} connected of the account, {} of all", facts.counts.of_account, facts.counts.of_service);
    let ruling = decide(&policy, &facts, &grants);
    let (would, because) = words(&ruling);
    println!("\nBy today's policy ({}): {would}, {because}\n", policy::short(policy.digest()));

    for action in ["Accept", "Reject"] {
        let explained = policy.explain(action, &facts).map_err(|missing| Failure::Trouble(missing.to_string()))?;
        for one in explained.iter().filter(|one| one.in_scope) {
            say(action, one);
        }
        let elsewhere = explained.iter().filter(|one| {
            !one.in_scope && !one.conditions.is_empty() && one.conditions.iter().all(|condition| condition.holds == Holds::Yes)
        });
        for one in elsewhere {
            println!("  `{}` nearly: its conditions hold, but it speaks of another account, action or service", one.id);
        }
    }
    advise(&would, &ruling.basis.judgement.is_some());

    if let Ok(ledger) = aws.ledger() {
        let (records, unreadable) = ledger.decisions(&About { endpoint: Some(endpoint.clone()), ..About::default() }).await?;
        println!("\nOn the record:{}", if records.is_empty() { " nothing" } else { "" });
        for record in records {
            println!("  {}  {}  {}", minute(record.at), record.verdict, record.policies().join(", "));
        }
        unreadable.iter().for_each(|what| println!("  unreadable: {what}"));
    } else {
        println!("\nGive --ledger to see what stands on the record.");
    }
    Ok(Done::Fine)
}

fn say(action: &str, one: &Explained) {
    let verb = match (action, one.forbids) {
        ("Accept", false) => "permits accepting",
        ("Accept", true) => "forbids accepting",
        (_, false) => "permits rejecting",
        (_, true) => "forbids rejecting",
    };
    println!("  `{}` {}{verb}", one.id, if one.matched() { "" } else { "does not match, it " });
    for condition in &one.conditions {
        let mark = match &condition.holds {
            Holds::Yes => "holds".to_owned(),
            Holds::No => "DOES NOT HOLD".to_owned(),
            Holds::Fails(error) => format!("FAILS: {error}"),
        };
        println!("      {} — {mark}", condition.text);
    }
}

fn advise(would: &str, judged: &bool) {
    if !judged {
        return;
    }
    println!(
        "\n{}",
        match would {
            "accept" => "To keep it out: write a `forbid` that matches it, or take its account out of the group that lets it in.",
            _ =>
                "To let it in: make a condition above hold, put its account into a group in groups.json, write a `permit`, or `warden approve` this one.",
        }
    );
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
