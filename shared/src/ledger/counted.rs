//! Requests that their owner is told of as a number, and not one by one.
//!
//! One account can send tens of thousands of requests a day. `approve` counts the records about each account on the state of the
//! service. From the eleventh of a day on, a record is not told by itself. The audit tells the number of each complete day once.
//!
//! The number of accounts is not in the owner's hands either, so every list has a limit: beyond it, accounts share one count.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    ledger::verdict::Verdict,
    model::ids::{AccountId, ServiceId},
};

/// Records about one account on one service that are told by themselves each day. The audit tells the number of the others.
pub const TOLD_PER_DAY_MAX: u32 = 10;
/// Accounts that have a count of their own on one day.
pub const ACCOUNTS_MAX: usize = 500;
/// Accounts of one day whose untold records are kept by account.
pub const COUNTED_ACCOUNTS_MAX: usize = 50;
/// Days for which counts are kept. An audit that fails for longer does not tell the older ones.
pub const DAYS_MAX: i32 = 8;
/// Lines of one digest.
pub const LINES_MAX: usize = 25;

/// The numbers of records, by verdict.
pub type Verdicts = BTreeMap<Verdict, u32>;

/// The records of the last days about one service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The records of the current day, told by themselves or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub today: Option<Today>,
    /// The records that were not told by themselves, by day in UTC.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub days: BTreeMap<Date, CountedDay>,
}

/// The records of one day about each account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Today {
    /// The day, in UTC.
    pub day: Date,
    /// The first [`ACCOUNTS_MAX`] accounts.
    pub accounts: BTreeMap<AccountId, u32>,
    /// All other accounts together.
    #[serde(default)]
    pub others: u32,
}

/// The records of one day that were not told by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedDay {
    /// The first [`COUNTED_ACCOUNTS_MAX`] accounts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accounts: BTreeMap<AccountId, Verdicts>,
    /// All other accounts together.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: Verdicts,
}

impl Counted {
    /// Returns true if there is no count.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.today.is_none() && self.days.is_empty()
    }

    /// Counts a record about an account. Returns true if the record is one of many.
    pub(super) fn count(&mut self, account: &AccountId, day: Date) -> bool {
        let today = self.today.take().filter(|today| today.day == day);
        let mut today = today.unwrap_or_else(|| Today { day, accounts: BTreeMap::new(), others: 0 });
        let count = count_of(&mut today.accounts, &mut today.others, account, ACCOUNTS_MAX);
        *count = count.saturating_add(1);
        let is_many = *count > TOLD_PER_DAY_MAX;
        self.today = Some(today);
        is_many
    }

    /// Notes a record that is not told by itself.
    pub(super) fn note(&mut self, account: &AccountId, verdict: Verdict, day: Date) {
        let oldest = first_kept(day);
        self.days.retain(|day, _| *day >= oldest);
        let CountedDay { accounts, others } = self.days.entry(day).or_default();
        let verdicts = count_of(accounts, others, account, COUNTED_ACCOUNTS_MAX);
        let count = verdicts.entry(verdict).or_default();
        *count = count.saturating_add(1);
    }

    /// What an audit on a day tells about a service: the complete days after the last day that was told.
    #[must_use]
    pub fn untold(&self, service: &ServiceId, told: Option<Date>, today: Date) -> Option<Untold> {
        let days = self.days.iter().filter(|(day, _)| **day < today && told.is_none_or(|told| told < **day));
        let mut lines: BTreeMap<Option<&AccountId>, CountedLine> = BTreeMap::new();
        let mut through = None;
        for (day, counted) in days {
            through = Some(*day);
            let accounts = counted.accounts.iter().map(|(account, verdicts)| (Some(account), verdicts));
            for (account, verdicts) in accounts.chain([(None, &counted.others)]).filter(|(_, verdicts)| !verdicts.is_empty()) {
                let new = || CountedLine { service: service.clone(), account: account.cloned(), since: *day, verdicts: Verdicts::new() };
                lines.entry(account).or_insert_with(new).add(verdicts);
            }
        }
        let mut requests = CountedRequests::default();
        lines.into_values().for_each(|line| requests.push(line));
        Some(Untold { service: service.clone(), told, through: through?, requests: requests.limited() })
    }
}

/// The count of an account: its own, or the common one if so many accounts have their own.
fn count_of<'a, C: Default>(accounts: &'a mut BTreeMap<AccountId, C>, others: &'a mut C, account: &AccountId, max: usize) -> &'a mut C {
    if accounts.len() < max || accounts.contains_key(account) { accounts.entry(account.clone()).or_default() } else { others }
}

/// The first day whose counts are kept on a day.
#[must_use]
pub fn first_kept(day: Date) -> Date {
    day.saturating_sub(DAYS_MAX.days())
}

/// The counts of one service that no digest has told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untold {
    /// The service.
    pub service: ServiceId,
    /// The last day that was told before.
    pub told: Option<Date>,
    /// The last day that the counts include.
    pub through: Date,
    /// The counts.
    pub requests: CountedRequests,
}

/// The counts that one digest tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedRequests {
    /// The largest counts, at most [`LINES_MAX`].
    pub lines: Vec<CountedLine>,
    /// The requests of all lines, including those that are left out.
    pub requests: u64,
    /// The requests of the lines that are left out.
    pub unlisted: u64,
}

/// The requests of one account on one service that were not told by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedLine {
    /// The service.
    pub service: ServiceId,
    /// The account. `None`: several accounts beyond the limit of those that are counted one by one.
    pub account: Option<AccountId>,
    /// The first day, in UTC.
    pub since: Date,
    /// The numbers, by verdict.
    pub verdicts: Verdicts,
}

impl CountedLine {
    /// The number of requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.verdicts.values().map(|count| u64::from(*count)).sum()
    }

    fn add(&mut self, verdicts: &Verdicts) {
        for (verdict, count) in verdicts {
            let sum = self.verdicts.entry(*verdict).or_default();
            *sum = sum.saturating_add(*count);
        }
    }
}

impl CountedRequests {
    /// The counts of several services in one.
    #[must_use]
    pub fn of(all: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = Self::default();
        for one in all {
            sum.requests += one.unlisted;
            sum.unlisted += one.unlisted;
            one.lines.into_iter().for_each(|line| sum.push(line));
        }
        sum.limited()
    }

    fn push(&mut self, line: CountedLine) {
        self.requests += line.requests();
        self.lines.push(line);
    }

    /// Keeps the largest counts.
    fn limited(mut self) -> Self {
        self.lines.sort_by_key(|line| Reverse(line.requests()));
        let rest = self.lines.split_off(self.lines.len().min(LINES_MAX));
        self.unlisted += rest.iter().map(CountedLine::requests).sum::<u64>();
        self
    }
}

/// The last day of each service whose counts a digest told. The audit writes it in the transaction of the digest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToldDays {
    /// Raised by each write.
    pub version: u64,
    /// The last day of each service.
    pub services: BTreeMap<ServiceId, Date>,
}

impl ToldDays {
    /// The days after these counts were told too. Days whose counts are gone are dropped.
    #[must_use]
    pub fn after<'a>(&self, told: impl IntoIterator<Item = &'a Untold>, today: Date) -> Self {
        let oldest = first_kept(today);
        let mut services = self.services.clone();
        services.extend(told.into_iter().map(|untold| (untold.service.clone(), untold.through)));
        services.retain(|_, through| *through >= oldest);
        Self { version: self.version + 1, services }
    }
}
