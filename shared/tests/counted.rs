//! The counts of requests that are not told one by one. A sender chooses how many accounts there are, and when.

use jiff::{SignedDuration, Timestamp, civil::Date};
use warden::{
    decision::Grounds,
    ledger::{
        counted::{ACCOUNTS_MAX, COUNTED_ACCOUNTS_MAX, CountedRequests, DAYS_MAX, LINES_MAX, TOLD_PER_DAY_MAX, ToldDays, Untold},
        record::{Record, RecordFactory},
        service_state::{ServiceState, day},
    },
    model::{
        ids::ServiceId,
        origin::{Origin, OriginKind},
    },
    policy::{PolicyId, evaluation::Refer},
};

use crate::fixtures::{PERMIT_ALL, facts, now, policy_set};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The record of a request that waits for a person.
fn record() -> Record {
    let factory = RecordFactory { retention: DAY, function_version: "test/1".to_owned() };
    let origin = Origin { kind: OriginKind::Sweep, id: String::new() };
    factory.record(facts(), Grounds::default(), Refer::NoPermit.into(), &policy_set(PERMIT_ALL), origin)
}

fn of_account(record: &Record, number: usize) -> Record {
    let mut record = record.clone();
    record.facts.connection.owner = Some(format!("{number:012}").parse().unwrap());
    record
}

/// The state after so many records about each of so many accounts, and the number of those that are told one by one.
fn after(state: ServiceState, accounts: usize, each: u32, now: Timestamp) -> (ServiceState, usize) {
    let record = record();
    (0..accounts).fold((state, 0), |(state, told), account| {
        let records = (0..each).map(|_| of_account(&record, account)).collect();
        let (state, records) = state.counting(records, now);
        (state, told + records.iter().filter(|record| !record.counted).count())
    })
}

fn service() -> ServiceId {
    "vpce-svc-0123456789abcdef0".parse().unwrap()
}

fn untold(state: &ServiceState, told: Option<Date>, now: Timestamp) -> Option<Untold> {
    state.counted.untold(&service(), told, day(now))
}

#[test]
fn many_accounts_do_not_fill_the_item() {
    let (mut state, mut told) = (ServiceState::default(), 0);
    for days in 0..20 {
        let now = now() + DAY * days;
        let (next, more) = after(state, 2_000, TOLD_PER_DAY_MAX + 1, now);
        (state, told) = (next, told + more);
    }
    let bytes = serde_json::to_string(&state).unwrap().len();
    assert!(bytes < 64 * 1024, "{bytes}");
    assert_eq!(told, 20 * TOLD_PER_DAY_MAX as usize * (ACCOUNTS_MAX + 1), "accounts beyond the limit share one count");
    let digest = untold(&state, None, now() + DAY * 20).unwrap().requests;
    assert_eq!(digest.lines.len(), LINES_MAX);
    let a_day = u64::from(2_000 * (TOLD_PER_DAY_MAX + 1)) - u64::from(TOLD_PER_DAY_MAX) * (ACCOUNTS_MAX as u64 + 1);
    let kept = u64::try_from(DAYS_MAX).unwrap() + 1;
    assert_eq!(digest.requests, a_day * kept, "no count is lost but those of older days");
    assert_eq!(digest.lines.iter().map(|line| line.requests()).sum::<u64>() + digest.unlisted, digest.requests);
    assert_eq!(state.counted.days.values().map(|day| day.accounts.len()).max(), Some(COUNTED_ACCOUNTS_MAX));
}

#[test]
fn only_complete_and_untold_days_are_told() {
    let (state, _) = after(ServiceState::default(), 1, 13, now());
    let (state, _) = after(state, 1, 12, now() + DAY);
    let (first, second) = (day(now()), day(now() + DAY));
    assert_eq!(untold(&state, None, now()), None);
    assert_eq!(untold(&state, None, now() + DAY).unwrap().requests.requests, 3);
    assert_eq!(untold(&state, Some(first), now() + DAY), None);
    let later = untold(&state, Some(first), now() + DAY * 2).unwrap();
    assert_eq!((later.through, later.requests.requests), (second, 2));
    let told = ToldDays::default().after([&later], second);
    assert_eq!((told.version, told.services[&service()]), (1, second));
    assert_eq!(told.after([], day(now() + DAY * 30)).services.len(), 0, "a day whose counts are gone");
}

#[test]
fn counts_of_services_are_one_digest() {
    let (state, _) = after(ServiceState::default(), 40, 12, now());
    let one = untold(&state, None, now() + DAY).unwrap().requests;
    let all = CountedRequests::of([one.clone(), one.clone()]);
    assert_eq!((all.lines.len(), all.requests), (LINES_MAX, 2 * one.requests));
    assert_eq!(all.lines.iter().map(|line| line.requests()).sum::<u64>() + all.unlisted, all.requests);
}

#[test]
fn use_of_many_policies_fits_the_item() {
    let mut state = ServiceState::default();
    for number in 0..2_000 {
        let day = day(now() + DAY * (number / 100));
        state.usage.policies.insert(PolicyId::from(format!("generated-policy-{number:04}").as_str()), day);
    }
    let (state, _) = state.counting(Vec::new(), now() + DAY * 20);
    assert!(serde_json::to_string(&state).unwrap().len() < 40 * 1024);
    assert!(state.usage.policies.contains_key(&PolicyId::from("generated-policy-1999")), "the latest use is kept");
    assert!(!state.usage.policies.contains_key(&PolicyId::from("generated-policy-0000")));
}
