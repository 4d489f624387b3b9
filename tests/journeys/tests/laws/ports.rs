//! What a warden of these tests sees the world through: the stage's ports, with a log of what it was told and did. The log
//! is what the reference judges by. For a broken warden the ports are bent: they do what a broken adapter would.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use journeys::{Aws, MemoryLedger, Outbox, Shelf};
use warden::{
    decision::{ActionToken, ToAccept, ToReject, grant::Grant},
    ledger::{
        digest::Digest,
        history::LedgerHistory,
        open_finding::{Change, KnownSince, StoredFindings},
        record::{Record, Verdict},
    },
    message::Message,
    model::{
        connection::{Connection, ConnectionPage, State},
        ids::{AccountId, EndpointId, ServiceId, TopicArn},
        notification::ConnectionNotification,
        organization::Membership,
        principal::AllowedPrincipal,
        service::{Service, ServiceConfiguration},
    },
    ports::{
        Accept, ActOutcome, CallError, ConnectionFilter, Describe, Directory, Findings, History, Inventory, Ledger, LockOutcome, Publish,
        PublishOutcome, PutOutcome, Reject, ReportStore,
    },
};

use crate::{harness::now, mutants::Flaw, reference::Member};

/// What one of Lambda's environments was told and did.
#[derive(Debug, Default)]
pub struct Log {
    pub services: Vec<(Timestamp, Service)>,
    pub members: Vec<(Timestamp, AccountId, Member)>,
    /// The lists of connections of the invocation under way.
    pub lists: Vec<Vec<Connection>>,
    /// Whom it asked EC2 to let in, in the order in which it asked.
    pub asked: Vec<EndpointId>,
    /// Whom EC2 let in for it, with how many lists it had read by then.
    pub let_in: Vec<(usize, EndpointId)>,
}

pub type Shared<T> = Arc<Mutex<T>>;

pub fn lock<T>(shared: &Shared<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// EC2 and Organizations.
#[derive(Clone)]
pub struct Ec2 {
    pub aws: Aws,
    pub log: Shared<Log>,
    pub flaw: Option<Flaw>,
    /// How many things EC2 puts on a page.
    pub page: usize,
    /// Whom the event under way names as an endpoint's owner.
    pub claimed: Option<(EndpointId, AccountId)>,
}

impl Ec2 {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// Accepts without a permit: for broken copies, which have no way to come by one.
    pub async fn accept_ids(&self, service: &ServiceId, ids: &[EndpointId]) -> Result<ActOutcome, CallError> {
        lock(&self.log).asked.extend(ids.iter().cloned());
        let effect = self.aws.ask_to_accept(service, &texts(ids)).await;
        self.bent(effect)
    }

    pub async fn reject_ids(&self, service: &ServiceId, ids: &[EndpointId]) -> Result<ActOutcome, CallError> {
        let effect = self.aws.ask_to_reject(service, &texts(ids)).await;
        self.bent(effect)
    }

    fn bent(&self, effect: Result<ActOutcome, CallError>) -> Result<ActOutcome, CallError> {
        match effect {
            Ok(ActOutcome::Asked(_)) if self.has(Flaw::IgnoresUnsuccessful) => Ok(ActOutcome::Asked(Vec::new())),
            Err(_) if self.has(Flaw::TakesErrorsForSuccess) => Ok(ActOutcome::Asked(Vec::new())),
            other => other,
        }
    }

    fn seen(&self, mut found: Vec<Connection>) -> Vec<Connection> {
        if self.has(Flaw::ReadsTheFirstPageOnly) {
            found.truncate(self.page);
        }
        for connection in &mut found {
            if self.has(Flaw::ComparesStatesWithTheSdkEnum) {
                // `State::Unknown("pendingAcceptance")` is what the SDK makes of every state that there is.
                connection.state = State::Unknown(connection.state.as_str().to_owned());
            }
            if let Some((endpoint, owner)) = self.claimed.as_ref().filter(|_| self.has(Flaw::TrustsTheEventsAccount))
                && connection.endpoint == *endpoint
            {
                connection.owner = Some(owner.clone());
            }
        }
        found
    }
}

impl Describe for Ec2 {
    async fn connections(&self, of: ConnectionFilter<'_>) -> Result<Vec<Connection>, CallError> {
        let found = self.aws.connections(of).await?;
        // Of one endpoint alone nobody can tell how many others there are.
        if !matches!(of, ConnectionFilter::Endpoint(_)) {
            lock(&self.log).lists.push(found.clone());
        }
        Ok(self.seen(found))
    }

    async fn services(&self, id: Option<&ServiceId>) -> Result<Vec<Service>, CallError> {
        let found = self.aws.services(id).await?;
        lock(&self.log).services.extend(found.iter().map(|service| (now(), service.clone())));
        Ok(found)
    }

    async fn services_notifying(&self, topic: &TopicArn) -> Result<Vec<ServiceId>, CallError> {
        self.aws.services_notifying(topic).await
    }
}

impl Accept for Ec2 {
    async fn accept(&self, service: &ServiceId, tokens: Vec<ActionToken<ToAccept>>) -> Result<ActOutcome, CallError> {
        lock(&self.log).asked.extend(tokens.iter().map(|token| token.endpoint().clone()));
        let effect = self.aws.accept(service, tokens).await;
        self.bent(effect)
    }
}

impl Reject for Ec2 {
    async fn reject(&self, service: &ServiceId, tokens: Vec<ActionToken<ToReject>>) -> Result<ActOutcome, CallError> {
        let effect = self.aws.reject(service, tokens).await;
        self.bent(effect)
    }
}

impl Directory for Ec2 {
    async fn member(&self, account: &AccountId) -> Result<Membership, CallError> {
        let answer = self.aws.member(account).await;
        let told = match &answer {
            Ok(Membership::Member(member)) => Member::Inside { units: member.units.clone(), active: member.state == "ACTIVE" },
            Ok(Membership::Outside) => Member::Outside,
            Ok(Membership::NotAsked | Membership::Unknown { .. }) | Err(_) => Member::Unknown,
        };
        lock(&self.log).members.push((now(), account.clone(), told));
        match answer {
            Err(_) if self.has(Flaw::TakesSilenceForAnOutsider) => Ok(Membership::Outside),
            Ok(Membership::Member(member)) if self.has(Flaw::TakesEveryMemberForActive) => {
                Ok(Membership::Member(warden::model::organization::Member { state: "ACTIVE".to_owned(), ..member }))
            }
            answer => answer,
        }
    }
}

impl Inventory for Ec2 {
    async fn service_configurations(&self) -> Result<Vec<ServiceConfiguration>, CallError> {
        self.aws.service_configurations().await
    }

    async fn permissions(&self, service: &ServiceId) -> Result<Vec<AllowedPrincipal>, CallError> {
        self.aws.permissions(service).await
    }

    async fn connection_notifications(&self) -> Result<Vec<ConnectionNotification>, CallError> {
        self.aws.connection_notifications().await
    }

    async fn page(&self, service: &ServiceId, from: Option<&str>) -> Result<ConnectionPage, CallError> {
        let page = self.aws.page(service, from).await?;
        let next = page.next.filter(|_| !self.has(Flaw::AuditsTheFirstPageOnly));
        Ok(ConnectionPage { connections: self.seen(page.connections), next, ..page })
    }
}

/// The ledger.
#[derive(Clone)]
pub struct Book {
    pub ledger: MemoryLedger,
    pub flaw: Option<Flaw>,
}

impl Book {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }
}

impl Ledger for Book {
    async fn put(&self, record: &Record) -> Result<PutOutcome, CallError> {
        if self.has(Flaw::LosesRecords) {
            return Ok(PutOutcome::Written);
        }
        if self.has(Flaw::WritesOverRecords) {
            self.ledger.forget_key(&record.key());
        }
        if self.has(Flaw::KeepsOneRecordOfEach) && !self.ledger.verdicts(record.service(), record.endpoint()).await?.is_empty() {
            return Ok(PutOutcome::AlreadyThere);
        }
        self.ledger.put(record).await
    }

    async fn grants(&self, service: &ServiceId) -> Result<Vec<Grant>, CallError> {
        let mut grants = self.ledger.grants(service).await?;
        if self.has(Flaw::HonoursGrantsPastTheirEnd) {
            grants.iter_mut().for_each(|grant| grant.until = None);
        }
        Ok(grants)
    }

    async fn verdicts(&self, service: &ServiceId, endpoint: &EndpointId) -> Result<Vec<Verdict>, CallError> {
        self.ledger.verdicts(service, endpoint).await
    }
}

impl History for Book {
    async fn history(&self, service: &ServiceId) -> Result<LedgerHistory, CallError> {
        let memory = self.ledger.history(service).await?;
        let grants = if self.has(Flaw::AuditsWithoutGrants) { Vec::new() } else { memory.grants };
        let subjects = if self.has(Flaw::AuditsWithoutRecords) { Default::default() } else { memory.subjects };
        Ok(LedgerHistory { grants, subjects, ..memory })
    }
}

impl Findings for Book {
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
        if self.has(Flaw::AuditsAndTellsNobody) {
            return Ok(PublishOutcome::Written);
        }
        self.ledger.publish(changes, digest).await
    }

    async fn store_known_since(&self, known_since: &KnownSince) -> Result<(), CallError> {
        self.ledger.store_known_since(known_since).await
    }
}

/// SNS.
#[derive(Clone)]
pub struct Post {
    pub outbox: Outbox,
    pub flaw: Option<Flaw>,
    pub default_topic: TopicArn,
}

impl Publish for Post {
    async fn publish(&self, topic: &TopicArn, notice: &Message) -> Result<(), CallError> {
        let topic = if self.flaw == Some(Flaw::TellsSomebodyElse) { &self.default_topic } else { topic };
        let answer = self.outbox.publish(topic, notice).await;
        if self.flaw == Some(Flaw::TellsOnceAndNeverAgain) { Ok(()) } else { answer }
    }
}

/// S3.
#[derive(Clone)]
pub struct Cabinet(pub Shelf);

impl ReportStore for Cabinet {
    async fn store(&self, name: &str, content_type: &str, file: &Path) -> Result<(), CallError> {
        self.0.store(name, content_type, file).await
    }

    fn location(&self, name: &str) -> String {
        self.0.location(name)
    }
}

fn texts(ids: &[EndpointId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
