//! `policies/cases.json`: what must follow from the policy set, decision and determining policies alike.

use std::path::Path;

use warden::{
    decision::cases::{Case, run},
    policy::folder,
};

#[test]
fn the_policy_set_answers_its_cases() {
    let folder_of = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../policies"));
    let policy = folder::load(folder_of).unwrap_or_else(|errors| panic!("{errors}"));
    let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(folder_of.join("cases.json")).unwrap()).unwrap();
    assert!(!cases.is_empty());
    let wrong: Vec<_> = cases.iter().map(|case| run(&policy, case)).filter(|result| result.problem.is_some()).collect();
    assert_eq!(wrong, []);
}

#[test]
fn a_case_that_is_not_as_it_says_is_named() {
    let policy = folder::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../policies"))).unwrap_or_else(|errors| panic!("{errors}"));
    let case = |text: &str| run(&policy, &serde_json::from_str(text).unwrap()).problem;
    let stranger = r#"{"case": "a stranger", "account": "444455556666", "decision": "DECISION", "policies": POLICIES}"#;
    assert_eq!(case(&stranger.replace("DECISION", "refer").replace("POLICIES", "[]")), None);
    assert!(case(&stranger.replace("DECISION", "accept").replace("POLICIES", "[]")).unwrap().contains("expected accept"));
    assert!(case(&stranger.replace("DECISION", "refer").replace("POLICIES", "[\"other\"]")).unwrap().contains("other"));
    assert!(serde_json::from_str::<Case>(&stranger.replace("case\"", "cas\"")).is_err());
}
