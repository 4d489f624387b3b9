//! `policies/cases.json`: what must follow from the policy set, decision and determining policies alike.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, path::Path};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use warden::{
    connection::{Connection, Service, ServiceKind, State},
    decision::{Decision, decide},
    facts::{Counts, Facts},
    ids::{AccountId, EndpointId, Region},
    policy::folder,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    case: String,
    account: AccountId,
    endpoint: Option<EndpointId>,
    #[serde(default)]
    service: ServiceOf,
    connections: Option<Counts>,
    now: Option<Timestamp>,
    decision: String,
    policies: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceOf {
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

fn facts(case: &Case) -> Facts {
    let region: Region = "us-east-1".parse().unwrap();
    let id: warden::ids::ServiceId = "vpce-svc-03d5ebb7d9579a2b3".parse().unwrap();
    let now = case.now.unwrap_or_else(|| "2026-06-01T12:00:00Z".parse().unwrap());
    Facts {
        service: Service {
            id: id.clone(),
            region: region.clone(),
            kind: ServiceKind::Interface,
            acceptance_required: true,
            tags: case.service.tags.clone(),
        },
        connection: Connection {
            service: id,
            endpoint: case.endpoint.clone().unwrap_or_else(|| "vpce-0c1308d7312217abc".parse().unwrap()),
            owner: Some(case.account.clone()),
            state: State::PendingAcceptance,
            created: Some(now - SignedDuration::from_secs(5)),
            region: Some(region),
            ip_address_type: Some("ipv4".to_owned()),
        },
        counts: case.connections.unwrap_or_default(),
        claim: None,
        now,
    }
}

#[test]
fn the_policy_set_answers_its_cases() {
    let folder_of = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../policies"));
    let policy = folder::load(folder_of).unwrap_or_else(|errors| panic!("{errors}"));
    let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(folder_of.join("cases.json")).unwrap()).unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let ruling = decide(&policy, &facts(&case), &[]);
        let judgement = ruling.basis.judgement.as_ref().unwrap();
        let (word, answer) = match ruling.decision {
            Decision::Accept(_) => ("accept", &judgement.accept),
            Decision::Reject(_) => ("reject", &judgement.reject),
            Decision::Refer(_) => ("refer", &judgement.accept),
            Decision::Leave(_) => ("leave", &judgement.accept),
        };
        let ids: Vec<&str> = answer.rules.iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!((word, ids), (case.decision.as_str(), case.policies.iter().map(String::as_str).collect()), "{}", case.case);
    }
}
