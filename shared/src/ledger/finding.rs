//! Findings of the audit, as the ledger, reports and messages hold them.

use std::{borrow::Cow, cmp::Ordering, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    model::{
        ids::{AccountId, ServiceId},
        service::Service,
        severity::Severity,
        subject::{Subject, SubjectKind},
    },
    policy::{GroupName, PolicyId},
};

/// The version of the stored shape of findings and digests. A reader refuses a newer version.
pub const SCHEMA_VERSION: u32 = 1;

/// The id of a kind of finding: lowercase words joined by hyphens, such as `expired-grant`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FindingKind(Cow<'static, str>);

/// A text that is not the id of a kind of finding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a kind of finding; expected lowercase words joined by hyphens")]
pub struct FindingKindError;

impl FindingKind {
    const BYTES_MAX: usize = 64;

    /// Declares a kind. In a constant or static, a malformed id is a compile error.
    ///
    /// # Panics
    /// Panics if the id is malformed.
    #[must_use]
    pub const fn new(id: &'static str) -> Self {
        assert!(is_kind(id), "expected lowercase words joined by hyphens");
        Self(Cow::Borrowed(id))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const fn is_kind(text: &str) -> bool {
    let mut bytes = text.as_bytes();
    let mut in_word = false;
    while let [first, rest @ ..] = bytes {
        match first {
            b'a'..=b'z' => in_word = true,
            b'-' if in_word => in_word = false,
            _ => return false,
        }
        bytes = rest;
    }
    in_word && text.len() <= FindingKind::BYTES_MAX
}

impl TryFrom<String> for FindingKind {
    type Error = FindingKindError;

    fn try_from(text: String) -> Result<Self, FindingKindError> {
        if is_kind(&text) { Ok(Self(Cow::Owned(text))) } else { Err(FindingKindError) }
    }
}

impl From<FindingKind> for String {
    fn from(kind: FindingKind) -> Self {
        kind.0.into_owned()
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The subject of a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum FindingSubject {
    /// A service.
    Service {
        /// The service.
        service: ServiceId,
    },
    /// A connection to a service.
    Connection {
        /// The service.
        service: ServiceId,
        /// The resource that is connected or requests a connection.
        id: Subject,
    },
    /// An allowed principal of a service.
    Principal {
        /// The service.
        service: ServiceId,
        /// The principal as EC2 returned it.
        principal: String,
        /// What the permission is for.
        #[serde(default, skip_serializing_if = "SubjectKind::is_default")]
        permission: SubjectKind,
    },
    /// An account that could request a connection to a service.
    Account {
        /// The service.
        service: ServiceId,
        /// The account.
        account: AccountId,
        /// What the account lacks a permission for.
        #[serde(default, skip_serializing_if = "SubjectKind::is_default")]
        permission: SubjectKind,
    },
    /// A policy.
    Policy {
        /// Its `@id`.
        policy: PolicyId,
    },
    /// A group of accounts.
    Group {
        /// Its name.
        group: GroupName,
    },
}

impl FindingSubject {
    /// The service of the subject. Policies and groups have none.
    #[must_use]
    pub fn service(&self) -> Option<&ServiceId> {
        match self {
            Self::Service { service }
            | Self::Connection { service, .. }
            | Self::Principal { service, .. }
            | Self::Account { service, .. } => Some(service),
            Self::Policy { .. } | Self::Group { .. } => None,
        }
    }
}

/// Writes the subject of a finding about a permission. Findings of earlier versions are about endpoints' permissions, and keep their ids.
fn of_permission(f: &mut fmt::Formatter<'_>, service: &ServiceId, of: &str, permission: SubjectKind) -> fmt::Result {
    write!(f, "{service}/{of}")?;
    if permission.is_default() { Ok(()) } else { write!(f, "/{}", permission.as_str()) }
}

impl fmt::Display for FindingSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service { service } => write!(f, "{service}"),
            Self::Connection { service, id } => write!(f, "{service}/{id}"),
            Self::Principal { service, principal: of, permission } => of_permission(f, service, of, *permission),
            Self::Account { service, account, permission } => of_permission(f, service, account.as_str(), *permission),
            Self::Policy { policy } => write!(f, "policy/{policy}"),
            Self::Group { group } => write!(f, "group/{group}"),
        }
    }
}

/// A difference between the policy and what the account holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// `KIND/SUBJECT`. It is the same in every run.
    pub id: String,
    /// The kind.
    pub kind: FindingKind,
    /// The heading of the kind.
    pub title: String,
    /// The severity.
    pub severity: Severity,
    /// The number of reminders that are due. A finding is published again when its level or its severity rises.
    #[serde(default)]
    pub level: u32,
    /// The subject.
    pub subject: FindingSubject,
    /// The account that the finding concerns, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// One or two sentences: the state, and the reason why it is reported.
    pub what: String,
    /// The evidence, by name.
    pub evidence: BTreeMap<String, String>,
    /// The next steps.
    pub next: Vec<Step>,
}

/// A next step for the reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The step in words.
    pub what: String,
    /// The command for the step, if there is one. It holds only ids and ARNs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

impl Finding {
    pub(crate) fn new(kind: FindingKind, title: &str, severity: Severity, subject: FindingSubject, what: &str) -> Self {
        Self {
            id: format!("{kind}/{subject}"),
            kind,
            title: title.to_owned(),
            severity,
            level: 0,
            subject,
            account: None,
            what: clip(what),
            evidence: BTreeMap::new(),
            next: Vec::new(),
        }
    }

    /// Adds the service's tag `Name`, if it has one.
    pub(crate) fn with_service_name(self, service: &Service) -> Self {
        match service.tags.get("Name").filter(|name| !name.is_empty()) {
            Some(name) => self.with_evidence("service", name),
            None => self,
        }
    }

    pub(crate) fn with_account(mut self, account: Option<&AccountId>) -> Self {
        self.account = account.cloned();
        self
    }

    pub(crate) fn with_evidence(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.evidence.insert(name.to_owned(), clip(&value.to_string()));
        self
    }

    pub(crate) fn with_step(mut self, what: &str) -> Self {
        self.next.push(Step { what: what.to_owned(), command: None });
        self
    }

    pub(crate) fn with_command(mut self, what: &str, command: String) -> Self {
        self.next.push(Step { what: what.to_owned(), command: Some(command) });
        self
    }

    /// The finding in the report of a run that did not read what it depends on.
    #[must_use]
    pub fn not_covered(self) -> Self {
        self.with_evidence("not checked", "open since an earlier run; this run could not check it")
    }

    /// Orders for readers: the highest severity first, then by id.
    #[must_use]
    pub fn reading_order(&self, other: &Self) -> Ordering {
        other.severity.cmp(&self.severity).then_with(|| self.id.cmp(&other.id))
    }
}

/// Policies and tags may hold long texts, and one transaction on the ledger holds many findings.
fn clip(text: &str) -> String {
    const CHARACTERS_MAX: usize = 600;
    match text.char_indices().nth(CHARACTERS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_lowercase_words_with_hyphens() {
        for good in ["unjustified", "expired-grant", "pending-too-long"] {
            assert!(is_kind(good), "{good}");
        }
        for bad in ["", "-", "expired-", "-grant", "expired--grant", "Expired", "a/b", "a b", &"a".repeat(65)] {
            assert!(FindingKind::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
