//! `policies/cases.json`: the decision and the determining policies that must follow from the policy set.

use std::path::Path;

use warden::{
    decision::cases::{Case, run},
    policy::{PolicySet, folder},
};

const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies");

fn sample() -> PolicySet {
    folder::load(Path::new(POLICIES)).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn sample_policies_answer_their_cases() {
    let text = std::fs::read_to_string(Path::new(POLICIES).join("cases.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    assert!(!cases.is_empty());
    let policy = sample();
    let wrong: Vec<_> = cases.iter().map(|case| run(&policy, case)).filter(|result| result.problem.is_some()).collect();
    assert_eq!(wrong, []);
}

#[test]
fn wrong_case_is_explained() {
    let policy = sample();
    let problem = |case: &str| run(&policy, &serde_json::from_str(case).unwrap()).problem;
    let case = |decision: &str, policies: &str| {
        format!(r#"{{"case": "a stranger", "account": "444455556666", "decision": "{decision}", "policies": [{policies}]}}"#)
    };
    assert_eq!(problem(&case("refer", "")), None);
    assert!(problem(&case("accept", "")).unwrap().contains("expected accept"));
    assert!(problem(&case("refer", "\"other\"")).unwrap().contains("other"));
    assert!(serde_json::from_str::<Case>(&case("refer", "").replace("case\"", "cas\"")).is_err());
}
