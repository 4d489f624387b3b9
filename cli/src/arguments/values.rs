//! Parsers of argument values.

use std::time::Duration;

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use warden::{
    decision::{
        grant::GrantId,
        order::{Reason, ReasonError},
    },
    model::{
        ids::{AccountId, IdError},
        subject::Subject,
    },
};

#[derive(Debug, Clone)]
pub(super) enum Revoked {
    Endpoint(Subject),
    Grant(GrantId),
}

#[derive(Debug, Clone)]
pub(crate) enum HistorySubject {
    Endpoint(Subject),
    Account(AccountId),
}

pub(super) fn subject(text: &str) -> Result<HistorySubject, String> {
    let endpoint = text.parse().map(HistorySubject::Endpoint);
    let subject = endpoint.or_else(|_| text.parse().map(HistorySubject::Account));
    subject
        .map_err(|_| "expected the id of an endpoint (vpce-…), of an attachment (tgw-attach-…) or of an account (twelve digits)".to_owned())
}

/// The id after `--account`. Without an id, the option takes what follows it.
pub(super) fn account(text: &str) -> Result<AccountId, String> {
    if text.parse::<Subject>().is_ok() {
        return Err("an endpoint or attachment is no account: write it before `--account`".to_owned());
    }
    text.parse().map_err(|error: IdError| error.to_string())
}

pub(super) fn revoked(text: &str) -> Result<Revoked, String> {
    if let Ok(account) = text.parse::<AccountId>() {
        return Err(format!("this is an account: give --account {account} --service vpce-svc-…"));
    }
    let endpoint = text.parse().map(Revoked::Endpoint);
    let revoked = endpoint.or_else(|_| text.parse().map(Revoked::Grant));
    revoked.map_err(|_| {
        "expected the id of an endpoint (vpce-…) or attachment (tgw-attach-…), or a grant's id as `warden grants` shows it".to_owned()
    })
}

pub(super) fn reason(text: &str) -> Result<Reason, ReasonError> {
    text.to_owned().try_into()
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=86_400).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "expected a number of seconds from 1 to 86400".to_owned())
}

/// A time in the past, or how long ago it was.
pub(super) fn past(text: &str) -> Result<Timestamp, String> {
    let time = time(text, |now, span| now - span)?;
    if time <= Timestamp::now() { Ok(time) } else { Err("this time is in the future".to_owned()) }
}

/// A time in the future, or how long until then.
pub(super) fn future(text: &str) -> Result<Timestamp, String> {
    let time = time(text, |now, span| now + span)?;
    if time > Timestamp::now() { Ok(time) } else { Err("this time is in the past".to_owned()) }
}

fn time(text: &str, from_now: fn(Timestamp, SignedDuration) -> Timestamp) -> Result<Timestamp, String> {
    let expected = || {
        "expected a time such as 2026-06-01T00:00:00Z, a day such as 2026-06-01, or a number of days (30d), hours (12h) or minutes (10m)"
            .to_owned()
    };
    let unit = [('d', 24 * 60), ('h', 60), ('m', 1)].into_iter().find_map(|(unit, minutes)| Some((text.strip_suffix(unit)?, minutes)));
    let Some((number, minutes)) = unit else { return text.parse().ok().or_else(|| midnight(text)).ok_or_else(expected) };
    let minutes = number.parse::<i64>().ok().and_then(|number| number.checked_mul(minutes));
    let minutes = minutes.filter(|minutes| (0..=60 * 24 * 36_500).contains(minutes)).ok_or_else(expected)?;
    Ok(from_now(Timestamp::now(), SignedDuration::from_mins(minutes)))
}

/// The start of a day in UTC, as in policies.
fn midnight(day: &str) -> Option<Timestamp> {
    let day: Date = day.parse().ok()?;
    TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_days_hours_and_minutes() {
        for (text, minutes) in [("2m", 2), ("3h", 180), ("1d", 1440)] {
            let then = past(text).unwrap();
            let ago = Timestamp::now().duration_since(then);
            assert_eq!(ago.as_mins(), minutes, "{text}");
        }
        for text in ["2", "2w", "2min", "-1m", "m"] {
            assert!(past(text).is_err_and(|error| error.ends_with("or minutes (10m)")), "{text}");
        }
    }
}
