//! The ledger.

use jiff::Timestamp;
use scenarios::MemoryLedger;
use warden::{
    decision::grant::Grant,
    ledger::{
        digest::Digest,
        history::LedgerHistory,
        open_finding::{Change, KnownSince, StoredFindings},
        record::{Record, Verdict},
    },
    model::ids::{EndpointId, ServiceId},
    ports::{CallError, Findings, History, Ledger, LockOutcome, PublishOutcome, PutOutcome},
};

use crate::mutants::Flaw;

#[derive(Clone)]
pub struct LedgerPort {
    pub ledger: MemoryLedger,
    pub flaw: Option<Flaw>,
}

impl LedgerPort {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }
}

impl Ledger for LedgerPort {
    async fn put(&self, record: &Record) -> Result<PutOutcome, CallError> {
        if self.has(Flaw::LosesRecords) {
            return Ok(PutOutcome::Written);
        }
        if self.has(Flaw::OverwritesRecords) {
            self.ledger.delete(&record.key());
        }
        if self.has(Flaw::KeepsOneRecordPerEndpoint) && !self.ledger.verdicts(record.service(), record.endpoint()).await?.is_empty() {
            return Ok(PutOutcome::AlreadyThere);
        }
        self.ledger.put(record).await
    }

    async fn grants(&self, service: &ServiceId) -> Result<Vec<Grant>, CallError> {
        let mut grants = self.ledger.grants(service).await?;
        if self.has(Flaw::IgnoresTheEndOfGrants) {
            grants.iter_mut().for_each(|grant| grant.until = None);
        }
        Ok(grants)
    }

    async fn verdicts(&self, service: &ServiceId, endpoint: &EndpointId) -> Result<Vec<Verdict>, CallError> {
        self.ledger.verdicts(service, endpoint).await
    }
}

impl History for LedgerPort {
    async fn history(&self, service: &ServiceId) -> Result<LedgerHistory, CallError> {
        let history = self.ledger.history(service).await?;
        let grants = if self.has(Flaw::AuditsWithoutGrants) { Vec::new() } else { history.grants };
        let subjects = if self.has(Flaw::AuditsWithoutRecords) { Default::default() } else { history.subjects };
        Ok(LedgerHistory { grants, subjects, ..history })
    }
}

impl Findings for LedgerPort {
    async fn stored(&self) -> Result<StoredFindings, CallError> {
        self.ledger.stored().await
    }

    async fn acquire_lock(&self, run: &str, now: Timestamp) -> Result<LockOutcome, CallError> {
        self.ledger.acquire_lock(run, now).await
    }

    async fn release_lock(&self, run: &str) -> Result<(), CallError> {
        self.ledger.release_lock(run).await
    }

    async fn publish(&self, changes: &[Change], digest: &Digest) -> Result<PublishOutcome, CallError> {
        if self.has(Flaw::AuditsWithoutTelling) {
            return Ok(PublishOutcome::Written);
        }
        self.ledger.publish(changes, digest).await
    }

    async fn store_known_since(&self, known_since: &KnownSince) -> Result<(), CallError> {
        self.ledger.store_known_since(known_since).await
    }
}
