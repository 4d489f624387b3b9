//! What deciding code needs of the world, each port named after the need. Adapters page to the end and bound every call.

use std::{error::Error, future::Future, path::Path};

use jiff::Timestamp;

use crate::{
    decision::{ActionToken, ToAccept, ToReject, grant::Grant},
    ledger::{
        digest::Digest,
        history::LedgerHistory,
        open_finding::{Change, KnownSince, StoredFindings},
        record::{Record, Verdict},
    },
    message::Message,
    model::{
        connection::{Connection, ConnectionPage},
        ids::{AccountId, EndpointId, ServiceId, TopicArn},
        notification::ConnectionNotification,
        organization::Membership,
        principal::AllowedPrincipal,
        service::{Service, ServiceConfiguration},
    },
};

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{call} failed{}", code.as_deref().map(|code| format!(" with {code}")).unwrap_or_default())]
pub struct CallError {
    /// The API call, as AWS names it.
    pub call: &'static str,
    /// AWS's error code, where the answer had one.
    pub code: Option<String>,
    /// AWS's words, or the transport's.
    pub message: String,
    /// What lay beneath it.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl CallError {
    /// Whether the same call may well succeed a little later: throttling, an AWS fault, a lost answer. What EC2 says
    /// of the request itself (`Invalid…`, `UnauthorizedOperation`) stays as it is.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        let passing = [
            "RequestLimitExceeded",
            "EC2ThrottledException",
            "Throttling",
            "ThrottlingException",
            "InternalError",
            "Unavailable",
            "ServiceUnavailable",
            "InternalFailure",
        ];
        self.code.as_deref().is_none_or(|code| passing.contains(&code))
    }
}

/// An error with everything beneath it, in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut beneath = error.source();
    while let Some(source) = beneath {
        line.push_str(": ");
        line.push_str(&source.to_string());
        beneath = source.source();
    }
    line
}

/// Which connections are asked for.
#[derive(Debug, Clone, Copy)]
pub enum ConnectionFilter<'a> {
    /// Those of one service.
    Service(&'a ServiceId),
    /// Those of one endpoint: one, or none.
    Endpoint(&'a EndpointId),
    /// Those of every service of the account and Region.
    All,
}

/// Reads the truth from EC2.
pub trait Describe {
    /// Connections, all pages of them.
    fn connections(&self, of: ConnectionFilter<'_>) -> impl Future<Output = Result<Vec<Connection>, CallError>> + Send;

    /// The account's endpoint services, all pages: one (or none, if it is not ours), or every one.
    fn services(&self, id: Option<&ServiceId>) -> impl Future<Output = Result<Vec<Service>, CallError>> + Send;

    /// The services whose connection notification goes to a topic.
    fn services_notifying(&self, topic: &TopicArn) -> impl Future<Output = Result<Vec<ServiceId>, CallError>> + Send;
}

/// What came of asking EC2 to act. HTTP 200 is no promise: each id may have failed on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActOutcome {
    /// EC2 was asked; these it did not do.
    Asked(Vec<Unsuccessful>),
    /// Observe mode: EC2 was not asked.
    Observed,
}

/// One id that EC2 did not act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsuccessful {
    /// The id, as EC2 returned it.
    pub resource: String,
    /// EC2's code; `Unknown` where it gave none.
    pub code: String,
    /// EC2's words.
    pub message: String,
}

/// Lets consumers in.
pub trait Accept {
    /// Accepts connections of one service. The permits are used up.
    fn accept(&self, service: &ServiceId, tokens: Vec<ActionToken<ToAccept>>)
    -> impl Future<Output = Result<ActOutcome, CallError>> + Send;
}

/// Turns consumers away.
pub trait Reject {
    /// Rejects connections of one service. The permits are used up.
    fn reject(&self, service: &ServiceId, tokens: Vec<ActionToken<ToReject>>)
    -> impl Future<Output = Result<ActOutcome, CallError>> + Send;
}

/// Stands in for EC2's acts in observe mode, which is why deciding code never asks whether this is a dry run.
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

/// What came of writing to the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// It is news.
    Written,
    /// Somebody wrote it before.
    AlreadyThere,
}

/// Keeps what was decided.
pub trait Ledger {
    /// Writes a record unless its key is taken. The one commit point of a decision.
    fn put(&self, record: &Record) -> impl Future<Output = Result<PutOutcome, CallError>> + Send;

    /// What people granted on a service. Strongly consistent.
    fn grants(&self, service: &ServiceId) -> impl Future<Output = Result<Vec<Grant>, CallError>> + Send;

    /// The verdicts on record for a connection. Strongly consistent.
    fn verdicts(&self, service: &ServiceId, endpoint: &EndpointId) -> impl Future<Output = Result<Vec<Verdict>, CallError>> + Send;
}

/// Reads what the audit judges. Connections come a page at a time: there may be more of them than fit into memory.
pub trait Inventory {
    /// The account's endpoint services, all pages.
    fn service_configurations(&self) -> impl Future<Output = Result<Vec<ServiceConfiguration>, CallError>> + Send;

    /// The allowed principals of a service, all pages.
    fn permissions(&self, service: &ServiceId) -> impl Future<Output = Result<Vec<AllowedPrincipal>, CallError>> + Send;

    /// The connection notifications of the account's services, all pages.
    fn connection_notifications(&self) -> impl Future<Output = Result<Vec<ConnectionNotification>, CallError>> + Send;

    /// One page of a service's connections: the first, or the one that a page named.
    fn page(&self, service: &ServiceId, from: Option<&str>) -> impl Future<Output = Result<ConnectionPage, CallError>> + Send;
}

/// Reads what the ledger holds about services.
pub trait History {
    /// The entries about one service.
    fn history(&self, service: &ServiceId) -> impl Future<Output = Result<LedgerHistory, CallError>> + Send;
}

/// Says who may ask. What is connected stays connected either way.
pub trait PermissionEditor {
    /// Adds and removes allowed principals of a service, each as EC2 writes it.
    fn admit(&self, service: &ServiceId, add: &[String], remove: &[String]) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// Knows the organization's accounts.
pub trait Directory {
    /// What Organizations says about an account. That it is none of the organization's is an answer, not an error.
    fn member(&self, account: &AccountId) -> impl Future<Output = Result<Membership, CallError>> + Send;
}

/// Without access to Organizations nobody is known to be a member, nor known not to be one.
impl<G: Directory + Sync> Directory for Option<G> {
    async fn member(&self, account: &AccountId) -> Result<Membership, CallError> {
        match self {
            Some(directory) => directory.member(account).await,
            None => Ok(Membership::Unknown { why: "access to Organizations is not set up (OrganizationAccess)".to_owned() }),
        }
    }
}

/// What came of asking for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// It is the one that the caller has.
    Unchanged,
    /// It is another one.
    New {
        /// Names this version.
        etag: String,
        /// Its content.
        text: String,
    },
}

/// Reads files that may have changed.
pub trait Fetch {
    /// Reads a file, unless it is the version that the caller has.
    fn fetch(&self, key: &str, unless: Option<&str>) -> impl Future<Output = Result<Fetched, CallError>> + Send;
}

/// Where there is nothing to read from: a policy set that is packaged with the function.
impl<F: Fetch + Sync> Fetch for Option<F> {
    async fn fetch(&self, key: &str, unless: Option<&str>) -> Result<Fetched, CallError> {
        match self {
            Some(fetch) => fetch.fetch(key, unless).await,
            None => Err(CallError { call: "fetch", code: None, message: format!("there is no place to read {key} from"), source: None }),
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
    /// The state that earlier runs left. Strongly consistent.
    fn stored(&self) -> impl Future<Output = Result<StoredFindings, CallError>> + Send;

    /// Locks the findings, so that only one of several runs publishes. A lock that its holder did not release expires.
    fn acquire_lock(&self, run: &str, now: Timestamp) -> impl Future<Output = Result<LockOutcome, CallError>> + Send;

    /// Releases the lock.
    fn release_lock(&self, run: &str) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Writes one owner's changes, and their digest if it has any. The digest and the first changes are one transaction.
    /// It succeeds only if the stored findings are those that the changes name.
    fn publish(&self, changes: &[Change], digest: &Digest) -> impl Future<Output = Result<PublishOutcome, CallError>> + Send;

    /// Stores the times since which the parts of the policy are known.
    fn store_known_since(&self, known_since: &KnownSince) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// Stores the files of reports.
pub trait ReportStore {
    /// Stores a file under a name.
    fn store(&self, name: &str, content_type: &str, file: &Path) -> impl Future<Output = Result<(), CallError>> + Send;

    /// The location of a file of this name, as people write it.
    fn location(&self, name: &str) -> String;
}

/// Tells people.
pub trait Publish {
    /// Publishes a notice to a topic.
    fn publish(&self, topic: &TopicArn, notice: &Message) -> impl Future<Output = Result<(), CallError>> + Send;
}
