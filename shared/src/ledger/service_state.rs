//! The state of one endpoint service on the ledger. It serializes the acts on the service.
//!
//! A worker reads the state before anything else, and every write of a worker names the sequence number that it read: of two
//! workers, one loses and reads again. Before a worker acts in EC2 it writes an [`Intent`]. While an intent is open no
//! other worker acts. An intent that outlives its worker is finished by the next one, from what EC2 describes.
//!
//! Remaining race: a call that EC2 carries out more than [`INTENT_AGE_MAX`] after its intent was written. The call itself
//! ends after ten seconds.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    ledger::{
        counted::Counted,
        record::{Act, Record},
    },
    model::{connection::Connection, ids::AccountId, subject::Subject},
    policy::{GroupName, PolicyId},
};

/// The version of the state's shape. A reader refuses what is newer than itself.
pub const SCHEMA_VERSION: u32 = 1;

/// An older intent belongs to a worker that no longer exists: a function runs for 30 s at most, and clocks differ.
pub const INTENT_AGE_MAX: SignedDuration = SignedDuration::from_secs(60);
/// How long an own act counts for more than what EC2 describes. Descriptions are eventually consistent.
pub const RECENT_ACT_AGE_MAX: SignedDuration = SignedDuration::from_mins(5);
/// The seconds between two acts on a service. EC2 refills one accept a second for the whole account and Region.
pub const ACT_INTERVAL_SECONDS: u32 = 5;
/// The longest interval that throttling leads to.
pub const ACT_INTERVAL_SECONDS_MAX: u32 = 60;
/// Subjects of one act. AWS documents no limit for the call. DynamoDB takes 100 actions in the transaction that confirms it.
pub const CHUNK_MAX: usize = 48;
/// A state with its intent. DynamoDB takes items of 400 KB.
const STATE_BYTES_MAX: usize = 300 * 1024;
/// What a state remembers of the use of policies and groups, as JSON. Beyond it, what was used longest ago is forgotten.
const USAGE_BYTES_MAX: usize = 32 * 1024;

/// The versions of a service's items, as one read saw them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Version {
    /// Raised by each write of a worker.
    pub sequence: u64,
    /// Raised by each decision of a person.
    pub decisions: u64,
}

/// The state of one endpoint service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceState {
    /// [`SCHEMA_VERSION`] at the time of writing.
    pub schema: u32,
    /// The act that a worker has begun and not confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// The warden's own acts of the last minutes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<RecentAct>,
    /// When and how much may be done next.
    #[serde(default)]
    pub pace: Pace,
    /// The records of the last days, as far as the owner is told of them as a number.
    #[serde(default, skip_serializing_if = "Counted::is_empty")]
    pub counted: Counted,
    /// When each policy and group last took part in a decision.
    #[serde(default)]
    pub usage: Usage,
}

/// When each policy and group of a set last took part in a decision about a service: days, in UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Policies.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<PolicyId, Date>,
    /// Groups of accounts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<GroupName, Date>,
}

/// An act that is about to be carried out, with the records that it leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The act.
    pub act: Act,
    /// The records to write once the act is done, one for each subject.
    pub records: Vec<Record>,
    /// When the intent was written.
    pub at: Timestamp,
}

/// An act of the warden on one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentAct {
    /// The subject.
    pub subject: Subject,
    /// The subject's account, which caps count by.
    pub account: Option<AccountId>,
    /// The act.
    pub act: Act,
    /// When it was confirmed.
    pub at: Timestamp,
}

/// When and how much may be done next on a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// No act before this.
    pub not_before: Option<Timestamp>,
    /// The interval that follows the next act, in seconds.
    pub interval_seconds: u32,
    /// Subjects in the next act. Halved when EC2 refuses a whole call, to find the id that it refuses.
    pub chunk: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { not_before: None, interval_seconds: ACT_INTERVAL_SECONDS, chunk: CHUNK_MAX }
    }
}

impl Default for ServiceState {
    fn default() -> Self {
        let (counted, usage) = (Counted::default(), Usage::default());
        Self { schema: SCHEMA_VERSION, intent: None, recent: Vec::new(), pace: Pace::default(), counted, usage }
    }
}

impl Pace {
    /// The pace after an act that EC2 carried out.
    #[must_use]
    pub fn after_act(&self, now: Timestamp) -> Self {
        let chunk = (self.chunk * 2).min(CHUNK_MAX);
        Self { not_before: later(now, ACT_INTERVAL_SECONDS), interval_seconds: ACT_INTERVAL_SECONDS, chunk }
    }

    /// The pace after a call that EC2 throttled.
    #[must_use]
    pub fn after_throttling(&self, now: Timestamp) -> Self {
        let interval_seconds = (self.interval_seconds * 2).min(ACT_INTERVAL_SECONDS_MAX);
        Self { not_before: later(now, interval_seconds), interval_seconds, chunk: self.chunk }
    }

    /// The pace after a call of several subjects that EC2 refused as a whole.
    #[must_use]
    pub fn after_refusal(&self, now: Timestamp, subjects: usize) -> Self {
        Self { not_before: later(now, ACT_INTERVAL_SECONDS), chunk: (subjects / 2).max(1), ..self.clone() }
    }
}

fn later(now: Timestamp, seconds: u32) -> Option<Timestamp> {
    now.checked_add(SignedDuration::from_secs(seconds.into())).ok()
}

impl Intent {
    /// Returns true if the worker that wrote the intent can no longer be at work.
    #[must_use]
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) >= INTENT_AGE_MAX
    }
}

impl ServiceState {
    /// The own act on a subject that counts for more than what EC2 describes.
    #[must_use]
    pub fn recent_act(&self, subject: &Subject, now: Timestamp) -> Option<Act> {
        let recent = |act: &&RecentAct| act.subject == *subject && now.duration_since(act.at) < RECENT_ACT_AGE_MAX;
        self.recent.iter().rev().find(recent).map(|act| act.act)
    }

    /// The bytes of records that an intent may add. The acts of a long burst alone can take all of them: then an act is for one
    /// subject, which slows the burst until old acts no longer count.
    #[must_use]
    pub fn room_for_records(&self) -> usize {
        STATE_BYTES_MAX.saturating_sub(serde_json::to_string(self).map_or(STATE_BYTES_MAX, |json| json.len()))
    }

    /// Adds acts, and drops those that are too old to count.
    #[must_use]
    pub fn with_acts(mut self, act: Act, connections: impl IntoIterator<Item = Connection>, now: Timestamp) -> Self {
        self.recent.retain(|act| now.duration_since(act.at) < RECENT_ACT_AGE_MAX);
        let acts = connections.into_iter().map(|one| RecentAct { subject: one.subject, account: one.owner, act, at: now });
        self.recent.extend(acts);
        self
    }

    /// Counts records. From the eleventh of an account on, a record is not told by itself.
    #[must_use]
    pub fn counting(mut self, records: Vec<Record>, now: Timestamp) -> (Self, Vec<Record>) {
        let today = day(now);
        self.usage.policies.extend(records.iter().flat_map(Record::policies).map(|id| (id, today)));
        self.usage.limit();
        let counted = |record: Record| {
            // An account that EC2 does not state cannot be counted.
            let is_many = record.account().is_some_and(|account| self.counted.count(account, today)) && record.may_be_counted();
            if let Some(account) = record.account().filter(|_| is_many) {
                self.counted.note(account, record.verdict, today);
            }
            Record { counted: is_many, ..record }
        };
        let records = records.into_iter().map(counted).collect();
        (self, records)
    }

    /// Notes that groups took part in a decision.
    pub fn use_groups<'a>(&mut self, groups: impl IntoIterator<Item = &'a GroupName>, now: Timestamp) {
        self.usage.groups.extend(groups.into_iter().map(|group| (group.clone(), day(now))));
        self.usage.limit();
    }

    /// Reads a state back.
    ///
    /// # Errors
    /// When it is none, or one of a newer schema.
    pub fn from_json(text: &str) -> Result<Self, StateError> {
        #[derive(Deserialize)]
        struct Schema {
            schema: u32,
        }
        let Schema { schema } = serde_json::from_str(text)?;
        if schema > SCHEMA_VERSION {
            return Err(StateError::Newer(schema));
        }
        Ok(serde_json::from_str(text)?)
    }
}

/// The day of a time, in UTC.
#[must_use]
pub fn day(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

impl Usage {
    /// Forgets what was used longest ago until the rest is small enough for the item.
    fn limit(&mut self) {
        let size = |usage: &Self| serde_json::to_string(usage).map_or(0, |text| text.len());
        while size(self) > USAGE_BYTES_MAX {
            let Some(oldest) = self.policies.values().chain(self.groups.values()).min().copied() else { return };
            let policies = self.policies.len();
            self.policies.extract_if(.., |_, day| *day == oldest).take(1).for_each(drop);
            if self.policies.len() == policies {
                self.groups.extract_if(.., |_, day| *day == oldest).take(1).for_each(drop);
            }
        }
    }
}

/// A state that cannot be read. The service is not answered until a version that can read it runs.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Not of the documented shape.
    #[error("not the state of a service")]
    Malformed(#[from] serde_json::Error),
    /// Written by a newer version.
    #[error("the state of the service has schema {0}, this version reads up to {SCHEMA_VERSION}: upgrade this function")]
    Newer(u32),
}
