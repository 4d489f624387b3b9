//! A person's order → the changes of the ledger's decisions. Pure: the command line and the runbook call it alike.

use std::{fmt, slice};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    decision::{
        grant::{Ending, Grant, Grantee, SCHEMA_VERSION},
        people::{Hold, PersonDecisions, Refusal},
    },
    model::{
        ids::{Region, ServiceId},
        subject::Subject,
    },
};

/// Characters of a reason. It goes into records and messages.
pub const REASON_CHARACTERS_MAX: usize = 500;

/// Why a person decides: 1 to 500 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

/// A reason that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReasonError {
    /// Nothing but white space.
    #[error("the reason is empty: say why")]
    Empty,
    /// More than [`REASON_CHARACTERS_MAX`].
    #[error("the reason has {0} characters, at most {REASON_CHARACTERS_MAX} are kept: make it shorter")]
    TooLong(usize),
    /// A line break, an escape sequence, a tab…
    #[error("the reason has the control character {character:?} at position {position}: remove it")]
    Control {
        /// The character.
        character: char,
        /// Its position, counted from 1.
        position: usize,
    },
}

/// An order of a named person about one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The service.
    pub service: ServiceId,
    /// The command.
    pub command: Command,
    /// The person, as AWS names them.
    pub by: String,
    /// The reason.
    pub reason: Reason,
    /// When.
    pub at: Timestamp,
}

/// What a person orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Accept a subject, or every subject of an account, until an optional end.
    Approve {
        /// The grantee.
        to: Grantee,
        /// The end.
        until: Option<Timestamp>,
        /// The pending requests of an account that the person was shown. The approval overrules an earlier refusal of them.
        shown: Vec<Subject>,
    },
    /// Reject a pending request.
    Reject {
        /// The subject.
        subject: Subject,
    },
    /// End grants, and disconnect what was accepted.
    Revoke {
        /// The grantees.
        from: Vec<Grantee>,
        /// The established connections to end. They were shown to the person.
        disconnect: Vec<Subject>,
        /// The pending requests to reject. A refusal of them ends no connection that is established meanwhile.
        reject: Vec<Subject>,
    },
    /// Stop every act on the service.
    Pause,
    /// End the hold.
    Resume,
}

/// Returns the command line for an order about one subject: `verb` is `approve`, `reject` or `revoke`. Messages and findings advise
/// it and not a call to EC2, which names no person on the ledger. The reader replaces the word `REASON`.
#[must_use]
pub fn command_line(verb: &str, subject: &Subject, region: &Region) -> String {
    format!("warden {verb} {subject} --region {region} --reason 'REASON'")
}

/// Returns the command line that describes the connection of a subject.
#[must_use]
pub fn describe_command(subject: &Subject, region: &Region) -> String {
    format!("aws ec2 describe-vpc-endpoint-connections --region {region} --filters Name={},Values={subject}", subject.filter_name())
}

/// One change of the decisions about a service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "an order makes a few of these")]
pub enum Change {
    /// Put this grant in the place of the grantee's former one.
    Grant {
        /// The grant, given or ended.
        grant: Grant,
        /// The grantee's former grant.
        former: Option<Grant>,
    },
    /// Keep this refusal.
    Refuse {
        /// The subject.
        subject: Subject,
        /// The refusal.
        refusal: Refusal,
    },
    /// Hold the service.
    Hold(Hold),
    /// End the hold.
    Resume(Hold),
}

/// What an order leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// Write these changes.
    Changes(Vec<Change>),
    /// The same grant holds already, and no later refusal overrules it.
    AlreadyGranted(Grant),
    /// Nothing that the order could end.
    NothingToEnd,
}

/// An order that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The end of a grant has passed.
    #[error("the end {0} is in the past")]
    EndInThePast(Timestamp),
    /// A decision on the ledger cannot be read, and it may be the one that the order changes.
    #[error("a decision on the ledger cannot be read: {0}. Upgrade, or look at the item")]
    Unreadable(String),
}

impl Order {
    /// Plans the changes, from what people decided before.
    ///
    /// # Errors
    /// When the order makes no sense, or a decision on the ledger cannot be read.
    pub fn plan(&self, before: &PersonDecisions) -> Result<Planned, OrderError> {
        // A hold depends on no other decision: it must not wait for an upgrade.
        let is_hold = matches!(self.command, Command::Pause | Command::Resume);
        if let Some(key) = before.unreadable.first().filter(|_| !is_hold) {
            return Err(OrderError::Unreadable(key.clone()));
        }
        Ok(match &self.command {
            Command::Approve { to, until, shown } => {
                if let Some(until) = until.filter(|until| *until <= self.at) {
                    return Err(OrderError::EndInThePast(until));
                }
                self.approve(to, *until, shown, before)
            }
            Command::Reject { subject } => Planned::Changes(self.refuse(subject, before, false)),
            Command::Revoke { from, disconnect, reject } => self.revoke(from, disconnect, reject, before),
            Command::Pause if before.hold.is_some() => Planned::NothingToEnd,
            Command::Pause => Planned::Changes(vec![Change::Hold(self.hold())]),
            Command::Resume if before.hold.is_none() => Planned::NothingToEnd,
            Command::Resume => Planned::Changes(vec![Change::Resume(self.hold())]),
        })
    }

    fn approve(&self, to: &Grantee, until: Option<Timestamp>, shown: &[Subject], before: &PersonDecisions) -> Planned {
        let former = before.grants.iter().find(|grant| grant.to == *to);
        let named = match to {
            Grantee::Subject(subject) => slice::from_ref(subject),
            Grantee::Account(_) => shown,
        };
        let overruled = |grant: &Grant| named.iter().filter_map(|one| before.refusals.get(one)).any(|refusal| refusal.at >= grant.at);
        if let Some(same) = former.filter(|former| former.holds(self.at) && former.until == until && !overruled(former)) {
            return Planned::AlreadyGranted(same.clone());
        }
        let grant = Grant {
            schema: SCHEMA_VERSION,
            service: self.service.clone(),
            to: to.clone(),
            by: self.by.clone(),
            reason: self.reason.to_string(),
            at: self.at,
            until,
            ended: None,
        };
        Planned::Changes(vec![Change::Grant { grant, former: former.cloned() }])
    }

    /// A refusal of a subject also ends the grant for it: the latest decision of a person wins.
    fn refuse(&self, subject: &Subject, before: &PersonDecisions, disconnects: bool) -> Vec<Change> {
        let refusal = Refusal { by: self.by.clone(), reason: self.reason.to_string(), at: self.at, disconnects };
        let mut changes = self.end(&[Grantee::Subject(subject.clone())], before);
        changes.push(Change::Refuse { subject: subject.clone(), refusal });
        changes
    }

    fn revoke(&self, from: &[Grantee], disconnect: &[Subject], reject: &[Subject], before: &PersonDecisions) -> Planned {
        let mut changes = self.end(from, before);
        let subjects = disconnect.iter().map(|subject| (subject, true)).chain(reject.iter().map(|subject| (subject, false)));
        for (subject, disconnects) in subjects {
            let more = self.refuse(subject, before, disconnects);
            changes.extend(more.into_iter().filter(|change| !matches!(change, Change::Grant { grant, .. } if from.contains(&grant.to))));
        }
        if changes.is_empty() { Planned::NothingToEnd } else { Planned::Changes(changes) }
    }

    fn end(&self, grantees: &[Grantee], before: &PersonDecisions) -> Vec<Change> {
        let ended = |grant: &&Grant| grantees.contains(&grant.to) && grant.holds(self.at);
        let ending = || Some(Ending { by: self.by.clone(), reason: self.reason.to_string(), at: self.at });
        let change = |grant: &Grant| Change::Grant { grant: Grant { ended: ending(), ..grant.clone() }, former: Some(grant.clone()) };
        before.grants.iter().filter(ended).map(change).collect()
    }

    fn hold(&self) -> Hold {
        Hold { by: self.by.clone(), reason: self.reason.to_string(), at: self.at }
    }
}

impl TryFrom<String> for Reason {
    type Error = ReasonError;

    fn try_from(text: String) -> Result<Self, ReasonError> {
        let count = text.chars().count();
        let control = text.chars().enumerate().find(|(_, character)| character.is_control());
        match control {
            _ if text.trim().is_empty() => Err(ReasonError::Empty),
            Some((place, character)) => Err(ReasonError::Control { character, position: place + 1 }),
            None if count > REASON_CHARACTERS_MAX => Err(ReasonError::TooLong(count)),
            None => Ok(Self(text)),
        }
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
