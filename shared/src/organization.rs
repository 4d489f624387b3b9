//! What AWS Organizations says about the account that asks, and who remembers it for a while.

use std::{
    collections::BTreeMap,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    facts::Facts,
    grant::Grant,
    ids::{AccountId, RoleArn},
    policy::Policy,
    ports::Directory,
};

/// How long an answer is taken as it was: accounts seldom move.
const KNOWN_FOR: SignedDuration = SignedDuration::from_mins(5);
/// How long no answer is taken for no answer, so that a sweep does not ask a throttled API for every request anew.
const UNKNOWN_FOR: SignedDuration = SignedDuration::from_secs(30);

/// How Organizations can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrganizationAccess {
    /// Not at all: what depends on it waits.
    None,
    /// With the warden's own role: its account is the management account or a delegated administrator.
    Direct,
    /// Through a role in such an account.
    Role(RoleArn),
}

impl FromStr for OrganizationAccess {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "direct" => Ok(Self::Direct),
            role => role.parse().map(Self::Role).map_err(|_| format!("`{text}` is neither `none` nor `direct` nor the ARN of a role")),
        }
    }
}

/// Whether an account belongs to the organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Membership {
    /// Nobody asked, for no policy could depend on it.
    #[default]
    NotAsked,
    /// It is none of the organization's accounts.
    Outside,
    /// It is one of them.
    Member(Member),
    /// Organizations did not say. What depends on it cannot be decided.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// An account of the organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name. Its own people choose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its state, as the wire spells it: `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`, …
    pub state: String,
    /// The root and the organizational units above it, from the top.
    pub units: Vec<String>,
}

impl Membership {
    /// What is known of the account: that it is no member, or which.
    ///
    /// # Errors
    /// When nothing is known.
    pub(crate) fn known(&self) -> Result<Option<&Member>, NotKnown> {
        match self {
            Self::Outside => Ok(None),
            Self::Member(member) => Ok(Some(member)),
            Self::NotAsked | Self::Unknown { .. } => Err(NotKnown),
        }
    }

    /// The state of a member that is not active: suspended, closing, closed, or one that this version does not know.
    #[must_use]
    pub fn inactive(&self) -> Option<&str> {
        match self {
            Self::Member(member) if member.state != "ACTIVE" => Some(&member.state),
            Self::Member(_) | Self::NotAsked | Self::Outside | Self::Unknown { .. } => None,
        }
    }
}

/// Nothing is known of the organization.
#[derive(Debug)]
pub(crate) struct NotKnown;

/// The units in a path as Organizations gives it: `o-…/r-…/ou-…/ou-…/ACCOUNT/`.
#[must_use]
pub fn units(path: &str) -> Vec<String> {
    path.split('/').filter(|part| is_unit(part)).map(str::to_owned).collect()
}

/// Whether a text has the form of a root's or a unit's id.
#[must_use]
pub fn is_unit(text: &str) -> bool {
    let plain =
        |part: &str, least: usize| (least..=32).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    match (text.strip_prefix("r-"), text.strip_prefix("ou-").and_then(|rest| rest.split_once('-'))) {
        (Some(root), _) => plain(root, 4),
        (None, Some((root, unit))) => plain(root, 4) && plain(unit, 8),
        (None, None) => false,
    }
}

/// The organization's accounts, each remembered for a while.
#[derive(Debug, Clone)]
pub struct Members<G> {
    directory: G,
    seen: Arc<Mutex<BTreeMap<AccountId, (Timestamp, Membership)>>>,
}

impl<G: Directory + Sync> Members<G> {
    /// Nobody was asked about yet.
    pub fn new(directory: G) -> Self {
        Self { directory, seen: Arc::default() }
    }

    /// Whom it asks.
    pub fn directory(&self) -> &G {
        &self.directory
    }

    /// Completes facts with what the organization says, if the policy's answer could depend on it.
    pub async fn complete(&self, policy: &Policy, facts: &mut Facts) {
        if policy.needs_organization(facts)
            && let Some(account) = facts.connection.owner.clone()
        {
            facts.membership = self.of(&account, facts.now).await;
        }
    }

    /// The same where a person let the account in: a grant does not count for an account that is being shut down.
    pub async fn complete_for_grant(&self, policy: &Policy, facts: &mut Facts, grants: &[Grant]) {
        if Grant::covering(grants, &facts.connection, facts.now).is_some() {
            self.complete_for_person(policy, facts).await;
        }
    }

    /// The same before a person lets the account in.
    pub async fn complete_for_person(&self, policy: &Policy, facts: &mut Facts) {
        if facts.membership == Membership::NotAsked
            && policy.asks_for_organization()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_the_root_and_every_unit_and_nothing_else() {
        let path = "o-a1b2c3d4e5/r-f6g7h8i9j0example/ou-ghi0-awsccccc/ou-jkl0-awsddddd/123456789012/";
        assert_eq!(units(path), ["r-f6g7h8i9j0example", "ou-ghi0-awsccccc", "ou-jkl0-awsddddd"]);
        for other in ["", "r-", "r-ABCD", "ou-abcd", "ou-abcd-short", "ou-abcd-1234567!", "123456789012", "o-a1b2c3d4e5"] {
            assert!(!is_unit(other), "{other}");
        }
    }
}
