//! The checks that the scenarios do not reach, and the documents that derive from the list of findings.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use warden::{
    audit::{
        connection_view::ConnectionView,
        definition::Definition,
        findings::{FINDINGS, of_connection},
        justification::LedgerContext,
        thresholds::Thresholds,
    },
    ledger::{finding::Finding, history::SubjectHistory},
    model::{
        connection::{Connection, State},
        facts::{Counts, Facts},
        mode::Mode,
        service::{Service, ServiceConfiguration, ServiceKind, SupportedRegion},
    },
    policy::{PolicyFile, PolicySet},
};

/// The findings about a connection from another Region. The service has this `Name` and lists the Region in this state.
fn found(state: Option<&str>, name: Option<&str>) -> Vec<Finding> {
    let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    let text = "@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);";
    let policy = PolicySet::load(&[PolicyFile { name: "p.cedar".to_owned(), text: text.to_owned() }], None).unwrap();
    let thresholds = Thresholds {
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
        subject: "vpce-0123456789abcdef0".parse().unwrap(),
        owner: Some("111122223333".parse().unwrap()),
        state: State::Available,
        created: Some(now - SignedDuration::from_hours(1)),
        region: Some("eu-west-1".parse().unwrap()),
        ip_address_type: None,
        connected_in_part: false,
    };
    let history = SubjectHistory { accepted: Some(now), ..SubjectHistory::default() };
    let facts = Facts::described(service.clone(), connection, Counts::default(), now);
    let configuration = ServiceConfiguration { service, regions };
    let ledger = LedgerContext {
        history: Some(&history),
        grants: &[],
        incomplete: false,
        hold: None,
        hold_unknown: false,
        policy_since: now,
        allowed_since: None,
    };
    of_connection(&ConnectionView::new(&thresholds, &policy, &configuration, &facts, ledger))
}

fn kinds(state: Option<&str>) -> Vec<String> {
    found(state, None).iter().map(|finding| finding.kind.to_string()).collect()
}

#[test]
fn findings_show_the_name_tag() {
    let shown = |name| found(Some("Closed"), name)[0].evidence.get("service").cloned();
    assert_eq!(shown(Some("redis")).as_deref(), Some("redis"));
    assert_eq!((shown(Some("")), shown(None)), (None, None));
}

#[test]
fn only_a_stated_closed_region_is_reported() {
    assert_eq!(kinds(Some("Closed")), ["closed-region"]);
    assert_eq!(kinds(Some("closed")), ["closed-region"]);
    for open in [Some("Available"), Some("Pending"), None] {
        assert_eq!(kinds(open), [""; 0], "{open:?}");
    }
}

#[test]
fn kinds_are_unique() {
    let mut kinds: Vec<&str> = FINDINGS.iter().map(|definition| definition.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), FINDINGS.len());
}

#[test]
fn the_page_lists_the_findings() {
    let row = |definition: &&Definition| {
        let Definition { kind, description, severity, other_severity, .. } = definition;
        let other = other_severity.map(|(severity, condition)| format!("; {severity} {condition}")).unwrap_or_default();
        format!("| `{kind}` | {description} | {severity}{other} |")
    };
    let rows: Vec<String> = FINDINGS.iter().map(row).collect();
    assert_derived("audit.md", "| finding | reports | severity |\n|---|---|---|\n", "\n\n", &rows.join("\n"));
}

#[test]
fn the_schema_lists_the_kinds() {
    let kinds: Vec<String> = FINDINGS.iter().map(|definition| format!("        \"{}\"", definition.kind)).collect();
    assert_derived("report.schema.json", "\"kind\": {\n      \"enum\": [\n", "\n      ]", &kinds.join(",\n"));
}

/// Holds the part of a document between two texts against what the list generates, or rewrites it.
fn assert_derived(name: &str, before: &str, after: &str, generated: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(before).unwrap();
    let (part, tail) = rest.split_once(after).unwrap();
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, format!("{head}{before}{generated}{after}{tail}")).unwrap();
    } else {
        assert_eq!(part, generated, "docs/{name} differs from the list of findings: run this test with INSTA_UPDATE=always");
    }
}
