//! The ports: small traits, each named after the need of the code that calls it. An adapter reads all pages and bounds every call.

use std::{error::Error, future::Future, path::Path};

use jiff::Timestamp;

use crate::{
    decision::{ActionToken, Hold, PersonDecisions, ToAccept, ToReject, order},
    ledger::{
        commit::{Commit, CommitOutcome, ServiceItems},
        counted::ToldDays,
        digest::Digest,
        history::{LedgerHistory, PageHistory},
        open_finding::{Change, KnownSince, StoredFindings},
        record::RecordKey,
        service_state::StateError,
        told::ToldMark,
    },
    message::{Event, Message},
    model::{
        connection::{Connection, ConnectionPage},
        ids::{AccountId, ServiceId, TopicArn},
        notification::ConnectionNotification,
        organization::Membership,
        principal::AllowedPrincipal,
        service::{Service, ServiceConfiguration},
        subject::{Subject, SubjectKind},
    },
};

/// A call that failed.
#[derive(Debug, thiserror::Error)]
#[error("{call} failed{}", code.as_deref().map(|code| format!(" with {code}")).unwrap_or_default())]
pub struct CallError {
    /// The name of the API call.
    pub call: &'static str,
    /// AWS's error code, if the answer has one.
    pub code: Option<String>,
    /// The message of AWS or of the transport.
    pub message: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl CallError {
    /// Returns true if AWS throttled the call: it had no effect.
    #[must_use]
    pub fn is_throttling(&self) -> bool {
        let throttled = [
            "RequestLimitExceeded",
            "EC2ThrottledException",
            "Throttling",
            "ThrottlingException",
            // SNS, and SNS for the key of an encrypted topic.
            "Throttled",
            "KMSThrottling",
            // SQS and DynamoDB.
            "RequestThrottled",
            "ProvisionedThroughputExceededException",
        ];
        self.code.as_deref().is_some_and(|code| throttled.contains(&code))
    }

    /// Returns true if the same call may succeed later: throttling, a fault of AWS, a lost answer. An error about the request itself
    /// (`Invalid…`, `UnauthorizedOperation`) is final.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        let transient = [
            "InternalError",
            "InternalServerError",
            "Unavailable",
            "ServiceUnavailable",
            "InternalFailure",
            // EventBridge, for a whole call.
            "InternalException",
            "RequestTimeout",
            "RequestTimeoutException",
        ];
        self.is_throttling() || self.code.as_deref().is_none_or(|code| transient.contains(&code))
    }
}

/// An HTTP answer without AWS's form: of a proxy, or of another server. The source of a [`CallError`].
#[derive(Debug, thiserror::Error)]
#[error("HTTP {status} with {content}, which is no answer of AWS")]
pub struct UnreadableAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The content type.
    pub content: String,
    /// The SDK's error.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// Returns an error with its causes, in one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The connections to describe.
#[derive(Debug, Clone, Copy)]
pub enum ConnectionFilter<'a> {
    /// Those of one service.
    Service(&'a ServiceId),
    /// That of one subject, if it exists.
    Subject(&'a Subject),
    /// Those of every service of the account and Region.
    All,
}

/// Describes connections and services, as EC2 states them.
pub trait Describe {
    /// Returns the connections.
    fn connections(&self, of: ConnectionFilter<'_>) -> impl Future<Output = Result<Vec<Connection>, CallError>> + Send;

    /// Returns all endpoint services of the account, or the one with the id if the account owns it.
    fn services(&self, id: Option<&ServiceId>) -> impl Future<Output = Result<Vec<Service>, CallError>> + Send;

    /// Returns the services whose connection notifications go to a topic.
    fn services_notifying(&self, topic: &TopicArn) -> impl Future<Output = Result<Vec<ServiceId>, CallError>> + Send;
}

/// The outcome of an act. With HTTP 200, each id may still have failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActOutcome {
    /// EC2 was called. It did not act on these ids.
    Asked(Vec<Unsuccessful>),
    /// Observe mode: EC2 was not called.
    Observed,
}

/// An id on which EC2 did not act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsuccessful {
    /// The id, as EC2 returned it.
    pub resource: String,
    /// EC2's error code; `Unknown` if it gives none.
    pub code: String,
    /// EC2's message.
    pub message: String,
}

/// Accepts connections.
pub trait Accept {
    /// Accepts connections of one service. The tokens are consumed.
    fn accept(&self, service: &ServiceId, tokens: Vec<ActionToken<ToAccept>>)
    -> impl Future<Output = Result<ActOutcome, CallError>> + Send;
}

/// Rejects connections.
pub trait Reject {
    /// Rejects connections of one service. The tokens are consumed.
    fn reject(&self, service: &ServiceId, tokens: Vec<ActionToken<ToReject>>)
    -> impl Future<Output = Result<ActOutcome, CallError>> + Send;
}

/// Replaces EC2's acts in observe mode, so that deciding code does not depend on the mode.
#[derive(Debug, Clone, Copy)]
pub struct Observe;

impl Accept for Observe {
    async fn accept(&self, _: &ServiceId, _: Vec<ActionToken<ToAccept>>) -> Result<ActOutcome, CallError> {
        Ok(ActOutcome::Observed)
    }
}

impl Reject for Observe {
    async fn reject(&self, _: &ServiceId, _: Vec<ActionToken<ToReject>>) -> Result<ActOutcome, CallError> {
        Ok(ActOutcome::Observed)
    }
}

/// A read of the ledger that failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The call failed.
    #[error("the call failed")]
    Call(#[from] CallError),
    /// The state of the service cannot be read.
    #[error("the state of the service cannot be read")]
    State(#[from] StateError),
}

/// The ledger's items of one service. Reads are strongly consistent.
pub trait ServiceLedger {
    /// Returns the state, the notes about pending requests and the proofs.
    fn items(&self, service: &ServiceId) -> impl Future<Output = Result<ServiceItems, ReadError>> + Send;

    /// Returns the decisions of people about the service.
    fn decisions(&self, service: &ServiceId) -> impl Future<Output = Result<PersonDecisions, CallError>> + Send;

    /// Writes all of a commit, or nothing.
    fn commit(&self, service: &ServiceId, commit: &Commit) -> impl Future<Output = Result<CommitOutcome, CallError>> + Send;
}

/// Writes people's decisions.
pub trait PersonLedger {
    /// Writes changes of the decisions about a service, if its decision version is still the expected one.
    fn decide(
        &self,
        service: &ServiceId,
        changes: &[order::Change],
        expected: u64,
    ) -> impl Future<Output = Result<CommitOutcome, CallError>> + Send;

    /// Holds the whole stack.
    fn hold_stack(&self, hold: &Hold) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Ends the hold of the whole stack. `end` says who ends it, and why.
    fn resume_stack(&self, end: &Hold) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// The ledger of the whole stack.
pub trait StackLedger {
    /// Returns the services with an open intent, or with a person's decision that is not carried out.
    fn open_services(&self) -> impl Future<Output = Result<Vec<ServiceId>, CallError>> + Send;

    /// Returns the hold of the whole stack.
    fn stack_hold(&self) -> impl Future<Output = Result<Option<Hold>, CallError>> + Send;

    /// Returns true if a record says how a subject came to be connected.
    fn is_recorded(&self, service: &ServiceId, subject: &Subject) -> impl Future<Output = Result<bool, CallError>> + Send;
}

/// The queue of hints.
pub trait RequestQueue {
    /// Hides a message for some seconds.
    fn postpone(&self, receipt: &str, seconds: i64) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Sends one message for each service.
    fn send(&self, services: &[ServiceId]) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Moves an unreadable message to the dead-letter queue, with the reason.
    fn set_aside(&self, body: &str, reason: &str) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// Reads the inventory that the audit judges. Connections come in pages, because all of them may not fit into memory.
pub trait Inventory {
    /// Returns the account's endpoint services.
    fn service_configurations(&self) -> impl Future<Output = Result<Vec<ServiceConfiguration>, CallError>> + Send;

    /// Returns the allowed principals of a service.
    fn permissions(&self, service: &ServiceId) -> impl Future<Output = Result<Vec<AllowedPrincipal>, CallError>> + Send;

    /// Returns the connection notifications of the account's services.
    fn connection_notifications(&self) -> impl Future<Output = Result<Vec<ConnectionNotification>, CallError>> + Send;

    /// Returns one page of a service's connections: the first, or the one with the token `from`.
    fn page(&self, service: &ServiceId, from: Option<&str>) -> impl Future<Output = Result<ConnectionPage, CallError>> + Send;
}

/// Reads what the ledger holds about services and their connections. Reads are strongly consistent.
pub trait History {
    /// Returns the entries about a service as a whole.
    fn history(&self, service: &ServiceId) -> impl Future<Output = Result<LedgerHistory, CallError>> + Send;

    /// Returns the entries about connections of a service.
    fn entries(&self, service: &ServiceId, connections: &[Connection]) -> impl Future<Output = Result<PageHistory, CallError>> + Send;

    /// Returns the hold of the whole stack.
    fn hold_of_stack(&self) -> impl Future<Output = Result<Option<Hold>, CallError>> + Send;
}

/// Edits the allowed principals of a service. Established connections are not affected.
pub trait PermissionEditor {
    /// Adds and removes permissions of one kind. Each principal is written as EC2 writes it.
    fn admit(
        &self,
        service: &ServiceId,
        kind: SubjectKind,
        add: &[String],
        remove: &[String],
    ) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// Reads accounts from AWS Organizations.
pub trait Directory {
    /// Returns an account's membership. [`Membership::Outside`] is an answer and not an error.
    fn member(&self, account: &AccountId) -> impl Future<Output = Result<Membership, CallError>> + Send;
}

/// Without access to AWS Organizations, every membership is unknown.
impl<G: Directory + Sync> Directory for Option<G> {
    async fn member(&self, account: &AccountId) -> Result<Membership, CallError> {
        match self {
            Some(directory) => directory.member(account).await,
            None => Ok(Membership::Unknown { why: "access to Organizations is not set up (OrganizationAccess)".to_owned() }),
        }
    }
}

/// The result of fetching a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The file is the version that the caller has.
    Unchanged,
    /// The file is another version.
    New {
        /// The ETag.
        etag: String,
        /// The content.
        text: String,
    },
}

/// Fetches files that may have changed.
pub trait Fetch {
    /// Fetches a file, unless it has the ETag `unless`.
    fn fetch(&self, key: &str, unless: Option<&str>) -> impl Future<Output = Result<Fetched, CallError>> + Send;
}

/// Without a bucket, nothing can be fetched: the policy set is packaged with the function.
impl<F: Fetch + Sync> Fetch for Option<F> {
    async fn fetch(&self, key: &str, unless: Option<&str>) -> Result<Fetched, CallError> {
        match self {
            Some(fetch) => fetch.fetch(key, unless).await,
            None => Err(CallError { call: "fetch", code: None, message: format!("there is no bucket to read {key} from"), source: None }),
        }
    }
}

/// The outcome of an attempt to lock the findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockOutcome {
    /// This run holds the lock.
    Acquired,
    /// Another run holds the lock.
    HeldByOther,
}

/// The outcome of an attempt to write changes to the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishOutcome {
    /// All changes are written.
    Written,
    /// Another run wrote in the meantime. No change of the transaction is written.
    Overtaken,
}

/// Stores findings from one run to the next.
pub trait Findings {
    /// Returns the findings of earlier runs. The read is strongly consistent.
    fn stored(&self) -> impl Future<Output = Result<StoredFindings, CallError>> + Send;

    /// Locks the findings, so that only one of several runs publishes. A lock that its holder did not release expires.
    fn acquire_lock(&self, run: &str, now: Timestamp) -> impl Future<Output = Result<LockOutcome, CallError>> + Send;

    /// Releases the lock.
    fn release_lock(&self, run: &str) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Writes one owner's changes, and their digest if it has any. The digest, the days whose counts it tells and the first
    /// changes are one transaction. It succeeds only if the stored findings are those that the changes name, and the stored days
    /// those before the new ones.
    fn publish(
        &self,
        changes: &[Change],
        digest: &Digest,
        told: Option<&ToldDays>,
    ) -> impl Future<Output = Result<PublishOutcome, CallError>> + Send;

    /// Stores the times since which the parts of the policy are known.
    fn store_known_since(&self, known_since: &KnownSince) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// Stores the files of reports.
pub trait ReportStore {
    /// Stores a file under a name.
    fn store(&self, name: &str, content_type: &str, file: &Path) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Returns the URI of a file of this name.
    fn location(&self, name: &str) -> String;
}

/// The marks on the ledger of what was told.
pub trait ToldLedger {
    /// Returns the mark of an item. The read is strongly consistent.
    fn told(&self, item: &RecordKey) -> impl Future<Output = Result<Option<ToldMark>, CallError>> + Send;

    /// Writes a mark, unless an earlier one still holds.
    fn mark(&self, mark: &ToldMark) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// The queue of records that cannot be told.
pub trait UntoldQueue {
    /// Puts an event of one record into the queue, with the reason.
    fn set_aside(&self, event: &str, reason: &str) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// Publishes messages.
pub trait Publish {
    /// Publishes a message to a topic.
    fn publish(&self, topic: &TopicArn, message: &Message) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// Emits events for programs.
pub trait Emit {
    /// Puts events on the bus. After an error, some of them may be there.
    fn emit(&self, events: &[Event]) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// Without a bus, no event is emitted.
impl<E: Emit + Sync> Emit for Option<E> {
    async fn emit(&self, events: &[Event]) -> Result<(), CallError> {
        match self {
            Some(bus) => bus.emit(events).await,
            None => Ok(()),
        }
    }
}
