//! `warden approve`, `reject`, `revoke`: a named person's decision. The grant goes on the ledger first, then EC2 is asked;
//! so nothing is let in without a name beside it.

use std::io::{self, BufRead, IsTerminal, Write};

use jiff::Timestamp;
use warden::{
    connection::{Connection, Service, Standing, State},
    decision::{Basis, Decision, Refusal, decide, refuse},
    facts::{Counts, Facts},
    grant::{Grant, Grantee, SCHEMA_VERSION},
    organization::Membership,
    ports::{Accept, Effect, Ledger, Reject},
    record::{Origin, OriginKind, Record, Scribe, Verdict},
};

use crate::{
    arguments::{Common, Order},
    aws::{Aws, RETENTION},
    failure::{Done, Failure},
    plan::{name, owner},
};

pub(crate) async fn approve(common: &Common, aws: &Aws, order: &Order) -> Result<Done, Failure> {
    let ledger = aws.ledger()?;
    let policy = aws.policy(&common.policies).await?;
    let (service, connection, _) = aws.connection(&order.endpoint).await?;
    let mut facts = facts(service.clone(), connection.clone());
    aws.members.complete(&policy, &mut facts).await;
    if let Some(state) = facts.membership.inactive() {
        let who = owner(&connection);
        return Err(Failure::Usage(format!("account {who} is {state} in its organization: such an account is never let in")));
    }
    let grant = grant(aws, order, &service, &connection).await?;
    let until = grant.until.map(|until| format!(" until {until}")).unwrap_or_default();
    let whom = if order.account {
        format!("every endpoint of account {}", owner(&connection))
    } else {
        format!("{}, of account {},", order.endpoint, owner(&connection))
    };
    confirm(order, &format!("Let {whom} connect to {}{until}, as {}?", name(&service), grant.by))?;
    ledger.grant(&grant).await?;
    println!("granted: {} by {}: {}", if order.account { "account" } else { "endpoint" }, grant.by, grant.reason);
    match connection.state.standing() {
        Standing::Waiting => {
            let Decision::Accept(permit) = decide(&policy, &facts, std::slice::from_ref(&grant)).decision else {
                return Err(Failure::Trouble(format!(
                    "the grant is on the ledger, but EC2 does not describe {} well enough to act on: the sweep will",
                    order.endpoint
                )));
            };
            done(order, aws.ec2.accept(&facts.service.id, vec![permit]).await?, "accepted")
        }
        Standing::Live => {
            println!("{} is connected already.", order.endpoint);
            Ok(Done::Fine)
        }
        Standing::Gone | Standing::Unknown => {
            Err(Failure::Usage(format!("{} is {}: there is nothing to accept", order.endpoint, connection.state.as_str())))
        }
    }
}

pub(crate) async fn reject(common: &Common, aws: &Aws, order: &Order) -> Result<Done, Failure> {
    aws.ledger()?;
    let (service, connection, _) = aws.connection(&order.endpoint).await?;
    if connection.state.standing() == Standing::Live {
        return Err(Failure::Usage(format!("{} is connected: `warden revoke` cuts it off", order.endpoint)));
    }
    let question = format!("Turn away {}, of account {}, from {}?", order.endpoint, owner(&connection), name(&service));
    turn_away(common, aws, order, service, connection, &question, "rejected").await
}

pub(crate) async fn revoke(common: &Common, aws: &Aws, order: &Order) -> Result<Done, Failure> {
    let ledger = aws.ledger()?;
    let (service, connection, _) = aws.connection(&order.endpoint).await?;
    let question = format!(
        "Cut off {}, of account {}, from {}, and end what was granted to it? Live traffic stops at once.",
        order.endpoint,
        owner(&connection),
        name(&service)
    );
    confirm(order, &question)?;
    let now = Timestamp::now();
    let of_this =
        |grant: &&Grant| grant.speaks_of(&connection) && grant.holds(now) && (order.account || matches!(grant.to, Grantee::Endpoint(_)));
    for grant in ledger.grants(&service.id).await?.iter().filter(of_this) {
        // The same item with an end: who granted it, and why, stays on the record.
        ledger.grant(&Grant { until: Some(now), ..grant.clone() }).await?;
        println!("ended: what {} granted: {}", grant.by, grant.reason);
    }
    let agreed = Order { yes: true, endpoint: order.endpoint.clone(), reason: order.reason.clone(), until: None, account: order.account };
    turn_away(common, aws, &agreed, service, connection, "", "cut off").await
}

async fn turn_away(
    common: &Common,
    aws: &Aws,
    order: &Order,
    service: Service,
    connection: Connection,
    question: &str,
    word: &str,
) -> Result<Done, Failure> {
    let ledger = aws.ledger()?;
    let policy = aws.policy(&common.policies).await?;
    let by = aws.caller().await?;
    let refusal = Refusal { by: by.clone(), reason: order.reason.clone(), at: Timestamp::now() };
    confirm(order, question)?;
    let facts = facts(service, connection);
    let permit = refuse(&refusal, &facts).ok_or_else(|| Failure::Usage("say why: --reason must not be empty".to_owned()))?;
    // Rejected already, by this very command perhaps, before it could write that down.
    let ended = match facts.connection.state {
        State::Rejected => {
            println!("{} is rejected already.", order.endpoint);
            Done::Fine
        }
        _ => done(order, aws.ec2.reject(&facts.service.id, vec![permit]).await?, word)?,
    };
    let basis = Basis { judgement: policy.judge(&facts).ok(), grant: None };
    let scribe = Scribe { observe: false, retention: RETENTION, function_version: format!("{}/cli", env!("CARGO_PKG_VERSION")) };
    let origin = Origin { kind: OriginKind::Person, id: by };
    let record = Record { refusal: Some(refusal), ..scribe.record(facts, basis, Verdict::Rejected.into(), &policy, origin) };
    // EC2 has done it: whoever reads this knows more than the ledger does.
    let lost = |error| Failure::Trouble(format!("{} is {word}, but that is not on the record ({error}): say it again", order.endpoint));
    ledger.put(&record).await.map_err(lost)?;
    Ok(ended)
}

async fn grant(aws: &Aws, order: &Order, service: &Service, connection: &Connection) -> Result<Grant, Failure> {
    if order.reason.trim().is_empty() {
        return Err(Failure::Usage("say why: --reason must not be empty".to_owned()));
    }
    let to = match (&connection.owner, order.account) {
        (_, false) => Grantee::Endpoint(order.endpoint.clone()),
        (Some(owner), true) => Grantee::Account(owner.clone()),
        (None, true) => return Err(Failure::Trouble("EC2 does not name the account: grant the endpoint alone".to_owned())),
    };
    Ok(Grant {
        schema: SCHEMA_VERSION,
        service: service.id.clone(),
        to,
        by: aws.caller().await?,
        reason: order.reason.clone(),
        at: Timestamp::now(),
        until: order.until,
    })
}

fn facts(service: Service, connection: Connection) -> Facts {
    Facts { service, connection, counts: Counts::default(), membership: Membership::NotAsked, claim: None, now: Timestamp::now() }
}

fn done(order: &Order, effect: Effect, word: &str) -> Result<Done, Failure> {
    match effect {
        Effect::Asked(failed) if failed.is_empty() => {
            println!("{} is {word}.", order.endpoint);
            Ok(Done::Fine)
        }
        Effect::Asked(failed) => {
            let why: Vec<String> = failed.iter().map(|one| format!("{}: {} {}", one.resource, one.code, one.message)).collect();
            Err(Failure::Trouble(format!("EC2 did not do it: {}", why.join("; "))))
        }
        Effect::Observed => Ok(Done::Fine),
    }
}

/// Asks at a terminal; elsewhere `--yes` must have been said.
fn confirm(order: &Order, question: &str) -> Result<(), Failure> {
    ask(order.yes, question)
}

pub(crate) fn ask(yes: bool, question: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(format!("{question}\n  this is no terminal to ask at: say --yes if you mean it")));
    }
    print!("{question} [y/N] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(Failure::Usage("left as it is".to_owned())) }
}
