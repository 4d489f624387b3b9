//! `warden explain`: the facts, each policy that matched or nearly did, the ledger's history, and what to change.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::json;
use warden::{
    aws::dynamodb::About,
    connection::{Standing, State},
    decision::{Ruling, decide},
    facts::Facts,
    ids::EndpointId,
    organization::Membership,
    policy::explain::{Explained, Holds},
    ports::Ledger,
    queue::Running,
    record::Record,
};

use crate::{
    arguments::{Common, Format},
    aws::Aws,
    failure::{Done, Failure},
    history::by,
    output::Rows,
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

    let mut policies = Vec::new();
    for action in ["Accept", "Reject"] {
        let explained = policy.explain(action, &facts).map_err(|missing| Failure::Trouble(missing.to_string()))?;
        policies.extend(explained.into_iter().map(|one| (action, one)));
    }
    let history = match aws.ledger() {
        Ok(ledger) => Some(ledger.decisions(&About { endpoint: Some(endpoint.clone()), ..About::default() }).await?),
        Err(_) => None,
    };
    let explanation =
        Explanation { state, ruling: decide(&policy, &facts, &grants), digest: policy.digest().to_owned(), facts, policies, history };
    match common.output {
        Format::Table => explanation.tell(),
        Format::Json => explanation.json()?,
        Format::Csv => explanation.rows().write(Format::Csv, "")?,
    }
    Ok(Done::Fine)
}

/// Everything there is to say.
struct Explanation {
    /// As EC2 says it is; the facts are as if it asked now.
    state: State,
    facts: Facts,
    ruling: Ruling,
    digest: String,
    /// By action.
    policies: Vec<(&'static str, Explained)>,
    /// Records, and what of them cannot be read; nothing, where no ledger was named.
    history: Option<(Vec<Record>, Vec<String>)>,
}

impl Explanation {
    fn tell(&self) {
        let Self { state, facts, ruling, digest, policies, history } = self;
        let connection = &facts.connection;
        println!("{}, of account {}, asks for {} ({})", connection.endpoint, owner(connection), name(&facts.service), facts.service.id);
        println!(
            "  state {}, requested {}, from {}",
            state.as_str(),
            connection.created.map_or("unknown".into(), minute),
            connection.region.as_ref().map_or("an unnamed Region", |region| region.as_str())
        );
        println!("  beside {} connected of the account, {} of all", facts.counts.of_account, facts.counts.of_service);
        if let Membership::Member(member) = &facts.membership {
            let named = member.name.as_deref().unwrap_or("without a name");
            println!("  in the organization: {named}, {}, {}", member.state, member.units.join("/"));
        }
        let (would, because) = words(ruling);
        println!("\nBy today's policy ({}): {would}, {because}\n", policy::short(digest));
        for (action, one) in policies.iter().filter(|(_, one)| one.in_scope) {
            say(action, one);
        }
        // Held against both actions, each once.
        let nearly: BTreeSet<&str> = policies.iter().filter(|(_, one)| one.matches_elsewhere()).map(|(_, one)| one.id.as_str()).collect();
        for id in nearly.into_iter().filter(|id| !policies.iter().any(|(_, one)| one.in_scope && one.id == *id)) {
            println!("  `{id}` nearly: its conditions hold, but it speaks of another account, action or service");
        }
        advise(&would, ruling.basis.judgement.is_some());
        let Some((records, unreadable)) = history else {
            println!("\nGive --ledger to see what stands on the record.");
            return;
        };
        println!("\nOn the record:{}", if records.is_empty() { " nothing" } else { "" });
        for record in records {
            println!("  {}  {}  {}", minute(record.at), record.verdict, by(record));
        }
        unreadable.iter().for_each(|what| println!("  unreadable: {what}"));
    }

    fn json(&self) -> Result<(), Failure> {
        let (would, because) = words(&self.ruling);
        let policies: Vec<_> =
            self.policies.iter().map(|(action, one)| json!({"action": action, "matched": one.matched(), "policy": one})).collect();
        let whole = json!({
            "state": self.state, "facts": self.facts, "would": would, "because": because, "judgement": self.ruling.basis.judgement,
            "grant": self.ruling.basis.grant, "policy_digest": self.digest, "policies": policies,
            "history": self.history.as_ref().map(|(records, _)| records),
        });
        println!("{}", serde_json::to_string_pretty(&whole).map_err(std::io::Error::from)?);
        Ok(())
    }

    /// One row for each condition, and one for a policy that has none.
    fn rows(&self) -> Rows {
        let mut rows = Rows::new(&["action", "policy", "effect", "in scope", "condition", "holds"]);
        for (action, one) in &self.policies {
            let effect = if one.forbids { "forbid" } else { "permit" };
            let mut push = |condition: &str, holds: &str| {
                rows.push([(*action).to_owned(), one.id.clone(), effect.into(), one.in_scope.to_string(), condition.into(), holds.into()]);
            };
            if one.conditions.is_empty() {
                push("", "");
            }
            for condition in &one.conditions {
                push(&condition.text, &mark(&condition.holds));
            }
        }
        rows
    }
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
        println!("      {} — {}", condition.text, mark(&condition.holds));
    }
}

fn mark(holds: &Holds) -> String {
    match holds {
        Holds::Yes => "holds".to_owned(),
        Holds::No => "DOES NOT HOLD".to_owned(),
        Holds::Fails(error) => format!("FAILS: {error}"),
    }
}

fn advise(would: &str, judged: bool) {
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
