//! Reads what an explanation needs, and writes it.

use warden::{
    aws::dynamodb::About,
    model::{connection::Phase, facts::Facts, ids::EndpointId},
    ports::Ledger,
};

use super::{explanation::Explanation, render};
use crate::{
    arguments::Format,
    aws::Aws,
    error::{CliError, Outcome},
    facts,
};

pub(crate) async fn explain(aws: &Aws, endpoint: &EndpointId) -> Result<Outcome, CliError> {
    let policies = aws.policies().await?;
    let described = aws.describe(endpoint).await?;
    let state = described.connection.state.clone();
    let mut facts = facts::as_if_pending(aws, &policies, &described).await;
    if state.phase() != Phase::Live {
        facts = Facts { connection: described.connection, ..facts };
    }
    let (mut grants, records) = match aws.ledger() {
        Ok(ledger) => {
            let about = About { endpoint: Some(endpoint.clone()), ..About::default() };
            (ledger.grants(&facts.service.id).await?, Some(ledger.decisions(&about).await?))
        }
        Err(_) => (Vec::new(), None),
    };
    grants.retain(|grant| grant.speaks_of(&facts.connection));
    grants.sort_by_key(|grant| grant.at);
    let explanation = Explanation::of(&policies, state, facts, grants, records)?;
    match aws.common.output {
        Format::Table => render::text(&explanation),
        Format::Json => render::json(&explanation)?,
        Format::Csv => render::rows(&explanation).write(Format::Csv, ""),
    }
    Ok(Outcome::Clean)
}
