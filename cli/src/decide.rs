//! `warden approve`, `reject`, `revoke`: a named person's decision. Nothing is let in without a name beside it, and nothing
//! is begun that could be seen to fail.

mod approve;
mod refusing;
mod reject;
mod revoke;

use std::io::{self, BufRead, IsTerminal, Write};

use jiff::Timestamp;
use warden::{
    decision::queue::RunningCounts,
    model::{
        connection::{Connection, State},
        facts::{Counts, Facts},
        organization::Membership,
        service::Service,
    },
    policy::PolicySet,
    ports::Unsuccessful,
};

pub(crate) use approve::approve;
pub(crate) use reject::reject;
pub(crate) use revoke::revoke;

use crate::{aws::Aws, failure::Failure};

/// The facts as they are, for the record.
async fn facts(aws: &Aws, policy: &PolicySet, service: Service, connection: Connection, all: &[Connection]) -> Facts {
    let counts = Counts::of(all, connection.owner.as_ref());
    let mut facts = Facts { service, connection, counts, membership: Membership::NotAsked, claim: None, now: Timestamp::now() };
    aws.members.complete_for_person(policy, &mut facts).await;
    facts
}

/// The facts as if a connection asked only now.
pub(crate) async fn as_if_it_asked(aws: &Aws, policy: &PolicySet, service: Service, connection: &Connection, all: &[Connection]) -> Facts {
    let others: Vec<Connection> = all.iter().filter(|other| other.endpoint != connection.endpoint).cloned().collect();
    let counts = RunningCounts::of(&others).seen_by(connection);
    let connection = Connection { state: State::PendingAcceptance, ..connection.clone() };
    let mut facts = Facts { service, connection, counts, membership: Membership::NotAsked, claim: None, now: Timestamp::now() };
    aws.members.complete(policy, &mut facts).await;
    facts
}

/// What EC2 did not do.
fn undone(failed: &[Unsuccessful]) -> Failure {
    let why: Vec<String> = failed.iter().map(|one| format!("{}: {} {}", one.resource, one.code, one.message)).collect();
    Failure::Trouble(format!("EC2 did not do it: {}", why.join("; ")))
}

/// Asks at a terminal; elsewhere `--yes` must have been said.
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
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(Failure::Declined) }
}
