//! A cache of the accounts' memberships in the organization.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    decision::grant::Grant,
    model::{facts::Facts, ids::AccountId, organization::Membership},
    policy::PolicySet,
    ports::Directory,
};

/// The lifetime of an answer. Accounts seldom move.
const KNOWN_FOR: SignedDuration = SignedDuration::from_mins(5);
/// The lifetime of a failure, so that a sweep does not ask a throttled API again for each request.
const UNKNOWN_FOR: SignedDuration = SignedDuration::from_secs(30);

/// A directory whose answers are cached.
#[derive(Debug, Clone)]
pub struct OrganizationCache<G> {
    directory: G,
    seen: Arc<Mutex<BTreeMap<AccountId, (Timestamp, Membership)>>>,
}

impl<G: Directory + Sync> OrganizationCache<G> {
    /// Makes an empty cache.
    pub fn new(directory: G) -> Self {
        Self { directory, seen: Arc::default() }
    }

    /// Returns the directory behind the cache.
    pub fn directory(&self) -> &G {
        &self.directory
    }

    /// Adds the membership to the facts, if the policy set's answer could depend on it.
    pub async fn complete(&self, policy: &PolicySet, facts: &mut Facts) {
        if policy.needs_organization(facts) {
            self.fill(facts).await;
        }
    }

    /// Adds the membership to the facts, if a grant covers the request: a grant does not hold for an account that is not active.
    pub async fn complete_for_grant(&self, policy: &PolicySet, facts: &mut Facts, grants: &[Grant]) {
        if Grant::covering(grants, &facts.connection, facts.now).is_some() {
            self.complete_for_person(policy, facts).await;
        }
    }

    /// Adds the membership to the facts, before a person grants the request.
    pub async fn complete_for_person(&self, policy: &PolicySet, facts: &mut Facts) {
        if facts.membership == Membership::NotAsked && policy.reads_organization() {
            self.fill(facts).await;
        }
    }

    async fn fill(&self, facts: &mut Facts) {
        if let Some(account) = facts.connection.owner.clone() {
            facts.membership = self.lookup(&account, facts.now).await;
        }
    }

    /// Returns an account's membership: the cached one, or the directory's answer.
    pub async fn lookup(&self, account: &AccountId, now: Timestamp) -> Membership {
        if let Some(membership) = self.cached(account, now) {
            return membership;
        }
        let membership = self.directory.member(account).await.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, message = error.message, %account, "AWS Organizations did not answer");
            Membership::Unknown { why: format!("{error}: {}", error.message) }
        });
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(account.clone(), (now, membership.clone()));
        membership
    }

    fn cached(&self, account: &AccountId, now: Timestamp) -> Option<Membership> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, membership) = seen.get(account)?;
        let lifetime = if matches!(membership, Membership::Unknown { .. }) { UNKNOWN_FOR } else { KNOWN_FOR };
        (now.duration_since(*at) < lifetime).then(|| membership.clone())
    }
}
