//! Where the policy set comes from, and what is done when it changes.
//!
//! A set in S3 is looked at again at most once a minute. A new one takes over when it parses and passes validation, all of
//! it; until then the last good one stays in force, and every look at the bad one says so.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::policy::{
    PolicyErrors, PolicyFile, PolicySet, PolicyUri, Problem,
    bundle::{Bundle, BundleError, MANIFEST, Manifest},
    folder,
};
use crate::ports::{CallError, Fetch, Fetched, chain};

/// A set is not looked at again before this has passed.
pub const LOOKED_AT_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A place that a policy set comes from, and the set in force.
#[derive(Debug)]
pub struct ReloadingPolicySet<F> {
    uri: PolicyUri,
    fetch: F,
    held: Mutex<Held>,
}

#[derive(Debug, Clone)]
struct Held {
    policy: Arc<PolicySet>,
    /// Of the object that decides which version it is.
    etag: Option<String>,
    looked: Timestamp,
    /// What was wrong with the version of that ETag: it stays wrong until there is another one.
    refused: Option<ReloadFailure>,
}

/// A new policy set that did not take over. The old one is in force.
#[derive(Debug, Clone)]
pub struct ReloadFailure {
    /// A stable word for alarms: `PolicyRefused` or `PolicyNotRead`.
    pub kind: &'static str,
    /// The digest of the set in force.
    pub in_force: String,
    /// The digest of the set that was refused, where it could be read.
    pub refused: Option<String>,
    /// The version that was refused, as S3 names it.
    pub etag: Option<String>,
    /// What is wrong.
    pub what: String,
}

/// Why there is no policy set at all: nothing can be accepted.
#[derive(Debug, thiserror::Error)]
pub enum PolicyReadError {
    /// It could not be read.
    #[error("the policy set at {place} could not be read")]
    Read {
        /// Where it should be.
        place: String,
        /// Why not.
        #[source]
        source: CallError,
    },
    /// The object that should hold it does not.
    #[error("the policy set at {place} could not be read")]
    Bundle {
        /// Where it is.
        place: String,
        /// What is wrong with it.
        #[source]
        source: BundleError,
    },
    /// It is not sound.
    #[error(transparent)]
    Refused(#[from] PolicyErrors),
}

/// A version that was read.
struct Version {
    etag: String,
    files: Vec<PolicyFile>,
}

/// Why a version was not read.
struct Unread {
    etag: Option<String>,
    error: PolicyReadError,
}

impl<F: Fetch + Sync> ReloadingPolicySet<F> {
    /// Reads the set for the first time.
    ///
    /// # Errors
    /// When it cannot be read or is not sound: there is no older one to go by.
    pub async fn open(uri: PolicyUri, fetch: F, now: Timestamp) -> Result<Self, PolicyReadError> {
        let (policy, etag) = match &uri {
            PolicyUri::Folder(path) => (folder::load(path)?, None),
            PolicyUri::Object { .. } | PolicyUri::Prefix { .. } => {
                let version = read(&uri, &fetch, None).await.map_err(|unread| unread.error)?;
                // Without an ETag to compare with there is always a version.
                let Version { etag, files } = version.ok_or_else(|| PolicyReadError::Refused(nothing(&uri)))?;
                (PolicySet::of_files(&files, &uri.to_string())?, Some(etag))
            }
        };
        Ok(Self { uri, fetch, held: Mutex::new(Held { policy: Arc::new(policy), etag, looked: now, refused: None }) })
    }

    /// The set in force, after a look at its source if the last one was a while ago; and what keeps a newer one from it.
    pub async fn current(&self, now: Timestamp) -> (Arc<PolicySet>, Option<ReloadFailure>) {
        let held = self.held().clone();
        let fresh = now.duration_since(held.looked) < LOOKED_AT_EVERY;
        if fresh || matches!(self.uri, PolicyUri::Folder(_)) {
            return (held.policy, None);
        }
        let (next, passing) = self.look(held, now).await;
        let trouble = passing.or_else(|| next.refused.clone());
        if let Some(trouble) = &trouble {
            let ReloadFailure { kind, in_force, refused, etag, what } = trouble;
            tracing::error!(error_type = kind, in_force, refused, etag, what, "a new policy set did not take over");
        }
        *self.held() = next.clone();
        (next.policy, trouble)
    }

    /// What is held from now on, and what was wrong with this look alone.
    async fn look(&self, held: Held, now: Timestamp) -> (Held, Option<ReloadFailure>) {
        let in_force = held.policy.digest().to_owned();
        match read(&self.uri, &self.fetch, held.etag.as_deref()).await {
            Ok(None) => (Held { looked: now, ..held }, None),
            Ok(Some(Version { etag, files })) => match PolicySet::of_files(&files, &self.uri.to_string()) {
                Ok(policy) => {
                    tracing::info!(policies = policy.len(), policy_digest = policy.digest(), replaces = in_force, "new policy set");
                    (Held { policy: Arc::new(policy), etag: Some(etag), looked: now, refused: None }, None)
                }
                Err(errors) => {
                    let refused = Some(crate::policy::digest(&files));
                    let what = errors.to_string();
                    let trouble = ReloadFailure { kind: REFUSED, in_force, refused, etag: Some(etag.clone()), what };
                    (Held { etag: Some(etag), looked: now, refused: Some(trouble), ..held }, None)
                }
            },
            // Its ETag is not kept: what was under way may be complete at the next look.
            Err(Unread { etag, error }) => {
                let trouble = ReloadFailure { kind: NOT_READ, in_force, refused: None, etag, what: chain(&error) };
                (Held { looked: now, ..held }, Some(trouble))
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const REFUSED: &str = "PolicyRefused";
const NOT_READ: &str = "PolicyNotRead";

/// Reads a set wherever it lies: a folder, or S3.
///
/// # Errors
/// When it cannot be read.
pub async fn files<F: Fetch + Sync>(uri: &PolicyUri, fetch: &F) -> Result<Vec<PolicyFile>, PolicyReadError> {
    match uri {
        PolicyUri::Folder(path) => Ok(folder::read(path)?),
        PolicyUri::Object { .. } | PolicyUri::Prefix { .. } => {
            let version = read(uri, fetch, None).await.map_err(|unread| unread.error)?;
            version.map(|version| version.files).ok_or_else(|| PolicyReadError::Refused(nothing(uri)))
        }
    }
}

/// Reads the version that is there, unless it is the one that the caller has.
async fn read<F: Fetch + Sync>(uri: &PolicyUri, fetch: &F, unless: Option<&str>) -> Result<Option<Version>, Unread> {
    let place = uri.to_string();
    let fetched = |etag: Option<String>| {
        let place = place.clone();
        move |source| Unread { etag, error: PolicyReadError::Read { place, source } }
    };
    let bundle =
        |etag: &str, source| Unread { etag: Some(etag.to_owned()), error: PolicyReadError::Bundle { place: place.clone(), source } };
    match uri {
        PolicyUri::Folder(_) => Ok(None),
        PolicyUri::Object { key, .. } => match fetch.fetch(key, unless).await.map_err(fetched(None))? {
            Fetched::Unchanged => Ok(None),
            Fetched::New { etag, text } => {
                let files = Bundle::parse(&text).map_err(|error| bundle(&etag, error))?;
                Ok(Some(Version { etag, files }))
            }
        },
        PolicyUri::Prefix { prefix, .. } => match fetch.fetch(&format!("{prefix}{MANIFEST}"), unless).await.map_err(fetched(None))? {
            Fetched::Unchanged => Ok(None),
            Fetched::New { etag, text } => {
                let manifest = Manifest::parse(&text).map_err(|error| bundle(&etag, error))?;
                let mut files = Vec::new();
                for name in manifest.names() {
                    let file = fetch.fetch(&format!("{prefix}{name}"), None).await.map_err(fetched(Some(etag.clone())))?;
                    let Fetched::New { text, .. } = file else { return Err(bundle(&etag, BundleError::Changed(name.to_owned()))) };
                    files.push(manifest.file(name, text).map_err(|error| bundle(&etag, error))?);
                }
                Ok(Some(Version { etag, files }))
            }
        },
    }
}

fn nothing(uri: &PolicyUri) -> PolicyErrors {
    PolicyErrors(vec![Problem::of_file(uri.to_string(), "there is nothing here".to_owned())])
}

impl fmt::Display for ReloadFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.refused.as_deref().or(self.etag.as_deref()).unwrap_or("unknown");
        write!(f, "a new policy set ({version}) did not take over, {} stays in force: {}", self.in_force, self.what)
    }
}
