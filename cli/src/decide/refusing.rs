//! A person's no, as `reject` and `revoke` share it.

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

use super::{facts, undone};
use crate::{
    arguments::{Common, Order},
    aws::{Aws, RETENTION},
    failure::{Failure, told},
};

/// All that a no needs, so that nothing is half done for want of it.
pub(super) struct Refusing<'a> {
    pub(super) ledger: &'a Table,
    pub(super) policy: PolicySet,
    refusal: Refusal,
}

impl<'a> Refusing<'a> {
    /// The ledger is read here, before EC2 is asked for anything: one that is not there cannot keep what was done.
    pub(super) async fn prepare(common: &Common, aws: &'a Aws, order: &Order, service: &Service) -> Result<Self, Failure> {
        let ledger = aws.ledger()?;
        ledger.verdicts(&service.id, &order.endpoint).await?;
        let refusal = Refusal { by: aws.caller().await?, reason: order.reason.clone(), at: Timestamp::now() };
        Ok(Self { ledger, policy: aws.policy(&common.policies).await?, refusal })
    }

    /// Has EC2 turn connections of one service away, and puts each on the record. `word` is what they are then.
    pub(super) async fn turn_away(
        self,
        aws: &Aws,
        service: &Service,
        targets: Vec<Connection>,
        all: &[Connection],
        word: &str,
    ) -> Result<(), Failure> {
        let (mut facing, mut permits) = (Vec::new(), Vec::new());
        for connection in targets {
            let facts = facts(aws, &self.policy, service.clone(), connection, all).await;
            permits.push(refuse(&self.refusal, &facts).ok_or_else(|| Failure::Usage("say why: --reason must not be empty".to_owned()))?);
            facing.push(facts);
        }
        let failed = match aws.ec2.reject(&service.id, permits).await? {
            ActOutcome::Asked(failed) => failed,
            ActOutcome::Observed => Vec::new(),
        };
        let refused: BTreeSet<&str> = failed.iter().map(|one| one.resource.as_str()).collect();
        facing.retain(|facts| !refused.contains(facts.connection.endpoint.as_str()));
        facing.iter().for_each(|facts| println!("{} is {word}.", facts.connection.endpoint));
        for facts in facing {
            self.record(facts, word).await?;
        }
        if failed.is_empty() { Ok(()) } else { Err(undone(&failed)) }
    }

    async fn record(&self, facts: Facts, word: &str) -> Result<(), Failure> {
        let endpoint = facts.connection.endpoint.clone();
        let grounds = Grounds { judgement: self.policy.judge(&facts).ok(), grant: None };
        let scribe = RecordFactory { observe: false, retention: RETENTION, function_version: format!("{}/cli", env!("CARGO_PKG_VERSION")) };
        let origin = Origin { kind: OriginKind::Person, id: self.refusal.by.clone() };
        let record = scribe.record(facts, grounds, Verdict::Rejected.into(), &self.policy, origin);
        let record = Record { refusal: Some(self.refusal.clone()), ..record };
        // EC2 has done it: whoever reads this knows more than the ledger does.
        let lost = |error| Failure::Trouble(format!("{endpoint} is {word}, but that is not on the record: {}", told(&error)));
        if self.ledger.put(&record).await.map_err(lost)? == PutOutcome::AlreadyThere {
            println!("note: an earlier rejection of {endpoint} stands on the record, and this one is not added to it");
        }
        Ok(())
    }
}
