//! The organization's accounts, each cached for a few minutes.

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

/// How long an answer is taken as it was: accounts seldom move.
const KNOWN_FOR: SignedDuration = SignedDuration::from_mins(5);

/// How long no answer is taken for no answer, so that a sweep does not ask a throttled API for every request anew.
const UNKNOWN_FOR: SignedDuration = SignedDuration::from_secs(30);

/// The organization's accounts, each remembered for a while.
#[derive(Debug, Clone)]
pub struct OrganizationCache<G> {
    directory: G,
    seen: Arc<Mutex<BTreeMap<AccountId, (Timestamp, Membership)>>>,
}

impl<G: Directory + Sync> OrganizationCache<G> {
    /// Nobody was asked about yet.
    pub fn new(directory: G) -> Self {
        Self { directory, seen: Arc::default() }
    }

    /// Whom it asks.
    pub fn directory(&self) -> &G {
        &self.directory
    }

    /// Completes facts with what the organization says, if the policy's answer could depend on it.
    pub async fn complete(&self, policy: &PolicySet, facts: &mut Facts) {
        if policy.needs_organization(facts)
            && let Some(account) = facts.connection.owner.clone()
        {
            facts.membership = self.of(&account, facts.now).await;
        }
    }

    /// The same where a person let the account in: a grant does not count for an account that is being shut down.
    pub async fn complete_for_grant(&self, policy: &PolicySet, facts: &mut Facts, grants: &[Grant]) {
        if Grant::covering(grants, &facts.connection, facts.now).is_some() {
            self.complete_for_person(policy, facts).await;
        }
    }

    /// The same before a person lets the account in.
    pub async fn complete_for_person(&self, policy: &PolicySet, facts: &mut Facts) {
        if facts.membership == Membership::NotAsked
            && policy.reads_organization()
            && let Some(account) = facts.connection.owner.clone()
        {
            facts.membership = self.of(&account, facts.now).await;
        }
    }

    async fn of(&self, account: &AccountId, now: Timestamp) -> Membership {
        if let Some(membership) = self.remembered(account, now) {
            return membership;
        }
        let membership = self.directory.member(account).await.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, message = error.message, %account, "Organizations did not say");
            Membership::Unknown { why: format!("{error}: {}", error.message) }
        });
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(account.clone(), (now, membership.clone()));
        membership
    }

    fn remembered(&self, account: &AccountId, now: Timestamp) -> Option<Membership> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, membership) = seen.get(account)?;
        let time = if matches!(membership, Membership::Unknown { .. }) { UNKNOWN_FOR } else { KNOWN_FOR };
        (now.duration_since(*at) < time).then(|| membership.clone())
    }
}
