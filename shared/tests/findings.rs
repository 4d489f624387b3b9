//! Cases that the world of the journeys does not come to by itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use jiff::{SignedDuration, Timestamp};
use warden::{
    audit::{
        findings::{LedgerContext, inspect},
        thresholds::Thresholds,
    },
    ledger::{
        finding::{Finding, FindingKind},
        history::EndpointHistory,
        record::Verdict,
    },
    model::{
        connection::{Connection, State},
        facts::Counts,
        mode::Mode,
        service::{Service, ServiceConfiguration, ServiceKind, SupportedRegion},
    },
    policy::{PolicyFile, PolicySet},
};

/// What is found of a connection from a region in this state, to a service of this `Name`.
fn found(state: Option<&str>, name: Option<&str>) -> Vec<Finding> {
    let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    let text = "@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);";
    let policy = PolicySet::load(&[PolicyFile { name: "p.cedar".to_owned(), text: text.to_owned() }], None).unwrap();
    let terms = Thresholds {
        mode: Mode::Active,
        topics: Vec::new(),
        region: "us-east-1".parse().unwrap(),
        overdue_after: SignedDuration::from_mins(15),
        waiting_after: SignedDuration::from_hours(24),
        expiring_within: SignedDuration::from_hours(24 * 14),
        unused_after: SignedDuration::from_hours(24 * 90),
        retention: SignedDuration::from_hours(24 * 400),
    };
    let service = Service {
        id: "vpce-svc-0123456789abcdef0".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        kind: ServiceKind::Interface,
        acceptance_required: true,
        tags: name.map(|name| ("Name".to_owned(), name.to_owned())).into_iter().collect(),
    };
    let region = |name: &str, state: &str| SupportedRegion { region: name.parse().unwrap(), state: state.to_owned() };
    let regions = state.map(|state| vec![region("us-east-1", "Available"), region("eu-west-1", state)]).unwrap_or_default();
    let connection = Connection {
        service: service.id.clone(),
        endpoint: "vpce-0123456789abcdef0".parse().unwrap(),
        owner: Some("111122223333".parse().unwrap()),
        state: State::Available,
        created: Some(now - SignedDuration::from_hours(1)),
        region: Some("eu-west-1".parse().unwrap()),
        ip_address_type: None,
    };
    let marks = EndpointHistory { verdicts: vec![Verdict::Accepted], ..EndpointHistory::default() };
    let offer = ServiceConfiguration { service, regions };
    let known = LedgerContext {
        marks: &marks,
        grants: &[],
        doubt: false,
        policy_since: now,
        membership: &warden::model::organization::Membership::NotAsked,
    };
    inspect(&terms, &policy, &offer, &connection, Counts::default(), known, now).findings
}

fn closed_regions(state: Option<&str>) -> Vec<FindingKind> {
    found(state, None).iter().map(|finding| finding.kind).collect()
}

#[test]
fn a_service_is_shown_by_the_name_that_people_gave_it() {
    let shown = |name| found(Some("Closed"), name)[0].evidence.get("service").cloned();
    assert_eq!(shown(Some("redis")).as_deref(), Some("redis"));
    assert_eq!((shown(Some("")), shown(None)), (None, None));
}

#[test]
fn a_region_is_closed_when_ec2_says_so_and_not_when_it_says_nothing() {
    assert_eq!(closed_regions(Some("Closed")), [FindingKind::ClosedRegion]);
    assert_eq!(closed_regions(Some("closed")), [FindingKind::ClosedRegion]);
    for open in [Some("Available"), Some("Pending"), None] {
        assert_eq!(closed_regions(open), [], "{open:?}");
    }
}
