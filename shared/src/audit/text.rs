//! Times, durations and lists as findings and reports write them.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::decision::Hold;

/// A time to the minute.
#[must_use]
pub fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A date.
#[must_use]
pub fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// The person behind a hold, its begin and its reason.
#[must_use]
pub fn held(hold: &Hold) -> String {
    format!("by {} since {}: {}", hold.by, minute(hold.at), hold.reason)
}

pub(super) fn duration(age: SignedDuration) -> String {
    match age.as_secs() {
        seconds @ 172_800.. => counted(seconds / 86_400, "day"),
        seconds @ 7_200.. => counted(seconds / 3_600, "hour"),
        seconds => counted(seconds / 60, "minute"),
    }
}

pub(super) fn counted(count: i64, unit: &str) -> String {
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// The items with commas between, or `none`.
pub(super) fn list<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
