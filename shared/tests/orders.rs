//! A person's order becomes changes of the decisions.

use jiff::SignedDuration;
use warden::{
    decision::{
        PersonDecisions, Refusal,
        grant::{Grant, GrantId, GrantIdError, Grantee},
        order::{Change, Command, Order, OrderError, Planned, Reason, ReasonError},
    },
    ledger::decision_event::{DecisionEvent, DecisionKind},
    model::subject::Subject,
};

use crate::fixtures::{connection, now, service};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn order(command: Command) -> Order {
    let reason = Reason::try_from("ticket 42".to_owned()).unwrap();
    Order { service: service().id, command, by: "kim".to_owned(), reason, at: now() }
}

fn subject() -> Subject {
    connection().subject
}

fn approve(until: Option<SignedDuration>) -> Order {
    order(Command::Approve { to: Grantee::Subject(subject()), until: until.map(|until| now() + until), shown: Vec::new() })
}

fn changes(order: &Order, before: &PersonDecisions) -> Vec<Change> {
    let Planned::Changes(changes) = order.plan(before).unwrap() else { panic!("nothing changes") };
    changes
}

fn granted(until: Option<SignedDuration>) -> PersonDecisions {
    let mut changes = changes(&approve(until), &PersonDecisions::default());
    let Some(Change::Grant { grant, .. }) = changes.pop() else { panic!("{changes:?}") };
    PersonDecisions { grants: vec![grant], ..PersonDecisions::default() }
}

fn kinds(changes: &[Change]) -> Vec<DecisionKind> {
    changes.iter().map(|change| DecisionEvent::of(Some(&service().id), change).kind).collect()
}

#[test]
fn second_approval_changes_the_end() {
    let before = granted(Some(DAY * 30));
    assert_eq!(approve(Some(DAY * 30)).plan(&before).unwrap(), Planned::AlreadyGranted(before.grants[0].clone()));
    let changes = changes(&approve(Some(DAY)), &before);
    let event = DecisionEvent::of(Some(&service().id), &changes[0]);
    assert_eq!((event.kind, event.until_before, event.until), (DecisionKind::Changed, Some(now() + DAY * 30), Some(now() + DAY)));
}

#[test]
fn rejection_ends_the_grant() {
    let changes = changes(&order(Command::Reject { subject: subject() }), &granted(None));
    assert_eq!(kinds(&changes), [DecisionKind::Ended, DecisionKind::Refused]);
    let Change::Grant { grant, .. } = &changes[0] else { panic!("{changes:?}") };
    assert!(!grant.holds(now()));
}

#[test]
fn later_grant_overrules_the_refusal() {
    let refused =
        |before: SignedDuration| Refusal { by: "kim".to_owned(), reason: "no".to_owned(), at: now() - before, disconnects: false };
    let mut people = granted(None);
    people.refusals.insert(subject(), refused(DAY));
    assert_eq!(people.refusal(&connection(), now()), None);
    people.refusals.insert(subject(), refused(SignedDuration::ZERO));
    assert!(people.refusal(&connection(), now()).is_some());
}

#[test]
fn revocation_ends_grants_and_disconnects() {
    let from = vec![Grantee::Subject(subject())];
    let both = order(Command::Revoke { from: from.clone(), disconnect: vec![subject()], reject: Vec::new() });
    assert_eq!(kinds(&changes(&both, &granted(None))), [DecisionKind::Ended, DecisionKind::Disconnected]);
    let grants = order(Command::Revoke { from, disconnect: Vec::new(), reject: Vec::new() });
    assert_eq!(kinds(&changes(&grants, &granted(None))), [DecisionKind::Ended]);
    assert_eq!(grants.plan(&PersonDecisions::default()).unwrap(), Planned::NothingToEnd);
}

#[test]
fn revocation_of_pending_request_never_disconnects() {
    let pending = order(Command::Revoke { from: vec![Grantee::Subject(subject())], disconnect: Vec::new(), reject: vec![subject()] });
    assert_eq!(kinds(&changes(&pending, &granted(None))), [DecisionKind::Ended, DecisionKind::Refused]);
}

#[test]
fn approval_overrules_the_refusal_that_was_shown() {
    let account = connection().owner.unwrap();
    let approve = |shown: Vec<Subject>| order(Command::Approve { to: Grantee::Account(account.clone()), until: None, shown });
    let given = changes(&approve(Vec::new()), &PersonDecisions::default());
    let [Change::Grant { grant, .. }] = given.as_slice() else { panic!("{given:?}") };
    let grant = Grant { at: now() - DAY, ..grant.clone() };
    let refusal = Refusal { by: "ana".to_owned(), reason: "no".to_owned(), at: now() - DAY / 2, disconnects: false };
    let before = PersonDecisions { grants: vec![grant.clone()], refusals: [(subject(), refusal)].into(), ..PersonDecisions::default() };
    assert_eq!(approve(Vec::new()).plan(&before).unwrap(), Planned::AlreadyGranted(grant));
    let renewed = changes(&approve(vec![subject()]), &before);
    assert!(matches!(renewed.as_slice(), [Change::Grant { grant, .. }] if grant.at == now()), "{renewed:?}");
}

#[test]
fn id_of_grant_is_service_and_grantee() {
    let grant = &granted(None).grants[0];
    assert_eq!(grant.id().to_string().parse(), Ok(grant.id()));
    let account = format!("{}/111122223333", service().id);
    assert_eq!(account.parse::<GrantId>().unwrap().to, Grantee::Account("111122223333".parse().unwrap()));
    for bad in ["", "/", "111122223333", "vpce-0123456789abcdef0/111122223333", "vpce-svc-0123456789abcdef0/"] {
        assert_eq!(bad.parse::<GrantId>(), Err(GrantIdError), "{bad}");
    }
}

#[test]
fn impossible_orders_are_refused() {
    assert!(matches!(approve(Some(-DAY)).plan(&PersonDecisions::default()), Err(OrderError::EndInThePast(_))));
    let unreadable = PersonDecisions { unreadable: vec!["decisions/x grant/y".to_owned()], ..PersonDecisions::default() };
    assert!(matches!(approve(None).plan(&unreadable), Err(OrderError::Unreadable(_))));
    assert!(matches!(order(Command::Pause).plan(&unreadable), Ok(Planned::Changes(_))), "a hold needs no other decision");
    assert_eq!(order(Command::Resume).plan(&PersonDecisions::default()).unwrap(), Planned::NothingToEnd);
}

#[test]
fn reason_is_short_and_printable() {
    let reason = |text: &str| Reason::try_from(text.to_owned());
    assert!(reason("ticket 42").is_ok() && reason(&"é".repeat(500)).is_ok());
    assert_eq!(reason(" \u{a0} "), Err(ReasonError::Empty));
    assert_eq!(reason(&"x".repeat(501)), Err(ReasonError::TooLong(501)));
    assert_eq!(reason("a\u{1b}[31m"), Err(ReasonError::Control { character: '\u{1b}', position: 2 }));
}

#[test]
fn grant_of_version_one_is_read() {
    let text = r#"{"schema":1,"service":"vpce-svc-0123456789abcdef0","to":{"endpoint":"vpce-0123456789abcdef0"},"by":"kim","reason":"r","at":"2026-06-01T12:00:00Z","until":null}"#;
    let grant: Grant = serde_json::from_str(text).unwrap();
    assert_eq!((grant.to, grant.ended), (Grantee::Subject(subject()), None));
}
