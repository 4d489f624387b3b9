//! The rejection of connections by a person: common to `reject` and `revoke`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use warden::{
    aws::dynamodb::Table,
    decision::{Grounds, Refusal, refuse},
    ledger::record::{Record, RecordFactory, Verdict},
    model::{
        connection::Connection,
        facts::Facts,
        origin::{Origin, OriginKind},
        service::Service,
    },
    policy::PolicySet,
    ports::{ActOutcome, Ledger, PutOutcome, Reject},
};

use crate::{
    arguments::Order,
    aws::{Aws, Described, RETENTION, VERSION},
    call_advice::with_advice,
    error::CliError,
    facts,
};

pub(super) struct Rejection<'a> {
    pub(super) ledger: &'a Table,
    pub(super) policies: PolicySet,
    refusal: Refusal,
}

impl<'a> Rejection<'a> {
    /// Reads what is needed, the ledger included: EC2 is asked only if the ledger can store what it does.
    pub(super) async fn prepare(aws: &'a Aws, order: &Order, service: &Service) -> Result<Self, CliError> {
        let ledger = aws.ledger()?;
        ledger.verdicts(&service.id, &order.endpoint).await?;
        let refusal = Refusal { by: aws.caller().await?, reason: order.reason.clone(), at: Timestamp::now() };
        Ok(Self { ledger, policies: aws.policies().await?, refusal })
    }

    /// Rejects connections of one service and records each. `result` is the word for what they are then.
    pub(super) async fn reject(self, aws: &Aws, of: &Described, connections: &[Connection], result: &str) -> Result<(), CliError> {
        let (mut rejected, mut tokens) = (Vec::new(), Vec::new());
        for connection in connections {
            let facts = facts::for_person(aws, &self.policies, of, connection).await;
            tokens.push(refuse(&self.refusal, &facts).ok_or_else(|| CliError::Usage("--reason is empty: give a reason".to_owned()))?);
            rejected.push(facts);
        }
        let failed = match aws.ec2.reject(&of.service.id, tokens).await? {
            ActOutcome::Asked(failed) => failed,
            ActOutcome::Observed => Vec::new(),
        };
        let unsuccessful: BTreeSet<&str> = failed.iter().map(|one| one.resource.as_str()).collect();
        rejected.retain(|facts| !unsuccessful.contains(facts.connection.endpoint.as_str()));
        rejected.iter().for_each(|facts| println!("{} is {result}.", facts.connection.endpoint));
        for facts in rejected {
            self.record(facts, result).await?;
        }
        if failed.is_empty() { Ok(()) } else { Err(CliError::unsuccessful(&failed)) }
    }

    async fn record(&self, facts: Facts, result: &str) -> Result<(), CliError> {
        let endpoint = facts.connection.endpoint.clone();
        let grounds = Grounds { judgement: self.policies.judge(&facts).ok(), grant: None };
        let factory = RecordFactory { observe: false, retention: RETENTION, function_version: VERSION.to_owned() };
        let origin = Origin { kind: OriginKind::Person, id: self.refusal.by.clone() };
        let record = factory.record(facts, grounds, Verdict::Rejected.into(), &self.policies, origin);
        let record = Record { refusal: Some(self.refusal.clone()), ..record };
        let lost = |error| CliError::Failed(format!("{endpoint} is {result}, but the ledger has no record of it: {}", with_advice(&error)));
        if self.ledger.put(&record).await.map_err(lost)? == PutOutcome::AlreadyThere {
            println!("note: the ledger keeps an earlier rejection of {endpoint}; this one is not added");
        }
        Ok(())
    }
}
