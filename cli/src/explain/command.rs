//! Reads what an explanation needs, and writes it.

use warden::{
    decision::PersonDecisions,
    model::{connection::Phase, facts::Facts, subject::Subject},
    ports::{ServiceLedger, StackLedger},
};

use super::{explanation::Explanation, render};
use crate::{
    arguments::Format,
    aws::Aws,
    error::{CliError, Outcome},
    facts,
};

pub(crate) async fn explain(aws: &Aws, endpoint: &Subject) -> Result<Outcome, CliError> {
    let policies = aws.policies().await?;
    let described = aws.describe(endpoint).await?;
    let state = described.connection.state.clone();
    let mut facts = facts::as_if_pending(aws, &policies, &described).await;
    let (mut people, mut records) = (PersonDecisions::default(), None);
    if let Ok(ledger) = aws.ledger() {
        people = ledger.decisions(&facts.service.id).await?;
        people.hold = people.hold.or(ledger.stack_hold().await?);
        records = Some(ledger.records_of(&facts.service.id, endpoint).await?);
        let proof = ledger.items(&facts.service.id).await?.proofs.remove(endpoint);
        facts = facts.with_claim(proof.map(|proof| proof.claim(&described.connection)));
    }
    if state.phase() != Phase::Live {
        facts = Facts { connection: described.connection, ..facts };
    }
    let explanation = Explanation::of(&policies, state, facts, people, records)?;
    match aws.common.output {
        Format::Table => render::text(&explanation),
        Format::Json => render::json(&explanation),
        Format::Csv => render::rows(&explanation).write(Format::Csv, ""),
    }
    Ok(Outcome::Clean)
}
