//! Reloads the policy set when it changes.
//!
//! A set in S3 is checked at most once a minute. A new version takes over as a whole, once it parses and passes validation. Until
//! then the last good one stays in force, and each check reports the failure. Checks do not overlap: a function handles one
//! invocation at a time.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    gather::policy_source::{PolicyReadError, ReadFailure, Version, first_version, newer_version},
    policy::{PolicySet, PolicyUri, digest, folder},
    ports::{Fetch, chain},
};

/// The time between two checks.
pub const RELOAD_INTERVAL: SignedDuration = SignedDuration::from_mins(1);

/// A new set did not load.
const REFUSED: &str = "PolicyRefused";
/// A new set could not be read.
const NOT_READ: &str = "PolicyNotRead";

/// A location of a policy set, and the set in force.
#[derive(Debug)]
pub struct ReloadingPolicySet<F> {
    uri: PolicyUri,
    fetch: F,
    current: Mutex<Current>,
}

#[derive(Debug, Clone)]
struct Current {
    policy: Arc<PolicySet>,
    /// The ETag of the version that was checked last.
    etag: Option<String>,
    checked: Timestamp,
    /// The failure of the version with that ETag. It lasts until there is another version.
    refused: Option<ReloadFailure>,
}

/// A new policy set that did not take over. The old one is in force.
#[derive(Debug, Clone)]
pub struct ReloadFailure {
    /// The error type for alarms: `PolicyRefused` or `PolicyNotRead`.
    pub kind: &'static str,
    /// The digest of the set in force.
    pub in_force: String,
    /// The digest of the refused set, if it was read.
    pub refused: Option<String>,
    /// The ETag of the refused version.
    pub etag: Option<String>,
    /// The reason.
    pub what: String,
}

impl<F: Fetch + Sync> ReloadingPolicySet<F> {
    /// Loads the set for the first time.
    ///
    /// # Errors
    /// The set cannot be read or does not load. There is no earlier one to fall back to.
    pub async fn open(uri: PolicyUri, fetch: F, now: Timestamp) -> Result<Self, PolicyReadError> {
        let (policy, etag) = match &uri {
            PolicyUri::Folder(path) => (folder::load(path)?, None),
            PolicyUri::Object { .. } | PolicyUri::Prefix { .. } => {
                let Version { etag, files } = first_version(&uri, &fetch).await?;
                (PolicySet::of_files(&files, &uri.to_string())?, Some(etag))
            }
        };
        let current = Current { policy: Arc::new(policy), etag, checked: now, refused: None };
        Ok(Self { uri, fetch, current: Mutex::new(current) })
    }

    /// Returns the set in force, and the failure of a newer one. Checks the location if the last check is a minute ago.
    pub async fn current(&self, now: Timestamp) -> (Arc<PolicySet>, Option<ReloadFailure>) {
        let current = self.lock().clone();
        let fresh = now.duration_since(current.checked) < RELOAD_INTERVAL;
        if fresh || matches!(self.uri, PolicyUri::Folder(_)) {
            return (current.policy, None);
        }
        let (next, transient) = self.check(current, now).await;
        let failure = transient.or_else(|| next.refused.clone());
        if let Some(failure) = &failure {
            let ReloadFailure { kind, in_force, refused, etag, what } = failure;
            tracing::error!(error_type = kind, in_force, refused, etag, what, "a new policy set did not take over");
        }
        *self.lock() = next.clone();
        (next.policy, failure)
    }

    /// Returns the next state, and the failure of this check alone.
    async fn check(&self, current: Current, now: Timestamp) -> (Current, Option<ReloadFailure>) {
        let in_force = current.policy.digest().to_owned();
        match newer_version(&self.uri, &self.fetch, current.etag.as_deref()).await {
            Ok(None) => (Current { checked: now, ..current }, None),
            Ok(Some(Version { etag, files })) => match PolicySet::of_files(&files, &self.uri.to_string()) {
                Ok(policy) => {
                    tracing::info!(policies = policy.len(), policy_digest = policy.digest(), replaces = in_force, "new policy set");
                    (Current { policy: Arc::new(policy), etag: Some(etag), checked: now, refused: None }, None)
                }
                Err(errors) => {
                    let (refused, what) = (Some(digest(&files)), errors.to_string());
                    let failure = ReloadFailure { kind: REFUSED, in_force, refused, etag: Some(etag.clone()), what };
                    (Current { etag: Some(etag), checked: now, refused: Some(failure), ..current }, None)
                }
            },
            // The ETag is not stored, because an upload in progress may be complete at the next check.
            Err(ReadFailure { etag, error }) => {
                let failure = ReloadFailure { kind: NOT_READ, in_force, refused: None, etag, what: chain(&error) };
                (Current { checked: now, ..current }, Some(failure))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for ReloadFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.refused.as_deref().or(self.etag.as_deref()).unwrap_or("unknown");
        write!(f, "a new policy set ({version}) did not take over, {} stays in force: {}", self.in_force, self.what)
    }
}
