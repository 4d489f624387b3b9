//! `warden approve`, `reject`, `revoke`: a named person's decision. The grant goes on the ledger first, then EC2 is asked;
//! so nothing is let in without a name beside it.

use std::io::{self, BufRead, IsTerminal, Write};

use jiff::Timestamp;
use warden::{
    aws::dynamodb::Table,
    connection::{Connection, Service, Standing, State},
    decision::{Basis, Decision, Refusal, decide, refuse},
    facts::{Counts, Facts},
    grant::{Grant, Grantee, SCHEMA_VERSION},
    organization::Membership,
    policy::Policy,
    ports::{Accept, Effect, Ledger, Put, Reject},
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
    let (service, connection, all) = aws.connection(&order.endpoint).await?;
    if matches!(connection.state.standing(), Standing::Gone | Standing::Unknown) {
        return Err(Failure::Usage(format!("{} is {}: there is nothing to accept", order.endpoint, connection.state.as_str())));
    }
    let facts = facts(aws, &policy, service.clone(), connection.clone(), &all).await;
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
        Standing::Gone | Standing::Unknown => Ok(Done::Fine), // turned away above
    }
}

pub(crate) async fn reject(common: &Common, aws: &Aws, order: &Order) -> Result<Done, Failure> {
    sensible(order, !order.account, "--account: a rejection is for one endpoint; a policy's `permit` for `Reject` is for more")?;
    let (service, connection, all) = aws.connection(&order.endpoint).await?;
    if connection.state.standing() == Standing::Live {
        return Err(Failure::Usage(format!("{} is connected: `warden revoke` cuts it off", order.endpoint)));
    }
    let question = format!("Turn away {}, of account {}, from {}?", order.endpoint, owner(&connection), name(&service));
    confirm(order, &question)?;
    let refusing = Refusing::prepare(common, aws, order).await?;
    refusing.turn_away(aws, order, service, connection, &all, "rejected").await
}

pub(crate) async fn revoke(common: &Common, aws: &Aws, order: &Order) -> Result<Done, Failure> {
    sensible(order, true, "")?;
    let ledger = aws.ledger()?;
    let (service, connection, all) = aws.connection(&order.endpoint).await?;
    let live = if connection.state.standing() == Standing::Live { " Live traffic stops at once." } else { "" };
    let question = format!(
        "Cut off {}, of account {}, from {}, and end what was granted to it?{live}",
        order.endpoint,
        owner(&connection),
        name(&service)
    );
    confirm(order, &question)?;
    let refusing = Refusing::prepare(common, aws, order).await?;
    let now = Timestamp::now();
    for grant in ledger.grants(&service.id).await?.iter().filter(|grant| grant.speaks_of(&connection) && grant.holds(now)) {
        if !order.account && matches!(grant.to, Grantee::Account(_)) {
            println!("note: what {} granted to the whole account stays: its next endpoint is let in. --account ends that, too", grant.by);
            continue;
        }
        // The same item with an end: who granted it, and why, stays on the record.
        ledger.grant(&Grant { until: Some(now), ..grant.clone() }).await?;
        println!("ended: what {} granted: {}", grant.by, grant.reason);
    }
    refusing.turn_away(aws, order, service, connection, &all, "cut off").await
}

/// What a `no` does not go with is said before anything is done.
fn sensible(order: &Order, account_fits: bool, why: &str) -> Result<(), Failure> {
    match (order.until, account_fits) {
        (Some(_), _) => Err(Failure::Usage("--until: a rejection has no end".to_owned())),
        (None, false) => Err(Failure::Usage(why.to_owned())),
        (None, true) => Ok(()),
    }
}

/// All that a `no` needs, so that nothing is half done for want of it.
struct Refusing<'a> {
    ledger: &'a Table,
    policy: Policy,
    refusal: Refusal,
}

impl<'a> Refusing<'a> {
    async fn prepare(common: &Common, aws: &'a Aws, order: &Order) -> Result<Self, Failure> {
        if order.reason.trim().is_empty() {
            return Err(Failure::Usage("say why: --reason must not be empty".to_owned()));
        }
        let refusal = Refusal { by: aws.caller().await?, reason: order.reason.clone(), at: Timestamp::now() };
        Ok(Self { ledger: aws.ledger()?, policy: aws.policy(&common.policies).await?, refusal })
    }

    async fn turn_away(
        self,
        aws: &Aws,
        order: &Order,
        service: Service,
        connection: Connection,
        all: &[Connection],
        word: &str,
    ) -> Result<Done, Failure> {
        // By whom is not known, so nobody's name is put on it.
        if connection.state == State::Rejected {
            println!("{} is rejected already.", order.endpoint);
            return Ok(Done::Fine);
        }
        let Self { ledger, policy, refusal } = self;
        let facts = facts(aws, &policy, service, connection, all).await;
        let permit = refuse(&refusal, &facts).ok_or_else(|| Failure::Usage("say why: --reason must not be empty".to_owned()))?;
        let ended = done(order, aws.ec2.reject(&facts.service.id, vec![permit]).await?, word)?;
        let basis = Basis { judgement: policy.judge(&facts).ok(), grant: None };
        let scribe = Scribe { observe: false, retention: RETENTION, function_version: format!("{}/cli", env!("CARGO_PKG_VERSION")) };
        let origin = Origin { kind: OriginKind::Person, id: refusal.by.clone() };
        let record = Record { refusal: Some(refusal), ..scribe.record(facts, basis, Verdict::Rejected.into(), &policy, origin) };
        // EC2 has done it: whoever reads this knows more than the ledger does.
        let lost = |error| Failure::Trouble(format!("{} is {word}, but that is not on the record: {error}", order.endpoint));
        if ledger.put(&record).await.map_err(lost)? == Put::AlreadyThere {
            println!("note: an earlier rejection of {} stands on the record, and this one is not added to it", order.endpoint);
        }
        Ok(ended)
    }
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

async fn facts(aws: &Aws, policy: &Policy, service: Service, connection: Connection, all: &[Connection]) -> Facts {
    let counts = Counts::of(all, connection.owner.as_ref());
    let mut facts = Facts { service, connection, counts, membership: Membership::NotAsked, claim: None, now: Timestamp::now() };
    aws.members.complete_for_person(policy, &mut facts).await;
    facts
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
